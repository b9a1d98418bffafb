#include <stdio.h>

#include "admin/latency.h"
#include "unit/engine/harness.h"

#define THRESHOLD_MS 10

static struct harness h;
static struct client *a;

static int setup(void **state)
{
    (void)state;
    harness_init(&h);
    a = harness_connect(&h);
    h.config.latency_ms = THRESHOLD_MS;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_deinit(&h);
    return 0;
}

static void add(const char *event, int64_t ms, int64_t at_s)
{
    latency_add(admin_latency(h.admin), event, ms, THRESHOLD_MS, (1700000000 + at_s) * 1000 + 999);
}

static void test_history(void **state)
{
    (void)state;
    assert_reply(a, "LATENCY LATEST", "*0\r\n");
    assert_reply(a, "LATENCY HISTORY command", "*0\r\n");
    add("command", 9, 0); /* below the threshold */
    assert_reply(a, "LATENCY LATEST", "*0\r\n");
    add("command", 50, 0);
    add("command", 20, 0); /* a second keeps its worst */
    add("command", 30, 2);
    add("aof-write", 11, 2);
    assert_reply(a, "LATENCY HISTORY command",
                 "*2\r\n*2\r\n:1700000000\r\n:50\r\n*2\r\n:1700000002\r\n:30\r\n");
    assert_reply(a, "LATENCY LATEST",
                 "*2\r\n*4\r\n$7\r\ncommand\r\n:1700000002\r\n:30\r\n:50\r\n"
                 "*4\r\n$9\r\naof-write\r\n:1700000002\r\n:11\r\n:11\r\n");
    assert_reply(a, "LATENCY RESET none", ":0\r\n");
    assert_reply(a, "LATENCY RESET command command none", ":1\r\n");
    assert_reply(a, "LATENCY HISTORY command", "*0\r\n");
    assert_reply(a, "LATENCY LATEST",
                 "*1\r\n*4\r\n$9\r\naof-write\r\n:1700000002\r\n:11\r\n:11\r\n");
    add("command", 12, 3);
    assert_reply(a, "LATENCY RESET", ":2\r\n");
    assert_reply(a, "LATENCY LATEST", "*0\r\n");
}

static void test_limits(void **state)
{
    (void)state;
    static char names[LATENCY_EVENTS_MAX + 1][16];
    add("command", 1000, 0);
    for (int i = 0; i < LATENCY_HISTORY_LEN + 5; i++)
        add("command", 100 + i, 1 + i);
    const struct latency_series *s = latency_find(admin_latency(h.admin), SLICE("command"));
    assert_int_equal(s->count, LATENCY_HISTORY_LEN);
    assert_int_equal(latency_at(s, 0)->ms, 105);
    assert_int_equal(latency_at(s, LATENCY_HISTORY_LEN - 1)->ms, 100 + LATENCY_HISTORY_LEN + 4);
    assert_int_equal(s->ms_max, 1000); /* although it is forgotten */
    for (int i = 0; i <= LATENCY_EVENTS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "e%d", i);
        add(names[i], 20, 0);
    }
    assert_int_equal(latency_event_count(admin_latency(h.admin)), LATENCY_EVENTS_MAX);
}

static void test_graph(void **state)
{
    (void)state;
    assert_reply(a, "LATENCY GRAPH command", "-ERR No samples available for event 'command'\r\n");
    add("command", 50, 0);
    add("command", 100, 1);
    add("command", 10, 2);
    h.wall_ms = 1700000003000;
    assert_has(client_run(a, "LATENCY GRAPH command"),
               "command - high 100 ms, low 10 ms (all time high 100 ms)\n"
               "--------------------------------------------------------------------------------\n"
               " # \n"
               " # \n"
               ".# \n"
               "## \n"
               "##.\n"
               "--------------------------------------------------------------------------------\n"
               "3 samples, from 3 s to 1 s ago\n\r\n");
    for (int i = 0; i < 2 * LATENCY_HISTORY_LEN; i++)
        add("command", 100 + i, 3 + i);
    assert_has(client_run(a, "LATENCY GRAPH command"),
               "high 419 ms, low 340 ms (all time high 419");
}

