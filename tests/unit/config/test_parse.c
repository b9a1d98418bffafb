/* Reading configuration files. */
#include <stdio.h>
#include <string.h>

#include "unit/config/config_test.h"

static void check_problems(const char *text, const char *problems)
{
    struct loaded l;
    loaded_init(&l, NULL);
    load_text(&l, text);
    assert_string_equal(loaded_problems(&l), problems);
    loaded_deinit(&l);
}

static void check_value(const char *text, const char *name, const char *value)
{
    struct loaded l;
    loaded_init(&l, NULL);
    load_text(&l, text);
    assert_string_equal(loaded_problems(&l), "");
    assert_string_equal(config_value(&l.config, name), value);
    loaded_deinit(&l);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *value;
    } cases[] = {
        {"port 7000", "port", "7000"},
        {"port 7000\n", "port", "7000"},
        {"  port\t7000  \r\n", "port", "7000"},
        {"PORT 7000", "port", "7000"},
        {"\"port\" '7000'", "port", "7000"},
        {"port 7000\nport 7001", "port", "7001"},
        {"# port 7000\n\n   # port 7001\n", "port", "6379"},
        {"bind 127.0.0.1 ::1", "bind", "127.0.0.1 ::1"},
        {"bind \"127.0.0.1   ::1\"", "bind", "127.0.0.1 ::1"},
        {"bind 1.1.1.1\nbind 2.2.2.2", "bind", "2.2.2.2"},
        {"bind \"\"", "bind", ""},
        {"bind a \"\" 'b  c'", "bind", "a b c"},
        {"daemonize YES", "daemonize", "yes"},
        {"loglevel Warning", "loglevel", "warning"},
        {"enable-debug-command local", "enable-debug-command", "local"},
        {"unixsocketperm 0770", "unixsocketperm", "770"},
        {"hz 0", "hz", "1"},
        {"hz 100000", "hz", "500"},
        {"requirepass \"a \\\"b\\\" \\x41\"", "requirepass", "a \"b\" A"},
        {"logfile ''", "logfile", ""},
        {"slowlog-log-slower-than -1", "slowlog-log-slower-than", "-1"},
        {"notify-keyspace-events KEA", "notify-keyspace-events", "AKE"},
        {"latency-tracking-info-percentiles 0 50.0 99.99", "latency-tracking-info-percentiles",
         "0 50 99.99"},
        {"latency-tracking-info-percentiles \"\"", "latency-tracking-info-percentiles", ""},
        {"client-output-buffer-limit pubsub 1mb 2kb 3", "client-output-buffer-limit",
         "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2048 3"},
        {"client-output-buffer-limit replica 1 2 3\nclient-output-buffer-limit normal 4 5 6 pubsub 7 8 9",
         "client-output-buffer-limit", "normal 4 5 6 slave 1 2 3 pubsub 7 8 9"},
        {"save \"\"", "save", ""},
        {"save", "save", ""},
        {"appendonly no", "appendonly", "no"},
        {"appendfsync always", "appendfsync", "always"},
        {"maxmemory 0mb", "maxmemory", "0"},
        {"replicaof no one", "replicaof", ""},
        {"shutdown-on-sigint nosave force now", "shutdown-on-sigint", "nosave now force"},
        {"shutdown-on-sigterm \"NOSAVE now\"", "shutdown-on-sigterm", "nosave now"},
        {"shutdown-on-sigterm now default", "shutdown-on-sigterm", "now"},
        {"slaveof \"\"", "replicaof", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_value(cases[i].text, cases[i].name, cases[i].value);
}

static void test_units(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
    } cases[] = {
        {"2000000", "2000000"}, {"2000k", "2000000"}, {"2000kb", "2048000"}, {"2m", "2000000"},
        {"2MB", "2097152"},     {"1G", "1000000000"}, {"1gB", "1073741824"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];
        snprintf(text, sizeof(text), "proto-max-bulk-len %s", cases[i].text);
        check_value(text, "proto-max-bulk-len", cases[i].bytes);
    }
}

