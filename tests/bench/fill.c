/* Stores many small keys quickly: a load that redis-benchmark cannot give, as it draws its keys at random.
 *   fill PORT FIRST COUNT VALUE_BYTES [pxat UNIX_MS] [rate PER_SECOND] [pipeline N]
 * Sets key:000000000000 and so on, from number FIRST, 16 bytes each, over one connection; with a rate it is kept on
 * average, in steps of a pipeline. Exit status 1 with a message when a reply is not OK. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIPELINE        512
#define PIPELINE_MAX    4096
#define VALUE_BYTES_MAX 4096
#define OK_REPLY        "+OK\r\n"

struct fill {
    int fd;
    uint64_t first, count;
    unsigned pipeline, value_bytes, rate;
    long long expire_at_ms; /* 0: never */
    char value[VALUE_BYTES_MAX + 1];
    char *out;
    size_t out_cap;
};

static void fail(const char *what)
{
    fprintf(stderr, "fill: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void send_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n <= 0)
            fail("write");
        p += n;
        len -= (size_t)n;
    }
}

static void read_replies(int fd, unsigned n)
{
    char in[PIPELINE_MAX * (sizeof(OK_REPLY) - 1)];
    size_t want = n * (sizeof(OK_REPLY) - 1), have = 0;
    while (have < want) {
        ssize_t got = read(fd, in + have, want - have);
        if (got <= 0)
            fail("read");
        have += (size_t)got;
    }
    for (unsigned i = 0; i < n; i++) {
        if (memcmp(in + i * (sizeof(OK_REPLY) - 1), OK_REPLY, sizeof(OK_REPLY) - 1) != 0) {
            fprintf(stderr, "fill: the server says %.80s\n", in);
            exit(1);
        }
    }
}

static size_t print_set(const struct fill *f, char *to, uint64_t number)
{
    size_t room = 128 + f->value_bytes;
    if (f->expire_at_ms == 0)
        return (size_t)snprintf(to, room, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012llu\r\n$%u\r\n%s\r\n",
                                (unsigned long long)number, f->value_bytes, f->value);
    char at[24];
    int digits = snprintf(at, sizeof(at), "%lld", f->expire_at_ms);
    return (size_t)snprintf(
        to, room,
        "*5\r\n$3\r\nSET\r\n$16\r\nkey:%012llu\r\n$%u\r\n%s\r\n$4\r\nPXAT\r\n$%d\r\n%s\r\n",
        (unsigned long long)number, f->value_bytes, f->value, digits, at);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void keep_rate(const struct fill *f, uint64_t done, double start_s)
{
    double ahead_s = start_s + (double)done / f->rate - now_s();
    if (ahead_s > 0)
        usleep((useconds_t)(ahead_s * 1e6));
}

static void run(struct fill *f)
{
    double start_s = now_s();
    for (uint64_t done = 0; done < f->count;) {
        uint64_t left = f->count - done;
        unsigned n = left < f->pipeline ? (unsigned)left : f->pipeline;
        size_t len = 0;
        for (unsigned i = 0; i < n; i++)
            len += print_set(f, f->out + len, f->first + done + i);
        send_all(f->fd, f->out, len);
        read_replies(f->fd, n);
        done += n;
        if (f->rate)
            keep_rate(f, done, start_s);
    }
}

static int connect_to(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        fail("connect");
    return fd;
}

static void usage(void)
{
    fputs("fill PORT FIRST COUNT VALUE_BYTES [pxat UNIX_MS] [rate PER_SECOND] [pipeline N]\n",
          stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    static struct fill f = {.pipeline = PIPELINE};
    if (argc < 5 || argc % 2 == 0)
        usage();
    f.first = strtoull(argv[2], NULL, 10);
    f.count = strtoull(argv[3], NULL, 10);
    f.value_bytes = (unsigned)atoi(argv[4]);
    for (int i = 5; i < argc; i += 2) {
        if (strcmp(argv[i], "pxat") == 0)
            f.expire_at_ms = atoll(argv[i + 1]);
        else if (strcmp(argv[i], "rate") == 0)
            f.rate = (unsigned)atoi(argv[i + 1]);
        else if (strcmp(argv[i], "pipeline") == 0)
            f.pipeline = (unsigned)atoi(argv[i + 1]);
        else
            usage();
    }
    if (f.value_bytes > VALUE_BYTES_MAX || f.pipeline < 1 || f.pipeline > PIPELINE_MAX)
        usage();
    memset(f.value, 'v', f.value_bytes);
    f.out = malloc(f.pipeline * (128 + (size_t)f.value_bytes));
    if (!f.out)
        fail("memory");
    f.fd = connect_to(atoi(argv[1]));
    run(&f);
    close(f.fd);
    return 0;
}
