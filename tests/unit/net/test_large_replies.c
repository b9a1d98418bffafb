/* Replies that are larger than a socket takes, and are made as it takes them (cmd/reply_walk.h). Server and clients
 * share this thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/logger.h"
#include "base/rng.h"
#include "clients/clients.h"
#include "engine/engine.h"
#include "net/net.h"
#include "store/keyspace.h"
#include "unit/cmd/walk_cmd.h"

#define CLIENTS 3

struct world {
    struct logger logger;
    struct rng rng;
    struct keyspace *ks;
    struct cmd_table *table;
    struct engine *engine;
    struct clients *clients;
    struct engine_config engine_config;
    struct net_config net_config;
    struct event_base *base;
    struct net *net;
    char path[64];
    int fd[CLIENTS];
};

static void turn(struct world *w)
{
    event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    net_turn_end(w->net);
}

static void connect_clients(struct world *w)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", w->path);
    for (int i = 0; i < CLIENTS; i++) {
        w->fd[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(w->fd[i], (struct sockaddr *)&to, sizeof(to)), 0);
    }
    for (int i = 0; i < 100 && net_clients(w->net) < CLIENTS; i++)
        turn(w);
    assert_int_equal(net_clients(w->net), CLIENTS);
}

static int start(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    char error[NET_ERROR_CHARS];
    logger_init(&w->logger);
    w->logger.level = LOG_LEVEL_NOTHING;
    rng_seed(&w->rng, 1);
    w->ks =
        ks_new(&(struct ks_options){.databases = 16, .shards = 1, .hash_key = {1, 2}, .now_ms = 1});
    w->table = cmd_table_new();
    cmd_add_rows(w->table);
    cmd_table_add(w->table, walk_rows, NULL);
    struct engine_options o = {
        .ks = w->ks, .table = w->table, .logger = &w->logger, .rng = &w->rng, .owner = w};
    w->clients = clients_new(&w->rng);
    clients_observe(w->clients, &o.observers);
    w->engine_config = (struct engine_config){.slowlog_us = -1, .bulk_bytes_max = 512 << 20};
    w->engine = engine_new(&o, &w->engine_config);
    engine_set_active_expiry(w->engine, false);
    clients_attach(w->clients, w->engine);
    w->base = event_base_new();
    snprintf(w->path, sizeof(w->path), "/tmp/corsac-test-large-%d.socket", (int)getpid());
    w->net_config = (struct net_config){.unix_path = w->path,
                                        .unix_mode = 0700,
                                        .backlog = CLIENTS,
                                        .clients_max = CLIENTS,
                                        .query_bytes_max = 1 << 30};
    w->net = net_new(w->base, w->engine, &w->logger, &w->net_config);
    assert_int_equal(net_configure(w->net, &w->net_config, error), ERR_OK);
    connect_clients(w);
    *state = w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < CLIENTS; i++)
        if (w->fd[i] >= 0)
            close(w->fd[i]);
    net_free(&w->net);
    event_base_free(w->base);
    engine_free(&w->engine);
    clients_free(&w->clients);
    cmd_table_free(&w->table);
    ks_free(&w->ks);
    logger_deinit(&w->logger);
    unlink(w->path);
    free(w);
    return 0;
}

static void send_text(struct world *w, int client, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(w->fd[client], text, len, MSG_NOSIGNAL), len);
}

/* --- what is expected ------------------------------------------------------------------------------------- */

/* Reads on until `want` came; the server gets its turns meanwhile. */
static void expect(struct world *w, int client, const char *want, size_t len)
{
    static char got[1 << 16];
    for (int idle = 0; len > 0; idle++) {
        ssize_t n = recv(w->fd[client], got, len < sizeof(got) ? len : sizeof(got), MSG_DONTWAIT);
        if (n > 0) {
            assert_memory_equal(got, want, n);
            want += n;
            len -= (size_t)n;
            idle = 0;
        }
        assert_int_not_equal(n, 0);
        assert_true(idle < 1000);
        turn(w);
    }
}

