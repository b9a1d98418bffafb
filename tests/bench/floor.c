/* The floor: the least that a server of this protocol on libevent can do. It reads, finds where requests end and
 * how many words each has, and answers those of three words or more with OK and all others with a constant value of 16
 * bytes: no hash, no table, no allocation. What Corsac costs beyond it is Corsac's own.
 *   floor --port PORT        (other options are there for the servers it stands beside, and ignored)
 *
 * Only for requests that fit a read: good for small ones, as of redis-benchmark. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES  (64 * 1024)
#define PENDING_MAX 1024 /* of an unfinished request */
#define REQUEST_MIN 4    /* "*0" and the end of the line */

static const char value[] = "$16\r\nsixteen bytes...\r\n";
static const char ok[] = "+OK\r\n";

struct floor {
    struct event_base *base;
    char in[PENDING_MAX + READ_BYTES];
    char out[(PENDING_MAX + READ_BYTES) / REQUEST_MIN * sizeof(value)];
};

struct client {
    struct floor *floor;
    struct event *readable;
    size_t pending;
    char rest[PENDING_MAX];
};

/* The number behind the first byte of a line; NULL: the line is not complete. */
static const char *line(const char *p, const char *end, size_t *number)
{
    *number = 0;
    for (p++; p < end && *p != '\r'; p++)
        *number = *number * 10 + (size_t)(*p - '0');
    return p + 2 <= end ? p + 2 : NULL;
}

/* Past one request; NULL: it is not complete. */
static const char *request(const char *p, const char *end, size_t *words)
{
    size_t bytes;
    p = line(p, end, words);
    for (size_t i = 0; p && i < *words; i++) {
        p = p < end ? line(p, end, &bytes) : NULL;
        if (p)
            p = (size_t)(end - p) >= bytes + 2 ? p + bytes + 2 : NULL;
    }
    return p;
}

static void drop(struct client *c, evutil_socket_t fd)
{
    event_free(c->readable);
    close(fd);
    free(c);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct client *c = arg;
    struct floor *f = c->floor;
    memcpy(f->in, c->rest, c->pending);
    ssize_t got = read(fd, f->in + c->pending, READ_BYTES);
    if (got <= 0) {
        drop(c, fd);
        return;
    }
    const char *p = f->in, *end = f->in + c->pending + got, *next;
    char *out = f->out;
    size_t words;
    while (p < end && (next = request(p, end, &words))) {
        const char *reply = words >= 3 ? ok : value;
        size_t bytes = words >= 3 ? sizeof(ok) - 1 : sizeof(value) - 1;
        memcpy(out, reply, bytes);
        out += bytes;
        p = next;
    }
    c->pending = (size_t)(end - p);
    if (c->pending > PENDING_MAX ||
        (out > f->out && write(fd, f->out, (size_t)(out - f->out)) < 0)) {
        drop(c, fd);
        return;
    }
    memcpy(c->rest, p, c->pending);
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    int one = 1, client = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
    if (client < 0)
        return;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->floor = arg;
    c->readable = event_new(c->floor->base, client, EV_READ | EV_PERSIST, on_readable, c);
    event_add(c->readable, NULL);
}

static int listen_at(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 512) != 0) {
        fprintf(stderr, "port %d: %s\n", port, strerror(errno));
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    int port = 6379;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--port") == 0)
            port = atoi(argv[i + 1]);
    struct floor *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    signal(SIGPIPE, SIG_IGN);
    f->base = event_base_new();
    struct event *listener =
        event_new(f->base, listen_at(port), EV_READ | EV_PERSIST, on_connect, f);
    event_add(listener, NULL);
    return event_base_dispatch(f->base);
}