static void test_wrong_values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error; /* behind "E test.conf:1: '<text>': " */
    } cases[] = {
        {"port abc",
         "argument couldn't be parsed into an integer (port takes a whole number from 0 to 65535)"},
        {"port 0x10",
         "argument couldn't be parsed into an integer (port takes a whole number from 0 to 65535)"},
        {"port 65536",
         "argument must be between 0 and 65535 inclusive (port takes a whole number from 0 to 65535)"},
        {"port", "wrong number of arguments (port takes a whole number from 0 to 65535)"},
        {"port 1 2", "wrong number of arguments (port takes a whole number from 0 to 65535)"},
        {"bind", "wrong number of arguments (bind takes one or more words)"},
        {"bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
         "Too many bind addresses specified. (bind takes one or more words)"},
        {"bind 'a' \"b'\"", "Invalid bind address (bind takes one or more words)"},
        {"daemonize maybe", "argument must be 'yes' or 'no'"},
        {"loglevel loud",
         "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"},
        {"unixsocketperm 8",
         "argument couldn't be parsed as an octal number (unixsocketperm takes permissions in octal, such as 700)"},
        {"unixsocketperm 1000",
         "argument must be between 0 and 777 inclusive (unixsocketperm takes permissions in octal, such as 700)"},
        {"proto-max-bulk-len 1",
         "argument must be between 1048576 and 9223372036854775807 inclusive "
         "(proto-max-bulk-len takes a size such as 512mb or 1gb, at least 1mb)"},
        {"proto-max-bulk-len -1",
         "argument must be a memory value "
         "(proto-max-bulk-len takes a size such as 512mb or 1gb, at least 1mb)"},
        {"proto-max-bulk-len 1tb",
         "argument must be a memory value "
         "(proto-max-bulk-len takes a size such as 512mb or 1gb, at least 1mb)"},
        {"save 900", "Invalid save parameters (save takes \"\", or pairs of seconds and changes)"},
        {"save 0 1", "Invalid save parameters (save takes \"\", or pairs of seconds and changes)"},
        {"save a 1", "Invalid save parameters (save takes \"\", or pairs of seconds and changes)"},
        {"save 1 -1", "Invalid save parameters (save takes \"\", or pairs of seconds and changes)"},
        {"replicaof 127.0.0.1",
         "wrong number of arguments (replicaof takes a host and a port, or \"\")"},
        {"replicaof 127.0.0.1 abc",
         "Invalid master port (replicaof takes a host and a port, or \"\")"},
        {"shutdown-on-sigint now later",
         "argument(s) must be one of the following: default, save, nosave, now, force "
         "(shutdown-on-sigint takes default, or some of nosave, now and force)"},
        {"shutdown-on-sigint",
         "argument(s) must be one of the following: default, save, nosave, now, force "
         "(shutdown-on-sigint takes default, or some of nosave, now and force)"},
        {"appendonly perhaps", "argument must be 'yes' or 'no'"},
        {"maxmemory much",
         "argument must be a memory value (maxmemory takes a size such as 512mb or 1gb)"},
        {"include", "include takes the path of a file"},
        {"include a b", "include takes the path of a file"},
        {"include \"\"", "include takes the path of a file"},
        {"include missing.conf", "cannot read missing.conf: No such file or directory"},
        {"logfile \"a\\x00b\"", "argument must not contain a zero byte "
                                "(logfile takes one word, in quotes when there are spaces in it)"},

        {"notify-keyspace-events KEy",
         "Invalid event class character. Use 'Ag$lshzxeKEtmdn'. "
         "(notify-keyspace-events takes letters of Ag$lshzxeKEtmdn, or \"\")"},
        {"latency-tracking-info-percentiles 50 x",
         "Invalid latency-tracking-info-percentiles parameters "
         "(latency-tracking-info-percentiles takes numbers from 0 to 100)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[1024];
        snprintf(expected, sizeof(expected), "E test.conf:1: '%s': %s\n", cases[i].text,
                 cases[i].error);
        check_problems(cases[i].text, expected);
    }
}

static void test_places(void **state)
{
    (void)state;
    check_problems("\n# comment\nport x\n\nhz y\n",
                   "E test.conf:3: 'port x': argument couldn't be parsed into an integer "
                   "(port takes a whole number from 0 to 65535)\n"
                   "E test.conf:5: 'hz y': argument couldn't be parsed into an integer "
                   "(hz takes a whole number from 1 to 500)\n");
}

static void test_secrets_stay_secret(void **state)
{
    (void)state;
    check_problems("requirepass very secret",
                   "E test.conf:1: 'requirepass ...': wrong number of arguments "
                   "(requirepass takes one word, in quotes when there are spaces in it)\n");
    check_problems(
        "masterauth verysecret",
        "W test.conf:1: 'masterauth ...': not supported yet, only '' is: there is no replication; "
        "ignored\n");
}

