/* What reaches a server from outside the protocol: signals, a crash, files that say it runs, a port that is taken. */
#include "e2e/raw.h"
#include "e2e/server.h"
#include "e2e/talk.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static void expect_exit(struct srv *s, int code)
{
    int status = srv_wait(s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* --- ending ----------------------------------------------------------------------------------------- */

static void signals_end_it_in_order(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct srv *s = srv_start("");
        talk_check(s->c, "SET k v", "+OK");
        assert_int_equal(kill(s->pid, signals[i]), 0);
        expect_exit(s, 0);
        talk_check_closed(s->c);
        srv_expect_log(s, signals[i] == SIGINT ? "Received SIGINT scheduling shutdown"
                                               : "Received SIGTERM scheduling "
                                                 "shutdown");
        srv_kill(&s);
    }
}

/* A client that has asked for more than sockets hold, and reads only when the server has been told to end. */
static void replies_in_flight_still_arrive(void **state)
{
    enum { ASKED = 20 };
    struct srv *s = srv_start("");
    if (!srv_is_corsac(s)) {
        srv_stop(&s);
        skip();
    }
    struct raw r;
    (void)state;
    talk_check(s->c, "SETRANGE big 1048575 x", ":1048576");
    raw_connect(&r, s->port);
    for (int i = 0; i < ASKED; i++)
        raw_send_text(&r, "STRLEN big\r\nGET big\r\n");
    talk_check_soon(s->c, "INFO commandstats", "*cmdstat_get:calls=20,*");
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    srv_expect_log(s, "SIGTERM");
    /* Only counted: the server waits for a slow reader, but not for a test that looks at each byte. */
    static const char lengths[] = ":1048576\r\n$1048576\r\n";
    assert_int_equal(raw_check_closed(&r), ASKED * (strlen(lengths) + 1048576 + 2));
    raw_close(&r);
    expect_exit(s, 0);
    srv_kill(&s);
}

/* A client that never reads must not keep the server from ending. */
static void who_does_not_read_delays_the_end_only_so_long(void **state)
{
    struct srv *s = srv_start("");
    struct raw r;
    (void)state;
    talk_check(s->c, "SETRANGE big 1048575 x", ":1048576");
    raw_connect(&r, s->port);
    for (int i = 0; i < 20; i++)
        raw_send_text(&r, "GET big\r\n");
    talk_check_soon(s->c, "INFO commandstats", "*cmdstat_get:calls=20,*");
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    expect_exit(s, 0);
    raw_close(&r);
    srv_kill(&s);
}

static void shutdown_ends_it_too(void **state)
{
    static const char *const commands[] = {"SHUTDOWN", "SHUTDOWN NOSAVE",
                                           "SHUTDOWN NOSAVE NOW FORCE"};
    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct srv *s = srv_start("");
        talk_check(s->c, "SHUTDOWN NOSUCH", "-ERR syntax error");
        talk_check(s->c, "SHUTDOWN ABORT", "-ERR No shutdown in progress.");
        talk_send(s->c, commands[i]);
        expect_exit(s, 0);
        talk_check_closed(s->c);
        srv_kill(&s);
    }
}

/* --- the log file ----------------------------------------------------------------------------------- */

static void sighup_opens_the_log_file_again(void **state)
{
    struct srv *s = srv_start("--logfile server.log");
    char path[SRV_PATH_CHARS], old_path[SRV_PATH_CHARS];
    (void)state;
    if (!srv_is_corsac(s)) {
        srv_stop(&s);
        skip();
    }
    srv_path(s, "server.log", path);
    srv_path(s, "server.log.1", old_path);
    char *old = srv_read_file(path);
    assert_non_null(strstr(old, "Ready to accept connections"));
    free(old);

    assert_int_equal(rename(path, old_path), 0);
    assert_int_equal(kill(s->pid, SIGHUP), 0);
    for (int ms = 0; !exists(path); ms += 5) {
        assert_true(ms < SRV_PATIENCE_MS);
        srv_sleep_ms(5);
    }
    talk_check(s->c, "PING", "+PONG");
    snprintf(s->log_path, sizeof(s->log_path), "%s", path);
    srv_expect_log(s, "SIGHUP");
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    expect_exit(s, 0);
    srv_expect_log(s, "SIGTERM");
    srv_kill(&s);
}

