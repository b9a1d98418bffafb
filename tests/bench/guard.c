/* A fixed script of requests through everything but the kernel. tests/bench/test_guard.py runs it under callgrind and
 * counts the instructions of each request.
 *
 * Server and clients share one thread, so nothing depends on who runs when: the clients send, the server takes one turn
 * (guard_turn, all that is counted), the clients read and check the replies. The hash key, the clock, the names
 * and their order are fixed. Prints a line for each figure: command, pipeline, requests counted. */
#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/rng.h"
#include "clients/clients.h"
#include "cmd/ctx.h"
#include "cmd/table.h"
#include "engine/engine.h"
#include "net/net.h"
#include "store/keyspace.h"

#define SOCKET       "guard.socket" /* relative: the same length wherever it runs */
#define CLIENTS      8              /* all of them ready in the same turn */
#define KEYS         10000
#define PIPELINE_MAX 64
#define REQUESTS_MIN 8000 /* of a figure */
#define TURNS_WARM   20   /* not counted: buffers and lists come into being */
#define NOW_US       INT64_C(1700000000000000)
#define VALUE        "sixteen bytes..." /* as long as the keys */
#define GET_REPLY    "$16\r\n" VALUE "\r\n"
#define SET_REPLY    "+OK\r\n"

enum command { GET, SET };
static const char *const command_names[] = {"get", "set"};

struct guard {
    struct logger logger;
    struct rng rng;
    struct keyspace *ks;
    struct cmd_table *table;
    struct engine *engine;
    struct clients *around; /* src/clients/ */
    struct admin *admin;
    struct engine_config engine_config;
    struct net_config net_config;
    struct event_base *base;
    struct net *net;
    int clients[CLIENTS];
    struct rng names;
    uint64_t filled; /* keys named so far while filling */
};

void guard_turn(
    struct guard *g); /* by these names callgrind is told what to count, and where a figure ends */
void guard_figure_ends(void);

/* --- the clock, in place of base/clock.c --------------------------------------------------------------- */

/* Asks the system, as what that costs belongs to a request, and tells a time of its own. */
static int64_t reading_us(clockid_t id, int64_t start_us)
{
    static int64_t readings;
    struct timespec ignored;
    clock_gettime(id, &ignored);
    return start_us + readings++;
}

int64_t clock_mono_us(void)
{
    return reading_us(CLOCK_MONOTONIC, 1);
}

int64_t clock_wall_us(void)
{
    return reading_us(CLOCK_REALTIME, NOW_US);
}

/* --- the server -------------------------------------------------------------------------------------- */

/* As server_new wires it, but for what a clock or chance decides. */
static void server_start(struct guard *g)
{
    char error[NET_ERROR_CHARS];
    logger_init(&g->logger);
    g->logger.level = LOG_LEVEL_NOTHING;
    rng_seed(&g->rng, 1);
    g->ks = ks_new(&(struct ks_options){
        .databases = 16, .shards = 1, .hash_key = {1, 2}, .now_ms = NOW_US / 1000});
    g->table = cmd_table_new();
    cmd_add_rows(g->table);
    struct engine_options o = {.ks = g->ks,
                               .table = g->table,
                               .logger = &g->logger,
                               .rng = &g->rng,
                               .owner = g,
                               .now_us = 1,
                               .wall_ms = NOW_US / 1000};
    g->around = clients_new(&g->rng);
    g->admin = admin_new();
    clients_observe(g->around, &o.observers);
    admin_observe(g->admin, &o.observers);
    g->engine_config = (struct engine_config){.slowlog_us = 10000,
                                              .slowlog_len_max = 128,
                                              .bulk_bytes_max = 512 << 20,
                                              .latency_tracking = true};
    g->engine = engine_new(&o, &g->engine_config);
    clients_attach(g->around, g->engine);
    admin_attach(g->admin, g->engine);
    g->base = event_base_new();
    g->net_config = (struct net_config){.unix_path = SOCKET,
                                        .unix_mode = 0700,
                                        .backlog = CLIENTS,
                                        .clients_max = CLIENTS,
                                        .query_bytes_max = 1 << 30};
    g->net = net_new(g->base, g->engine, &g->logger, &g->net_config);
    if (net_configure(g->net, &g->net_config, error) != ERR_OK) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
}

