/* CONFIG GET, SET and REWRITE on a whole server. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/session_impl.h"
#include "server/server_impl.h"
#include "unit/config/config_test.h"
#include "unit/server/server_test.h"

#define SET_FAILED(name, why) \
    "-ERR CONFIG SET failed (possibly related to argument '" name "') - " why "\r\n"

static struct test_server t;

static int setup(void **state)
{
    (void)state;
    test_server_init(&t, "enable-debug-command yes");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_server_deinit(&t);
    return 0;
}

static void test_get(void **state)
{
    (void)state;
    assert_reply(&t, "CONFIG GET hz", "*2\r\n$2\r\nhz\r\n$2\r\n10\r\n");
    assert_reply(&t, "CONFIG GET HZ h?", "*2\r\n$2\r\nhz\r\n$2\r\n10\r\n");
    assert_reply(&t, "CONFIG GET nothing", "*0\r\n");
    assert_reply(&t, "CONFIG GET save appendonly",
                 "*4\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n$4\r\nsave\r\n$0\r\n\r\n");
    assert_reply(&t, "CONFIG GET *of",
                 "*4\r\n$9\r\nreplicaof\r\n$0\r\n\r\n$7\r\nslaveof\r\n$0\r\n\r\n");
    assert_reply(&t, "CONFIG GET slaveof", "*2\r\n$7\r\nslaveof\r\n$0\r\n\r\n");
    t.session->writer.proto = 3;
    assert_reply(&t, "CONFIG GET hz", "%1\r\n$2\r\nhz\r\n$2\r\n10\r\n");
    assert_reply(&t, "CONFIG GET", "-ERR wrong number of arguments for 'config|get' command\r\n");
}

static void test_set(void **state)
{
    (void)state;
    assert_reply(&t, "CONFIG SET hz 50 TIMEOUT 7", "+OK\r\n");
    assert_reply(&t, "CONFIG GET hz", "*2\r\n$2\r\nhz\r\n$2\r\n50\r\n");
    assert_reply(&t, "CONFIG GET timeout", "*2\r\n$7\r\ntimeout\r\n$1\r\n7\r\n");
    assert_reply(
        &t, "CONFIG SET slowlog-log-slower-than 5 notify-keyspace-events KEA requirepass secret",
        "+OK\r\n");
    assert_int_equal(engine_config(t.s->engine)->slowlog_us, 5);
    assert_int_equal(engine_config(t.s->engine)->notify,
                     NOTIFY_KEYSPACE | NOTIFY_KEYEVENT | NOTIFY_ALL);
    assert_true(slice_equal(engine_config(t.s->engine)->password, SLICE("secret")));
    assert_reply(&t, "CONFIG SET requirepass \"\"", "+OK\r\n");
    assert_int_equal(engine_config(t.s->engine)->password.len, 0);
    assert_reply(&t, "CONFIG SET loglevel warning", "+OK\r\n");
    assert_int_equal(t.s->logger.level, LOG_LEVEL_WARNING);
    assert_reply(&t, "CONFIG SET client-output-buffer-limit \"pubsub 1kb 2 3 normal 4 5 6\"",
                 "+OK\r\n");
    assert_has(test_server_run(&t, "CONFIG GET client-output-buffer-limit"),
               "normal 4 5 6 slave 268435456 67108864 60 pubsub 1024 2 3");
    assert_reply(&t, "CONFIG SET shards 4", "+OK\r\n");
    assert_int_equal(ks_shards(t.s->ks), 4);
    assert_reply(&t, "CONFIG SET save \"\" activedefrag no maxmemory 0", "+OK\r\n");
}

static void test_refused(void **state)
{
    (void)state;
    assert_reply(&t, "CONFIG SET nothing 1",
                 "-ERR Unknown option or number of arguments for CONFIG SET - 'nothing'\r\n");
    assert_reply(&t, "CONFIG SET hz abc nothing 1",
                 "-ERR Unknown option or number of arguments for CONFIG SET - 'nothing'\r\n");
    assert_reply(&t, "CONFIG SET hz 5 timeout", "-ERR syntax error\r\n");
    assert_reply(&t, "CONFIG SET hz 5 Hz 6", SET_FAILED("hz", "duplicate parameter"));
    assert_reply(&t, "CONFIG SET slaveof \"\" replicaof \"\"",
                 SET_FAILED("replicaof", "can't set immutable config"));
    assert_reply(&t, "CONFIG SET databases 3",
                 SET_FAILED("databases", "can't set immutable config"));
    assert_reply(&t, "CONFIG SET daemonize yes",
                 SET_FAILED("daemonize", "can't set immutable config"));
    assert_reply(&t, "CONFIG SET dir .", SET_FAILED("dir", "can't set protected config"));
    assert_reply(&t, "CONFIG SET timeout x",
                 SET_FAILED("timeout", "argument couldn't be parsed into an integer"));
    assert_reply(&t, "CONFIG SET timeout -1",
                 SET_FAILED("timeout", "argument must be between 0 and 2147483647 inclusive"));
    assert_reply(
        &t, "CONFIG SET activedefrag yes",
        SET_FAILED("activedefrag", "not supported yet, only 'no' is: memory is not defragmented"));
    assert_reply(&t, "CONFIG SET requirepass \"a\\x00b\"", "+OK\r\n"); /* a password may */
    assert_int_equal(engine_config(t.s->engine)->password.len, 3);
    assert_reply(&t, "CONFIG SET requirepass \"\"", "+OK\r\n");
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    assert_reply(&t, "CONFIG SET requirepass x slowlog-max-len 7 hz 33 timeout never",
                 SET_FAILED("timeout", "argument couldn't be parsed into an integer"));
    assert_reply(&t, "CONFIG GET hz", "*2\r\n$2\r\nhz\r\n$2\r\n10\r\n");
    assert_int_equal(engine_config(t.s->engine)->password.len, 0);
    assert_int_equal(engine_config(t.s->engine)->slowlog_len_max, 128);
}