static void it_says_where_it_listens(void **state)
{
    struct srv *s = srv_start("");
    char where[64];
    (void)state;
    srv_expect_log(s, "Ready to accept connections");
    if (srv_is_corsac(s)) {
        snprintf(where, sizeof(where), ":%d", s->port);
        srv_expect_log(s, "PID: ");
        srv_expect_log(s, "Listening on ");
        srv_expect_log(s, where);
        srv_expect_log(s, "shard");
    }
    srv_stop(&s);
}

/* --- crashes ---------------------------------------------------------------------------------------- */

/* A server whose crash handler is its own, also under a sanitizer. */
static struct srv *start_to_crash(void)
{
    const char *options = getenv("ASAN_OPTIONS");
    char *saved = options ? strdup(options) : NULL, own[1024];
    snprintf(own, sizeof(own), "%s:handle_segv=0:handle_sigfpe=0", saved ? saved : "");
    setenv("ASAN_OPTIONS", own, 1);
    struct srv *s = srv_start("--enable-debug-command yes --crash-log-enabled yes");
    if (saved)
        setenv("ASAN_OPTIONS", saved, 1);
    else
        unsetenv("ASAN_OPTIONS");
    free(saved);
    return s;
}

static void expect_crash(struct srv *s, int sig)
{
    int status = srv_wait(s);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), sig);
    srv_expect_log(s, "BUG REPORT START");
    srv_expect_log(s, "STACK TRACE");
    srv_expect_log(s, "BUG REPORT END");
}

static void a_crash_tells_what_ran(void **state)
{
    (void)state;
    struct srv *s = start_to_crash();
    char signal_name[32];
    bool corsac = srv_is_corsac(s);
    talk_send(s->c, "DEBUG SEGFAULT");
    expect_crash(s, SIGSEGV);
    snprintf(signal_name, sizeof(signal_name), "crashed by signal: %d", SIGSEGV);
    srv_expect_log(s, signal_name);
    if (corsac) {
        srv_expect_log(s, "RUNNING COMMAND");
        srv_expect_log(s, "DEBUG SEGFAULT");
    }
    srv_kill(&s);
}

static void a_crash_from_outside_says_who_did_it(void **state)
{
    (void)state;
    struct srv *s = start_to_crash();
    char text[64];
    assert_int_equal(kill(s->pid, SIGFPE), 0);
    expect_crash(s, SIGFPE);
    snprintf(text, sizeof(text), "Killed by PID: %d", (int)getpid());
    srv_expect_log(s, text);
    srv_kill(&s);
}

static void debug_is_off_unless_allowed(void **state)
{
    (void)state;
    struct srv *s = srv_start("");
    talk_check(s->c, "DEBUG SEGFAULT",
               "-ERR DEBUG command not allowed. If the enable-debug-command option is set to "
               "\"local\", you can run it from a local connection, otherwise you need to set this "
               "option in the configuration file, and then restart the server.");
    talk_check(s->c, "DEBUG JMAP", "-ERR *");
    srv_stop(&s);
    s = srv_start("--enable-debug-command local");
    talk_check(s->c, "DEBUG SLEEP 0", "+OK"); /* from this machine */
    srv_stop(&s);
}

/* --- files and ports -------------------------------------------------------------------------------- */

static void the_pidfile_is_there_while_it_runs(void **state)
{
    (void)state;
    struct srv *s = srv_start("--pidfile server.pid");
    char path[SRV_PATH_CHARS];
    srv_path(s, "server.pid", path);
    talk_check(s->c, "PING", "+PONG"); /* it serves, and not only listens */
    char *text = srv_read_file(path);
    assert_non_null(text);
    assert_int_equal(strtol(text, NULL, 10), s->pid);
    free(text);
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    expect_exit(s, 0);
    assert_false(exists(path));
    srv_kill(&s);
}

