/* Requests as bytes: in pieces, malformed, too large, too many, and from clients that do not read. Whatever one client
 * does, the next one is served. */
#include "e2e/raw.h"
#include "e2e/server.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/rng.h"

enum { KB = 1024, MB = 1024 * KB };

static struct raw connect_to(void **state)
{
    struct raw r;
    raw_connect(&r, ((struct srv *)*state)->port);
    return r;
}

/* After each test. */
static int still_serves(void **state)
{
    struct raw r = connect_to(state);
    raw_check(&r, "PING", "+PONG");
    raw_close(&r);
    return 0;
}

/* --- pieces ----------------------------------------------------------------------------------------- */

static const struct talk_step pipeline[] = {
    {"SET key \"a value\\r\\nof two lines\"", "+OK"},
    {"GET key", "\"a value\\r\\nof two lines\""},
    {"SET \"\" \"\"", "+OK"},
    {"NOSUCH", "-ERR unknown command*"},
    {"INCR n", ":*"},
};
enum { PIPELINE_LEN = sizeof(pipeline) / sizeof(pipeline[0]) };

/* The pipeline with an inline command at its end. */
static void format_pipeline(struct buf *out)
{
    buf_init(out);
    for (int i = 0; i < PIPELINE_LEN; i++)
        raw_format(pipeline[i].command, out);
    buf_append_cstr(out, "ECHO 'in line'\r\n");
}

static void check_pipeline(struct raw *r)
{
    for (int i = 0; i < PIPELINE_LEN; i++)
        raw_check_next(r, pipeline[i].reply);
    raw_check_next(r, "\"in line\"");
}

/* The server has seen what was sent before: it answers another connection that was asked later. */
static void let_it_arrive(void **state)
{
    talk_check(((struct srv *)*state)->c, "PING", "+PONG");
}

static void a_pipeline_may_come_in_two_pieces(void **state)
{
    struct raw r = connect_to(state);
    struct buf bytes;
    format_pipeline(&bytes);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        raw_send(&r, bytes.ptr, cut);
        let_it_arrive(state);
        raw_send(&r, bytes.ptr + cut, bytes.len - cut);
        check_pipeline(&r);
    }
    buf_deinit(&bytes);
    raw_close(&r);
}

static void a_pipeline_may_come_byte_by_byte(void **state)
{
    struct raw r = connect_to(state);
    struct buf bytes;
    format_pipeline(&bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        raw_send(&r, bytes.ptr + i, 1);
        let_it_arrive(state);
    }
    check_pipeline(&r);
    buf_deinit(&bytes);
    raw_close(&r);
}

static void a_long_pipeline_is_answered_in_order(void **state)
{
    enum { REQUESTS = 20000 };
    struct raw r = connect_to(state);
    struct buf bytes;
    buf_init(&bytes);
    for (int i = 0; i < REQUESTS; i++)
        raw_format("INCR n", &bytes);
    raw_send(&r, bytes.ptr, bytes.len);
    for (int i = 1; i <= REQUESTS; i++) {
        char expected[32];
        snprintf(expected, sizeof(expected), ":%d", i);
        raw_check_next(&r, expected);
    }
    buf_deinit(&bytes);
    raw_close(&r);
}

/* What one request of a read changes holds for the next one. */
static void requests_of_one_read_run_one_by_one(void **state)
{
    struct raw r = connect_to(state);
    raw_send_text(
        &r,
        "CONFIG SET proto-max-bulk-len 1mb\r\nSETRANGE k 1048576 x\r\nCONFIG SET proto-max-bulk-len "
        "512mb\r\nSELECT 1\r\nSET k v\r\nSWAPDB 0 1\r\nGET k\r\nSELECT 0\r\nGET k\r\n");
    static const char *const replies[] = {
        "+OK", "-ERR string exceeds*", "+OK", "+OK", "+OK", "+OK", "nil", "+OK", "\"v\""};
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        raw_check_next(&r, replies[i]);
    raw_close(&r);
}

static void what_came_before_the_end_is_answered(void **state)
{
    struct raw r = connect_to(state);
    raw_send_text(&r, "SET k v\r\nQUIT\r\nSET k after\r\n");
    raw_check_next(&r, "+OK");
    raw_check_next(&r, "+OK");
    raw_check_closed_silently(&r);
    raw_close(&r);
    talk_check(((struct srv *)*state)->c, "GET k", "\"v\"");
}

