/* What a server tells of its work: MONITOR, SLOWLOG, LATENCY, INFO, MEMORY. */
#include "e2e/server.h"
#include "e2e/talk.h"

#define RUN(state, steps) talk_check_all(((struct srv *)*(state))->c, steps)

/* --- MONITOR ---------------------------------------------------------------------------------------- */

static void monitors_see_what_runs(void **state)
{
    struct srv *s = *state;
    redisContext *m = srv_connect(s);
    talk_check(m, "MONITOR", "+OK");
    static const struct {
        const char *command, *line; /* NULL: none */
    } cases[] = {
        {"SET k v", "+*.* [0 127.0.0.1:*] \"SET\" \"k\" \"v\""},
        {"set \"a\\x00\\n\" '\"'", "+*\"set\" \"a\\x00\\n\" \"\\\"\""},
        {"SELECT 3", "+*\"SELECT\" \"3\""},
        {"GET k", "+*[3 127.0.0.1:*] \"GET\" \"k\""},
        {"NOSUCH x", NULL}, /* does not run */
        {"GET", NULL},
        {"CONFIG GET hz", NULL}, /* the business of administrators */
        {"AUTH secret", "+*\"AUTH\" \"(redacted)\""},
        {"HELLO 2", "+*\"HELLO\" \"2\""},
        {"PING", "+*\"PING\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        talk_check(s->c, cases[i].command, "*");
        if (cases[i].line)
            talk_check_next(m, cases[i].line);
    }
    talk_check_silence(m, 20);
    talk_free(&m);
}

static void monitors_see_transactions_as_they_run(void **state)
{
    struct srv *s = *state;
    redisContext *m = srv_connect(s);
    talk_check(m, "MONITOR", "+OK");
    static const char *const commands[] = {"MULTI", "SET k 1", "INCR k", "EXEC"};
    for (size_t i = 0; i < 4; i++)
        talk_check(s->c, commands[i], "*");
    talk_check_next(m, "+*\"MULTI\"");
    talk_check_next(m, "+*\"SET\" \"k\" \"1\"");
    talk_check_next(m, "+*\"INCR\" \"k\"");
    talk_check_next(m, "+*\"EXEC\"");
    talk_check(s->c, "CLIENT LIST", "*flags=O*cmd=monitor*");
    talk_free(&m);
}

static void a_monitor_may_leave(void **state)
{
    struct srv *s = *state;
    redisContext *m = srv_connect(s);
    talk_check(m, "MONITOR", "+OK");
    talk_check(m, "RESET", "+RESET");
    talk_check(s->c, "PING", "+PONG");
    talk_check_silence(m, 20);
    talk_check(m, "GET k", "nil");
    talk_free(&m);
}

/* --- SLOWLOG ---------------------------------------------------------------------------------------- */

static void slow_commands_are_remembered(void **state)
{
    struct srv *s = *state;
    static const struct talk_step steps[] = {
        {"CONFIG SET slowlog-log-slower-than 1000", "+OK"},
        {"SLOWLOG RESET", "+OK"},
        {"SLOWLOG LEN", ":0"},
        {"SLOWLOG GET", "[]"},
        {"CLIENT SETNAME slow", "+OK"},
        {"PING", "+PONG"},
        {"DEBUG SLEEP 0.02", "+OK"},
        {"SLOWLOG LEN", ":1"},
        {"SLOWLOG GET",
         "[[:*, :*, :2*, [\"DEBUG\", \"SLEEP\", \"0.02\"], \"127.0.0.1:*\", \"slow\"]]"},
        {"CONFIG SET slowlog-log-slower-than 0", "+OK"}, /* everything */
        {"GET a", "nil"},
        {"GET b", "nil"},
        {"CONFIG SET slowlog-log-slower-than -1", "+OK"}, /* nothing */
        {"GET c", "nil"},
        {"SLOWLOG GET 2", "[[*[\"GET\", \"b\"]*], [*[\"GET\", \"a\"]*]]"},
        {"SLOWLOG GET -1", "[*\"GET\", \"b\"*\"GET\", \"a\"*]"},
        {"SLOWLOG GET -2", "-ERR count should be greater than or equal to -1"},
        {"SLOWLOG GET abc", "-ERR count should be greater than or equal to -1"},
        {"SLOWLOG NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try SLOWLOG HELP."},
        {"SLOWLOG HELP", "[+SLOWLOG <subcommand> [*"},
        {"SLOWLOG RESET", "+OK"},
        {"SLOWLOG LEN", ":0"},
        {"CONFIG SET slowlog-log-slower-than 10000", "+OK"},
    };
    talk_check_all(s->c, steps);
}

static void the_slow_log_has_limits(void **state)
{
    struct srv *s = *state;
    char command[4096] = "ECHO ";
    memset(command + 5, 'x', 1000);
    talk_check(s->c, "CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 3", "+OK");
    for (int i = 0; i < 10; i++)
        talk_check(s->c, "PING", "+PONG");
    talk_check(s->c, "SLOWLOG LEN", ":3");
    talk_check(s->c, command, "*"); /* long arguments, and many, are cut */
    talk_check(s->c, "SLOWLOG GET 1", "*xxx... (872 more bytes)\"*");
    strcpy(command, "DEL");
    for (int i = 0; i < 40; i++)
        strcat(command, " k");
    talk_check(s->c, command, ":0");
    talk_check(s->c, "SLOWLOG GET 1", "*\"k\", \"... (10 more arguments)\"]*");
    talk_check(s->c, "CONFIG SET slowlog-log-slower-than 10000 slowlog-max-len 128", "+OK");
    talk_check(s->c, "SLOWLOG RESET", "+OK");
}

static void passwords_do_not_get_into_the_slow_log(void **state)
{
    struct srv *s = *state;
    static const struct talk_step steps[] = {
        {"CONFIG SET slowlog-log-slower-than 0", "+OK"},     {"SLOWLOG RESET", "+OK"},
        {"CONFIG SET requirepass tell-nobody", "+OK"},       {"AUTH tell-nobody", "+OK"},
        {"HELLO 2 AUTH default tell-nobody", "*"},           {"CONFIG SET requirepass \"\"", "+OK"},
        {"CONFIG SET slowlog-log-slower-than 10000", "+OK"},
    };
    talk_check_all(s->c, steps);
    redisReply *r = talk_ask(s->c, "SLOWLOG GET -1");
    struct buf text;
    buf_init(&text);
    talk_print(r, &text);
    assert_non_null(strstr(buf_cstr(&text), "(redacted)"));
    assert_null(strstr(buf_cstr(&text), "tell-nobody"));
    buf_deinit(&text);
    freeReplyObject(r);
}

/* --- LATENCY ---------------------------------------------------------------------------------------- */

static void spikes_are_remembered(void **state)
{
    static const struct talk_step steps[] = {
        {"LATENCY LATEST", "[]"},
        {"LATENCY DOCTOR", "\"*\""},
        {"CONFIG SET latency-monitor-threshold 5", "+OK"},
        {"LATENCY RESET", ":*"},
        {"DEBUG SLEEP 0.02", "+OK"},
        {"DEBUG SLEEP 0.01", "+OK"},
        {"LATENCY LATEST", "[[\"command\", :*, :*, :*]*]"},
        {"LATENCY HISTORY command", "[[:*, :*]*]"},
        {"LATENCY HISTORY nosuch", "[]"},
        {"LATENCY GRAPH command", "\"command - high * ms, low * ms (all time high * ms)*\""},
        {"LATENCY GRAPH nosuch", "-ERR No samples available for event 'nosuch'"},
        {"LATENCY DOCTOR", "\"*command*\""},
        {"LATENCY RESET command", ":1"},
        {"LATENCY RESET nosuch", ":0"},
        {"LATENCY LATEST", "[]"},
        {"LATENCY NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try LATENCY HELP."},
        {"LATENCY HELP", "[+LATENCY <subcommand> [*"},
        {"CONFIG SET latency-monitor-threshold 0", "+OK"},
    };
    RUN(state, steps);
}

static void histograms(void **state)
{
    static const struct talk_step steps[] = {
        {"CONFIG RESETSTAT", "+OK"},
        {"LATENCY HISTOGRAM set", "[]"},
        {"SET k v", "+OK"},
        {"SET k v", "+OK"},
        {"LATENCY HISTOGRAM set nosuch",
         "[\"set\", [\"calls\", :2, \"histogram_usec\", [:*, :*]]]"},
        {"INFO latencystats", "*latency_percentiles_usec_set:p50=*,p99=*,p99.9=*"},
        {"CONFIG SET latency-tracking no", "+OK"},
        {"SET k v", "+OK"},
        {"LATENCY HISTOGRAM set", "[\"set\", [\"calls\", :2, *]]"},
        {"CONFIG SET latency-tracking yes", "+OK"},
    };
    RUN(state, steps);
}

/* --- INFO and MEMORY -------------------------------------------------------------------------------- */

static void info_has_redis_sections(void **state)
{
    static const struct {
        const char *section, *field;
    } fields[] = {
        {"server", "redis_version"},
        {"server", "run_id"},
        {"server", "tcp_port"},
        {"server", "uptime_in_seconds"},
        {"server", "process_id"},
        {"server", "executable"},
        {"clients", "connected_clients"},
        {"clients", "maxclients"},
        {"clients", "blocked_clients"},
        {"memory", "used_memory"},
        {"memory", "used_memory_human"},
        {"memory", "used_memory_rss"},
        {"memory", "used_memory_peak"},
        {"memory", "maxmemory"},
        {"memory", "mem_fragmentation_ratio"},
        {"persistence", "loading"},
        {"persistence", "aof_enabled"},
        {"stats", "total_connections_received"},
        {"stats", "total_commands_processed"},
        {"stats", "instantaneous_ops_per_sec"},
        {"stats", "keyspace_hits"},
        {"stats", "expired_keys"},
        {"replication", "role"},
        {"replication", "connected_slaves"},
        {"cpu", "used_cpu_sys"},
        {"cpu", "used_cpu_user"},
        {"cluster", "cluster_enabled"},
        {"everything", "redis_version"},
        {"everything", "cmdstat_info"},
        {"default", "redis_version"},
        {"all", "cmdstat_info"},
    };
    redisContext *c = ((struct srv *)*state)->c;
    char text[1024];
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!talk_info(c, fields[i].section, fields[i].field, text, sizeof(text)))
            fail_msg("INFO %s has no %s", fields[i].section, fields[i].field);
    assert_false(talk_info(c, "default", "cmdstat_info", text, sizeof(text)));
    static const struct talk_step steps[] = {
        {"INFO nosuch", "\"\""},
        {"INFO cpu clients", "\"# C*used_cpu_sys:*\""},
        {"INFO keyspace", "\"# Keyspace\\r\\n\""},
    };
    talk_check_all(c, steps);
}