/* Whoever started it hears how that went: the parent ends once the child serves. */
static void a_daemon_serves_when_its_parent_ends(void **state)
{
    (void)state;
    struct srv *s = srv_new();
    char words[1024], path[SRV_PATH_CHARS];
    snprintf(words, sizeof(words),
             "--daemonize yes --pidfile %s/d.pid --logfile %s/d.log --port %d --dir %s --save \"\"",
             s->dir, s->dir, s->port, s->dir);
    assert_int_equal(srv_run(s, words, NULL), 0);
    srv_path(s, "d.pid", path);
    for (int ms = 0; !exists(path); ms += 5) { /* Redis' parent does not wait */
        assert_true(ms < SRV_PATIENCE_MS);
        srv_sleep_ms(5);
    }
    srv_sleep_ms(10);
    char *text = srv_read_file(path);
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    free(text);
    assert_true(pid > 1);
    redisContext *c = srv_connect(s);
    talk_check(c, "PING", "+PONG");
    assert_int_equal(talk_info_int(c, "server", "process_id"), pid);
    assert_int_equal(kill(pid, SIGTERM), 0);
    talk_check_closed(c);
    for (int ms = 0; kill(pid, 0) == 0; ms += 5) {
        assert_true(ms < SRV_PATIENCE_MS);
        srv_sleep_ms(5);
    }
    assert_false(exists(path));
    talk_free(&c);
    srv_kill(&s);
}

static void a_second_server_at_a_port_says_why_it_ends(void **state)
{
    (void)state;
    struct srv *first = srv_start("--bind 127.0.0.1"), *second = srv_new();
    char words[512];
    snprintf(words, sizeof(words), "--bind 127.0.0.1 --port %d --dir %s --save \"\"", first->port,
             second->dir);
    assert_int_equal(srv_run(second, words, NULL), 1);
    srv_expect_log(second, "Address already in use");
    snprintf(words, sizeof(words), "%d", first->port);
    srv_expect_log(second, words);
    srv_kill(&second);
    talk_check(first->c, "PING", "+PONG");
    srv_stop(&first);
}

/* A daemon's failure must reach the terminal, and the exit status of the parent. */
static void a_daemon_that_cannot_start_says_so(void **state)
{
    (void)state;
    struct srv *first = srv_start("--bind 127.0.0.1"), *second = srv_new();
    char words[512];
    if (!srv_is_corsac(first)) { /* a Redis tells nobody */
        srv_kill(&second);
        srv_stop(&first);
        skip();
    }
    snprintf(words, sizeof(words),
             "--bind 127.0.0.1 --port %d --dir %s --daemonize yes --logfile d.log", first->port,
             second->dir);
    assert_int_equal(srv_run(second, words, NULL), 1);
    srv_expect_log(second, "Address already in use");
    srv_kill(&second);
    srv_stop(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_end_it_in_order),
        cmocka_unit_test(replies_in_flight_still_arrive),
        cmocka_unit_test(who_does_not_read_delays_the_end_only_so_long),
        cmocka_unit_test(shutdown_ends_it_too),
        cmocka_unit_test(sighup_opens_the_log_file_again),
        cmocka_unit_test(it_says_where_it_listens),
        cmocka_unit_test(a_crash_tells_what_ran),
        cmocka_unit_test(a_crash_from_outside_says_who_did_it),
        cmocka_unit_test(debug_is_off_unless_allowed),
        cmocka_unit_test(the_pidfile_is_there_while_it_runs),
        cmocka_unit_test(a_daemon_serves_when_its_parent_ends),
        cmocka_unit_test(a_second_server_at_a_port_says_why_it_ends),
        cmocka_unit_test(a_daemon_that_cannot_start_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
