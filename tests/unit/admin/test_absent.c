/* What tools ask for without need: answered as by a Redis without cluster, scripts, modules and users. */
#include "unit/engine/harness.h"

#define DISABLED "-ERR This instance has cluster support disabled\r\n"
#define NOTBUSY  "-NOTBUSY No scripts in execution right now.\r\n"

static const struct {
    const char *line, *reply;
} cases[] = {
    {"MODULE LIST", "*0\r\n"},
    {"MODULE FOO", "-ERR unknown subcommand 'FOO'. Try MODULE HELP.\r\n"},
    {"ACL WHOAMI", "$7\r\ndefault\r\n"},
    {"ACL FOO", "-ERR unknown subcommand 'FOO'. Try ACL HELP.\r\n"},
    {"CLUSTER INFO", DISABLED},
    {"CLUSTER MYID", DISABLED},
    {"CLUSTER NODES", DISABLED},
    {"CLUSTER SLOTS", DISABLED},
    {"CLUSTER SHARDS", DISABLED},
    {"CLUSTER HELP", DISABLED},
    {"CLUSTER RESET HARD", DISABLED},
    {"CLUSTER KEYSLOT foo", ":12182\r\n"},
    {"CLUSTER KEYSLOT", "-ERR wrong number of arguments for 'cluster|keyslot' command\r\n"},
    {"CLUSTER FOO", "-ERR unknown subcommand 'FOO'. Try CLUSTER HELP.\r\n"},
    {"READONLY", DISABLED},
    {"READWRITE", DISABLED},
    {"ASKING", DISABLED},
    {"SCRIPT EXISTS a b", "*2\r\n:0\r\n:0\r\n"},
    {"SCRIPT FLUSH", "+OK\r\n"},
    {"SCRIPT FLUSH async", "+OK\r\n"},
    {"SCRIPT FLUSH x", "-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n"},
    {"SCRIPT KILL", NOTBUSY},
    {"FUNCTION KILL", NOTBUSY},
    {"FUNCTION DELETE x", "-ERR Library not found\r\n"},
    {"FUNCTION FLUSH SYNC", "+OK\r\n"},
    {"FUNCTION FLUSH x", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option\r\n"},
    {"FUNCTION LIST LIBRARYNAME x WITHCODE", "*0\r\n"},
    {"FUNCTION LIST FOO", "-ERR Unknown argument FOO\r\n"},
    {"FUNCTION LIST LIBRARYNAME", "-ERR library name argument was not given\r\n"},
    {"FUNCTION STATS", "*4\r\n$14\r\nrunning_script\r\n$-1\r\n$7\r\nengines\r\n*2\r\n$3\r\nLUA\r\n"
                       "*4\r\n$15\r\nlibraries_count\r\n:0\r\n$15\r\nfunctions_count\r\n:0\r\n"},
};

static void test_replies(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h);
    struct client *c = harness_connect(&h);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_reply(c, cases[i].line, cases[i].reply);
    assert_has(client_run(c, "MODULE LOAD x"), "-ERR MODULE command not allowed.");
    assert_has(client_run(c, "MODULE HELP"), "LIST");
    assert_has(client_run(c, "SCRIPT HELP"), "EXISTS");
    assert_has(client_run(c, "FUNCTION HELP"), "STATS");
    assert_has(client_run(c, "ACL HELP"), "WHOAMI");
    harness_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_replies)};
    return cmocka_run_group_tests_name("admin/absent", tests, NULL, NULL);
}
