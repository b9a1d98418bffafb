#include "admin/admin_impl.h"
#include "clients/client_cmds.h"
#include "clients/monitor.h"
#include "clients/pubsub.h"
#include "cmd/synopsis.h"
#include "engine/multi.h"
#include "server/server_impl.h"
#include "unit/cmd/cmd_test.h"

/* --- a tree as text ------------------------------------------------------------------------------ */

/* "name:type", a token in front, groups in parentheses; ? optional, + multiple, ++ with its token. */
static void show(const struct synopsis *s, int first, struct buf *out)
{
    static const char *const types[] = {
        [ARG_STRING] = "",     [ARG_INTEGER] = ":int",     [ARG_DOUBLE] = ":double",
        [ARG_KEY] = ":key",    [ARG_PATTERN] = ":pattern", [ARG_UNIX_TIME] = ":time",
        [ARG_PURE_TOKEN] = "", [ARG_ONEOF] = "oneof",      [ARG_BLOCK] = "block",
    };
    for (int i = first; i >= 0; i = s->args[i].next) {
        const struct synopsis_arg *a = &s->args[i];
        if (i != first)
            buf_append_char(out, ' ');
        if (a->token.len > 0 && a->type != ARG_PURE_TOKEN)
            buf_printf(out, "%.*s=", (int)a->token.len, a->token.ptr);
        buf_printf(out, "%.*s%s", (int)a->name.len, a->name.ptr, types[a->type]);
        if (a->child >= 0) {
            buf_append_char(out, '(');
            show(s, a->child, out);
            buf_append_char(out, ')');
        }
        buf_append_cstr(out, a->optional ? "?" : "");
        buf_append_cstr(out, a->multiple ? "+" : "");
        buf_append_cstr(out, a->multiple_token ? "+" : "");
    }
}

static void test_trees(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tree;
    } cases[] = {
        {"", ""},
        {"key", "key:key"},
        {"key seconds pattern message", "key:key seconds:int pattern:pattern message"},
        {"unix-time-seconds unix-time", "unix-time-seconds:time unix-time"},
        {"increment:double", "increment:double"},
        {"source:key index:integer weight:double ...", "source:key index:int weight:double+"},
        {"ip:port :double x:", "ip:port :double x:"},
        {"ON | OFF", "oneof(ON OFF)"},
        {"AA a b | c", "oneof(AA=block(a b) c)"},
        {"[message]", "message?"},
        {"key [key ...]", "key:key+"},
        {"[channel ...]", "channel?+"},
        {"channel ...", "channel+"},
        {"key value [key value ...]", "block(key:key value)+"},
        {"[key value ...]", "block(key:key value)?+"},
        {"numkeys key value [key value ...] [NX | XX]",
         "numkeys:int block(key:key value)+ oneof(NX XX)?"},
        {"[NX | XX] [GET]", "oneof(NX XX)? GET?"},
        {"<NX | XX>", "oneof(NX XX)"},
        {"[EX seconds | PERSIST]", "oneof(EX=seconds:int PERSIST)?"},
        {"ON", "ON"},
        {"LIMIT offset count", "LIMIT=block(offset:int count:int)"},
        {"[AUTH username password] [SETNAME clientname]",
         "AUTH=block(username password)? SETNAME=clientname?"},
        {"[protover [AUTH username password] [SETNAME clientname]]",
         "block(protover:int AUTH=block(username password)? SETNAME=clientname?)?"},
        {"[FILTERBY <MODULE module-name | PATTERN pattern>]",
         "FILTERBY=oneof(MODULE=module-name PATTERN=pattern:pattern)?"},
        {"[KEYS key [key ...]]", "KEYS=key:key?+"},
        {"[KEYS key ...]", "KEYS=key:key?+"},
        {"[GET pattern [GET pattern ...]]", "GET=pattern:pattern?++"},
        {"STREAMS key [key ...] id [id ...]", "STREAMS=block(key:key+ id+)"},
        {"<AA a | BB <CC | dd>>", "oneof(AA=a BB=oneof(CC dd))"},
        {"<AA BB b>", "block(AA BB=b)"},
        {"AA [bb] cc", "AA bb? cc"},
        {"NO-TOUCH AUTH2 x", "NO-TOUCH AUTH2=x"},
        {"a [b ...]", "a b?+"},
    };
    struct synopsis s;
    struct buf got;
    buf_init(&got);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(synopsis_parse(cases[i].text, &s), ERR_OK);
        buf_clear(&got);
        show(&s, s.first, &got);
        assert_string_equal(buf_cstr(&got), cases[i].tree);
    }
    buf_deinit(&got);
}