static void test_wrong_values_change_nothing(void **state)
{
    (void)state;
    struct loaded l;
    loaded_init(&l, NULL);
    load_text(
        &l,
        "client-output-buffer-limit normal 1 1 1 pubsub 2 2 x\n"
        "latency-tracking-info-percentiles 1 2 200\nport 7\nport 70000\nnotify-keyspace-events KQ");
    assert_int_equal(l.problems.fatal, 4);
    assert_string_equal(config_value(&l.config, "client-output-buffer-limit"),
                        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
    assert_string_equal(config_value(&l.config, "latency-tracking-info-percentiles"), "50 99 99.9");
    assert_string_equal(config_value(&l.config, "port"), "7");
    assert_string_equal(config_value(&l.config, "notify-keyspace-events"), "");
    loaded_deinit(&l);
}

static void test_not_supported(void **state)
{
    (void)state;
    check_problems(
        "save 900 1\nmaxmemory-policy allkeys-lru\nmaxmemory 100mb\nloadmodule x.so a\nrename-command FLUSHALL \"\"\nuser x on\n"
        "stream-node-max-entries 5\nmaxclient 5\nno-such-thing 1\n",
        "W test.conf:1: 'save 900 1': snapshots are not supported yet, the append-only file keeps data; ignored\n"
        "W test.conf:2: 'maxmemory-policy allkeys-lru': not supported yet, only 'noeviction' is: nothing is evicted; "
        "ignored\n"
        "W test.conf:3: 'maxmemory 100mb': not supported yet, only '0' is: there is no memory limit; ignored\n"
        "E test.conf:4: 'loadmodule ...': not supported by Corsac yet, and it may keep somebody out: Corsac does not "
        "start without it\n"
        "E test.conf:6: 'user ...': not supported by Corsac yet, and it may keep somebody out: Corsac does not "
        "start without it\n"
        "W test.conf:7: 'stream-node-max-entries 5': not supported yet, only '100' is: there are no streams; ignored\n"
        "E test.conf:8: 'maxclient ...': unknown option; did you mean 'maxclients'?\n"
        "E test.conf:9: 'no-such-thing ...': unknown option\n");
}

/* What kept somebody out of the server that a file was written for does not let them into this one. */
static void test_guards(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "aclfile /etc/users.acl", "user default off",
        "tls-port 6380",          "requirepas x",
        "socket-mark-id 7",       "unixsocketgroup redis",
        "loadmodule ldap.so",     "# a\rrequirepass x",
        "requirepass x\rport 7",  "rename-command FLUSHALL",
        "\xc2\xa0requirepass x",
    };
    static const char *const taken[] = {
        "aclfile \"\"",
        "tls-port 0",
        "\xef\xbb\xbfrequirepass x",
        "tls-auth-clients yes",
        "masterauth x",
        "rename-command FLUSHALL \"\"",
        "\xef\xbb\xbf# a\r\nrequirepass x\r\n",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) + sizeof(taken) / sizeof(taken[0]);
         i++) {
        size_t of_refused = sizeof(refused) / sizeof(refused[0]);
        struct loaded l;
        loaded_init(&l, NULL);
        load_text(&l, i < of_refused ? refused[i] : taken[i - of_refused]);
        assert_int_equal(l.problems.fatal, i < of_refused ? 1 : 0);
        loaded_deinit(&l);
    }
    struct loaded l;
    loaded_init(&l, NULL);
    load_text(&l, "\xef\xbb\xbfrequirepass x\n");
    assert_string_equal(config_value(&l.config, "requirepass"), "x");
    loaded_deinit(&l);
}

/* A line that is not understood may hold a password, whatever is wrong with it. */
static void test_no_message_quotes_a_secret(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "requirepas s3cret",        "requirepass=s3cret",
        "requirepass \"s3cret",     "user default on >s3cret",
        "requirepass s3cret x",     "masterauth s3cret",
        "tls-key-file-pass s3cret", "primaryauth s3cret",
        "# x\rrequirepass s3cret",  "s3cret",
        "masteruser s3cret",        "loadmodule x.so s3cret",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct loaded l;
        loaded_init(&l, NULL);
        load_text(&l, lines[i]);
        assert_int_equal(l.problems.count, 1);
        assert_null(strstr(loaded_problems(&l), "s3cret"));
        loaded_deinit(&l);
    }
}

static void test_suggestions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *like;
    } cases[] = {
        {"prot", "port"},
        {"requirepas", "requirepass"},
        {"Log-Level", "loglevel"},
        {"shard", "shards"},
        {"xyz", NULL},
        {"", NULL},
        {"a-very-long-name-that-is-like-no-option-there-is", NULL},
        {"timeouts", "timeout"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct option *o = option_like(&server_options, slice_from_cstr(cases[i].name));
        if (cases[i].like) {
            assert_non_null(o);
            assert_string_equal(o->name, cases[i].like);
        } else {
            assert_null(o);
        }
    }
}

static void test_names_are_told_apart(void **state)
{
    (void)state;
    for (const struct option *o = server_options.rows; o->name; o++) {
        assert_false(option_known_elsewhere(slice_from_cstr(o->name)));
        assert_false(o->alias && option_known_elsewhere(slice_from_cstr(o->alias)));
        assert_ptr_equal(option_find(&server_options, slice_from_cstr(o->name)),
                         o); /* none is there twice */
    }
}