static void an_unfinished_request_does_nothing(void **state)
{
    struct raw r = connect_to(state);
    raw_send_text(&r, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nval");
    let_it_arrive(state);
    raw_close(&r);
    talk_check(((struct srv *)*state)->c, "EXISTS k", ":0");
}

/* --- inline commands -------------------------------------------------------------------------------- */

static void inline_commands_are_split_into_words(void **state)
{
    static const struct {
        const char *line, *reply;
    } cases[] = {
        {"PING\r\n", "+PONG"},
        {"PING\n", "+PONG"},
        {"  echo \t x  \r\n", "\"x\""},
        {"\r\n\r\n\nPING\r\n", "+PONG"}, /* empty lines are no requests */
        {"ECHO \"a b\"\r\n", "\"a b\""},
        {"ECHO 'a b'\r\n", "\"a b\""},
        {"ECHO \"\\x41\\n\\\"\\\\\"\r\n", "\"A\\n\\\"\\\\\""},
        {"ECHO 'it\\'s \\n'\r\n", "\"it's \\\\n\""},
        {"ECHO \"\"\r\n", "\"\""},
        {"ECHO a\"b\"\r\n", "\"ab\""},
    };
    struct raw r = connect_to(state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        raw_send_text(&r, cases[i].line);
        raw_check_next(&r, cases[i].reply);
    }
    raw_close(&r);
}

/* --- malformed requests ----------------------------------------------------------------------------- */

struct malformed {
    const char *bytes, *error;
};

static void check_malformed(void **state, const struct malformed *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct raw r = connect_to(state);
        /* A request in front of it is answered, one behind is not. */
        raw_send_text(&r, "PING\r\n");
        raw_send_text(&r, cases[i].bytes);
        raw_send_text(&r, "\r\nSET k v\r\n");
        raw_check_next(&r, "+PONG");
        raw_check_next(&r, cases[i].error);
        raw_check_closed_silently(&r);
        raw_close(&r);
    }
    talk_check(((struct srv *)*state)->c, "EXISTS k", ":0");
}

static void malformed_requests_end_the_connection(void **state)
{
    static const struct malformed cases[] = {
        {"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "-ERR Protocol error: expected '$', got 'f'"},
        {"*1\r\n:3\r\n", "-ERR Protocol error: expected '$', got ':'"},
        {"*1\r\n$-10\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*1\r\n$2000000000\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*1\r\n$99999999999999999999\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*1\r\n$abc\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*1\r\n$\r\n", "-ERR Protocol error: invalid bulk length"},
        {"*20000000000\r\n", "-ERR Protocol error: invalid multibulk length"},
        {"*abc\r\n", "-ERR Protocol error: invalid multibulk length"},
        {"*\r\n", "-ERR Protocol error: invalid multibulk length"},
        {"*1 \r\n", "-ERR Protocol error: invalid multibulk length"},
        {"SET k \"v\r\n", "-ERR Protocol error: unbalanced quotes in request"},
        {"SET k 'v\r\n", "-ERR Protocol error: unbalanced quotes in request"},
        {"SET k \"v\"v\r\n", "-ERR Protocol error: unbalanced quotes in request"},
    };
    check_malformed(state, cases, sizeof(cases) / sizeof(cases[0]));
}

/* What a browser sends for a web page with bad intentions: none of its lines may run as a command. */
static void http_is_hung_up_on(void **state)
{
    static const char *const requests[] = {
        "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "host: localhost\r\n",
    };
    struct srv *s = *state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct raw r = connect_to(state);
        raw_send_text(&r, requests[i]);
        raw_send_text(&r, "SET k v\r\n");
        raw_check_closed(&r);
        raw_close(&r);
    }
    talk_check(s->c, "EXISTS k", ":0");
    srv_expect_log(s, "Possible SECURITY ATTACK detected");
    char *log = srv_log(s); /* once a minute: a web page can ask for a thousand */
    char *first = strstr(log, "SECURITY ATTACK");
    assert_null(strstr(first + 1, "SECURITY ATTACK"));
    free(log);
}

