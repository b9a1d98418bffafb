/* Latency at a fixed rate: an open loop, as of users who do not wait for each other.
 *   latency PORT RATE SECONDS CONNECTIONS KEYS SET_PERCENT
 *
 * Request i is due at start + i / RATE, on connection i % CONNECTIONS, whether or not earlier ones have been
 * answered, and its latency counts from when it was due. So a stall of the server meets all requests that fall due
 * meanwhile, as it would meet users; a closed loop would send none, and see one slow reply.
 *
 * The generator never waits, so only whoever takes its CPU away makes it late: not the server, however slow, but
 * users would not see it. Where it does not come round for more than ABSENT_US, what it sends and reads then says
 * nothing of the server, nor does what the server takes to answer the heap of requests that follows. So the
 * requests that were due or in flight meanwhile, and those up to when that heap is answered, are counted apart: "all"
 * are the latencies of all requests, the others those of requests that were measured undisturbed ("undisturbed": how
 * many). A stall of the server within such a time is not seen, so a run that was disturbed much is worth little.
 *
 * Prints "ready" when the connections stand and the first request is due, and at the end one line of JSON; latencies
 * are in microseconds. GET and SET of key:000000000000 and on, 16 bytes, values of 16 bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1000
#define IN_FLIGHT_MAX   (1 << 16) /* on a connection; a power of two */
#define OUT_BYTES       (1 << 20) /* not taken by a socket yet, of a connection */
#define IN_BYTES        (1 << 16)
#define REQUEST_BYTES   128
#define PATIENCE_NS     INT64_C(10000000000) /* for replies after the last request */
#define EVENTS          64
/* from one round of the loop to the next; sending and reading all that is ready takes less */
#define ABSENT_US 500

/* --- a histogram -------------------------------------------------------------------------------------- */

/* Each power of two is cut into SUB buckets: a value is known to 1 in 128. */
#define SUB_BITS 7
#define SUB      (1 << SUB_BITS)
#define POWERS   40
struct histogram {
    uint64_t count, buckets[POWERS * SUB];
    int64_t max_ns;
};

static unsigned bucket_of(uint64_t ns)
{
    if (ns < SUB)
        return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns) - SUB_BITS;
    unsigned bucket = (power + 1) * SUB + (unsigned)(ns >> power) % SUB;
    return bucket < POWERS * SUB ? bucket : POWERS * SUB - 1;
}

/* The highest value of a bucket. */
static double bucket_ns(unsigned bucket)
{
    if (bucket < SUB)
        return bucket;
    unsigned power = bucket / SUB - 1;
    return (double)(((uint64_t)(SUB + bucket % SUB + 1) << power) - 1);
}

