/* Clients as such: who is there, what they may do to each other, when they are sent away, what they cost. */
#include "e2e/raw.h"
#include "e2e/server.h"
#include "e2e/talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* --- about themselves ------------------------------------------------------------------------------- */

static void names_and_numbers(void **state)
{
    struct srv *s = *state;
    redisContext *other = srv_connect(s);
    int64_t id = talk_ask_int(s->c, "CLIENT ID");
    assert_true(talk_ask_int(other, "CLIENT ID") > id);
    static const struct talk_step steps[] = {
        {"CLIENT GETNAME", "nil"},
        {"CLIENT SETNAME fox", "+OK"},
        {"CLIENT GETNAME", "\"fox\""},
        {"CLIENT SETNAME \"a fox\"",
         "-ERR Client names cannot contain spaces, newlines or special characters."},
        {"CLIENT SETINFO LIB-NAME \"lib(x_v1)\"", "+OK"},
        {"CLIENT SETINFO lib-ver 1.2.3", "+OK"},
        {"CLIENT SETINFO LIB-VER \"1 2\"",
         "-ERR LIB-VER cannot contain spaces, newlines or special characters."},
        {"CLIENT SETINFO NOSUCH x", "-ERR Unrecognized option 'NOSUCH'"},
        {"SELECT 3", "+OK"},
        {"CLIENT INFO",
         "\"id=* addr=127.0.0.1:* laddr=127.0.0.1:* fd=* name=fox age=* idle=* flags=N *db=3 sub=0 psub=0 "
         "ssub=0 multi=-1 *cmd=client|info user=default *resp=2 lib-name=lib(x_v1) lib-ver=1.2.3*\""},
        {"CLIENT SETNAME \"\"", "+OK"},
        {"CLIENT GETNAME", "nil"},
        {"CLIENT GETREDIR", ":-1"},
        {"CLIENT TRACKINGINFO", "[\"flags\", [\"off\"], \"redirect\", :-1, \"prefixes\", []]"},
        {"CLIENT NO-EVICT on", "+OK"},
        {"CLIENT INFO", "* flags=e *"},
        {"CLIENT NO-EVICT off", "+OK"},
        {"CLIENT NO-EVICT perhaps", "-ERR syntax error"},
        {"CLIENT NO-TOUCH on", "+OK"},
        {"CLIENT INFO", "* flags=T *"},
        {"CLIENT NO-TOUCH off", "+OK"},
        {"CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."},
        {"CLIENT HELP", "[+CLIENT <subcommand> [*"},
    };
    talk_check_all(s->c, steps);
    talk_free(&other);
}

static void the_list_can_be_narrowed(void **state)
{
    struct srv *s = *state;
    redisContext *sub = srv_connect(s), *multi = srv_connect(s);
    char command[64];
    talk_check(sub, "CLIENT SETNAME sub", "+OK");
    int64_t sub_id = talk_ask_int(sub, "CLIENT ID");
    talk_check(sub, "SUBSCRIBE a", "*");
    talk_check(multi, "CLIENT SETNAME multi", "+OK");
    talk_check(multi, "MULTI", "+OK");
    talk_check(multi, "PING", "+QUEUED");
    talk_check(s->c, "CLIENT LIST",
               "*name=sub * flags=P * sub=1 *name=multi * flags=x * multi=1 *");
    talk_check(s->c, "CLIENT LIST TYPE pubsub", "\"id=* name=sub *\\n\"");
    talk_check(s->c, "CLIENT LIST TYPE replica", "\"\"");
    talk_check(s->c, "CLIENT LIST TYPE nosuch", "-ERR Unknown client type 'nosuch'");
    snprintf(command, sizeof(command), "CLIENT LIST ID %lld 999999", (long long)sub_id);
    talk_check(s->c, command, "\"id=* name=sub *\\n\"");
    talk_check(s->c, "CLIENT LIST ID abc", "-ERR Invalid client ID");
    talk_check(s->c, "CLIENT LIST NOSUCH", "-ERR syntax error");
    talk_free(&sub);
    talk_free(&multi);
}