/* A port that somebody listens on. */
static int used_port(int *fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(*fd, 1), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

static void test_applied_ones_are_taken_back(void **state)
{
    (void)state;
    int fd;
    char line[128];
    snprintf(line, sizeof(line),
             "CONFIG SET loglevel debug bind 127.0.0.1 slowlog-max-len 7 port %d", used_port(&fd));
    assert_has(
        test_server_run(&t, line),
        "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses: ");
    assert_int_equal(t.s->logger.level, LOG_LEVEL_NOTHING);
    assert_int_equal(engine_config(t.s->engine)->slowlog_len_max, 128);
    assert_reply(&t, "CONFIG GET port", "*2\r\n$4\r\nport\r\n$1\r\n0\r\n");

    close(fd);
    snprintf(line, sizeof(line), "CONFIG SET timeout 3 port %d bind 127.0.0.1", used_port(&fd));
    assert_has(
        test_server_run(&t, line),
        "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port: ");
    close(fd);
}

static void test_protected_options(void **state)
{
    (void)state;
    struct test_server p;
    char before[4096], line[8192];
    assert_non_null(getcwd(before, sizeof(before)));
    test_server_init(&p, "enable-protected-configs local");
    assert_reply(
        &p, "CONFIG SET dir no-such-directory",
        SET_FAILED("dir", "Changing directory: No such file or directory (no-such-directory)"));
    assert_reply(&p, "CONFIG SET dir /", "+OK\r\n");
    assert_reply(&p, "CONFIG GET dir", "*2\r\n$3\r\ndir\r\n$1\r\n/\r\n");
    snprintf(line, sizeof(line), "CONFIG SET dir \"%s\"", before);
    assert_reply(&p, line, "+OK\r\n");
    p.local = false;
    assert_reply(&p, "CONFIG SET dir /", SET_FAILED("dir", "can't set protected config"));
    test_server_deinit(&p);
}

/* What is read can be set again, and gives the same. */
static void test_what_get_tells_set_takes(void **state)
{
    (void)state;
    for (const struct option *o = server_options.rows; o->name; o++) {
        if (o->flags & (OPTION_IMMUTABLE | OPTION_PROTECTED))
            continue;
        struct buf value, line;
        buf_init(&value);
        buf_init(&line);
        option_print(o, &t.s->config, &value);
        buf_printf(&line, "CONFIG SET %s ", o->name);
        buf_append_quoted(&line, buf_slice(&value));
        assert_reply(&t, buf_cstr(&line), "+OK\r\n");
        struct buf after;
        buf_init(&after);
        option_print(o, &t.s->config, &after);
        assert_string_equal(buf_cstr(&after), buf_cstr(&value));
        buf_deinit(&value);
        buf_deinit(&line);
        buf_deinit(&after);
    }
}

static void test_rewrite(void **state)
{
    (void)state;
    assert_reply(&t, "CONFIG REWRITE", "-ERR The server is running without a config file\r\n");
    t.s->config_host.file = mem_strdup("rewrite-test.conf");
    assert_reply(&t, "CONFIG SET hz 77", "+OK\r\n");
    assert_reply(&t, "CONFIG REWRITE", "+OK\r\n");
    struct buf text;
    buf_init(&text);
    assert_int_equal(config_files_real.read(NULL, "rewrite-test.conf", &text), ERR_OK);
    assert_has(buf_cstr(&text), "\nhz 77\n");
    assert_reply(&t, "DEBUG CONFIG-REWRITE-FORCE-ALL", "+OK\r\n");
    buf_clear(&text);
    assert_int_equal(config_files_real.read(NULL, "rewrite-test.conf", &text), ERR_OK);
    assert_has(buf_cstr(&text), "\nmaxclients ");
    assert_has(buf_cstr(&text), "\nsave \"\"\n");
    buf_deinit(&text);
    unlink("rewrite-test.conf");
}

static void test_resetstat(void **state)
{
    (void)state;
    test_server_run(&t, "CONFIG GET hz");
    assert_true(engine_stats(t.s->engine)->commands > 0);
    assert_reply(&t, "CONFIG RESETSTAT", "+OK\r\n");
    assert_has(test_server_run(&t, "INFO commandstats"), "cmdstat_config|resetstat:calls=1,");
    assert_null(strstr(test_server_run(&t, "INFO commandstats"), "config|get"));
}

static void test_help(void **state)
{
    (void)state;
    assert_has(test_server_run(&t, "CONFIG HELP"),
               "+CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n");
    assert_reply(&t, "CONFIG NOTHING", "-ERR unknown subcommand 'NOTHING'. Try CONFIG HELP.\r\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* --- rename-command ---------------------------------------------------------------------------------- */

static void test_renamed_commands(void **state)
{
    (void)state;
    struct test_server r;
    test_server_init(
        &r, "rename-command GET fetch\nrename-command FLUSHALL \"\"\nrename-command CONFIG c0nf\n"
            "rename-command EVAL \"\"\nrename-command INCR a-rather-long-name-for-incr\n");
    assert_reply(&r, "SET k 1", "+OK\r\n");
    assert_reply(&r, "FETCH k", "$1\r\n1\r\n");
    assert_reply(&r, "a-rather-long-name-for-INCR k", ":2\r\n");
    assert_has(test_server_run(&r, "GET k"), "-ERR unknown command 'GET'");
    assert_has(test_server_run(&r, "FLUSHALL"), "-ERR unknown command 'FLUSHALL'");
    assert_has(test_server_run(&r, "INCR k"), "-ERR unknown command 'INCR'");
    assert_has(test_server_run(&r, "c0nf GET hz"), "hz");
    assert_has(test_server_run(&r, "COMMAND INFO fetch"), "get");
    test_server_deinit(&r);
}

static void test_wrong_renames(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"rename-command FLUSHAL x", "rename-command: there is no command 'FLUSHAL'"},
        {"rename-command GET set", "rename-command: there already is a command 'set'"},
        {"rename-command AUTH x",
         "rename-command: AUTH and HELLO keep their names, by which passwords are kept out of logs"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char error[CONFIG_ERROR_CHARS] = "";
        struct loaded l;
        struct config c;
        loaded_init(&l, NULL);
        load_text(&l, "loglevel nothing\n");
        load_text(&l, wrong[i][0]);
        config_copy(&c, &l.config, &server_options);
        loaded_deinit(&l);
        assert_null(server_new(&c, error));
        assert_string_equal(error, wrong[i][1]);
    }
}

/* --- what Redis has ----------------------------------------------------------------------------------- */

static void test_defaults_of_redis(void **state)
{
    (void)state;
    assert_reply(&t, "CONFIG GET hash-max-listpack-entries",
                 "*2\r\n$25\r\nhash-max-listpack-entries\r\n$3\r\n512\r\n");
    assert_reply(&t, "CONFIG GET repl-backlog-size",
                 "*2\r\n$17\r\nrepl-backlog-size\r\n$7\r\n1048576\r\n");
    assert_reply(&t, "CONFIG GET lua-time-limit", "*2\r\n$14\r\nlua-time-limit\r\n$4\r\n5000\r\n");
    assert_reply(&t, "CONFIG SET repl-backlog-size 1mb stop-writes-on-bgsave-error YES", "+OK\r\n");
    assert_reply(&t, "CONFIG SET stream-node-max-entries 64",
                 SET_FAILED("stream-node-max-entries",
                            "not supported yet, only '100' is: there are no streams"));
    assert_reply(&t, "CONFIG SET hash-max-ziplist-entries 64 list-max-listpack-size -1", "+OK\r\n");
    assert_reply(&t, "CONFIG GET hash-max-listpack-entries",
                 "*2\r\n$25\r\nhash-max-listpack-entries\r\n$2\r\n64\r\n");
    assert_reply(&t, "CONFIG SET aclfile x", SET_FAILED("aclfile", "can't set immutable config"));
    assert_reply(&t, "CONFIG GET rename-command", "*0\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get),
        TEST(test_set),
        TEST(test_refused),
        TEST(test_all_or_nothing),
        TEST(test_applied_ones_are_taken_back),
        cmocka_unit_test(
            test_protected_options), /* a server of its own: signals go to one at a time */
        TEST(test_what_get_tells_set_takes),
        TEST(test_rewrite),
        TEST(test_resetstat),
        TEST(test_help),
        cmocka_unit_test(test_renamed_commands), /* servers of their own */
        cmocka_unit_test(test_wrong_renames),
        TEST(test_defaults_of_redis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