/* The reason that a connection is closed for is no reply that a client could do without. */
static void whoever_wants_no_replies_is_told_too(void **state)
{
    static const char *const modes[] = {"CLIENT REPLY OFF\r\n", "CLIENT REPLY SKIP\r\n",
                                        "CLIENT REPLY OFF\r\nPING\r\n",
                                        "CLIENT REPLY SKIP\r\nPING\r\n"};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        for (int apart = 0; apart < 2; apart++) {
            struct raw r = connect_to(state);
            raw_send_text(&r, modes[i]);
            if (apart)
                usleep(20000);
            raw_send_text(&r, "*1\r\n:3\r\n");
            raw_check_next(&r, "-ERR Protocol error: expected '$', got ':'");
            raw_check_closed_silently(&r);
            raw_close(&r);
        }
}

static void counts_below_one_are_no_request(void **state)
{
    struct raw r = connect_to(state);
    raw_send_text(&r, "*0\r\n*-1\r\n*-10\r\nPING\r\n");
    raw_check_next(&r, "+PONG");
    raw_close(&r);
}

static void endless_lines_end_the_connection(void **state)
{
    static const struct malformed cases[] = {
        {"", "-ERR Protocol error: too big inline request"},
        {"*", "-ERR Protocol error: too big mbulk count string"},
        {"*1\r\n$", "-ERR Protocol error: too big bulk count string"},
    };
    enum { LINE_BYTES = 70 * KB };
    char *line = malloc(LINE_BYTES);
    assert_non_null(line);
    memset(line, '1', LINE_BYTES);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct raw r = connect_to(state);
        raw_send_text(&r, cases[i].bytes);
        raw_send(&r, line, LINE_BYTES);
        raw_check_next(&r, cases[i].error);
        raw_check_closed_silently(&r);
        raw_close(&r);
    }
    free(line);
}

/* --- sizes ------------------------------------------------------------------------------------------ */

/* "*count\r\n$3\r\nDEL\r\n" and count - 1 keys. */
static void format_del(int count, struct buf *out)
{
    buf_printf(out, "*%d\r\n$3\r\nDEL\r\n", count);
    for (int i = 1; i < count; i++)
        buf_append_cstr(out, "$1\r\nk\r\n");
}

static void a_request_may_have_millions_of_arguments(void **state)
{
    struct raw r = connect_to(state);
    struct buf bytes;
    buf_init(&bytes);
    raw_check(&r, "SET k v", "+OK");
    format_del(2 * MB + 1, &bytes);
    raw_send(&r, bytes.ptr, bytes.len);
    raw_check_next(&r, ":1");
    buf_deinit(&bytes);
    raw_close(&r);
}

static void a_request_of_more_than_an_int_is_refused(void **state)
{
    struct raw r = connect_to(state);
    raw_send_text(&r, "*2147483648\r\n$3\r\nDEL\r\n");
    raw_check_next(&r, "-ERR Protocol error: invalid multibulk length");
    raw_check_closed_silently(&r);
    raw_close(&r);
}

/* Memory is to follow what arrives, not what is claimed: 100 clients claim 500 MB each. */
static void a_claim_costs_nothing(void **state)
{
    enum { CLIENTS = 100, MB_MAX = 100 };
    struct srv *s = *state;
    struct raw clients[CLIENTS];
    long before_kb = srv_status_kb(s, "VmRSS");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(state);
        raw_send_text(&clients[i], i % 2 ? "*2\r\n$4\r\nECHO\r\n$500000000\r\n"
                                         : "*1000000\r\n$3\r\nDEL\r\n$1\r\n");
    }
    let_it_arrive(state);
    assert_true(srv_status_kb(s, "VmRSS") - before_kb < MB_MAX * 1024);
    for (int i = 0; i < CLIENTS; i++)
        raw_close(&clients[i]);
}