static void replies_can_be_switched_off(void **state)
{
    struct srv *s = *state;
    struct raw r;
    raw_connect(&r, s->port);
    raw_send_text(&r, "CLIENT REPLY SKIP\r\nSET k 1\r\nINCR k\r\n");
    raw_check_next(&r, ":2");
    raw_send_text(&r,
                  "CLIENT REPLY OFF\r\nINCR k\r\nNOSUCH\r\nINCR k\r\nCLIENT REPLY ON\r\nGET k\r\n");
    raw_check_next(&r, "+OK");
    raw_check_next(&r, "\"4\"");
    raw_check(&r, "CLIENT REPLY NOSUCH", "-ERR syntax error");
    raw_send_text(&r, "CLIENT REPLY SKIP\r\nWAIT 1 10\r\nGET k\r\n");
    raw_check_next(&r, "\"4\"");
    /* What is no request ends the connection, so that its error is told in any case. */
    raw_send_text(&r, "CLIENT REPLY OFF\r\n*1\r\n$none\r\n");
    raw_check_next(&r, "-ERR Protocol error: invalid bulk length");
    raw_check_closed_silently(&r);
    raw_close(&r);
}

/* --- KILL ------------------------------------------------------------------------------------------- */

/* Replaces %I, %A, %L by id, address and local address of a client. */
static void fill_in(const char *template, redisContext *client, char *out, size_t size)
{
    int64_t id = talk_ask_int(client, "CLIENT ID");
    redisReply *r = talk_ask(client, "CLIENT INFO");
    char addr[64], laddr[64];
    assert_int_equal(sscanf(strstr(r->str, " addr=") + 6, "%63s", addr), 1);
    assert_int_equal(sscanf(strstr(r->str, " laddr=") + 7, "%63s", laddr), 1);
    freeReplyObject(r);
    size_t len = 0;
    for (const char *p = template; *p; p++) {
        if (*p != '%') {
            len += (size_t)snprintf(out + len, size - len, "%c", *p);
            continue;
        }
        p++;
        len += (size_t)(*p == 'I'   ? snprintf(out + len, size - len, "%lld", (long long)id)
                        : *p == 'A' ? snprintf(out + len, size - len, "%s", addr)
                                    : snprintf(out + len, size - len, "%s", laddr));
    }
}

static void kill_filters(void **state)
{
    static const struct {
        const char *command, *reply;
        bool killed;
    } cases[] = {
        {"CLIENT KILL %A", "+OK", true},
        {"CLIENT KILL 127.0.0.1:1", "-ERR No such client", false},
        {"CLIENT KILL ID %I", ":1", true},
        {"CLIENT KILL ID 999999", ":0", false},
        {"CLIENT KILL ADDR %A", ":1", true},
        {"CLIENT KILL ADDR 127.0.0.1:1", ":0", false},
        {"CLIENT KILL LADDR %L", ":1", true},
        {"CLIENT KILL ADDR %A LADDR %L ID %I USER default TYPE normal", ":1", true},
        {"CLIENT KILL ADDR %A TYPE pubsub", ":0", false},
        {"CLIENT KILL TYPE normal", ":1", true},
        {"CLIENT KILL TYPE replica", ":0", false},
        {"CLIENT KILL USER default", ":1", true},
        {"CLIENT KILL USER nobody", "-ERR No such user 'nobody'", false},
        {"CLIENT KILL SKIPME yes", ":1", true},
        {"CLIENT KILL ID abc", "-ERR client-id should be greater than 0", false},
        {"CLIENT KILL TYPE nosuch", "-ERR Unknown client type 'nosuch'", false},
        {"CLIENT KILL NOSUCH x", "-ERR syntax error", false},
        {"CLIENT KILL ID", "*-ERR *", false},
        {"CLIENT KILL MAXAGE 100000", ":0", false},
    };
    struct srv *s = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        redisContext *victim = srv_connect(s);
        char command[256];
        fill_in(cases[i].command, victim, command, sizeof(command));
        talk_check(s->c, command, cases[i].reply);
        if (cases[i].killed)
            talk_check_closed(victim);
        else
            talk_check(victim, "PING", "+PONG");
        talk_free(&victim);
        talk_check_soon(s->c, "INFO clients", "*connected_clients:1\\r*");
    }
}

