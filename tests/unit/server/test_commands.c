/* INFO, MEMORY, DEBUG, SHUTDOWN and the other commands on the process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/info.h"
#include "engine/session_impl.h"
#include "unit/server/server_test.h"

static struct test_server t;

static int setup(void **state)
{
    (void)state;
    test_server_init(&t, "enable-debug-command local\nshards 3");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_server_deinit(&t);
    return 0;
}

/* --- INFO ------------------------------------------------------------------------------------------- */

/* Every line is empty, "# Title" or "name:value", and no name is there twice. */
static void check_info_form(const char *reply)
{
    static char names[512][64];
    int count = 0;
    const char *p = strstr(reply, "\r\n");
    assert_non_null(p);
    for (p += 2; *p;) {
        const char *end = strstr(p, "\r\n");
        assert_non_null(end);
        if (p != end && *p != '#') {
            const char *colon = memchr(p, ':', (size_t)(end - p));
            assert_non_null(colon);
            assert_true(colon - p < 64 && count < 512);
            snprintf(names[count], sizeof(names[0]), "%.*s", (int)(colon - p), p);
            for (int i = 0; i < count; i++)
                assert_string_not_equal(names[i], names[count]);
            count++;
        }
        p = end + 2;
    }
}

static const char *titles(const char *words)
{
    static char found[512];
    char line[128];
    snprintf(line, sizeof(line), "INFO %s", words);
    found[0] = '\0';
    const char *p = test_server_run(&t, line);
    while ((p = strstr(p, "# "))) {
        strncat(found, p + 2, strcspn(p + 2, "\r"));
        strcat(found, " ");
        p++;
    }
    return found;
}

#define DEFAULT_1 "Server Clients Memory Persistence Stats Replication CPU Modules "
#define DEFAULT_2 "Cluster Keyspace Shards "

static void test_info_sections(void **state)
{
    (void)state;
    const char *all = DEFAULT_1 "Commandstats Errorstats Latencystats " DEFAULT_2;
    assert_string_equal(titles(""), DEFAULT_1 "Errorstats " DEFAULT_2);
    assert_string_equal(titles("default"), DEFAULT_1 "Errorstats " DEFAULT_2);
    assert_string_equal(titles("all"), all);
    assert_string_equal(titles("everything"), all);
    assert_string_equal(titles("cpu all"), all);
    assert_string_equal(titles("SHARDS Server server nothing"), "Server Shards ");
    assert_string_equal(titles("commandstats default"),
                        DEFAULT_1 "Commandstats Errorstats " DEFAULT_2);
    assert_reply(&t, "INFO nothing", "$0\r\n\r\n");
    assert_reply(&t, "INFO cluster", "$30\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n");
    t.session->writer.proto = 3;
    assert_reply(&t, "INFO cluster", "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
}

static void test_info_fields(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "redis_version:7.2.4",
        "corsac_version:",
        "redis_mode:standalone",
        "os:Linux ",
        "arch_bits:64",
        "multiplexing_api:epoll",
        "process_id:",
        "run_id:",
        "tcp_port:0",
        "uptime_in_seconds:0",
        "lru_clock:",
        "connected_clients:",
        "used_memory:",
        "used_memory_rss_human:",
        "mem_allocator:",
        "maxmemory_policy:noeviction",
        "loading:0",
        "rdb_bgsave_in_progress:0",
        "aof_enabled:0",
        "total_commands_processed:",
        "instantaneous_ops_per_sec:0",
        "keyspace_hits:0",
        "evicted_keys:0",
        "total_error_replies:",
        "role:master",
        "connected_slaves:0",
        "master_replid:",
        "used_cpu_user:",
        "db0:keys=100,expires=0,avg_ttl=0",
        "shards:3",
        "resharding:0",
        "cmdstat_debug:calls=1,usec=",
    };
    test_server_run(&t, "DEBUG POPULATE 100");
    test_server_run(&t, "NO-SUCH-COMMAND");
    const char *info = test_server_run(&t, "INFO everything");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "\r\n%s", fields[i]);
        assert_has(info, line);
    }
    assert_has(info, "\r\nerrorstat_ERR:count=1\r\n");
    check_info_form(info);

    const char *id = strstr(info, "\r\nrun_id:") + strlen("\r\nrun_id:");
    assert_int_equal(strspn(id, "0123456789abcdef"), SERVER_ID_CHARS);
}

