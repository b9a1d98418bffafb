/* Replies that are made as they are sent (cmd/reply_walk.h): gates, faults and lack of memory treat them like any
 * other. */
#include "unit/engine/harness.h"

#include <stdio.h>

#include "engine/check.h"
#include "engine/gate_impl.h"
#include "unit/cmd/walk_cmd.h"

#define MANY 100000

static struct harness h;
static struct client *a, *b;

static void put(const char *name)
{
    static char value[100000];
    struct key k = ks_key(h.ks, slice_from_cstr(name));
    memset(value, 'v', sizeof(value));
    assert_non_null(ks_set_string(h.ks, 0, &k, slice_of(value, sizeof(value)), ITEM_NO_EXPIRY));
}

static int start(void **state)
{
    (void)state;
    harness_init(&h);
    cmd_add_rows(h.table);
    cmd_table_add(h.table, walk_rows, NULL);
    h.e->gate = gate_new();
    a = harness_connect(&h);
    b = harness_connect(&h);
    put("k");
    put("safe");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gate_open_all(h.e);
    gate_free(&h.e->gate);
    harness_deinit(&h);
    return 0;
}

static void all_is_safe(void)
{
    gate_sealed(h.e);
    h.e->promise.policy = h.e->promise.written = h.e->promise.synced = h.e->promise.pos;
    gate_advance(h.e);
}

static void expect_walk(const char *got, const char *behind)
{
    char head[32], digits[24];
    size_t n = (size_t)snprintf(head, sizeof(head), "*%d\r\n", MANY);
    assert_memory_equal(got, head, n);
    const char *p = got + n;
    for (int i = 0; i < MANY; i++) {
        int len = snprintf(digits, sizeof(digits), "%d", i);
        n = (size_t)snprintf(head, sizeof(head), "$%d\r\n%s\r\n", len, digits);
        assert_memory_equal(p, head, n);
        p += n;
    }
    assert_string_equal(p, behind);
}

static void it_waits_for_the_change_that_it_tells_of(void **state)
{
    (void)state;
    assert_reply(a, "APPEND k v", "");
    assert_reply(b, "WALK k 100000", "");
    assert_reply(b, "GETRANGE safe 0 0", ""); /* in its order */
    all_is_safe();
    expect_walk(client_received(b), "$1\r\nv\r\n");
}

/* What stands behind a gate waits, and the walk ahead of it does not, however many bytes that makes. */
static void what_waits_behind_it_waits_alone(void **state)
{
    (void)state;
    assert_reply(b, "MULTI", "+OK\r\n");
    assert_reply(b, "WALK safe 100000", "+QUEUED\r\n");
    const char *got = client_run(b, "EXEC");
    assert_memory_equal(got, "*1\r\n", 4);
    expect_walk(got + 4, "");
    assert_reply(b, "SET x 1", "");
    assert_reply(b, "WALK safe 100000", "");
    all_is_safe();
    got = client_received(b);
    assert_memory_equal(got, "+OK\r\n", 5);
    expect_walk(got + 5, "");
}

static void with_a_fault_it_is_dropped_whole(void **state)
{
    (void)state;
    assert_reply(a, "APPEND k v", "");
    gate_sealed(h.e);
    h.e->promise.fault = "No space left";
    h.e->promise.fault_since_us = h.now_us;
    h.e->promise.strict = true;
    engine_checks_update(h.e);
    assert_reply(b, "WALK k 100000", "-MISCONF No space left\r\n");
    expect_walk(client_run(b, "WALK safe 100000"), "");
    h.e->promise.fault = NULL;
    engine_checks_update(h.e);
}

static void without_memory_to_hold_it_it_is_refused(void **state)
{
    (void)state;
    bool refused = true;
    for (size_t nth = 1; refused; nth++) {
        h.fail_nth = nth;
        const char *got = client_run(b, "WALK safe 100000");
        refused = got[0] == '-';
        if (refused)
            assert_has(got, "-OOM not enough memory");
        else
            expect_walk(got, "");
        assert_true(nth < 10);
    }
    h.fail_nth = 0;
}

#define in_turn(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_turn(it_waits_for_the_change_that_it_tells_of),
        in_turn(what_waits_behind_it_waits_alone),
        in_turn(with_a_fault_it_is_dropped_whole),
        in_turn(without_memory_to_hold_it_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