static void who_kills_itself_hears_the_answer(void **state)
{
    struct srv *s = *state;
    talk_check(s->c, "CLIENT KILL TYPE normal SKIPME no", ":1");
    talk_check_closed(s->c);
}

/* --- PAUSE, UNBLOCK --------------------------------------------------------------------------------- */

static void a_pause_for_writes_holds_back_writes_only(void **state)
{
    struct srv *s = *state;
    redisContext *writer = srv_connect(s);
    talk_check(s->c, "CLIENT PAUSE 100000 WRITE", "+OK");
    talk_send(writer, "SET k v");
    talk_send(writer, "GET k"); /* waits behind it */
    talk_check_silence(writer, 50);
    talk_check(s->c, "GET k", "nil");
    talk_check(s->c, "CLIENT UNPAUSE", "+OK");
    talk_check_next(writer, "+OK");
    talk_check_next(writer, "\"v\"");
    talk_free(&writer);
}

static void a_pause_for_all_ends_by_itself(void **state)
{
    enum { PAUSE_MS = 150 };
    struct srv *s = *state;
    redisContext *reader = srv_connect(s);
    int64_t start_ms = srv_now_ms();
    talk_check(s->c, "CLIENT PAUSE 150", "+OK");
    talk_check(reader, "PING", "+PONG");
    assert_true(srv_now_ms() - start_ms >= PAUSE_MS - 5); /* clocks differ in their grain */
    static const struct talk_step steps[] = {
        {"CLIENT PAUSE abc", "-ERR timeout is not an integer or out of range"},
        {"CLIENT PAUSE -1", "-ERR timeout is negative"},
        {"CLIENT PAUSE 1 NOSUCH", "-ERR CLIENT PAUSE mode must be WRITE or ALL"},
    };
    talk_check_all(s->c, steps);
    talk_free(&reader);
}

static void waiting_can_be_ended_by_another(void **state)
{
    static const struct {
        const char *how, *reply;
    } cases[] = {
        {"", ":0"}, {"TIMEOUT", ":0"}, {"ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"}};
    struct srv *s = *state;
    redisContext *waits = srv_connect(s);
    int64_t id = talk_ask_int(waits, "CLIENT ID");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char command[64];
        talk_send(waits, "WAIT 1 0");
        talk_send(waits, "ECHO behind");
        talk_check_soon(s->c, "INFO clients", "*blocked_clients:1*");
        talk_check_silence(waits, 20);
        snprintf(command, sizeof(command), "CLIENT UNBLOCK %lld %s", (long long)id, cases[i].how);
        talk_check(s->c, command, ":1");
        talk_check_next(waits, cases[i].reply);
        talk_check_next(waits, "\"behind\"");
        talk_check(s->c, command, ":0"); /* it no longer waits */
    }
    talk_check(s->c, "CLIENT UNBLOCK 999999", ":0");
    talk_check(s->c, "CLIENT UNBLOCK 1 NOSUCH",
               "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    talk_check(waits, "WAIT 1 20", ":0"); /* its own timeout */
    talk_check(waits, "WAIT 1 -1", "-ERR timeout is negative");
    talk_send(waits, "WAIT 1 0");
    talk_check_soon(s->c, "INFO clients", "*blocked_clients:1*");
    talk_free(&waits); /* goes while it waits */
    talk_check_soon(s->c, "INFO clients", "*blocked_clients:0*");
}