static void test_info_shards(void **state)
{
    (void)state;
    test_server_run(&t, "DEBUG POPULATE 1000");
    const char *info = test_server_run(&t, "INFO shards");
    unsigned slots = 0, keys = 0;
    for (int i = 0; i < 3; i++) {
        char name[32];
        unsigned a, b;
        snprintf(name, sizeof(name), "\r\nshard%d:", i);
        const char *line = strstr(info, name);
        assert_non_null(line);
        assert_int_equal(sscanf(line + strlen(name), "slots=%u,keys=%u,expires=0,bytes=", &a, &b),
                         2);
        slots += a;
        keys += b;
    }
    assert_int_equal(slots, 16384);
    assert_int_equal(keys, 1000);
}

static void test_latencystats(void **state)
{
    (void)state;
    test_server_run(&t, "DEBUG SLEEP 0.03");
    const char *p =
        strstr(test_server_run(&t, "INFO latencystats"), "latency_percentiles_usec_debug:p50=");
    assert_non_null(p);
    assert_true(atof(p + strlen("latency_percentiles_usec_debug:p50=")) >= 30000);
    assert_reply(&t, "CONFIG SET latency-tracking-info-percentiles \"0 100\"", "+OK\r\n");
    const char *info = test_server_run(&t, "INFO latencystats");
    assert_has(info, "latency_percentiles_usec_config|set:p0=");
    assert_has(info, ",p100=");
    assert_reply(&t, "CONFIG SET latency-tracking no", "+OK\r\n");
    assert_null(strstr(test_server_run(&t, "INFO latencystats"), "usec"));
}