static void expect_text(struct world *w, int client, const char *want)
{
    expect(w, client, want, strlen(want));
}

/* The reply of WALK. */
static void expect_walk(struct world *w, int client, uint64_t count, int proto)
{
    static char text[1 << 16];
    size_t len =
        (size_t)sprintf(text, "%c%llu\r\n", proto == 2 ? '*' : '~', (unsigned long long)count);
    for (uint64_t i = 0; i < count; i++) {
        char digits[24];
        int n = sprintf(digits, "%llu", (unsigned long long)i);
        len += (size_t)(proto == 2 ? sprintf(text + len, "$%d\r\n%s\r\n", n, digits)
                                   : sprintf(text + len, ",%s\r\n", digits));
        if (len > sizeof(text) - 100 || i + 1 == count) {
            expect(w, client, text, len);
            len = 0;
        }
    }
}

static size_t output_bytes(const struct world *w)
{
    struct net_stats stats;
    net_stats(w->net, &stats);
    return stats.largest_output_bytes;
}

/* The value of "k", which a walk holds. */
static void set_value(struct world *w, size_t bytes)
{
    char *value = malloc(bytes);
    memset(value, 'v', bytes);
    struct key k = ks_key(w->ks, SLICE("k"));
    assert_non_null(ks_set_string(w->ks, 0, &k, slice_of(value, bytes), ITEM_NO_EXPIRY));
    free(value);
}

#define MANY 500000 /* numbers: some 7 MB */
/* One that waits takes a few blocks, what is staged, and as much as the socket holds. */
#define OUTPUT_BYTES_MAX ((size_t)256 * 1024)

/* --- tests ------------------------------------------------------------------------------------------------ */

static void test_pipelined_with_others_served(void **state)
{
    struct world *w = *state;
    set_value(w, 100000);
    send_text(w, 0, "PING\r\nWALK k 500000\r\nPING\r\nWALK k 3\r\nWALK k 500000\r\nPING\r\n");
    for (int i = 0; i < 100; i++) {
        turn(w);
        assert_true(output_bytes(w) < OUTPUT_BYTES_MAX);
    }
    send_text(w, 1, "SET k other\r\nGET k\r\n");
    expect_text(w, 1, "+OK\r\n$5\r\nother\r\n");
    expect_text(w, 0, "+PONG\r\n");
    expect_walk(w, 0, MANY, 2);
    expect_text(w, 0, "+PONG\r\n");
    expect_walk(w, 0, 3, 2);
    expect_walk(w, 0, MANY, 2);
    expect_text(w, 0, "+PONG\r\n");
    assert_int_equal(output_bytes(w), 0);
}

/* What one turn sends is little, however much the socket takes. */
static void test_a_turn_sends_a_part(void **state)
{
    struct world *w = *state;
    char got[1 << 20];
    set_value(w, 100000);
    send_text(w, 0, "WALK k 500000\r\n");
    for (int i = 0; i < 60; i++) {
        turn(w);
        ssize_t n = recv(w->fd[0], got, sizeof(got), MSG_DONTWAIT);
        assert_in_range(n, 1, 160 * 1024);
    }
}

