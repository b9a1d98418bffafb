#include <stdio.h>

#include "admin/slowlog.h"
#include "base/mem.h"
#include "unit/engine/harness.h"

static struct harness h;
static struct client *a;

static int setup(void **state)
{
    (void)state;
    harness_init(&h);
    a = harness_connect(&h);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_deinit(&h);
    return 0;
}

/* Notes a request as the engine does, with a duration of its own. */
static void note(const char *line, int64_t us, uint64_t len_max)
{
    struct slice argv[64];
    int argc = 0;
    for (const char *at = line; *at; at += strspn(at, " ")) {
        argv[argc++] = slice_of(at, strcspn(at, " "));
        at += strcspn(at, " ");
    }
    h.config.slowlog_len_max = len_max;
    slowlog_add(admin_slowlog(h.admin), a->session, argv, argc, us);
}

static void test_entries(void **state)
{
    (void)state;
    assert_reply(a, "SLOWLOG LEN", ":0\r\n");
    assert_reply(a, "SLOWLOG GET", "*0\r\n");
    note("SET a b", 11, 128);
    client_run(a, "CLIENT SETNAME me");
    note("GET a", 12, 128);
    assert_reply(a, "SLOWLOG GET -1",
                 "*2\r\n"
                 "*6\r\n:1\r\n:1700000000\r\n:12\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
                 "$15\r\n127.0.0.1:50001\r\n$2\r\nme\r\n"
                 "*6\r\n:0\r\n:1700000000\r\n:11\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"
                 "$15\r\n127.0.0.1:50001\r\n$0\r\n\r\n");
    assert_has(client_run(a, "SLOWLOG GET 1"), "*1\r\n*6\r\n:1\r\n");
    assert_reply(a, "SLOWLOG GET 0", "*0\r\n");
    assert_reply(a, "SLOWLOG LEN", ":2\r\n");
    assert_reply(a, "SLOWLOG RESET", "+OK\r\n");
    assert_reply(a, "SLOWLOG LEN", ":0\r\n");
    note("PING", 1, 128);
    assert_has(client_run(a, "SLOWLOG GET"), "*1\r\n*6\r\n:2\r\n"); /* ids go on */
}

static void test_length(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        note("PING", i, 20);
    assert_int_equal(slowlog_len(admin_slowlog(h.admin)), 20);
    assert_has(client_run(a, "SLOWLOG GET"), "*10\r\n*6\r\n:29\r\n");
    note("PING", 1, 3);
    assert_int_equal(slowlog_len(admin_slowlog(h.admin)), 3);
    note("PING", 1, 0);
    assert_int_equal(slowlog_len(admin_slowlog(h.admin)), 0);
}

static void test_cut(void **state)
{
    (void)state;
    char line[512] = "SADD s";
    for (int i = 2; i < 32; i++)
        strcat(line, " x");
    note(line, 1, 1);
    assert_has(client_run(a, "SLOWLOG GET"), "*32\r\n$4\r\nSADD\r\n");
    assert_has_not(client_run(a, "SLOWLOG GET"), "more");
    strcat(line, " y");
    note(line, 1, 1);
    assert_has(client_run(a, "SLOWLOG GET"), "*32\r\n$4\r\nSADD\r\n");
    assert_has(client_run(a, "SLOWLOG GET"), "$1\r\nx\r\n$22\r\n... (2 more arguments)\r\n");

    strcpy(line, "ECHO ");
    memset(line + 5, 'e', 128);
    line[5 + 128] = '\0';
    note(line, 1, 1);
    assert_has(client_run(a, "SLOWLOG GET"), "$128\r\neee");
    strcat(line, "eee");
    note(line, 1, 1);
    assert_has(client_run(a, "SLOWLOG GET"), "$146\r\neee");
    assert_has(client_run(a, "SLOWLOG GET"), "eee... (3 more bytes)\r\n");
}

static void test_redacted(void **state)
{
    (void)state;
    static const struct {
        const char *line, *shown;
    } cases[] = {
        {"AUTH secret", "*2\r\n$4\r\nAUTH\r\n$10\r\n(redacted)\r\n"},
        {"AUTH user secret", "*3\r\n$4\r\nAUTH\r\n$10\r\n(redacted)\r\n$10\r\n(redacted)\r\n"},
        {"HELLO 3 auth u secret SETNAME n",
         "*7\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nauth\r\n$10\r\n(redacted)\r\n$10\r\n(redacted)\r\n"
         "$7\r\nSETNAME\r\n$1\r\nn\r\n"},
        {"CONFIG SET maxmemory 1 requirepass secret",
         "*6\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$9\r\nmaxmemory\r\n$1\r\n1\r\n$11\r\nrequirepass\r\n"
         "$10\r\n(redacted)\r\n"},
        {"CONFIG GET requirepass maxmemory",
         "*4\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$11\r\nrequirepass\r\n$9\r\nmaxmemory\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        note(cases[i].line, 1, 1);
        assert_has(client_run(a, "SLOWLOG GET"), cases[i].shown);
        assert_has_not(client_run(a, "SLOWLOG GET"), "secret");
    }
}

static void test_threshold(void **state)
{
    (void)state;
    h.config.slowlog_us = 0;
    engine_config_changed(h.e);
    client_run(a, "PING");
    client_run(a, "ECHO"); /* was not run */
    client_run(a, "NONE");
    assert_reply(a, "SLOWLOG LEN", ":1\r\n");
    h.config.slowlog_us = -1;
    engine_config_changed(h.e);
    client_run(a, "SLOWLOG RESET");
    client_run(a, "PING");
    assert_reply(a, "SLOWLOG LEN", ":0\r\n");
}

static void test_errors(void **state)
{
    (void)state;
    assert_reply(a, "SLOWLOG", "-ERR wrong number of arguments for 'slowlog' command\r\n");
    assert_reply(a, "SLOWLOG GET abc", "-ERR count should be greater than or equal to -1\r\n");
    assert_reply(a, "SLOWLOG GET -2", "-ERR count should be greater than or equal to -1\r\n");
    assert_reply(
        a, "SLOWLOG GET 1 2",
        "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.\r\n");
    assert_reply(a, "SLOWLOG LEN x",
                 "-ERR wrong number of arguments for 'slowlog|len' command\r\n");
    assert_reply(a, "SLOWLOG foo", "-ERR unknown subcommand 'foo'. Try SLOWLOG HELP.\r\n");
    assert_has(client_run(a, "SLOWLOG HELP"), "SLOWLOG <subcommand>");
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; n < 5; n++) {
        mem_fail_after(n);
        note("SET a b", 1, 100);
        mem_fail_after(0);
    }
    assert_has(client_run(a, "SLOWLOG GET"), "$3\r\nSET\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redacted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threshold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };
    return cmocka_run_group_tests_name("admin/slowlog", tests, NULL, NULL);
}