static void server_stop(struct guard *g)
{
    net_free(&g->net);
    event_base_free(g->base);
    engine_free(&g->engine);
    admin_free(&g->admin);
    clients_free(&g->around);
    cmd_table_free(&g->table);
    ks_free(&g->ks);
    logger_deinit(&g->logger);
}

static void turn(struct guard *g)
{
    event_base_loop(g->base, EVLOOP_NONBLOCK);
    net_turn_end(g->net);
}

/* Neither inlined nor cloned, as callgrind finds functions by their names. */
__attribute__((noinline, noclone, used)) void guard_turn(struct guard *g)
{
    turn(g);
    __asm__ volatile("");
}

__attribute__((noinline, noclone, used)) void guard_figure_ends(void)
{
    __asm__ volatile("");
}

/* --- the clients ------------------------------------------------------------------------------------- */

static void connect_all(struct guard *g)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = SOCKET};
    for (int i = 0; i < CLIENTS; i++) {
        g->clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(g->clients[i], (struct sockaddr *)&to, sizeof(to)) != 0) {
            perror(SOCKET);
            exit(1);
        }
    }
    while (net_clients(g->net) < CLIENTS)
        turn(g);
}

static void send_requests(int fd, enum command command, uint64_t (*next)(struct guard *g),
                          struct guard *g, int pipeline)
{
    struct buf out;
    buf_init(&out);
    for (int i = 0; i < pipeline; i++) {
        buf_printf(&out, "*%d\r\n$3\r\n%s\r\n$16\r\nkey:%012llu\r\n", command == SET ? 3 : 2,
                   command == SET ? "SET" : "GET", (unsigned long long)next(g));
        if (command == SET)
            buf_printf(&out, "$16\r\n%s\r\n", VALUE);
    }
    if (write(fd, out.ptr, out.len) != (ssize_t)out.len)
        abort();
    buf_deinit(&out);
}

/* All replies are there: the server's turn is over. */
static void check_replies(int fd, enum command command, int pipeline)
{
    const char *reply = command == SET ? SET_REPLY : GET_REPLY;
    size_t each = strlen(reply);
    char in[PIPELINE_MAX * sizeof(GET_REPLY)];
    ssize_t got = recv(fd, in, sizeof(in), MSG_DONTWAIT);
    assert(got == (ssize_t)(each * (size_t)pipeline));
    for (int i = 0; i < pipeline; i++)
        assert(memcmp(in + (size_t)i * each, reply, each) == 0);
}

static void round_trip(struct guard *g, enum command command, uint64_t (*next)(struct guard *g),
                       int pipeline, void (*serve)(struct guard *g))
{
    for (int i = 0; i < CLIENTS; i++)
        send_requests(g->clients[i], command, next, g, pipeline);
    serve(g);
    for (int i = 0; i < CLIENTS; i++)
        check_replies(g->clients[i], command, pipeline);
}

static uint64_t any_name(struct guard *g)
{
    return rng_below(&g->names, KEYS);
}

static uint64_t new_name(struct guard *g)
{
    return g->filled++;
}

static void fill(struct guard *g)
{
    while (g->filled < KEYS)
        round_trip(g, SET, new_name, PIPELINE_MAX, turn);
    while (ks_work(g->ks))
        ;
}

static void measure(struct guard *g, enum command command, int pipeline)
{
    for (int i = 0; i < TURNS_WARM; i++)
        round_trip(g, command, any_name, pipeline, turn);
    int requests = 0;
    for (; requests < REQUESTS_MIN; requests += CLIENTS * pipeline)
        round_trip(g, command, any_name, pipeline, guard_turn);
    guard_figure_ends();
    printf("%s %d %d\n", command_names[command], pipeline, requests);
}

int main(void)
{
    static const int pipelines[] = {1, 16, 64};
    struct guard g = {0};
    rng_seed(&g.names, 2);
    server_start(&g);
    connect_all(&g);
    fill(&g);
    for (size_t i = 0; i < sizeof(pipelines) / sizeof(pipelines[0]); i++) {
        measure(&g, GET, pipelines[i]);
        measure(&g, SET, pipelines[i]);
    }
    for (int i = 0; i < CLIENTS; i++)
        close(g.clients[i]);
    server_stop(&g);
    unlink(SOCKET);
    return 0;
}