static void test_errors(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[",         "[key",    "key]",    "[]",        "<>",     "[NX |]",   "[| NX]",
        "<a]",       "[a>",     "a ... b", "[a ... b]", "[a | b", "a [b ...", "[[[[[[[[[a]]]]]]]]]",
        "<a | | b>", "... ...",
    };
    struct synopsis s;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (synopsis_parse(texts[i], &s) == ERR_OK)
            fail_msg("accepted: %s", texts[i]);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    char text[2 * SYNOPSIS_ARGS_MAX + 3] = "";
    struct synopsis s;
    for (int i = 0; i < SYNOPSIS_ARGS_MAX; i++)
        strcat(text, "a ");
    assert_int_equal(synopsis_parse(text, &s), ERR_OK);
    strcat(text, "a");
    assert_int_equal(synopsis_parse(text, &s), ERR_FULL);
}

/* Any text ends in a result; what is parsed stays within the tree. */
static void test_random_texts(void **state)
{
    (void)state;
    static const char *const pieces[] = {"[", "]",   "<",  ">", "|",       "...",
                                         "a", "key", "NX", " ", "x:double"};
    struct synopsis s;
    struct rng r;
    rng_seed(&r, 3);
    for (int i = 0; i < 20000; i++) {
        char text[256] = "";
        for (uint64_t n = rng_below(&r, 16); n > 0; n--) {
            strcat(text, pieces[rng_below(&r, COUNT_OF(pieces))]);
            strcat(text, " ");
        }
        if (synopsis_parse(text, &s))
            continue;
        assert_in_range(s.count, 0, SYNOPSIS_ARGS_MAX);
        for (int k = 0; k < s.count; k++) {
            assert_true(s.args[k].next < s.count && s.args[k].child < s.count);
            assert_true(s.args[k].next != k && s.args[k].child != k);
        }
    }
}

static void add_rows_of_other_rooms(struct cmd_table *t)
{
    const struct cmd_row *const rows[] = {
        clients_rows_connection, clients_rows_client, engine_rows_multi,  clients_rows_pubsub,
        clients_rows_monitor,    admin_rows_slowlog,  admin_rows_latency, admin_rows_command,
        server_rows_process,     server_rows_persist, admin_rows_info,    admin_rows_memory,
        admin_rows_debug,        admin_rows_process,
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cmd_table_add(t, rows[i], NULL);
    config_add_rows(t, NULL);
}

/* Every row of every room documents itself. */
static void test_every_row(void **state)
{
    (void)state;
    struct cmd_table *t = cmd_table_new();
    struct synopsis s;
    cmd_add_rows(t);
    add_rows_of_other_rooms(t);
    for (size_t i = 0; i < cmd_table_count(t); i++) {
        const struct cmd_row *row = cmd_table_at(t, i)->row;
        if (!row->summary || !row->since || !row->group || !row->complexity)
            fail_msg("%s lacks documentation", row->name);
        if (row->synopsis && synopsis_parse(row->synopsis, &s))
            fail_msg("%s: %s", row->name, row->synopsis);
    }
    cmd_table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),     cmocka_unit_test(test_errors),
        cmocka_unit_test(test_too_many),  cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
