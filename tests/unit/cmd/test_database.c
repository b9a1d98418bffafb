#include "unit/cmd/cmd_test.h"

static const struct cmd_case cases[] = {
    {"dbsize", ":0"},
    {"randomkey", "$-1"},
    {"keys *", "*0"},
    {"scan 0", "*2 $1 0 *0"},
    {"set a 1", "+OK", "new:a set:a", "set a 1"},
    {"dbsize", ":1"},
    {"keys *", "*1 $1 a"},
    {"keys b*", "*0"},
    {"keys a", "*1 $1 a"},
    {"keys [a-c]", "*1 $1 a"},
    {"keys ?", "*1 $1 a"},
    {"scan 0", "*2 $1 0 *1 $1 a"},
    {"scan 0 match a*", "*2 $1 0 *1 $1 a"},
    {"scan 0 match b*", "*2 $1 0 *0"},
    {"scan 0 match a* count 100 type string", "*2 $1 0 *1 $1 a"},
    {"scan 0 type string", "*2 $1 0 *1 $1 a"},
    {"scan 0 type hash", "*2 $1 0 *0"},
    {"scan 0 type foo", "*2 $1 0 *0"},
    {"scan 0 type STRING", "*2 $1 0 *1 $1 a"},
    {"scan x", "-ERR invalid cursor"},
    {"scan \"\"", "*2 $1 0 *1 $1 a"},
    {"scan -1", "*2 $1 0 *0"},
    {"scan -", "-ERR invalid cursor"},
    {"scan --1", "-ERR invalid cursor"},
    {"scan -18446744073709551616", "-ERR invalid cursor"},
    {"scan 18446744073709551616", "-ERR invalid cursor"},
    {"scan 0 count 0", "-ERR syntax error"},
    {"scan 0 count -1", "-ERR syntax error"},
    {"scan 0 count x", "-ERR value is not an integer or out of range"},
    {"scan 0 count", "-ERR syntax error"},
    {"scan 0 match", "-ERR syntax error"},
    {"scan 0 foo bar", "-ERR syntax error"},
    {"scan 0 foo", "-ERR syntax error"},
    {"scan 0x10", "-ERR invalid cursor"},
    {"set p v px 100", "+OK", "new:p set:p expire:p", "SET p v PXAT 1700000000100"},
    {"~wait 120"},
    {"keys p", "*0"},
    {"dbsize", ":2"},
    {"set p v px 100", "+OK", "expired:p new:p set:p expire:p",
     "DEL p; SET p v PXAT 1700000000220"},
    {"~wait 120"},
    {"scan 0", "*2 $1 0 *1 $1 a", "expired:p", "DEL p"},
    {"dbsize", ":1"},
    {"set p v px 100", "+OK", "new:p set:p expire:p", "SET p v PXAT 1700000000340"},
    {"~wait 120"},
    {"scan 0 match q*", "*2 $1 0 *0"},
    {"dbsize", ":2"},
    {"keys p*", "*0"},
    {"set p v px 100", "+OK", "expired:p new:p set:p expire:p",
     "DEL p; SET p v PXAT 1700000000460"},
    {"~wait 120"},
    {"swapdb 0 1", "+OK", NULL, "swapdb 0 1"},
    {"dbsize", ":0"},
    {"swapdb 0 1", "+OK", NULL, "swapdb 0 1"},
    {"swapdb 0 0", "+OK"},
    {"swapdb 0 x", "-ERR invalid second DB index"},
    {"swapdb x 0", "-ERR invalid first DB index"},
    {"swapdb 0 99", "-ERR DB index is out of range"},
    {"swapdb 99 0", "-ERR DB index is out of range"},
    {"swapdb -1 0", "-ERR DB index is out of range"},
    {"swapdb 0 99999999999", "-ERR invalid second DB index"},
    {"swapdb 0 99999999999999999999", "-ERR invalid second DB index"},
    {"flushdb foo", "-ERR syntax error"},
    {"flushdb async sync", "-ERR syntax error"},
    {"flushall foo", "-ERR syntax error"},
    {"~db 1"},
    {"flushdb", "+OK", NULL, "flushdb"}, /* of nothing, and logged all the same */
    {"flushdb async", "+OK", NULL, "flushdb async"},
    {"set a 1", "+OK", "new:a set:a", "set a 1"},
    {"flushdb async", "+OK", NULL, "flushdb async"},
    {"set a 1", "+OK", "new:a set:a", "set a 1"},
    {"flushdb", "+OK", NULL, "flushdb"},
    {"set a 1", "+OK", "new:a set:a", "set a 1"},
    {"~db 0"},
    {"flushdb sync", "+OK", NULL, "flushdb sync"},
    {"dbsize", ":0"},
    {"flushall", "+OK", NULL, "flushall"},
    {"flushall sync", "+OK", NULL, "flushall sync"},
    {"set a 1", "+OK", "new:a set:a", "set a 1"},
    {"flushall async", "+OK", NULL, "flushall async"},
    {"keys", "-ERR wrong number of arguments for 'keys' command"},
    {"scan", "-ERR wrong number of arguments for 'scan' command"},
    {"dbsize x", "-ERR wrong number of arguments for 'dbsize' command"},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(cases, COUNT_OF(cases));
}

