/* How a server is told what to do: command line, files, standard input, and CONFIG at run time. */
#include "e2e/raw.h"
#include "e2e/server.h"
#include "e2e/talk.h"

#define RUN(state, steps) talk_check_all(((struct srv *)*(state))->c, steps)

/* Starts with "--port N --dir D" and further words in front of and behind it, and waits for it. */
static struct srv *start_with(const char *before, const char *after, const char *input)
{
    struct srv *s = srv_new();
    char words[4096];
    snprintf(words, sizeof(words), "%s --port %d --dir %s %s", before, s->port, s->dir, after);
    srv_launch(s, words, input);
    srv_await(s);
    return s;
}

/* --- where options come from ------------------------------------------------------------------------ */

static void the_command_line_has_redis_forms(void **state)
{
    static const struct {
        const char *words, *option, *value;
    } cases[] = {
        {"--timeout 5", "timeout", "5"},
        {"--timeout 5 --timeout 7", "timeout", "7"},
        {"\"--timeout 8\"", "timeout", "8"},
        {"--bind 127.0.0.1 -::1 --timeout 3", "bind", "127.0.0.1 -::1"},
        {"--client-query-buffer-limit 64mb", "client-query-buffer-limit", "67108864"},
        {"--save --timeout 9", "timeout", "9"},
        {"--save \"\" --appendonly no", "save", ""},
        {"--requirepass \"\"", "requirepass", ""},
        {"--notify-keyspace-events KEA", "notify-keyspace-events", "AKE"},
        {"--LOGLEVEL Verbose", "loglevel", "verbose"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct srv *s = start_with("", cases[i].words, NULL);
        char command[128], expected[256];
        snprintf(command, sizeof(command), "CONFIG GET %s", cases[i].option);
        snprintf(expected, sizeof(expected), "[\"%s\", \"%s\"]", cases[i].option, cases[i].value);
        talk_check(s->c, command, expected);
        srv_stop(&s);
    }
}

static void a_file_is_read_before_the_command_line(void **state)
{
    (void)state;
    struct srv *s = srv_new();
    char words[1024];
    srv_write_file(s, "more.conf", "hz 33\n");
    srv_write_file(s, "main.conf",
                   "# a comment\n\n  timeout   5  \r\ntcp-keepalive 60\n"
                   "requirepass \"a \\\"b\\\" \\x41\"\ninclude more.conf\n"
                   "client-query-buffer-limit 64mb\nport 1\n");
    snprintf(words, sizeof(words), "main.conf --port %d --timeout 6", s->port);
    srv_launch(s, words, NULL);
    srv_await(s);
    static const struct talk_step steps[] = {
        {"AUTH 'a \"b\" A'", "+OK"},
        {"CONFIG GET timeout", "[\"timeout\", \"6\"]"},
        {"CONFIG GET tcp-keepalive", "[\"tcp-keepalive\", \"60\"]"},
        {"CONFIG GET hz", "[\"hz\", \"33\"]"},
        {"INFO server", "*config_file:*/main.conf*"},
    };
    talk_check_all(s->c, steps);
    srv_stop(&s);
}

static void standard_input_is_a_file_too(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
    } forms[] = {{"-", ""}, {"", "-"}};
    for (int i = 0; i < 2; i++) {
        struct srv *s = start_with(forms[i].before, forms[i].after, "timeout 44\nhz 20\n");
        talk_check(s->c, "CONFIG GET timeout", "[\"timeout\", \"44\"]");
        srv_stop(&s);
    }
}

