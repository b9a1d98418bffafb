/* Several connections that are ready in the same turn: what one sends is read while what another one sent waits for its
 * keys, see conn_read.c. They are taken in the order they became ready in, but for those of the turn before, which come
 * first. Server and clients share this thread, so that a turn has exactly what was sent before it. */
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
#include "cmd/ctx.h"
#include "cmd/table.h"
#include "clients/clients.h"
#include "engine/engine.h"
#include "net/net.h"
#include "store/keyspace.h"

#define CLIENTS     4
#define REPLY_BYTES 65536

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
    char reply[REPLY_BYTES];
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
    struct engine_options o = {
        .ks = w->ks, .table = w->table, .logger = &w->logger, .rng = &w->rng, .owner = w};
    w->clients = clients_new(&w->rng);
    clients_observe(w->clients, &o.observers);
    w->engine_config = (struct engine_config){.slowlog_us = -1, .bulk_bytes_max = 512 << 20};
    w->engine = engine_new(&o, &w->engine_config);
    engine_set_active_expiry(w->engine, false);
    clients_attach(w->clients, w->engine);
    w->base = event_base_new();
    snprintf(w->path, sizeof(w->path), "/tmp/corsac-test-turns-%d.socket", (int)getpid());
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

/* What there is for a client; "" when there is nothing, NULL when the connection is closed. */
static const char *received(struct world *w, int client)
{
    ssize_t n = recv(w->fd[client], w->reply, REPLY_BYTES - 1, MSG_DONTWAIT);
    if (n == 0)
        return NULL;
    w->reply[n > 0 ? n : 0] = '\0';
    return w->reply;
}

static void test_all_of_a_turn_run_in_the_order_they_came(void **state)
{
    struct world *w = *state;
    char want[64];
    for (int i = 0; i < CLIENTS; i++)
        send_text(w, i, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    turn(w);
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(want, sizeof(want), ":%d\r\n", i + 1);
        assert_string_equal(received(w, i), want);
    }
}

static void test_one_alone_does_not_wait_for_another(void **state)
{
    struct world *w = *state;
    send_text(w, 2, "*1\r\n$4\r\nPING\r\n");
    turn(w);
    assert_string_equal(received(w, 2), "+PONG\r\n");
}

/* Whole requests, the start of one, its end behind the next client's, a mistake, and lines. */
static void test_whatever_they_send(void **state)
{
    struct world *w = *state;
    send_text(w, 0, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$3\r\nGE");
    send_text(w, 1, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n");
    send_text(w, 2, "GET a\r\nGET b\r\n");
    send_text(w, 3, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*x\r\n");
    turn(w);
    assert_string_equal(received(w, 0), "+OK\r\n");
    assert_string_equal(received(w, 1), "$1\r\n1\r\n$-1\r\n");
    assert_string_equal(received(w, 2), "$1\r\n1\r\n$-1\r\n");
    assert_string_equal(received(w, 3),
                        "$1\r\n1\r\n-ERR Protocol error: invalid multibulk length\r\n");
    assert_null(received(w, 3));
    send_text(w, 0, "T\r\n$1\r\na\r\n");
    send_text(w, 1, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n2\r\n");
    turn(w);
    assert_string_equal(received(w, 0), "$1\r\n1\r\n");
    assert_string_equal(received(w, 1), "+OK\r\n");
}

static void test_what_waits_sees_what_ran_before(void **state)
{
    struct world *w = *state;
    send_text(w, 0, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
    turn(w);
    assert_string_equal(received(w, 0), "+OK\r\n");
    send_text(w, 0, "*1\r\n$8\r\nFLUSHALL\r\n");
    send_text(w, 1, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    send_text(w, 2, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n2\r\n");
    send_text(w, 3, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    turn(w);
    assert_string_equal(received(w, 0), "+OK\r\n");
    assert_string_equal(received(w, 1), "$-1\r\n");
    assert_string_equal(received(w, 2), "+OK\r\n");
    assert_string_equal(received(w, 3), "$1\r\n2\r\n");
}

/* The request of a connection that is killed before it runs does not run. */
static void test_killed_while_its_request_waits(void **state)
{
    struct world *w = *state;
    send_text(w, 0, "CLIENT KILL ID 2\r\n"); /* ids are given from 1 on */
    send_text(w, 1, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
    send_text(w, 2, "*2\r\n$6\r\nEXISTS\r\n$1\r\na\r\n");
    turn(w);
    assert_string_equal(received(w, 0), ":1\r\n");
    assert_null(received(w, 1));
    assert_string_equal(received(w, 2), ":0\r\n");
    assert_int_equal(net_clients(w->net), CLIENTS - 1);
}

static void test_paused_while_its_request_waits(void **state)
{
    struct world *w = *state;
    send_text(w, 0, "CLIENT PAUSE 100000 WRITE\r\n");
    send_text(w, 1, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
    send_text(w, 2, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    turn(w);
    assert_string_equal(received(w, 0), "+OK\r\n");
    assert_string_equal(received(w, 1), "");
    assert_string_equal(received(w, 2), "$-1\r\n");
    send_text(w, 0, "CLIENT UNPAUSE\r\n");
    turn(w);
    turn(w);
    assert_string_equal(received(w, 0), "+OK\r\n");
    assert_string_equal(received(w, 1), "+OK\r\n");
    send_text(w, 2, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    turn(w);
    assert_string_equal(received(w, 2), "$1\r\n1\r\n");
}

/* A client that goes away behind its last request has it run all the same. */
static void test_gone_behind_its_request(void **state)
{
    struct world *w = *state;
    send_text(w, 0, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
    close(w->fd[0]);
    w->fd[0] = -1;
    for (int i = 0; i < 3; i++)
        turn(w);
    assert_int_equal(net_clients(w->net), CLIENTS - 1);
    send_text(w, 1, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    turn(w);
    assert_string_equal(received(w, 1), "$1\r\n1\r\n");
}

/* More than a batch, so that it runs at once, between two that wait. */
static void test_a_long_pipeline_between_others(void **state)
{
    struct world *w = *state;
    char text[ENGINE_BATCH_MAX * 3 * 24] = "";
    int n = ENGINE_BATCH_MAX * 2 + 3;
    for (int i = 0; i < n; i++)
        strcat(text, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    send_text(w, 0, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    send_text(w, 1, text);
    send_text(w, 2, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    turn(w);
    char want[64];
    assert_string_equal(received(w, 0), ":1\r\n");
    snprintf(want, sizeof(want), ":%d\r\n", n + 1);
    const char *all = received(w, 1);
    assert_string_equal(all + strlen(all) - strlen(want), want);
    snprintf(want, sizeof(want), ":%d\r\n", n + 2);
    assert_string_equal(received(w, 2), want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_of_a_turn_run_in_the_order_they_came, start, stop),
        cmocka_unit_test_setup_teardown(test_one_alone_does_not_wait_for_another, start, stop),
        cmocka_unit_test_setup_teardown(test_whatever_they_send, start, stop),
        cmocka_unit_test_setup_teardown(test_what_waits_sees_what_ran_before, start, stop),
        cmocka_unit_test_setup_teardown(test_killed_while_its_request_waits, start, stop),
        cmocka_unit_test_setup_teardown(test_paused_while_its_request_waits, start, stop),
        cmocka_unit_test_setup_teardown(test_gone_behind_its_request, start, stop),
        cmocka_unit_test_setup_teardown(test_a_long_pipeline_between_others, start, stop),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
