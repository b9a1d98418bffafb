#include "clients/monitor.h"
#include "unit/engine/harness.h"

static struct harness h;
static struct client *a, *m;

static int setup(void **state)
{
    (void)state;
    harness_init(&h);
    a = harness_connect(&h);
    m = harness_connect(&h);
    assert_reply(m, "MONITOR", "+OK\r\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_deinit(&h);
    return 0;
}

static void test_lines(void **state)
{
    (void)state;
    client_run(a, "PING");
    assert_received(m, "+1700000000.000000 [0 127.0.0.1:50001] \"PING\"\r\n");
    harness_advance(&h, 1000123);
    client_run(a, "ECHO \"a b\\\"\\n\\x01\\\\\"");
    assert_received(m,
                    "+1700000001.000123 [0 127.0.0.1:50001] \"ECHO\" \"a b\\\"\\n\\x01\\\\\"\r\n");
    client_run(a, "SELECT 3");
    assert_received(m, "+1700000001.000123 [3 127.0.0.1:50001] \"SELECT\" \"3\"\r\n");
    a->unix_socket = true;
    session_flags(a->session, SESSION_UNIX_SOCKET, 0);
    client_run(a, "PING");
    assert_received(m, "+1700000001.000123 [3 unix:/tmp/corsac.sock] \"PING\"\r\n");
    assert_reply(m, "PING", "+PONG\r\n+1700000001.000123 [0 127.0.0.1:50002] \"PING\"\r\n");
}

/* The wall clock may be set; in between, microseconds are those of the monotonic clock. */
static void test_clock(void **state)
{
    (void)state;
    client_run(a, "PING");
    assert_has(client_received(m), "+1700000000.000000 ");
    h.now_us += 1999;
    h.wall_ms += 1; /* the wall clock is cut to milliseconds */
    client_run(a, "PING");
    assert_has(client_received(m), "+1700000000.001999 ");
    h.wall_ms -= 100000000;
    client_run(a, "PING");
    assert_has(client_received(m), "+1699900000.001000 ");
}

static void test_skipped(void **state)
{
    (void)state;
    client_run(a, "CLIENT LIST");
    client_run(a, "SLOWLOG LEN");
    client_run(a, "MONITOR");
    client_run(a, "NONE");
    client_run(a, "ECHO");
    assert_received(m, "");
}

static void test_redacted(void **state)
{
    (void)state;
    client_run(a, "AUTH secret");
    assert_has(client_received(m), "\"AUTH\" \"(redacted)\"\r\n");
    client_run(a, "AUTH default secret");
    assert_has(client_received(m), "\"AUTH\" \"(redacted)\" \"(redacted)\"\r\n");
    client_run(a, "HELLO 2 AUTH default secret SETNAME x");
    assert_has(client_received(m),
               "\"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\" \"SETNAME\" \"x\"\r\n");
}

static void test_multi(void **state)
{
    (void)state;
    client_run(a, "MULTI");
    assert_has(client_received(m), "\"MULTI\"");
    client_run(a, "ECHO x");
    client_run(a, "MONITOR");
    assert_received(m, "");
    assert_reply(a, "EXEC",
                 "*2\r\n$1\r\nx\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
    const char *lines = client_received(m);
    assert_has(lines, "\"ECHO\" \"x\"\r\n");
    assert_true(strstr(lines, "\"ECHO\"") < strstr(lines, "\"EXEC\""));
}

static void test_end(void **state)
{
    (void)state;
    struct client *n = harness_connect(&h), *o = harness_connect(&h);
    client_run(n, "MONITOR");
    client_run(o, "MONITOR");
    assert_reply(o, "MONITOR", ""); /* says nothing the second time */
    assert_reply(m, "RESET", "+RESET\r\n");
    client_run(a, "PING");
    assert_received(m, "");
    assert_has(client_received(n), "PING");
    client_close(n);
    client_run(a, "PING");
    assert_has(client_received(o), "PING");
    client_close(o);
    assert_false(monitors_any(clients_monitors(h.around)));
}

static void test_no_memory(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        client_run(harness_connect(&h), "MONITOR");
    struct client *n = harness_connect(&h);
    h.fail_nth = 1;
    assert_has(client_run(n, "MONITOR"), "-OOM ");
    assert_reply(n, "MONITOR", "+OK\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redacted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_multi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };
    return cmocka_run_group_tests_name("clients/monitor", tests, NULL, NULL);
}