/* --- idle ------------------------------------------------------------------------------------------- */

static void idle_clients_are_sent_away(void **state)
{
    struct srv *s = *state;
    redisContext *idle = srv_connect(s), *sub = srv_connect(s);
    talk_check(sub, "SUBSCRIBE a", "*");
    talk_check(s->c, "CONFIG SET timeout 1", "+OK");
    struct timeval patience = {SRV_PATIENCE_MS / 1000, 0};
    redisSetTimeout(idle, patience);
    talk_check_closed(idle);
    talk_free(&s->c); /* as idle as the other */
    s->c = srv_connect(s);
    talk_check(s->c, "CONFIG SET timeout 0", "+OK");
    talk_check(s->c, "PUBLISH a x", ":1"); /* subscribers may be silent */
    talk_check_next(sub, "[\"message\", \"a\", \"x\"]");
    talk_free(&idle);
    talk_free(&sub);
}

enum { IDLE_CLIENTS = 10000, IDLE_KB_MAX = 15 * 1024, FDS_SPARE = 200 };

/* Room for the files of this process, and of the server that inherits the limit. */
static bool may_open_many_files(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur >= IDLE_CLIENTS + FDS_SPARE)
        return true;
    limit.rlim_cur = IDLE_CLIENTS + FDS_SPARE;
    return limit.rlim_max >= limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Each has been served once: what it then holds on to is what counts. */
static void connect_idle(const struct srv *s, struct raw *clients)
{
    enum { STEP = 200 }; /* fewer than a listen queue holds */
    for (int first = 0; first < IDLE_CLIENTS; first += STEP) {
        for (int i = first; i < first + STEP; i++) {
            raw_connect(&clients[i], s->port);
            raw_send_text(&clients[i], "PING\r\n");
        }
        for (int i = first; i < first + STEP; i++) {
            raw_check_next(&clients[i], "+PONG");
            buf_deinit(&clients[i].in);
            buf_init(&clients[i].in);
        }
    }
}