static void an_existing_redis_conf_starts_it(void **state)
{
    (void)state;
    const char *root = getenv("CORSAC_ROOT");
    char path[SRV_PATH_CHARS];
    if (!root)
        skip();
    snprintf(path, sizeof(path), "%s/tests/e2e/redis.conf", root);
    struct srv *s = start_with(path, "", NULL);
    static const struct talk_step steps[] = {
        {"CONFIG GET maxclients", "[\"maxclients\", \"4000\"]"},
        {"CONFIG GET slowlog-log-slower-than", "[\"slowlog-log-slower-than\", \"20000\"]"},
        {"CONFIG GET notify-keyspace-events", "[\"notify-keyspace-events\", \"xE\"]"},
        {"CONFIG GET bind", "[\"bind\", \"127.0.0.1 -::1\"]"},
        {"SET k v", "+OK"},
    };
    talk_check_all(s->c, steps);
    srv_stop(&s);
}

static void what_corsac_does_not_have_is_named_with_its_line(void **state)
{
    srv_need_corsac((struct srv *)*state);
    struct srv *s = srv_new();
    char words[1024];
    srv_write_file(s, "c.conf",
                   "timeout 1\nno-appendfsync-on-rewrite yes\nsave 900 1\nlog-format logfmt\n");
    snprintf(words, sizeof(words), "c.conf --port %d", s->port);
    srv_launch(s, words, NULL);
    srv_await(s);
    srv_expect_log(s, "c.conf:2: 'no-appendfsync-on-rewrite yes'");
    srv_expect_log(s, "c.conf:3: 'save 900 1'");
    srv_expect_log(s, "c.conf:4: 'log-format ...'");
    srv_stop(&s);
}

/* --- mistakes --------------------------------------------------------------------------------------- */

/* The output of a run that must fail contains all of `says`, separated by '|'. */
static void expect_refusal(struct srv *s, const char *words, const char *input, const char *says)
{
    int status = srv_run(s, words, input);
    char *log = srv_log(s), *parts = strdup(says), *place = NULL;
    if (status == 0)
        fail_msg("'%s' starts it", words);
    for (char *part = strtok_r(parts, "|", &place); part; part = strtok_r(NULL, "|", &place))
        if (!strstr(log, part))
            fail_msg("'%s' (%s): the output does not say '%s', but:\n%s", words, input ? input : "",
                     part, log);
    free(log);
    free(parts);
}

static void a_bad_value_is_named_with_its_line_and_what_would_be_right(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"# one\nport abc\n", ":2|port abc|0|65535"},
        {"port 65536\n", ":1|port 65536|65535"},
        {"\n\nmaxclients -1\n", ":3|maxclients"},
        {"loglevel loud\n", ":1|loglevel loud|debug, verbose, notice, warning"},
        {"protected-mode perhaps\n", ":1|protected-mode perhaps|yes|no"},
        {"proto-max-bulk-len 1zb\n", ":1|proto-max-bulk-len 1zb"},
        {"client-output-buffer-limit nobody 1 1 1\n",
         ":1|client-output-buffer-limit nobody|normal|pubsub"},
        {"notify-keyspace-events KEq\n", ":1|notify-keyspace-events KEq"},
        {"unixsocketperm 999\n", ":1|unixsocketperm 999"},
        {"shards 0\n", ":1|shards 0|1"},
        {"timeout\n", ":1|timeout"},
        {"timeout \"5\n", ":1|timeout"},
        {"include /no/such/file\n", "/no/such/file"},
        {"port abc\nhz 20\nloglevel loud\n",
         ":1|port abc|:3|loglevel loud"}, /* all of them at once */
    };
    (void)state;
    srv_need_corsac((struct srv *)*state);
    struct srv *s = srv_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        srv_write_file(s, "bad.conf", cases[i].text);
        expect_refusal(s, "bad.conf", NULL, cases[i].says);
    }
    srv_kill(&s);
}

static void mistakes_on_the_command_line_stop_the_start(void **state)
{
    static const struct {
        const char *words, *says;
    } cases[] = {
        {"--port abc", "command line|port"},
        {"--prot 1234", "prot"},
        {"/no/such/file.conf", "/no/such/file.conf"},
        {"--hz", "hz"},
        {"--dir /no/such/directory --port 0", "/no/such/directory"},
    };
    srv_need_corsac((struct srv *)*state);
    struct srv *s = srv_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_refusal(s, cases[i].words, NULL, cases[i].says);
    expect_refusal(s, "-", "port abc\n", ":1|port abc");
    srv_kill(&s);
}