static void test_doctor(void **state)
{
    (void)state;
    assert_has(client_run(a, "LATENCY DOCTOR"), "Nothing has taken 10 ms or longer");
    h.config.latency_ms = 0;
    assert_has(client_run(a, "LATENCY DOCTOR"), "Latency is not watched.");
    h.config.latency_ms = THRESHOLD_MS;
    add("command", 50, 0);
    add("command", 100, 4);
    add("aof-write", 20, 4);
    h.wall_ms = 1700000009000;
    h.config.slowlog_us = 20000;
    const char *text = client_run(a, "LATENCY DOCTOR");
    assert_has(text, "1. command: 2 spikes, 75 ms on average (mean deviation 25 ms), worst 100 ms, "
                     "one every 4.0 s, the latest 5 s ago.\n");
    assert_has(text, "2. aof-write: 1 spikes, 20 ms on average (mean deviation 0 ms), worst 20 ms, "
                     "the latest 5 s ago.\n");
    assert_has(text, "- command: SLOWLOG GET");
    assert_has(text, "- The slow log leaves out what takes less than 20000 us");
    assert_has(text, "- aof-write: The disk was slow");
    client_run(a, "HELLO 3");
    assert_has(client_run(a, "LATENCY DOCTOR"), "\r\ntxt:These took long enough");
}

static void set_histogram(const char *name, int bucket, uint64_t calls)
{
    struct cmd *cmd = cmd_lookup_full(h.table, slice_from_cstr(name));
    assert_non_null(cmd->stats.histogram);
    cmd->stats.histogram[bucket] = calls;
}

/* Bucket 0 holds what took no microsecond. */
static void clear_histogram(const char *name)
{
    for (int i = 0; i < CMD_HISTOGRAM_BUCKETS; i++)
        set_histogram(name, i, 0);
}

/* An hour of load is more than 32 bits hold. */
static void test_histogram_of_many(void **state)
{
    (void)state;
    client_run(a, "ECHO x");
    clear_histogram("echo");
    set_histogram("echo", 0, UINT32_MAX);
    client_run(a, "ECHO x");
    struct cmd *echo = cmd_lookup(h.table, SLICE("echo"));
    uint64_t calls = 0;
    for (int i = 0; i < CMD_HISTOGRAM_BUCKETS; i++)
        calls += echo->stats.histogram[i];
    assert_true(calls == (uint64_t)UINT32_MAX + 1);
    set_histogram("echo", 0, (uint64_t)UINT32_MAX + 5);
    assert_has(client_run(a, "LATENCY HISTOGRAM echo"), ":4294967300\r\n");
}

static void test_histogram(void **state)
{
    (void)state;
    assert_reply(a, "LATENCY HISTOGRAM echo", "*0\r\n");
    client_run(a, "ECHO x");
    client_run(a, "CLIENT ID");
    clear_histogram("echo");
    clear_histogram("client|id");
    set_histogram("echo", 0, 3);
    set_histogram("echo", 2, 4);
    set_histogram("echo", 10, 1);
    set_histogram("client|id", 1, 5);
    assert_reply(a, "LATENCY HISTOGRAM none ECHO",
                 "*2\r\n$4\r\necho\r\n*4\r\n$5\r\ncalls\r\n:8\r\n$14\r\nhistogram_usec\r\n"
                 "*6\r\n:1\r\n:3\r\n:4\r\n:7\r\n:1024\r\n:8\r\n");
    assert_reply(a, "LATENCY HISTOGRAM client",
                 "*2\r\n$9\r\nclient|id\r\n*4\r\n$5\r\ncalls\r\n:5\r\n$14\r\nhistogram_usec\r\n"
                 "*2\r\n:2\r\n:5\r\n");
    assert_has(client_run(a, "LATENCY HISTOGRAM"), "$17\r\nlatency|histogram\r\n");
    client_run(a, "HELLO 3");
    assert_reply(a, "LATENCY HISTOGRAM client|id",
                 "%1\r\n$9\r\nclient|id\r\n%2\r\n$5\r\ncalls\r\n:5\r\n$14\r\nhistogram_usec\r\n"
                 "%1\r\n:2\r\n:5\r\n");
    engine_reset_stats(h.e);
    assert_reply(a, "LATENCY HISTOGRAM echo", "%0\r\n");
}

static void test_errors(void **state)
{
    (void)state;
    assert_reply(a, "LATENCY", "-ERR wrong number of arguments for 'latency' command\r\n");
    assert_reply(a, "LATENCY foo", "-ERR unknown subcommand 'foo'. Try LATENCY HELP.\r\n");
    assert_reply(a, "LATENCY GRAPH",
                 "-ERR wrong number of arguments for 'latency|graph' command\r\n");
    assert_has(client_run(a, "LATENCY HELP"), "LATENCY <subcommand>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_history, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_graph, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doctor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_histogram_of_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_histogram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
    };
    return cmocka_run_group_tests_name("admin/latency", tests, NULL, NULL);
}
