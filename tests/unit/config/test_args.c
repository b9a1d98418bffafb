/* The command line. */
#include <string.h>

#include "unit/config/config_test.h"

#define WORDS_MAX_HERE 16

static int split(const char *const *words, char *argv[WORDS_MAX_HERE])
{
    int argc = 0;
    argv[argc++] = (char *)"corsac";
    while (words[argc - 1]) {
        argv[argc] = (char *)words[argc - 1];
        argc++;
    }
    return argc;
}

struct args_case {
    const char *words[WORDS_MAX_HERE - 1];
    const char *name, *value; /* an option that is set */
};

static void check_set(const struct args_case *k)
{
    char *argv[WORDS_MAX_HERE];
    int argc = split(k->words, argv);
    struct loaded l;
    loaded_init(&l, NULL);
    config_args_load(&l.loader, argc, argv);
    assert_string_equal(loaded_problems(&l), "");
    assert_string_equal(config_value(&l.config, k->name), k->value);
    loaded_deinit(&l);
}

static void test_forms(void **state)
{
    (void)state;
    static const struct args_case cases[] = {
        {{"--port", "7000"}, "port", "7000"},
        {{"x.conf", "--port", "7000"}, "port", "7000"},
        {{"-", "--port", "7000"}, "port", "7000"},
        {{"--port", "7000", "-"}, "port", "7000"},
        {{"--port", "7000", "--hz", "7"}, "hz", "7"},
        {{"--bind", "a", "b", "--port", "7000"}, "bind", "a b"},
        {{"--bind", "a", "b", "--port", "7000"}, "port", "7000"},
        {{"--daemonize", "yes"}, "daemonize", "yes"},
        {{"--save", "", "--port", "1"}, "port", "1"},
        {{"--save", "--port", "1"}, "port", "1"},
        {{"--save"}, "save", ""},
        {{"--port", "1", "--save"}, "port", "1"},
        {{"--requirepass", "--secret", "--port", "1"}, "requirepass", "--secret"},
        {{"--requirepass", "--secret", "--port", "1"}, "port", "1"},
        {{"--requirepass", "--save", "--save", "", "--port", "1"}, "requirepass", "--save"},
        {{"--requirepass", "--save", "--save", "", "--port", "1"}, "port", "1"},
        {{"--port 7000", "--hz 7"}, "port", "7000"},
        {{"--port 7000", "--hz 7"}, "hz", "7"},
        {{"--proto-max-bulk-len '700mb'"}, "proto-max-bulk-len", "734003200"},
        {{"x.conf", "loglevel", "verbose", "--port '1'"}, "loglevel", "verbose"},
        {{"--bind a b", "c", "--port", "1"}, "bind", "a b c"},
        {{"--bind", "a b", "--port", "1"}, "bind", "a b"},
        {{"--requirepass", "with space"}, "requirepass", "with space"},
        {{"--client-output-buffer-limit", "pubsub", "1", "2", "3"},
         "client-output-buffer-limit",
         "normal 0 0 0 slave 268435456 67108864 60 pubsub 1 2 3"},
        {{"--check-config", "x.conf", "--port", "1"}, "port", "1"},
        {{"--port", "1", "--check-config"}, "port", "1"},
        {{"--PORT", "1"}, "port", "1"},
        {{"--port", "1", "--port", "2"}, "port", "2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_set(&cases[i]);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX_HERE - 1];
        const char *problems;
    } cases[] = {
        {{"--port"},
         "E command line: 'port': wrong number of arguments (port takes a whole number from 0 to 65535)\n"},
        {{"--port", "1", "--loglevel"}, "E command line: 'loglevel': wrong number of arguments\n"},
        {{"--port", "1", "2"},
         "E command line: 'port \"1\" \"2\"': wrong number of arguments (port takes a whole number from 0 to 65535)\n"},
        {{"--port", "--loglevel", "verbose"},
         "E command line: 'port \"--loglevel\" \"verbose\"': wrong number of arguments "
         "(port takes a whole number from 0 to 65535)\n"},
        {{"--port", "--bla", "--loglevel", "verbose"},
         "E command line: 'port \"--bla\"': argument couldn't be parsed into an integer "
         "(port takes a whole number from 0 to 65535)\n"},
        {{"--logfile", "--my-log", "--loglevel", "--bla"},
         "E command line: 'loglevel \"--bla\"': argument(s) must be one of the following: debug, verbose, notice, "
         "warning, nothing\n"},
        {{"--prot", "1"}, "E command line: 'prot ...': unknown option; did you mean 'port'?\n"},
        {{"--no-such-option"}, "E command line: 'no-such-option': unknown option\n"},
        {{"--no-appendfsync-on-rewrite", "yes"},
         "W command line: 'no-appendfsync-on-rewrite \"yes\"': not supported yet, only 'no' is: a rewrite keeps no sync "
         "waiting; ignored\n"},
        {{"--save", "60", "1"},
         "W command line: 'save \"60\" \"1\"': snapshots are not supported yet, the append-only file keeps data; "
         "ignored\n"},
        {{"--save", "60 1"},
         "W command line: 'save \"60 1\"': snapshots are not supported yet, the append-only file keeps data; ignored\n"},
        {{"--"}, "E command line: '--': no option\n"},
        {{"--port \"1"}, "E command line: '--port ...': no option\n"},
        {{"--requirepass \"secret"}, "E command line: '--requirepass ...': no option\n"},
        {{"--port", "1", "--requirepass=\"secret"},
         "E command line: '--requirepass ...': no option\n"},
        {{"--port", "1", "--\"secret"}, "E command line: '-- ...': no option\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *argv[WORDS_MAX_HERE];
        int argc = split(cases[i].words, argv);
        struct loaded l;
        loaded_init(&l, NULL);
        config_args_load(&l.loader, argc, argv);
        assert_string_equal(loaded_problems(&l), cases[i].problems);
        loaded_deinit(&l);
    }
}

static void test_modes(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX_HERE - 1];
        enum config_mode mode;
        const char *file;
        bool stdin_too;
    } cases[] = {
        {{NULL}, CONFIG_RUN, NULL, false},
        {{"x.conf"}, CONFIG_RUN, "x.conf", false},
        {{"-"}, CONFIG_RUN, NULL, true},
        {{"x.conf", "-"}, CONFIG_RUN, "x.conf", true},
        {{"x.conf", "--port", "1", "-"}, CONFIG_RUN, "x.conf", true},
        {{"-v"}, CONFIG_VERSION, NULL, false},
        {{"--version"}, CONFIG_VERSION, NULL, false},
        {{"--port", "1", "--version"}, CONFIG_VERSION, NULL, false},
        {{"-h"}, CONFIG_USAGE, NULL, false},
        {{"--help", "--version"}, CONFIG_USAGE, NULL, false},
        {{"--check-config", "x.conf"}, CONFIG_CHECK, "x.conf", false},
        {{"x.conf", "--check-config"}, CONFIG_CHECK, "x.conf", false},
        {{"--check-config", "-"}, CONFIG_CHECK, NULL, true},
        {{"--check-config", "x.conf", "--port", "1"}, CONFIG_CHECK, "x.conf", false},
        {{"--requirepass", "--version"}, CONFIG_RUN, NULL, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *argv[WORDS_MAX_HERE];
        int argc = split(cases[i].words, argv);
        struct config_args args;
        config_args_scan(argc, argv, &args);
        assert_int_equal(args.mode, cases[i].mode);
        assert_int_equal(args.stdin_too, cases[i].stdin_too);
        if (cases[i].file)
            assert_string_equal(args.file, cases[i].file);
        else
            assert_null(args.file);
    }
}

static void test_usage_names_every_option(void **state)
{
    (void)state;
    struct buf text, name;
    buf_init(&text);
    buf_init(&name);
    config_usage(&server_options, &text);
    for (const struct option *o = server_options.rows; o->name; o++) {
        if ((o->flags & OPTION_TAKEN) == OPTION_TAKEN)
            continue;
        buf_clear(&name);
        buf_printf(&name, "\n  --%s ", o->name);
        assert_non_null(strstr(buf_cstr(&text), buf_cstr(&name)));
    }
    buf_deinit(&text);
    buf_deinit(&name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_usage_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