static void info_counts(void **state)
{
    redisContext *c = ((struct srv *)*state)->c;
    static const struct talk_step steps[] = {
        {"CONFIG RESETSTAT", "+OK"},
        {"SET k v EX 1000", "+OK"},
        {"GET k", "\"v\""},
        {"GET nothing", "nil"},
        {"INCR k", "-ERR *"},
        {"GET", "-ERR *"},
        {"NOSUCH", "-ERR *"},
        {"AUTH a b", "-WRONGPASS *"},
        {"INFO stats", "*keyspace_hits:1\\r\\nkeyspace_misses:1\\r*total_error_replies:4\\r*"},
        {"INFO commandstats",
         "*cmdstat_get:calls=2,usec=*,usec_per_call=*,rejected_calls=1,failed_calls=0*"},
        {"INFO commandstats", "*cmdstat_incr:calls=1,*rejected_calls=0,failed_calls=1*"},
        {"INFO errorstats", "*errorstat_ERR:count=3\\r\\nerrorstat_WRONGPASS:count=1\\r*"},
        {"INFO keyspace", "*db0:keys=1,expires=1,avg_ttl=*"},
    };
    talk_check_all(c, steps);
}

static void memory_commands(void **state)
{
    static const struct talk_step steps[] = {
        {"SET k v", "+OK"},
        {"SETRANGE big 99999 x", ":100000"},
        {"MEMORY USAGE nothing", "nil"},
        {"MEMORY USAGE k SAMPLES 5", ":*"},
        {"MEMORY USAGE k SAMPLES", "-ERR syntax error"},
        {"MEMORY DOCTOR", "\"*\""},
        {"MEMORY STATS", "[\"peak.allocated\", :*, \"total.allocated\", :*]"},
        {"MEMORY PURGE", "+OK"},
        {"MEMORY NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try MEMORY HELP."},
        {"MEMORY HELP", "[+MEMORY <subcommand> [*"},
    };
    RUN(state, steps);
    redisContext *c = ((struct srv *)*state)->c;
    assert_in_range(talk_ask_int(c, "MEMORY USAGE k"), 2, 200);
    assert_in_range(talk_ask_int(c, "MEMORY USAGE big"), 100000, 140000);
}