static void test_within_a_transaction(void **state)
{
    struct world *w = *state;
    set_value(w, 100000);
    send_text(w, 0, "MULTI\r\nWALK k 500000\r\nSET k v2\r\nWALK k 500000\r\nEXEC\r\nPING\r\n");
    expect_text(w, 0, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n");
    expect_walk(w, 0, MANY, 2);
    expect_text(w, 0, "+OK\r\n");
    expect_walk(w, 0, MANY, 2);
    expect_text(w, 0, "+PONG\r\n");
}

/* A message stands behind the reply that is being sent, and the protocol is what it was when the request ran. */
static void test_with_messages_and_another_protocol(void **state)
{
    struct world *w = *state;
    set_value(w, 100000);
    send_text(w, 0, "HELLO 3 SETNAME x\r\n");
    for (int i = 0; i < 10; i++)
        turn(w);
    char hello[4096];
    assert_true(recv(w->fd[0], hello, sizeof(hello), MSG_DONTWAIT) > 0);
    send_text(w, 0, "SUBSCRIBE c\r\nWALK k 500000\r\nRESET\r\nWALK k 3\r\n");
    for (int i = 0; i < 10; i++)
        turn(w);
    expect_text(w, 0, ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    expect_walk(w, 0, MANY, 3);
    expect_text(w, 0, "+RESET\r\n");
    expect_walk(w, 0, 3, 2);

    send_text(w, 1, "HELLO 3\r\n");
    for (int i = 0; i < 10; i++)
        turn(w);
    assert_true(recv(w->fd[1], hello, sizeof(hello), MSG_DONTWAIT) > 0);
    send_text(w, 1, "SUBSCRIBE c\r\nWALK k 500000\r\n");
    for (int i = 0; i < 10; i++)
        turn(w);
    send_text(w, 2, "PUBLISH c hi\r\n");
    expect_text(w, 2, ":1\r\n");
    expect_text(w, 1, ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    expect_walk(w, 1, MANY, 3);
    expect_text(w, 1, ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
}

static void test_a_reply_that_nobody_wants(void **state)
{
    struct world *w = *state;
    set_value(w, 100000);
    send_text(w, 0,
              "CLIENT REPLY SKIP\r\nWALK k 500000\r\nPING\r\nCLIENT REPLY OFF\r\nWALK k 500000\r\n"
              "WALK k 1\r\nCLIENT REPLY ON\r\nPING\r\n");
    expect_text(w, 0, "+PONG\r\n+OK\r\n+PONG\r\n");
}

/* It reads nothing, and goes: what was held goes, too, and with the rest of the keyspace's work nothing stays. */
static void test_a_client_that_goes_midway(void **state)
{
    struct world *w = *state;
    set_value(w, 64 << 20);
    send_text(w, 0, "WALK k 500000\r\nWALK k 500000\r\n");
    for (int i = 0; i < 100; i++)
        turn(w);
    assert_true(output_bytes(w) < OUTPUT_BYTES_MAX);
    send_text(w, 1, "DEL k\r\n");
    expect_text(w, 1, ":1\r\n");
    close(w->fd[0]);
    w->fd[0] = -1;
    for (int i = 0; i < 100 && net_clients(w->net) == CLIENTS; i++)
        turn(w);
    assert_int_equal(net_clients(w->net), CLIENTS - 1);
}

/* A limit counts what the client alone holds: nothing of a value that is still a key's, all of one that is not. */
static void test_the_output_limit(void **state)
{
    struct world *w = *state;
    w->net_config.output_limit[NET_CLASS_NORMAL].hard_bytes = 1 << 20;
    set_value(w, 64 << 20);
    send_text(w, 0, "WALK k 500000\r\n");
    for (int i = 0; i < 100; i++) {
        turn(w);
        net_cron(w->net);
    }
    assert_int_equal(net_clients(w->net), CLIENTS);
    send_text(w, 1, "DEL k\r\n");
    expect_text(w, 1, ":1\r\n");
    for (int i = 0; i < 3; i++) {
        turn(w);
        net_cron(w->net);
    }
    assert_int_equal(net_clients(w->net), CLIENTS - 1);
}

#define large_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        large_test(test_pipelined_with_others_served),
        large_test(test_a_turn_sends_a_part),
        large_test(test_within_a_transaction),
        large_test(test_with_messages_and_another_protocol),
        large_test(test_a_reply_that_nobody_wants),
        large_test(test_a_client_that_goes_midway),
        large_test(test_the_output_limit),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