static void test_include(void **state)
{
    (void)state;
    static const struct test_file files[] = {
        {"a.conf", "port 1\ninclude dir/*\nhz 7"},
        {"dir/1.conf", "timeout 1\nport 2"},
        {"dir/2.conf", "timeout x\n"},
        {NULL, NULL},
    };
    struct loaded l;
    loaded_init(&l, files);
    load_text(&l, "hz 5\ninclude a.conf\ninclude none/*\nport 3\n");
    assert_string_equal(loaded_problems(&l),
                        "E dir/2.conf:1: 'timeout x': argument couldn't be parsed into an integer "
                        "(timeout takes a whole number from 0 to 2147483647)\n");
    assert_string_equal(config_value(&l.config, "port"), "3");
    assert_string_equal(config_value(&l.config, "hz"), "7");
    assert_string_equal(config_value(&l.config, "timeout"), "1");
    loaded_deinit(&l);
}

static void test_include_has_limits(void **state)
{
    (void)state;
    static const struct test_file files[] = {
        {"self.conf", "include self.conf"},
        {"wide.conf", "include wide.conf\ninclude wide.conf\n"},
        {NULL, NULL},
    };
    struct loaded l;
    loaded_init(&l, files);
    load_text(&l, "include self.conf");
    assert_string_equal(
        loaded_problems(&l),
        "E self.conf:1: 'include self.conf': files include each other too deeply\n");
    assert_int_equal(l.loader.depth, 0);
    loaded_deinit(&l);

    loaded_init(&l, files);
    load_text(&l, "include wide.conf");
    assert_true(l.loader.includes > CONFIG_INCLUDES_MAX); /* and not 2^16 */
    assert_non_null(strstr(loaded_problems(&l), "too many files are included"));
    loaded_deinit(&l);
}

static void test_missing_file(void **state)
{
    (void)state;
    struct loaded l;
    loaded_init(&l, NULL);
    config_load_file(&l.loader, "missing.conf");
    assert_string_equal(loaded_problems(&l),
                        "E cannot read missing.conf: No such file or directory\n");
    loaded_deinit(&l);
}

static void test_problems_are_bounded(void **state)
{
    (void)state;
    struct loaded l;
    loaded_init(&l, NULL);
    for (int i = 0; i < CONFIG_PROBLEMS_MAX + 10; i++)
        load_text(&l, "port x\001y");
    assert_int_equal(l.problems.count, CONFIG_PROBLEMS_MAX);
    assert_int_equal(l.problems.fatal, CONFIG_PROBLEMS_MAX + 10);
    assert_non_null(
        strstr(l.problems.at[0].text, "'port x?y'")); /* one line of text, whatever was there */
    loaded_deinit(&l);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config c;
    config_init(&c, &server_options);
    assert_string_equal(config_value(&c, "port"), "6379");
    assert_string_equal(config_value(&c, "bind"), "* -::*");
    assert_string_equal(config_value(&c, "save"), "");
    assert_string_equal(config_value(&c, "appendonly"), "yes");
    assert_string_equal(config_value(&c, "protected-mode"), "yes");
    assert_string_equal(config_value(&c, "shards"), "1");
    config_deinit(&c, &server_options);
}

static void test_copies_are_independent(void **state)
{
    (void)state;
    struct loaded l;
    struct config copy;
    loaded_init(&l, NULL);
    load_text(&l, "requirepass one\nport 1");
    config_copy(&copy, &l.config, &server_options);
    load_text(&l, "requirepass two\nport 2\nbind a");
    assert_string_equal(config_value(&copy, "requirepass"), "one");
    assert_string_equal(config_value(&copy, "port"), "1");
    assert_string_equal(config_value(&copy, "bind"), "* -::*");
    for (const struct option *o = server_options.rows; o->name; o++) {
        bool changed = strcmp(o->name, "requirepass") == 0 || strcmp(o->name, "port") == 0 ||
                       strcmp(o->name, "bind") == 0;
        assert_int_equal(option_same(o, &copy, &l.config), !changed);
    }
    config_deinit(&copy, &server_options);
    loaded_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_secrets_stay_secret),
        cmocka_unit_test(test_wrong_values_change_nothing),
        cmocka_unit_test(test_not_supported),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_no_message_quotes_a_secret),
        cmocka_unit_test(test_suggestions),
        cmocka_unit_test(test_names_are_told_apart),
        cmocka_unit_test(test_include),
        cmocka_unit_test(test_include_has_limits),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_problems_are_bounded),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_copies_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