static void lolwut(void **state)
{
    static const struct talk_step steps[] = {
        {"LOLWUT", "\"*ver*\""},
        {"LOLWUT VERSION 5", "\"*ver*\""},
        {"LASTSAVE", ":*"},
    };
    RUN(state, steps);
}

/* What the loop was busy with, by INFO: all of a turn, and commands alone. Waiting is not counted. */
static void the_loop_tells_how_busy_it_is(void **state)
{
    enum { SLEEP_US = 100000 };
    struct srv *s = *state;
    int64_t turns = talk_info_int(s->c, "stats", "eventloop_cycles");
    int64_t all = talk_info_int(s->c, "stats", "eventloop_duration_sum");
    int64_t commands = talk_info_int(s->c, "stats", "eventloop_duration_cmd_sum");
    talk_check(s->c, "DEBUG SLEEP 0.1", "+OK");
    srv_sleep_ms(1000);
    turns = talk_info_int(s->c, "stats", "eventloop_cycles") - turns;
    all = talk_info_int(s->c, "stats", "eventloop_duration_sum") - all;
    commands = talk_info_int(s->c, "stats", "eventloop_duration_cmd_sum") - commands;
    assert_true(turns > 0);
    assert_true(commands >= SLEEP_US && all >= SLEEP_US);
    assert_true(all < 9 * SLEEP_US);
    assert_true(talk_info_int(s->c, "stats", "instantaneous_eventloop_duration_usec") >= 0);
    talk_check(s->c, "CONFIG RESETSTAT", "+OK");
    assert_true(talk_info_int(s->c, "stats", "eventloop_duration_sum") < SLEEP_US);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(the_loop_tells_how_busy_it_is),
        TEST(monitors_see_what_runs),
        TEST(monitors_see_transactions_as_they_run),
        TEST(a_monitor_may_leave),
        TEST(slow_commands_are_remembered),
        TEST(the_slow_log_has_limits),
        TEST(passwords_do_not_get_into_the_slow_log),
        TEST(spikes_are_remembered),
        TEST(histograms),
        TEST(info_has_redis_sections),
        TEST(info_counts),
        TEST(memory_commands),
        TEST(lolwut),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