static void check_config_only_checks(void **state)
{
    srv_need_corsac((struct srv *)*state);
    struct srv *s = srv_new();
    srv_write_file(s, "good.conf", "port 7000\nno-appendfsync-on-rewrite yes\n");
    srv_write_file(s, "bad.conf", "port 7000\nhz abc\n");
    static const char *const good[] = {"--check-config good.conf", "good.conf --check-config",
                                       "--check-config --hz 20"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(srv_run(s, good[i], NULL), 0);
    assert_int_equal(srv_run(s, "--check-config good.conf", NULL), 0);
    srv_expect_log(s, "good.conf:2: 'no-appendfsync-on-rewrite yes'");
    expect_refusal(s, "--check-config bad.conf", NULL, "bad.conf:2|hz");
    expect_refusal(s, "good.conf --check-config --hz abc", NULL, "hz");
    srv_kill(&s);
}

static void version_and_help(void **state)
{
    struct srv *s = srv_new();
    assert_int_equal(srv_run(s, "--version", NULL), 0);
    srv_expect_log(s, "v=");
    assert_int_equal(srv_run(s, "-v", NULL), 0);
    if (srv_is_corsac(*state)) {
        assert_int_equal(srv_run(s, "--help", NULL), 0);
        srv_expect_log(s, "--check-config");
        srv_expect_log(s, "requirepass");
    }
    srv_kill(&s);
}

/* --- CONFIG ----------------------------------------------------------------------------------------- */

static void config_get_takes_patterns(void **state)
{
    static const struct talk_step steps[] = {
        {"CONFIG GET timeout", "[\"timeout\", \"0\"]"},
        {"CONFIG GET TIMEOUT", "[\"*\", \"0\"]"},
        {"CONFIG GET nosuch", "[]"},
        {"CONFIG GET slowlog-max-len timeout nosuch", "[*\"timeout\", \"0\"*]"},
        {"CONFIG GET slowlog-*", "[*\"slowlog-log-slower-than\", \"10000\"*]"},
        {"CONFIG GET save", "[\"save\", \"\"]"},
        {"CONFIG GET maxmemory", "[\"maxmemory\", \"0\"]"},
        {"CONFIG GET appendonly", "[\"appendonly\", \"no\"]"},
        {"CONFIG GET", "-ERR wrong number of arguments for 'config|get' command"},
        {"CONFIG NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP."},
        {"CONFIG HELP", "[+CONFIG <subcommand> [*"},
    };
    RUN(state, steps);
    redisReply *r = talk_ask(((struct srv *)*state)->c, "CONFIG GET *");
    assert_true(r->elements > 2 * 30 && r->elements % 2 == 0);
    freeReplyObject(r);
}

static void config_set_is_all_or_nothing(void **state)
{
    static const struct talk_step steps[] = {
        {"CONFIG SET timeout 100 slowlog-max-len 7", "+OK"},
        {"CONFIG GET timeout", "[\"timeout\", \"100\"]"},
        {"CONFIG SET slowlog-max-len 9 timeout abc",
         "-ERR CONFIG SET failed (possibly related to argument 'timeout') - *"},
        {"CONFIG GET slowlog-max-len", "[\"slowlog-max-len\", \"7\"]"},
        {"CONFIG SET slowlog-max-len 9 nosuch 1",
         "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
        {"CONFIG GET slowlog-max-len", "[\"slowlog-max-len\", \"7\"]"},
        {"CONFIG SET timeout 1 timeout 2",
         "-ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate "
         "parameter"},
        {"CONFIG SET slowlog-max-len 9 databases 4",
         "-ERR CONFIG SET failed (possibly related to argument 'databases') - "
         "can't set immutable config"},
        {"CONFIG SET slowlog-max-len 9 dir /tmp",
         "-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set "
         "protected config"},
        {"CONFIG GET slowlog-max-len", "[\"slowlog-max-len\", \"7\"]"},
        {"CONFIG SET timeout", "-ERR wrong number of arguments for 'config|set' command"},
        {"CONFIG SET client-query-buffer-limit 64mb", "+OK"},
        {"CONFIG GET client-query-buffer-limit", "[\"client-query-buffer-limit\", \"67108864\"]"},
        {"CONFIG SET timeout 0 slowlog-max-len 128 client-query-buffer-limit 1gb", "+OK"},
    };
    RUN(state, steps);
}

static void the_port_can_change_while_serving(void **state)
{
    struct srv *s = *state;
    int old = s->port, port = srv_free_port();
    char command[128];
    /* A port that is taken: all stays as it was, and the other setting with it. */
    struct srv *other = srv_start("");
    snprintf(command, sizeof(command), "CONFIG SET timeout 50 port %d", other->port);
    talk_check(
        s->c, command,
        "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this "
        "port*");
    talk_check(s->c, "CONFIG GET timeout", "[\"timeout\", \"0\"]");
    srv_stop(&other);

    snprintf(command, sizeof(command), "CONFIG SET port %d", port);
    talk_check(s->c, command, "+OK");
    s->port = port;
    redisContext *c = srv_connect(s);
    talk_check(c, "PING", "+PONG");
    talk_free(&c);
    c = redisConnect("127.0.0.1", old);
    assert_int_not_equal(c->err, 0);
    talk_free(&c);
    talk_check(s->c, "PING", "+PONG"); /* connections stay */
}

static void a_password_at_run_time(void **state)
{
    struct srv *s = *state;
    redisContext *before = srv_connect(s), *after;
    talk_check(before, "PING", "+PONG");
    talk_check(
        s->c, "AUTH any",
        "-ERR AUTH <password> called without any password configured for the default user. Are "
        "you sure your configuration is correct?");
    talk_check(s->c, "CONFIG SET requirepass secret", "+OK");
    talk_check(before, "PING", "+PONG"); /* who is there already stays in */
    after = srv_connect(s);
    talk_check(after, "PING", "-NOAUTH Authentication required.");
    talk_check(after, "AUTH secret", "+OK");
    talk_check(after, "CONFIG GET requirepass", "[\"requirepass\", \"secret\"]");
    talk_check(after, "CONFIG SET hz 20", "+OK"); /* what else is set leaves it alone */
    talk_check(after, "AUTH wrong", "-WRONGPASS *");
    talk_check(after, "AUTH secret", "+OK");
    talk_check(after, "CONFIG SET requirepass \"\"", "+OK");
    talk_free(&after);
    after = srv_connect(s);
    talk_check(after, "PING", "+PONG");
    talk_free(&before);
    talk_free(&after);
}

static void resetstat(void **state)
{
    static const struct talk_step steps[] = {
        {"SET k v", "+OK"},
        {"GET k", "\"v\""},
        {"NOSUCH", "-ERR *"},
        {"INFO commandstats", "*cmdstat_get:calls=*"},
        {"INFO errorstats", "*errorstat_ERR:count=*"},
        {"CONFIG RESETSTAT", "+OK"},
        {"INFO errorstats", "\"# Errorstats\\r\\n\""},
        {"INFO stats", "*keyspace_hits:0*"},
        {"INFO commandstats", "*cmdstat_info:calls=2,*"},
    };
    RUN(state, steps);
}

/* --- CONFIG REWRITE --------------------------------------------------------------------------------- */

static const char *const rewritten = "# Kept: this comment\n"
                                     "timeout 5\n"
                                     "\n"
                                     "# and this one.\n"
                                     "client-output-buffer-limit pubsub 32mb 8mb 60\n"
                                     "appendfsync everysec\n";

static void config_rewrite_keeps_what_people_wrote(void **state)
{
    (void)state;
    struct srv *s = srv_new();
    char words[1024], path[SRV_PATH_CHARS];
    srv_write_file(s, "c.conf", rewritten);
    srv_path(s, "c.conf", path);
    snprintf(words, sizeof(words), "c.conf --port %d --save \"\"", s->port);
    srv_launch(s, words, NULL);
    srv_await(s);
    talk_check(s->c, "CONFIG SET timeout 77 requirepass 'with \"quotes\"' slowlog-max-len 5",
               "+OK");
    talk_check(s->c, "CONFIG REWRITE", "+OK");
    char *text = srv_read_file(path);
    static const char *const lines[] = {"# Kept: this comment\ntimeout 77\n", "# and this one.\n",
                                        "appendfsync everysec\n", "slowlog-max-len 5\n",
                                        "requirepass \"with \\\"quotes\\\"\"\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(text, lines[i]))
            fail_msg("CONFIG REWRITE: '%s' is missing in:\n%s", lines[i], text);
    assert_null(strstr(text, "timeout 5\n"));
    assert_null(strstr(text, "\nhz "));

    /* Doing it again changes nothing, and a server reads what it says. */
    talk_check(s->c, "CONFIG REWRITE", "+OK");
    char *again = srv_read_file(path);
    assert_string_equal(text, again);
    free(text);
    free(again);
    assert_int_equal(talk_ask_int(s->c, "DBSIZE"), 0);
    srv_stop(&s);
}

static void a_rewritten_file_starts_the_same_server(void **state)
{
    (void)state;
    struct srv *s = srv_new();
    char words[1024];
    srv_write_file(s, "c.conf", rewritten);
    snprintf(words, sizeof(words), "c.conf --port %d --save \"\"", s->port);
    srv_launch(s, words, NULL);
    srv_await(s);
    talk_check(s->c,
               "CONFIG SET requirepass 'a \"b\"' client-output-buffer-limit \"normal 1mb 0 0\"",
               "+OK");
    talk_check(s->c, "CONFIG REWRITE", "+OK");
    talk_send(s->c, "SHUTDOWN NOSAVE");
    assert_int_equal(srv_wait(s), 0);
    talk_free(&s->c);
    srv_launch(s, "c.conf", NULL); /* the port is in the file now */
    srv_await(s);
    static const struct talk_step steps[] = {
        {"AUTH 'a \"b\"'", "+OK"},
        {"CONFIG GET client-output-buffer-limit",
         "[*\"normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 "
         "8388608 60\"]"},
        {"CONFIG GET timeout", "[\"timeout\", \"5\"]"},
    };
    talk_check_all(s->c, steps);
    srv_stop(&s);
}

static void rewriting_without_a_file_is_refused(void **state)
{
    talk_check(((struct srv *)*state)->c, "CONFIG REWRITE",
               "-ERR The server is running without a config file");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_line_has_redis_forms),
        cmocka_unit_test(a_file_is_read_before_the_command_line),
        cmocka_unit_test(standard_input_is_a_file_too),
        cmocka_unit_test(an_existing_redis_conf_starts_it),
        TEST(what_corsac_does_not_have_is_named_with_its_line),
        TEST(a_bad_value_is_named_with_its_line_and_what_would_be_right),
        TEST(mistakes_on_the_command_line_stop_the_start),
        TEST(check_config_only_checks),
        TEST(version_and_help),
        TEST(config_get_takes_patterns),
        TEST(config_set_is_all_or_nothing),
        TEST(the_port_can_change_while_serving),
        TEST(a_password_at_run_time),
        TEST(resetstat),
        cmocka_unit_test(config_rewrite_keeps_what_people_wrote),
        cmocka_unit_test(a_rewritten_file_starts_the_same_server),
        TEST(rewriting_without_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