#define KEYS 1000

static bool is_key(const char *name, bool seen[KEYS], unsigned every)
{
    unsigned n;
    if (sscanf(name, "key:%u", &n) != 1)
        return false;
    assert_true(n < KEYS && n % every == 0);
    seen[n] = true;
    return true;
}

/* Marks the keys in a reply such as "*2 $1 0 *1 $5 key:7". */
static void mark_keys(const char *reply, bool seen[KEYS], unsigned every)
{
    for (const char *p = reply; (p = strstr(p, " key:")); p++)
        assert_true(is_key(p + 1, seen, every));
}

static void fill(struct cmd_test *t)
{
    char line[64];
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(line, sizeof(line), i % 2 ? "set key:%u v" : "set key:%u v px 100", i);
        cmd_test_run(t, line);
    }
}

static unsigned scan_all(struct cmd_test *t, const char *options, bool seen[KEYS], unsigned every)
{
    char cursor[32] = "0", line[128];
    unsigned steps = 0;
    memset(seen, 0, KEYS);
    do {
        snprintf(line, sizeof(line), "scan %s %s", cursor, options);
        const char *reply = cmd_test_run(t, line);
        assert_int_equal(sscanf(reply, "*2 $%*d %31s", cursor), 1);
        mark_keys(reply, seen, every);
        steps++;
    } while (strcmp(cursor, "0") != 0);
    return steps;
}

static void test_scan_gives_all(void **state)
{
    (void)state;
    struct cmd_test t;
    bool seen[KEYS];
    cmd_test_init(&t, 7);
    fill(&t);
    assert_true(scan_all(&t, "", seen, 1) > 20);
    for (unsigned i = 0; i < KEYS; i++)
        assert_true(seen[i]);
    assert_int_equal(scan_all(&t, "count 100000", seen, 1), 1);
    scan_all(&t, "match *0 count 50", seen, 10);
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(seen[i], i % 10 == 0);
    cmd_test_deinit(&t);
}

/* A scan removes what is due, and gives only what is not. */
static void test_scan_expires(void **state)
{
    (void)state;
    struct cmd_test t;
    bool seen[KEYS];
    cmd_test_init(&t, 2);
    fill(&t);
    cmd_test_move_clock(&t, 1000);
    memset(seen, 0, sizeof(seen));
    mark_keys(cmd_test_run(&t, "keys key:*"), seen, 1);
    assert_string_equal(cmd_test_run(&t, "dbsize"), ":1000");
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(seen[i], i % 2);
    scan_all(&t, "type list", seen, 1);
    assert_string_equal(cmd_test_run(&t, "dbsize"), ":1000");
    scan_all(&t, "", seen, 1);
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(seen[i], i % 2);
    assert_string_equal(cmd_test_run(&t, "dbsize"), ":500");
    cmd_test_deinit(&t);
}

static void test_randomkey(void **state)
{
    (void)state;
    struct cmd_test t;
    bool seen[KEYS] = {false};
    unsigned different = 0;
    cmd_test_init(&t, 2);
    fill(&t);
    cmd_test_move_clock(&t, 1000);
    for (unsigned i = 0; i < KEYS; i++)
        mark_keys(cmd_test_run(&t, "randomkey"), seen, 1);
    for (unsigned i = 0; i < KEYS; i++) {
        different += seen[i];
        assert_true(i % 2 || !seen[i]);
    }
    assert_true(different > 200);
    cmd_test_deinit(&t);
}

/* Whoever watches keys hears of flushed and swapped databases once. */
static void test_hears_of_flush(void **state)
{
    (void)state;
    static const struct {
        const char *request, *changed;
    } steps[] = {
        {"flushdb", ""},    {"set a 1", "a "},           {"flushdb", "flushed:0 "},
        {"set a 1", "a "},  {"flushall", "flushed:-1 "}, {"swapdb 1 2", "swapped:1,2 "},
        {"swapdb 2 2", ""},
    };
    struct cmd_test t;
    cmd_test_init(&t, 1);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        cmd_test_run(&t, steps[i].request);
        assert_string_equal(buf_cstr(&t.changed), steps[i].changed);
    }
    cmd_test_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),          cmocka_unit_test(test_scan_gives_all),
        cmocka_unit_test(test_scan_expires),   cmocka_unit_test(test_randomkey),
        cmocka_unit_test(test_hears_of_flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
