/* Sends one HTTP request again and again over connections that are kept, and reads the answers: a client that costs
 * little, so that the server's own cost can be told.
 *
 *   http_load PORT CONNECTIONS REQUESTS <request     each connection has one request under way
 *
 * Ends with status 1 when an answer is not 200, or has no length. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX (4 * 1024 * 1024)
#define READ_BYTES        (256 * 1024)
#define HEAD_BYTES_MAX    4096

struct connection {
    int fd;
    size_t sent;
    size_t head_bytes; /* of the answer's head, so far */
    long left;         /* of its body; -1: the head has not ended */
    char head[HEAD_BYTES_MAX];
};

static char request[REQUEST_BYTES_MAX];
static size_t request_bytes;

static void fail(const char *what)
{
    fprintf(stderr, "http_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void send_more(struct connection *c)
{
    while (c->sent < request_bytes) {
        ssize_t n = write(c->fd, request + c->sent, request_bytes - c->sent);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            fail("write");
        c->sent += (size_t)n;
    }
}

static void begin(struct connection *c)
{
    c->sent = c->head_bytes = 0;
    c->left = -1;
    send_more(c);
}

static void open_one(struct connection *c, int port, int epoll)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        fail("epoll_ctl");
}

/* Bytes of a head: returns how many were taken of them. */
static size_t take_head(struct connection *c, const char *p, size_t n)
{
    size_t had = c->head_bytes, room = HEAD_BYTES_MAX - 1 - had, take = n < room ? n : room;
    memcpy(c->head + had, p, take);
    c->head_bytes += take;
    c->head[c->head_bytes] = '\0';
    const char *end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return take;
    const char *length = strcasestr(c->head, "\r\nContent-Length: ");
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !length || length > end) {
        fprintf(stderr, "http_load: the answer is %.400s\n", c->head);
        exit(1);
    }
    c->left = atol(length + 18);
    return (size_t)(end - c->head) + 4 - had;
}

/* True: an answer has ended. */
static bool take(struct connection *c, const char *p, size_t n)
{
    while (n > 0 && c->left < 0) {
        size_t used = take_head(c, p, n);
        p += used;
        n -= used;
    }
    if (c->left >= 0)
        c->left -= (long)n;
    return c->left == 0;
}

int main(int argc, char **argv)
{
    static char bytes[READ_BYTES];
    if (argc != 4)
        return 2;
    int port = atoi(argv[1]), connections = atoi(argv[2]);
    long requests = atol(argv[3]), begun = 0, done = 0;
    request_bytes = fread(request, 1, sizeof(request), stdin);
    struct connection *all = calloc((size_t)connections, sizeof(*all));
    int epoll = epoll_create1(0);
    if (!all || epoll < 0)
        fail("start");
    for (int i = 0; i < connections; i++, begun++) {
        open_one(&all[i], port, epoll);
        begin(&all[i]);
    }
    while (done < requests) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, 10000);
        if (n <= 0)
            fail("waiting for answers");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            ssize_t got = read(c->fd, bytes, sizeof(bytes));
            if (got <= 0)
                fail("read");
            if (!take(c, bytes, (size_t)got))
                continue;
            done++;
            if (begun++ < requests)
                begin(c);
        }
    }
    free(all);
    return 0;
}
