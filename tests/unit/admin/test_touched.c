/* What operators ask about a key waits like a read of it, and for that key alone. */
#include <stdio.h>
#include <string.h>

#include "engine/gate_impl.h"
#include "unit/engine/harness.h"

#define LINE_CHARS 256

static struct harness h;
static struct client *writer;

static int start(void **state)
{
    (void)state;
    harness_init(&h);
    h.config.debug_commands = ENGINE_ALLOW_YES;
    cmd_add_rows(h.table);
    h.e->gate = gate_new();
    writer = harness_connect(&h);
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
    h.e->promise.policy = h.e->promise.written = h.e->promise.synced = h.e->promise.pos;
    gate_advance(h.e);
}

/* True: the reply waits while `changed` is on its way to the log. Either way it comes in the end, and is no error. */
static bool waits(const char *line, const char *changed)
{
    char set[LINE_CHARS];
    struct client *c = harness_connect(&h);
    snprintf(set, sizeof(set), "SET %s v", changed);
    client_run(writer, set);
    gate_sealed(h.e);
    bool waited = client_run(c, line)[0] == 0;
    const char *reply = client_received(c);
    all_is_safe();
    if (waited)
        reply = client_received(c);
    client_received(writer);
    if (waited && (reply[0] == 0 || reply[0] == '-'))
        fail_msg("%s: %s", line, reply);
    return waited;
}

static void expect_waits_for_its_key(const char *line)
{
    if (!waits(line, "k"))
        fail_msg("%s tells of a key that may be lost yet", line);
    if (waits(line, "other"))
        fail_msg("%s waits for a key that it does not name", line);
}

static void commands_of_operators_note_their_keys(void **state)
{
    (void)state;
    unsigned found = 0;
    for (size_t i = 0; i < cmd_table_count(h.table); i++) {
        const struct cmd *c = cmd_table_at(h.table, i);
        char line[LINE_CHARS];
        int len;
        if (!c->row->fn || strcmp(c->row->group, "server") != 0 || c->row->keys[0].first == 0)
            continue;
        len = snprintf(line, sizeof(line), "%s %s", c->parent ? c->parent->row->name : "",
                       c->row->name);
        for (int arg = c->parent ? 2 : 1; arg <= c->row->keys[0].first; arg++)
            len += snprintf(line + len, sizeof(line) - (size_t)len, " k");
        expect_waits_for_its_key(line);
        found++;
    }
    assert_true(found > 0);
}

/* Its subcommands are no rows: HELP tells which of them name a key. */
static void debug_notes_its_keys(void **state)
{
    (void)state;
    struct client *c = harness_connect(&h);
    struct buf help;
    unsigned found = 0;
    buf_init(&help);
    buf_append_cstr(&help, client_run(c, "DEBUG HELP"));
    const char *at = buf_cstr(&help), *end;
    for (; (end = strchr(at, '\n')); at = end + 1) {
        char line[LINE_CHARS];
        const char *key = strstr(at, " <key>");
        if (at[0] != '+' || !key || key > end)
            continue;
        snprintf(line, sizeof(line), "DEBUG %.*s k", (int)(key - at - 1), at + 1);
        expect_waits_for_its_key(line);
        found++;
    }
    assert_true(found >= 2);
    buf_deinit(&help);
}

static void a_digest_of_all_notes_all(void **state)
{
    (void)state;
    assert_true(waits("DEBUG DIGEST", "k"));
    assert_true(waits("DEBUG DIGEST", "other"));
}

#define fresh(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(commands_of_operators_note_their_keys),
        fresh(debug_notes_its_keys),
        fresh(a_digest_of_all_notes_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