static void record(struct histogram *h, int64_t ns)
{
    h->count++;
    h->buckets[bucket_of(ns > 0 ? (uint64_t)ns : 0)]++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

static double quantile_us(const struct histogram *h, double q)
{
    uint64_t seen = 0, want = (uint64_t)((double)h->count * q);
    for (unsigned i = 0; i < POWERS * SUB; i++) {
        seen += h->buckets[i];
        if (seen > want) {
            double ns = bucket_ns(i);
            return (ns < (double)h->max_ns ? ns : (double)h->max_ns) / 1000;
        }
    }
    return (double)h->max_ns / 1000;
}

/* --- connections -------------------------------------------------------------------------------------- */

struct conn {
    int fd;
    unsigned first, last; /* of `due`, modulo its size: in flight */
    int64_t *due_ns;      /* of the requests in flight, oldest first */
    char *out;            /* bytes that the socket did not take yet */
    size_t out_at, out_len;
    char in[IN_BYTES];
    size_t in_len; /* of an unfinished reply */
};

struct run {
    struct conn *conns;
    struct histogram all, latency; /* of all requests; of those that were measured undisturbed */
    struct histogram late;         /* by how much requests were sent late */
    unsigned connections, keys, set_percent;
    uint64_t random, sent, answered, errors;
    int64_t start_ns, worst_at_ns;
    int epoll;
    /* Requests due before this are disturbed. INT64_MAX: all are, until as many as `heap` are answered. */
    int64_t undisturbed_ns;
    uint64_t heap;
    int64_t round_ns;  /* when this round of the loop began */
    int64_t absent_ns; /* in all */
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "latency: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void connect_all(struct run *r, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    r->epoll = epoll_create1(0);
    r->conns = calloc(r->connections, sizeof(*r->conns));
    for (unsigned i = 0; i < r->connections; i++) {
        struct conn *c = &r->conns[i];
        c->due_ns = malloc(IN_FLIGHT_MAX * sizeof(*c->due_ns));
        c->out = malloc(OUT_BYTES);
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
            fail("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
            fail("epoll");
    }
}

static void send_out(struct conn *c)
{
    while (c->out_at < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return; /* tried again with the next request or reply */
        if (n < 0)
            fail("send");
        c->out_at += (size_t)n;
    }
    c->out_at = c->out_len = 0;
}

static uint64_t random_next(struct run *r)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return r->random;
}

static void send_request(struct run *r, struct conn *c, int64_t due_ns)
{
    if (c->last - c->first == IN_FLIGHT_MAX || c->out_len + REQUEST_BYTES > OUT_BYTES) {
        fprintf(stderr, "latency: the server answers too slowly for this rate\n");
        exit(1);
    }
    unsigned key = (unsigned)(random_next(r) % r->keys);
    bool set = random_next(r) % 100 < r->set_percent;
    const char *form = set ? "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012u\r\n$16\r\nsixteen bytes...\r\n"
                           : "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012u\r\n";
    c->out_len += (size_t)snprintf(c->out + c->out_len, REQUEST_BYTES, form, key);
    c->due_ns[c->last++ % IN_FLIGHT_MAX] = due_ns;
    r->sent++;
    send_out(c);
    record(&r->late, now_ns() - due_ns);
}

/* --- replies ------------------------------------------------------------------------------------------ */

/* Past one reply; NULL: it is not complete. */
static const char *skip_reply(const char *p, const char *end)
{
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    if (!eol || *p != '$')
        return eol ? eol + 1 : NULL;
    long bytes = strtol(p + 1, NULL, 10);
    if (bytes < 0)
        return eol + 1;
    return end - (eol + 1) >= bytes + 2 ? eol + 1 + bytes + 2 : NULL;
}

static void answered(struct run *r, struct conn *c, bool error, int64_t at_ns)
{
    if (c->first == c->last) {
        fprintf(stderr, "latency: a reply to nothing\n");
        exit(1);
    }
    int64_t due_ns = c->due_ns[c->first++ % IN_FLIGHT_MAX], ns = at_ns - due_ns;
    record(&r->all, ns);
    if (due_ns >= r->undisturbed_ns) {
        if (ns > r->latency.max_ns)
            r->worst_at_ns = due_ns - r->start_ns;
        record(&r->latency, ns);
    }
    r->answered++;
    r->errors += error;
}

static void read_replies(struct run *r, struct conn *c)
{
    ssize_t got = recv(c->fd, c->in + c->in_len, IN_BYTES - c->in_len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        fail("the server hung up");
    int64_t at_ns = now_ns();
    if (at_ns - r->round_ns > ABSENT_US * 1000) /* between the call and here, perhaps */
        r->undisturbed_ns = INT64_MAX;
    const char *p = c->in, *end = c->in + c->in_len + got, *next;
    while (p < end && (next = skip_reply(p, end))) {
        answered(r, c, *p == '-', at_ns);
        p = next;
    }
    c->in_len = (size_t)(end - p);
    memmove(c->in, p, c->in_len);
    send_out(c);
}

/* --- the loop ----------------------------------------------------------------------------------------- */

/* The loop came round again: was it away? `due`: requests that are due now. */
static void note_absence(struct run *r, int64_t now, uint64_t due)
{
    int64_t away_ns = now - r->round_ns;
    r->round_ns = now;
    if (away_ns > ABSENT_US * 1000) {
        r->absent_ns += away_ns;
        r->undisturbed_ns = INT64_MAX;
        r->heap = due;
    } else if (r->undisturbed_ns == INT64_MAX && r->answered >= r->heap) {
        r->undisturbed_ns = now;
    }
}

/* It never sleeps: waking up takes longer than what is measured. */
static void run(struct run *r, uint64_t total, double interval_ns)
{
    struct epoll_event events[EVENTS];
    int64_t until_ns = INT64_MAX;
    r->start_ns = r->round_ns = now_ns();
    while (r->answered < total) {
        int64_t now = now_ns();
        uint64_t due = (uint64_t)((double)(now - r->start_ns) / interval_ns) + 1;
        note_absence(r, now, due < total ? due : total);
        for (int burst = 0; burst < EVENTS && r->sent < total; burst++) {
            int64_t due_ns = r->start_ns + (int64_t)((double)r->sent * interval_ns);
            if (due_ns > now)
                break;
            send_request(r, &r->conns[r->sent % r->connections], due_ns);
            if (r->sent == total)
                until_ns = now + PATIENCE_NS;
        }
        int n = epoll_wait(r->epoll, events, EVENTS, 0);
        for (int i = 0; i < n; i++)
            read_replies(r, events[i].data.ptr);
        if (n == 0 && now > until_ns) {
            fprintf(stderr, "latency: %llu requests were never answered\n",
                    (unsigned long long)(total - r->answered));
            exit(1);
        }
    }
}

static void print_quantiles(const struct histogram *h)
{
    printf("\"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f, \"p99.99\": %.1f, \"max\": %.1f",
           quantile_us(h, 0.5), quantile_us(h, 0.99), quantile_us(h, 0.999), quantile_us(h, 0.9999),
           (double)h->max_ns / 1e3);
}

static void print(const struct run *r)
{
    printf("{\"requests\": %llu, \"errors\": %llu, \"undisturbed\": %llu, ",
           (unsigned long long)r->all.count, (unsigned long long)r->errors,
           (unsigned long long)r->latency.count);
    print_quantiles(&r->latency);
    printf(", \"all\": {");
    print_quantiles(&r->all);
    printf("}, \"max_at_s\": %.3f, \"late_p99.9\": %.1f, \"late_max\": %.1f, \"absent_s\": %.3f}\n",
           (double)r->worst_at_ns / 1e9, quantile_us(&r->late, 0.999), (double)r->late.max_ns / 1e3,
           (double)r->absent_ns / 1e9);
}

int main(int argc, char **argv)
{
    static struct run r = {.random = 88172645463325252ULL};
    if (argc != 7) {
        fputs("latency PORT RATE SECONDS CONNECTIONS KEYS SET_PERCENT\n", stderr);
        return 2;
    }
    double rate = atof(argv[2]), seconds = atof(argv[3]);
    r.connections = (unsigned)atoi(argv[4]);
    r.keys = (unsigned)atoi(argv[5]);
    r.set_percent = (unsigned)atoi(argv[6]);
    if (rate < 1 || seconds <= 0 || r.connections < 1 || r.connections > CONNECTIONS_MAX ||
        r.keys < 1) {
        fputs("latency: a number is out of range\n", stderr);
        return 2;
    }
    connect_all(&r, atoi(argv[1]));
    puts("ready");
    fflush(stdout);
    run(&r, (uint64_t)(rate * seconds), 1e9 / rate);
    print(&r);
    return 0;
}
