#pragma once
/* Shared by the files of http/ alone. */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

#include "base/blob.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/outq.h"
#include "engine/engine.h"
#include "http/chunks.h"
#include "http/head.h"
#include "http/http.h"
#include "http/request.h"
#include "resp/reply.h"

#define HTTP_READ_BYTES     (64 * 1024) /* of one read */
#define HTTP_IN_BYTES_MIN   512         /* room for a read in a connection's own buffer */
#define HTTP_KEEP_BYTES_MAX 4096        /* of a buffer that an idle connection keeps */
#define HTTP_QUERY_MAX      64          /* parameters of a query */
/* From this length on, a body is read into a blob, where its route is HTTP_LARGE. */
#define HTTP_BODY_BLOB_MIN    (32 * 1024)
#define HTTP_BODY_AHEAD_BYTES (1024 * 1024) /* room for a body made before it comes */
/* Of a refused request's body, discarded to keep the connection. */
#define HTTP_DISCARD_BYTES_MAX    (64 * 1024)
#define HTTP_OUT_BYTES_MAX        (256 * 1024) /* of answers that the client has yet to take */
#define HTTP_PIECE_BYTES          (64 * 1024)  /* of a reply, read at once */
#define HTTP_COMMANDS_A_TURN      512
#define HTTP_QUEUE_BYTES_MAX      (1024 * 1024) /* of replies that have yet to become answers */
#define HTTP_SEND_VECTORS         32
#define HTTP_SEND_BYTES_MAX       (1024 * 1024) /* to one connection in a turn */
#define HTTP_LINGER_US            (2 * 1000000)
#define HTTP_BODY_BYTES_A_S       (16 * 1024) /* a body that comes more slowly is given up */
#define HTTP_STALL_US             (60 * INT64_C(1000000)) /* an answer of which nothing is taken */
#define HTTP_PING_US              (15 * INT64_C(1000000)) /* events: a sign of life */
#define HTTP_CRON_CONNECTIONS_MAX 1000

enum http_state {
    HTTP_HEAD_COMES,
    HTTP_BODY_COMES,
    HTTP_AT_WORK, /* from the handler's call to the answer's end */
    HTTP_LINGERS, /* answered and shut down; bytes are discarded, so that the client reads the answer */
};

enum http_list {
    HTTP_LIST_ALL,
    HTTP_LIST_SEND,
    HTTP_LIST_RESUME,
    HTTP_LIST_CLOSE,
    HTTP_LIST_COUNT
};
struct http_links {
    struct http_conn *prev, *next;
    bool in;
};

struct http_query_pair {
    struct slice name, value;
    bool has_value;
};

struct http_kept; /* a run of memory that lives as long as the request */

struct http_request {
    struct http_conn *conn;
    struct http *http;
    struct http_head head;
    struct http_match match;
    struct http_query_pair query[HTTP_QUERY_MAX];
    int query_count;
    bool authorized;             /* has the password, or there is none */
    bool deliberate, readable;   /* see guard.c */
    struct http_problem refused; /* status 0: not refused */
    const char *challenge;       /* of a 401 */

    /* The body, whole. */
    struct slice body;
    struct blob *blob;  /* owned: the body's bytes, where they came by a blob */
    struct buf spilled; /* the body's bytes, where they did not come with the head */
    uint64_t body_left;
    struct chunks chunks;

    /* The answer. */
    struct buf headers; /* added by the handler and the guard, with line breaks */
    struct buf out;
    int status;
    const char *type;
    bool begun; /* http_begin was called */
    bool sent_head;
    bool ended; /* all of it is in the connection's queue */
    bool chunked, events, has_length, close, tells_position;
    uint64_t length;

    /* Commands. */
    struct slice *argv; /* owned */
    size_t argc, arg_cap;
    struct http_commands {
        size_t first;
        int argc;
    } * commands; /* owned */
    int command_count, command_cap;
    struct engine_request *requests; /* owned: the commands in the engine's form */
    int ran, answered;
    bool running, no_memory;
    struct http_kept *kept;
    const struct http_reader *reader;
    void *arg;
    struct reply_parser replies;
    bool in_push;
    /* the end of the reply bytes in memory, which may lie behind the piece at hand */
    const char *there_until;
};

struct http_conn {
    struct event readable;
    struct event *writable; /* owned; NULL until the socket was full once */
    struct http *http;
    struct session *session;
    char *names; /* owned: the client's address, NUL, the server's, NUL; NULL: no memory */
    int fd;
    bool reading, waits_to_write, loopback;
    bool waits_to_go_on; /* until the client has taken more of its answers */
    enum http_state state;
    /* bytes read: the head at work, its body if that came with it, and requests sent ahead */
    struct buf in;
    /* of `in`: the head; the head and body of the request at work */
    size_t head_bytes, taken_bytes;
    struct http_head_scan scan;
    struct outq out;
    /* when the state's timeout began: with a head, a body, bytes of an answer that left, or idleness */
    int64_t since_us;
    uint64_t received; /* of the body */
    struct buf ahead;  /* bytes that came behind a body in chunks */
    struct http_links links[HTTP_LIST_COUNT];
    struct http_request *request; /* owned; NULL while nothing is asked */
};

struct http {
    struct http_options o;
    struct event *wake; /* active when something is left for the next turn */
    struct outq_pool pool;
    struct http_conn *lists[HTTP_LIST_COUNT];
    struct http_conn *cron_next;
    size_t clients;
    struct http_request *spare; /* a finished one, for reuse; NULL: none */
    int64_t date_s;             /* of `date` */
    char date[32];
    char read[HTTP_READ_BYTES];
};

/* --- http.c --- */
void http_list_add(struct http_conn *c, enum http_list list); /* again: no change */
void http_list_remove(struct http_conn *c, enum http_list list);

/* --- conn.c --- */
void http_conn_close(struct http_conn *c);
void http_conn_close_soon(struct http_conn *c);
void http_conn_resume(struct http_conn *c);
void http_conn_send(struct http_conn *c);
/* Call when the answer is whole: the next request may begin. */
void http_conn_answered(struct http_conn *c);
void http_conn_set_reading(struct http_conn *c, bool on);

/* --- conn_read.c --- */
void http_conn_on_readable(evutil_socket_t fd, short what, void *arg);
/* Parses bytes that were read: the head at hand, or a request sent ahead. */
void http_conn_go_on(struct http_conn *c);

/* --- guard.c --- */
/* Sets authorized, deliberate and readable; and refused, where the request may not run. */
void http_guard(struct http_request *r);
/* Adds the fields of CORS. */
void http_guard_headers(struct http_request *r);

/* --- request.c --- */
/* NULL: no memory. */
struct http_request *http_request_new(struct http_conn *c);
void http_request_free(struct http_request **r);
/* Call when the head is parsed: finds the route, decodes path and query, asks the guard. */
void http_request_begin(struct http_request *r);
/* Call when the body is whole, or will not be read: calls the handler, or answers with the refusal. */
void http_request_handle(struct http_request *r);

/* --- run.c --- */
/* Offers waiting commands to the engine. */
void http_run_more(struct http_request *r);
/* Reads replies that may leave, as far as there is room for the answer. */
void http_run_read(struct http_request *r);