static void ten_thousand_idle_clients_take_little(void **state)
{
    srv_need_corsac((struct srv *)*state);
#ifdef __SANITIZE_ADDRESS__
    print_message("skipped: a sanitizer keeps freed memory\n");
    skip();
#endif
    if (!may_open_many_files()) {
        print_message("skipped: %d files may not be opened\n", IDLE_CLIENTS);
        skip();
    }
    struct srv *s = srv_start("--maxclients 10100");
    struct raw *clients = calloc(IDLE_CLIENTS, sizeof(*clients));
    assert_non_null(clients);
    talk_check(s->c, "PING", "+PONG");
    long before_kb = srv_status_kb(s, "VmRSS");
    connect_idle(s, clients);
    talk_check(s->c, "INFO clients", "*connected_clients:10001*");
    long more_kb = srv_status_kb(s, "VmRSS") - before_kb;
    if (more_kb > IDLE_KB_MAX)
        fail_msg("%d idle clients take %ld kB", IDLE_CLIENTS, more_kb);
    print_message("%d idle clients take %ld kB\n", IDLE_CLIENTS, more_kb);
    for (int i = 0; i < IDLE_CLIENTS; i++) {
        struct linger reset = {.l_onoff = 1}; /* leaves no TIME_WAIT behind for other tests */
        setsockopt(clients[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        raw_close(&clients[i]);
    }
    talk_check_soon(s->c, "INFO clients", "*connected_clients:1\\r*");
    free(clients);
    srv_stop(&s);
}

/* --- much at once ----------------------------------------------------------------------------------- */

static void a_long_pipeline_that_was_held_back_is_answered_in_order(void **state)
{
    struct srv *s = *state;
    int count = SRV_SCALED(100000), large_bytes = 300 * 1000;
    struct buf requests;
    struct raw r;
    buf_init(&requests);
    for (int i = 0; i < count; i++) {
        buf_append_cstr(&requests, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
        if (i % (count / 4) == 0) { /* some that are longer than what is run in one turn */
            buf_printf(&requests, "*3\r\n$3\r\nSET\r\n$1\r\nl\r\n$%d\r\n", large_bytes);
            for (int k = 0; k < large_bytes; k++)
                buf_append_char(&requests, 'x');
            buf_append_cstr(&requests, "\r\n");
        }
    }
    raw_connect(&r, s->port);
    raw_check(&r, "PING", "+PONG");
    talk_check(s->c, "CLIENT PAUSE 100 ALL", "+OK");
    raw_send(&r, requests.ptr, requests.len);
    for (int i = 0; i < count; i++) {
        char number[32];
        snprintf(number, sizeof(number), ":%d", i + 1);
        raw_check_next(&r, number);
        if (i % (count / 4) == 0)
            raw_check_next(&r, "+OK");
    }
    raw_check(&r, "STRLEN l", ":300000");
    raw_close(&r);
    buf_deinit(&requests);
}

/* Processor time of the server so far. */
static long cpu_ms(const struct srv *s)
{
    char path[64], text[512] = "";
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)s->pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    fclose(file);
    assert_int_equal(sscanf(strrchr(text, ')') + 1,
                            " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system),
                     2);
    return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* What a transaction queues was sent and not run: the limit counts it. */
static void a_transaction_of_any_size_is_refused(void **state)
{
    struct srv *s = *state;
    struct buf request;
    struct raw r;
    buf_init(&request);
    buf_append_cstr(&request, "*2\r\n$4\r\nECHO\r\n$100000\r\n");
    for (int i = 0; i < 100000; i++)
        buf_append_char(&request, 'x');
    buf_append_cstr(&request, "\r\n");
    talk_check(s->c, "CONFIG SET client-query-buffer-limit 1mb", "+OK");
    raw_connect(&r, s->port);
    raw_check(&r, "MULTI", "+OK");
    for (int i = 0; i < 11; i++)
        raw_send(&r, request.ptr, request.len);
    raw_check_closed(&r);
    raw_close(&r);
    srv_expect_log(s, "reached max query buffer length");
    talk_check(s->c, "CONFIG SET client-query-buffer-limit 1gb", "+OK");
    buf_deinit(&request);
}

static void without_descriptors_it_waits_for_them(void **state)
{
    (void)state;
    struct srv *s = srv_start("");
    struct rlimit before, none;
    struct raw r;
    talk_check(s->c, "PING", "+PONG"); /* this one is accepted */
    assert_int_equal(prlimit(s->pid, RLIMIT_NOFILE, NULL, &before), 0);
    none = before;
    none.rlim_cur = 3; /* what is open stays open */
    assert_int_equal(prlimit(s->pid, RLIMIT_NOFILE, &none, NULL), 0);
    raw_connect(&r, s->port); /* the system accepts it, the server cannot */
    raw_send_command(&r, "PING");
    srv_expect_log(s, "accept: Too many open files");
    long busy_ms = cpu_ms(s);
    raw_check_silence(&r, 1000);
    busy_ms = cpu_ms(s) - busy_ms;
    if (busy_ms > 500)
        fail_msg("it was busy for %ld ms of 1000", busy_ms);
    talk_check(s->c, "PING", "+PONG");
    char *log = srv_log(s);
    assert_null(strstr(strstr(log, "accept: Too") + 1, "accept: Too")); /* told once */
    free(log);
    assert_int_equal(prlimit(s->pid, RLIMIT_NOFILE, &before, NULL), 0);
    raw_check_next(&r, "+PONG");
    raw_close(&r);
    srv_stop(&s);
}

/* --- other sockets ---------------------------------------------------------------------------------- */

static bool has_ipv6(void)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static void ipv6(void **state)
{
    (void)state;
    if (!has_ipv6()) {
        print_message("skipped: there is no ::1\n");
        skip();
    }
    struct srv *s = srv_start("--bind 127.0.0.1 ::1");
    redisContext *c = redisConnect("::1", s->port);
    assert_true(c && !c->err);
    talk_check(c, "CLIENT INFO", "* addr=[::1]:* laddr=[::1]:*");
    char command[64];
    int64_t id = talk_ask_int(c, "CLIENT ID");
    snprintf(command, sizeof(command), "CLIENT LIST ID %lld", (long long)id);
    talk_check(s->c, command, "* addr=[::1]:*");
    talk_free(&c);
    srv_stop(&s);
}

static void unix_sockets(void **state)
{
    (void)state;
    struct srv *s = srv_start("--unixsocket s.sock --unixsocketperm 700");
    char path[SRV_PATH_CHARS];
    struct stat st;
    srv_path(s, "s.sock", path);
    talk_check(s->c, "PING", "+PONG"); /* else only the first of its listeners may be open */
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0700);
    struct raw r;
    raw_connect_unix(&r, path);
    raw_check(&r, "SET k v", "+OK");
    raw_check(&r, "CLIENT INFO", "* addr=*s.sock:0 laddr=*s.sock:0 * flags=U *");
    talk_check(s->c, "GET k", "\"v\"");
    talk_send(s->c, "SHUTDOWN NOSAVE");
    talk_check_closed(s->c);
    raw_check_closed_silently(&r);
    raw_close(&r);
    assert_int_equal(srv_wait(s), 0);
    assert_int_equal(stat(path, &st), -1); /* it is gone with the server */
    srv_kill(&s);
}

/* A second server neither takes the socket of one that runs nor removes it, and a killed one's is replaced. */
static void a_unix_socket_has_one_server(void **state)
{
    (void)state;
    struct srv *s = srv_start("--unixsocket s.sock --pidfile s.pid"), *second = srv_new();
    char path[SRV_PATH_CHARS], pidfile[SRV_PATH_CHARS], words[2 * SRV_PATH_CHARS + 64];
    struct raw r;
    srv_path(s, "s.sock", path);
    srv_path(s, "s.pid", pidfile);
    talk_check(s->c, "PING", "+PONG");
    snprintf(words, sizeof(words), "--port 0 --unixsocket %s --pidfile %s", path, pidfile);
    assert_int_equal(srv_run(second, words, NULL), 1);
    srv_expect_log(second, "another server listens there");
    srv_kill(&second);
    raw_connect_unix(&r, path);
    raw_check(&r, "PING", "+PONG");
    raw_close(&r);

    /* One at another socket takes the pidfile: the first does not remove it in the end. */
    second = srv_new();
    snprintf(words, sizeof(words), "--port %d --pidfile %s", second->port, pidfile);
    srv_launch(second, words, NULL);
    srv_await(second);
    talk_check(second->c, "PING", "+PONG");
    talk_send(s->c, "SHUTDOWN NOSAVE");
    assert_int_equal(srv_wait(s), 0);
    char *pid = srv_read_file(pidfile);
    assert_non_null(pid);
    assert_int_equal(atoi(pid), second->pid);
    free(pid);
    srv_kill(&second);
    srv_kill(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(names_and_numbers),
        TEST(the_list_can_be_narrowed),
        TEST(replies_can_be_switched_off),
        TEST(kill_filters),
        TEST(who_kills_itself_hears_the_answer),
        TEST(a_pause_for_writes_holds_back_writes_only),
        TEST(a_pause_for_all_ends_by_itself),
        TEST(waiting_can_be_ended_by_another),
        TEST(idle_clients_are_sent_away),
        TEST(ten_thousand_idle_clients_take_little),
        TEST(a_long_pipeline_that_was_held_back_is_answered_in_order),
        TEST(a_transaction_of_any_size_is_refused),
        cmocka_unit_test(without_descriptors_it_waits_for_them),
        cmocka_unit_test(ipv6),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(a_unix_socket_has_one_server),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