static void strings_end_at_proto_max_bulk_len(void **state)
{
    struct srv *s = *state;
    talk_check(s->c, "CONFIG SET proto-max-bulk-len 1mb", "+OK");
    struct raw r = connect_to(state);
    raw_send_text(&r, "*2\r\n$4\r\nECHO\r\n$1048577\r\n");
    raw_check_next(&r, "-ERR Protocol error: invalid bulk length");
    raw_check_closed_silently(&r);
    raw_close(&r);
    static const struct talk_step steps[] = {
        {"SETRANGE k 1048575 x", ":1048576"},
        {"APPEND k y", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
        {"SETRANGE k 1048576 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
        {"STRLEN k", ":1048576"},
        {"CONFIG SET proto-max-bulk-len 512mb", "+OK"},
        {"CONFIG SET proto-max-bulk-len 1000", "-ERR CONFIG SET failed*"},
    };
    talk_check_all(s->c, steps);
}

static void a_query_buffer_has_a_limit(void **state)
{
    struct srv *s = *state;
    enum { SENT_BYTES = 3 * MB };
    char *bytes = calloc(1, SENT_BYTES);
    assert_non_null(bytes);
    int64_t before = talk_info_int(s->c, "stats", "client_query_buffer_limit_disconnections");
    talk_check(s->c, "CONFIG SET client-query-buffer-limit 1mb", "+OK");
    struct raw r = connect_to(state);
    raw_send_text(&r, "*2\r\n$4\r\nECHO\r\n$50000000\r\n");
    raw_send(&r, bytes, SENT_BYTES);
    raw_check_closed_silently(&r);
    raw_close(&r);
    free(bytes);
    assert_int_equal(talk_info_int(s->c, "stats", "client_query_buffer_limit_disconnections"),
                     before + 1);
    srv_expect_log(s, "reached max query buffer length");
    talk_check(s->c, "CONFIG SET client-query-buffer-limit 1gb", "+OK");
}

/* --- clients that do not read ----------------------------------------------------------------------- */

enum { VALUE_BYTES = MB, ASKED = 30 };

/* Asks for more than sockets hold, reads nothing until the server must have acted, then expects the end before all
 * replies came. */
static void ask_and_do_not_read(void **state, const char *limit)
{
    struct srv *s = *state;
    char command[128];
    int64_t before = talk_info_int(s->c, "stats", "client_output_buffer_limit_disconnections");
    snprintf(command, sizeof(command), "CONFIG SET client-output-buffer-limit \"%s\"", limit);
    talk_check(s->c, command, "+OK");
    talk_check(s->c, "SETRANGE big 1048575 x", ":1048576");

    struct raw r = connect_to(state);
    for (int i = 0; i < ASKED; i++)
        raw_send_text(&r, "GET big\r\n");
    for (int ms = 0;
         talk_info_int(s->c, "stats", "client_output_buffer_limit_disconnections") == before;
         ms += 5) {
        assert_true(ms < SRV_PATIENCE_MS);
        srv_sleep_ms(5);
    }
    raw_check_closed(&r);
    raw_close(&r);
    assert_int_equal(talk_info_int(s->c, "stats", "client_output_buffer_limit_disconnections"),
                     before + 1);
    srv_expect_log(s, "overcoming of output buffer limits");
    talk_check(s->c, "CONFIG SET client-output-buffer-limit \"normal 0 0 0\"", "+OK");
}

static void replies_that_wait_have_a_hard_limit(void **state)
{
    ask_and_do_not_read(state, "normal 2mb 0 0");
}

static void replies_that_wait_have_a_soft_limit(void **state)
{
    ask_and_do_not_read(state, "normal 0 2mb 1");
}

static void without_a_limit_a_slow_reader_gets_everything(void **state)
{
    struct srv *s = *state;
    struct raw r = connect_to(state);
    talk_check(s->c, "SETRANGE big 1048575 x", ":1048576");
    for (int i = 0; i < ASKED; i++)
        raw_send_text(&r, "STRLEN big\r\nGET big\r\n");
    let_it_arrive(state);
    for (int i = 0; i < ASKED; i++) {
        raw_check_next(&r, ":1048576");
        raw_check_next(&r, "\"*x\"");
    }
    raw_close(&r);
}

/* --- servers with other options --------------------------------------------------------------------- */

static void clients_above_maxclients_are_turned_away(void **state)
{
    (void)state;
    enum { CLIENTS_MAX = 5 };
    struct srv *s = srv_start("--maxclients 5");
    struct raw r[CLIENTS_MAX]; /* one more than there is room for, beside s->c */
    for (int i = 0; i < CLIENTS_MAX - 1; i++) {
        raw_connect(&r[i], s->port);
        raw_check(&r[i], "PING", "+PONG");
    }
    raw_connect(&r[CLIENTS_MAX - 1], s->port);
    raw_check_next(&r[CLIENTS_MAX - 1], "-ERR max number of clients reached");
    raw_check_closed_silently(&r[CLIENTS_MAX - 1]);
    raw_close(&r[CLIENTS_MAX - 1]);
    assert_int_equal(talk_info_int(s->c, "stats", "rejected_connections"), 1);

    raw_close(&r[0]);
    talk_check_soon(s->c, "INFO clients", "*connected_clients:4*");
    raw_connect(&r[0], s->port);
    raw_check(&r[0], "PING", "+PONG");
    for (int i = 0; i < CLIENTS_MAX - 1; i++)
        raw_close(&r[i]);
    srv_stop(&s);
}

static void check_refused(const struct srv *s, const char *bytes, const char *error)
{
    struct raw r;
    raw_connect(&r, s->port);
    raw_send_text(&r, bytes);
    raw_check_next(&r, error);
    raw_check_closed_silently(&r);
    raw_close(&r);
}

static void strangers_have_little_room(void **state)
{
    (void)state;
    struct srv *s = srv_start("--requirepass secret");
    check_refused(s, "*11\r\n", "-ERR Protocol error: unauthenticated multibulk length");
    check_refused(s, "*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length");

    struct raw r;
    raw_connect(&r, s->port);
    static const struct talk_step steps[] = {
        {"GET k", "-NOAUTH Authentication required."},
        {"PING", "-NOAUTH Authentication required."},
        {"AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled."},
        {"AUTH default wrong", "-WRONGPASS invalid username-password pair or user is disabled."},
        {"AUTH a b c", "-ERR syntax error*"},
        {"AUTH secret", "+OK"},
        {"DEL 1 2 3 4 5 6 7 8 9 10 11", ":0"},
        {"SETRANGE k 16385 x", ":16386"},
        {"RESET", "+RESET"},
        {"PING", "-NOAUTH Authentication required."},
    };
    raw_check_all(&r, steps);
    /* The limits go with AUTH, also for what comes right behind it. */
    raw_send_text(&r, "AUTH secret\r\n*12\r\n$3\r\nDEL\r\n");
    raw_check_next(&r, "+OK");
    for (int i = 0; i < 11; i++)
        raw_send_text(&r, "$1\r\nk\r\n");
    raw_check_next(&r, ":1");
    raw_close(&r);
    srv_stop(&s);
}

/* Sends until the server closes, for at most `seconds`, and reads nothing. False: it stayed open. */
static bool talk_to_deaf(struct raw *r, const char *line, int seconds)
{
    struct buf lines;
    buf_init(&lines);
    for (int i = 0; i < 1000; i++)
        buf_append_cstr(&lines, line);
    int64_t until_ms = srv_now_ms() + seconds * 1000;
    bool closed = false;
    while (!closed && srv_now_ms() < until_ms) {
        ssize_t n = send(r->fd, lines.ptr, lines.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        closed = n < 0 && errno != EAGAIN;
        if (n < 0 && !closed)
            srv_sleep_ms(1);
    }
    buf_deinit(&lines);
    return closed;
}

/* Who has no password is owed no memory: neither for replies that he does not read nor for requests behind them. */
static void strangers_who_do_not_read_are_closed(void **state)
{
    (void)state;
    enum { STRANGERS = 4, KB_MAX = 16 * 1024 };
    static const char *const lines[] = {"A\r\n", "PING\r\n", "HELLO 3\r\n", "*1\r\n$4\r\nPING\r\n"};
    struct srv *s = srv_start("--requirepass secret");
    talk_check(s->c, "AUTH secret", "+OK");
    long before_kb = srv_status_kb(s, "VmHWM");
    for (int i = 0; i < STRANGERS; i++) {
        struct raw r;
        raw_connect(&r, s->port);
        assert_true(talk_to_deaf(&r, lines[i], 10));
        raw_close(&r);
    }
#ifndef __SANITIZE_ADDRESS__ /* which keeps freed memory */
    assert_true(srv_status_kb(s, "VmHWM") - before_kb < KB_MAX);
#else
    assert_true(before_kb > 0);
#endif
    assert_int_equal(talk_info_int(s->c, "stats", "client_output_buffer_limit_disconnections"),
                     STRANGERS);
    srv_expect_log(s, "before it authenticated");
    srv_stop(&s);
}

/* Many requests at once are no offence while their replies are read. */
static void strangers_who_read_are_answered(void **state)
{
    (void)state;
    enum { REQUESTS = 2000 };
    struct srv *s = srv_start("--requirepass secret");
    struct raw r;
    struct buf lines;
    raw_connect(&r, s->port);
    buf_init(&lines);
    for (int i = 0; i < REQUESTS; i++)
        buf_append_cstr(&lines, "GET k\r\n");
    buf_append_cstr(&lines, "AUTH secret\r\nPING\r\n");
    raw_send(&r, lines.ptr, lines.len);
    for (int i = 0; i < REQUESTS; i++)
        raw_check_next(&r, "-NOAUTH Authentication required.");
    raw_check_next(&r, "+OK");
    raw_check_next(&r, "+PONG");
    buf_deinit(&lines);
    raw_close(&r);
    srv_stop(&s);
}

/* --- noise ------------------------------------------------------------------------------------------ */

/* Bytes at random, or the pipeline with some of its bytes replaced, left out or doubled. */
static void make_noise(struct rng *rng, const struct buf *pipe, struct buf *out)
{
    static const char telling[] = "*$+-:\r\n\r\n\r\n0123456789\"' \\x\0\xff";
    bool mutate = rng_below(rng, 2);
    size_t len = mutate ? pipe->len : rng_below(rng, 2000);
    for (size_t i = 0; i < len; i++) {
        char c = mutate ? pipe->ptr[i] : (char)rng_next(rng);
        if (rng_below(rng, 30) == 0)
            c = telling[rng_below(rng, sizeof(telling))];
        if (!mutate || rng_below(rng, 60) != 0)
            buf_append_char(out, c);
        if (rng_below(rng, 60) == 0)
            buf_append_char(out, c);
    }
}

static void noise_harms_nobody(void **state)
{
    enum { CLIENTS = 400 };
    struct rng rng;
    struct buf pipe, noise;
    rng_seed(&rng, 1);
    format_pipeline(&pipe);
    buf_init(&noise);
    for (int i = 0; i < CLIENTS; i++) {
        struct raw r = connect_to(state);
        buf_clear(&noise);
        make_noise(&rng, &pipe, &noise);
        size_t cut = rng_below(&rng, noise.len + 1);
        raw_send(&r, noise.ptr, cut);
        if (i % 4 == 0)
            let_it_arrive(state);
        raw_send(&r, noise.ptr + cut, noise.len - cut);
        if (i % 2)
            shutdown(r.fd, SHUT_WR);
        if (i % 4 == 1)
            raw_check_closed(&r);
        raw_close(&r);
    }
    buf_deinit(&pipe);
    buf_deinit(&noise);
    let_it_arrive(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, srv_test_setup, still_serves)
    const struct CMUnitTest tests[] = {
        TEST(a_pipeline_may_come_in_two_pieces),
        TEST(a_pipeline_may_come_byte_by_byte),
        TEST(a_long_pipeline_is_answered_in_order),
        TEST(requests_of_one_read_run_one_by_one),
        TEST(what_came_before_the_end_is_answered),
        TEST(an_unfinished_request_does_nothing),
        TEST(inline_commands_are_split_into_words),
        TEST(malformed_requests_end_the_connection),
        TEST(whoever_wants_no_replies_is_told_too),
        TEST(http_is_hung_up_on),
        TEST(counts_below_one_are_no_request),
        TEST(endless_lines_end_the_connection),
        TEST(a_request_may_have_millions_of_arguments),
        TEST(a_request_of_more_than_an_int_is_refused),
        TEST(a_claim_costs_nothing),
        TEST(strings_end_at_proto_max_bulk_len),
        TEST(a_query_buffer_has_a_limit),
        TEST(replies_that_wait_have_a_hard_limit),
        TEST(replies_that_wait_have_a_soft_limit),
        TEST(without_a_limit_a_slow_reader_gets_everything),
        cmocka_unit_test(clients_above_maxclients_are_turned_away),
        cmocka_unit_test(strangers_have_little_room),
        cmocka_unit_test(strangers_who_do_not_read_are_closed),
        cmocka_unit_test(strangers_who_read_are_answered),
        TEST(noise_harms_nobody),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