static void test_human(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0B"},
                 {1023, "1023B"},
                 {1024, "1.00K"},
                 {1536, "1.50K"},
                 {5 << 20, "5.00M"},
                 {1ULL << 30, "1.00G"},
                 {3ULL << 39, "1.50T"},
                 {UINT64_MAX, "16384.00P"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[INFO_HUMAN_CHARS];
        info_human(cases[i].bytes, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* --- MEMORY ----------------------------------------------------------------------------------------- */

static void test_memory(void **state)
{
    (void)state;
    test_server_run(&t, "DEBUG POPULATE 1 k 100000");
    const char *reply = test_server_run(&t, "MEMORY USAGE k:0");
    assert_true(reply[0] == ':' && atoi(reply + 1) >= 100000 && atoi(reply + 1) < 150000);
    assert_reply(&t, "MEMORY USAGE nothing", "$-1\r\n");
    assert_reply(&t, "MEMORY USAGE nothing SAMPLES 0", "$-1\r\n");
    assert_reply(&t, "MEMORY USAGE k:0 SAMPLES", "-ERR syntax error\r\n");
    assert_reply(&t, "MEMORY USAGE k:0 SAMPLES -1", "-ERR syntax error\r\n");
    assert_reply(&t, "MEMORY USAGE k:0 SAMPLES x",
                 "-ERR value is not an integer or out of range\r\n");
    assert_reply(&t, "MEMORY USAGE k:0 x 1", "-ERR syntax error\r\n");
    assert_reply(&t, "MEMORY PURGE", "+OK\r\n");
    assert_has(test_server_run(&t, "MEMORY DOCTOR"), "\n\r\n");
    assert_has(test_server_run(&t, "MEMORY MALLOC-STATS"), "Allocator: ");
    assert_has(test_server_run(&t, "MEMORY STATS"), "$10\r\nkeys.count\r\n:1\r\n");
    assert_has(test_server_run(&t, "MEMORY HELP"), "+MEMORY <subcommand>");
}

/* --- DEBUG ------------------------------------------------------------------------------------------ */

static void test_debug_is_refused(void **state)
{
    (void)state;
    t.local = false;
    assert_has(test_server_run(&t, "DEBUG HELP"), "-ERR DEBUG command not allowed.");
}

static void test_debug_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *type, *resp2, *resp3;
    } cases[] = {
        {"string", "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"},
        {"integer", ":12345\r\n", ":12345\r\n"},
        {"double", "$5\r\n3.141\r\n", ",3.141\r\n"},
        {"null", "$-1\r\n", "_\r\n"},
        {"array", "*3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n"},
        {"set", "*3\r\n:0\r\n:1\r\n:2\r\n", "~3\r\n:0\r\n:1\r\n:2\r\n"},
        {"map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
         "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"},
        {"attrib", "$39\r\nSome real reply following the attribute\r\n",
         "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the "
         "attribute\r\n"},
        {"push", "-ERR RESP2 is not supported by this command\r\n",
         "$40\r\nSome real reply following the push reply\r\n>2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"},
        {"verbatim", "$25\r\nThis is a verbatim\nstring\r\n",
         "=29\r\ntxt:This is a verbatim\nstring\r\n"},
        {"true", ":1\r\n", "#t\r\n"},
        {"false", ":0\r\n", "#f\r\n"},
        {"bignum", "$37\r\n1234567999999999999999999999999999999\r\n",
         "(1234567999999999999999999999999999999\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "DEBUG PROTOCOL %s", cases[i].type);
        t.session->writer.proto = 2;
        assert_reply(&t, line, cases[i].resp2);
        t.session->writer.proto = 3;
        assert_reply(&t, line, cases[i].resp3);
    }
    assert_has(test_server_run(&t, "DEBUG PROTOCOL x"), "-ERR Wrong protocol type name. ");
}

static void test_debug_digest(void **state)
{
    (void)state;
    char one[64], two[64];
    const char *nothing = "+0000000000000000000000000000000000000000\r\n";
    assert_reply(&t, "DEBUG DIGEST", nothing);
    test_server_run(&t, "DEBUG POPULATE 100");
    strcpy(one, test_server_run(&t, "DEBUG DIGEST"));
    assert_string_not_equal(one, nothing);
    assert_int_equal(strspn(one + 1, "0123456789abcdef"), 40);

    /* The same, however the keys lie and in whatever order they came; other in another database. */
    assert_reply(&t, "CONFIG SET shards 5", "+OK\r\n");
    while (ks_work(t.s->ks))
        ;
    assert_reply(&t, "DEBUG DIGEST", one);
    ks_flush(t.s->ks, -1, true);
    test_server_run(&t, "SELECT 1");
    test_server_run(&t, "DEBUG POPULATE 100");
    strcpy(two, test_server_run(&t, "DEBUG DIGEST"));
    assert_string_not_equal(one, two);
    ks_swap(t.s->ks, 0, 1);
    assert_reply(&t, "DEBUG DIGEST", one);

    test_server_run(&t, "SELECT 0");
    assert_has(test_server_run(&t, "DEBUG DIGEST-VALUE key:1 nothing"), nothing);
    assert_reply(&t, "DEBUG DIGEST-VALUE",
                 "-ERR unknown subcommand or wrong number of arguments for 'DIGEST-VALUE'. "
                 "Try DEBUG HELP.\r\n");
}

static void test_debug_others(void **state)
{
    (void)state;
    assert_reply(&t, "DEBUG POPULATE 3 a 10", "+OK\r\n");
    assert_reply(&t, "DEBUG POPULATE 3 a 20", "+OK\r\n"); /* what is there stays */
    assert_int_equal(ks_size(t.s->ks, 0), 3);
    assert_has(test_server_run(&t, "DEBUG OBJECT a:0"), "encoding:embstr serializedlength:11 ");
    assert_reply(&t, "DEBUG OBJECT nothing", "-ERR no such key\r\n");
    assert_reply(&t, "DEBUG POPULATE x", "-ERR value is out of range, must be positive\r\n");
    assert_reply(&t, "DEBUG ERROR \"MYERR of mine\"", "-MYERR of mine\r\n");
    assert_reply(&t, "DEBUG LOG hello", "+OK\r\n");
    assert_reply(&t, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK\r\n");
    assert_false(t.s->engine->active_expiry);
    assert_reply(&t, "CONFIG SET hz 20 slowlog-max-len 3", "+OK\r\n");
    assert_false(t.s->engine->active_expiry); /* is no option, and survives them */
    assert_reply(&t, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK\r\n");
    assert_true(t.s->engine->active_expiry);
    assert_reply(&t, "DEBUG STRINGMATCH-LEN 1000 a*a", ":1\r\n");
    assert_reply(&t, "DEBUG STRINGMATCH-LEN 1000 a*b", ":0\r\n");
    assert_has(test_server_run(&t, "DEBUG JMAP"), "-ERR not supported");
    assert_has(test_server_run(&t, "DEBUG RELOAD"),
               "-ERR there is no append-only file to load from");
    assert_reply(&t, "DEBUG NOTHING",
                 "-ERR unknown subcommand or wrong number of arguments for 'NOTHING'. "
                 "Try DEBUG HELP.\r\n");
    char id[SERVER_ID_CHARS + 1];
    strcpy(id, t.s->repl_id);
    assert_reply(&t, "DEBUG CHANGE-REPL-ID", "+OK\r\n");
    assert_string_not_equal(id, t.s->repl_id);
    assert_has(test_server_run(&t, "DEBUG HELP"), "+DIGEST-VALUE <key> [<key> ...]\r\n");
}

/* --- the others ------------------------------------------------------------------------------------- */

static void test_shutdown(void **state)
{
    (void)state;
    static const char *const wrong[] = {"SHUTDOWN x", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_reply(&t, wrong[i], "-ERR syntax error\r\n");
    assert_reply(&t, "SHUTDOWN ABORT", "-ERR No shutdown in progress.\r\n");
    assert_has(test_server_run(&t, "SHUTDOWN SAVE"), "-ERR Errors trying to SHUTDOWN");
    assert_int_equal(t.s->stop, STOP_NO);
    server_stop(t.s, 15);
    assert_reply(&t, "SHUTDOWN ABORT", "+OK\r\n");
    assert_int_equal(t.s->stop, STOP_NO);
    assert_reply(&t, "SHUTDOWN NOSAVE NOW FORCE", "");
    assert_int_equal(t.s->stop, STOP_ASKED);
}

static void test_small_ones(void **state)
{
    (void)state;
    assert_reply(&t, "ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    assert_has(test_server_run(&t, "TIME"), "*2\r\n$10\r\n");
    assert_true(atoll(test_server_run(&t, "LASTSAVE") + 1) > 1700000000);
    assert_has(test_server_run(&t, "LOLWUT"), "Redis ver. 7.2.4\nCorsac ver. ");
    assert_has(test_server_run(&t, "LOLWUT VERSION 1"), "Redis ver. 7.2.4\nCorsac ver. ");
    assert_reply(&t, "LOLWUT VERSION x", "-ERR value is not an integer or out of range\r\n");
    assert_reply(&t, "FUNCTION FLUSH", "+OK\r\n");
    assert_reply(&t, "FUNCTION FLUSH x", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option\r\n");
    assert_reply(&t, "FUNCTION LIST", "*0\r\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_info_sections),    TEST(test_info_fields),       TEST(test_info_shards),
        TEST(test_latencystats),     cmocka_unit_test(test_human), TEST(test_memory),
        TEST(test_debug_is_refused), TEST(test_debug_protocol),    TEST(test_debug_digest),
        TEST(test_debug_others),     TEST(test_shutdown),          TEST(test_small_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
