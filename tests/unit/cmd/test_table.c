#include <ctype.h>
#include <stdlib.h>

#include "base/mem.h"
#include "unit/cmd/cmd_test.h"

static const struct cmd_row sub_rows[] = {
    {.name = "get", .arity = -3, .flags = CMD_ADMIN},
    {.name = "set", .arity = 4, .keys = {CMD_KEY(2, KEY_RW)}},
    {.name = NULL},
};
static const struct cmd_row rows[] = {
    {.name = "a", .arity = 1, .flags = CMD_WRITE | CMD_FAST, .acl = ACL_STRING},
    {.name = "get", .arity = 2, .flags = CMD_READONLY, .keys = {CMD_KEY(1, KEY_RO)}},
    {.name = "exactly8", .arity = -2, .keys = {CMD_KEYS_FROM(1, 1, KEY_RO)}},
    {.name = "ninebytes", .arity = -3, .keys = {CMD_KEYS_FROM(1, 2, KEY_OW)}},
    {.name = "ninebytes_and_16", .arity = -1, .keys = {CMD_KEYS_FROM(1, 1, KEY_RO)}},
    {.name = "seventeen_bytes_a", .keys = {{.first = 1, .last = -2, .step = 1}}},
    {.name = "seventeen_bytes_b", .keys = {CMD_KEY(1, KEY_RW), CMD_KEY(2, KEY_OW)}},
    {.name = "counted", .arity = -3, .keys = {{.first = 3, .step = 2, .numkeys = 2}}},
    {.name = "group", .arity = -2, .flags = CMD_PUBSUB | CMD_BLOCKING, .subs = sub_rows},
    {.name = NULL},
};

static struct cmd_table *new_table(void)
{
    struct cmd_table *t = cmd_table_new();
    cmd_table_add(t, rows, NULL);
    return t;
}

static struct cmd *look_up(const struct cmd_table *t, const char *name)
{
    return cmd_lookup(t, slice_from_cstr(name));
}

/* --- look-up ------------------------------------------------------------------------------------- */

static void test_any_case(void **state)
{
    (void)state;
    struct cmd_table *t = new_table();
    for (const struct cmd_row *row = rows; row->name; row++) {
        size_t len = strlen(row->name);
        char *name = malloc(len); /* exactly, so that a sanitizer sees reads behind it */
        for (unsigned variant = 0; variant < 8; variant++) {
            for (size_t i = 0; i < len; i++)
                name[i] =
                    (char)((variant >> i % 3 & 1) ? toupper(row->name[i]) : tolower(row->name[i]));
            struct cmd *cmd = cmd_lookup(t, slice_of(name, len));
            assert_non_null(cmd);
            assert_ptr_equal(cmd->row, row);
        }
        free(name);
    }
    cmd_table_free(&t);
    assert_null(t);
}

static void test_unknown(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "b",
        "ge",
        "gett",
        "exactly",
        "exactly9",
        "exactly88",
        "ninebytez",
        "seventeen_bytes_c",
        "seventeen_Xytes_a",
        "group|get",
        "g\xc5t",
        "ge\x14",
    };
    struct cmd_table *t = new_table();
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_null(look_up(t, names[i]));
    assert_null(cmd_lookup(t, slice_of("get\0", 4)));
    assert_null(cmd_lookup(t, slice_of(NULL, 0)));
    cmd_table_free(&t);
}

/* Every name of up to two bytes against slice_is, the comparison that the look-up must agree with. */
static void test_every_byte(void **state)
{
    (void)state;
    struct cmd_table *t = new_table();
    for (int a = 0; a < 256; a++) {
        char name[3] = {(char)a, 'E', 't'};
        assert_int_equal(cmd_lookup(t, slice_of(name, 1)) != NULL,
                         slice_is(slice_of(name, 1), "a"));
        assert_int_equal(cmd_lookup(t, slice_of(name, 3)) != NULL,
                         slice_is(slice_of(name, 3), "get"));
    }
    cmd_table_free(&t);
}

static void test_many(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static char names[MANY + 1][24];
    static struct cmd_row many[MANY + 1];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), i % 2 ? "c%d" : "command_of_a_long_%d", i);
        many[i] = (struct cmd_row){.name = names[i], .arity = 1};
    }
    struct cmd_table *t = cmd_table_new();
    cmd_table_add(t, many, NULL);
    cmd_table_add(t, rows, NULL);
    for (int i = 0; i < MANY; i++) {
        struct cmd *cmd = look_up(t, names[i]);
        assert_non_null(cmd);
        assert_ptr_equal(cmd->row, &many[i]);
        assert_int_equal(cmd->id, i);
        assert_ptr_equal(cmd_table_at(t, (size_t)i), cmd);
    }
    assert_non_null(look_up(t, "get"));
    cmd_table_free(&t);
}

static void test_subcommands(void **state)
{
    (void)state;
    struct cmd_table *t = new_table();
    struct cmd *group = look_up(t, "GROUP");
    struct cmd *sub = cmd_lookup_sub(group, SLICE("Get"));
    assert_non_null(sub);
    assert_ptr_equal(sub->parent, group);
    assert_string_equal(sub->full_name, "group|get");
    assert_string_equal(group->full_name, "group");
    assert_null(cmd_lookup_sub(group, SLICE("nosuch")));
    assert_null(cmd_lookup_sub(look_up(t, "get"), SLICE("get")));
    assert_ptr_equal(cmd_lookup_full(t, SLICE("GROUP|get")), sub);
    assert_ptr_equal(cmd_lookup_full(t, SLICE("group")), group);
    assert_null(cmd_lookup_full(t, SLICE("group|")));
    assert_null(cmd_lookup_full(t, SLICE("|get")));
    assert_null(cmd_lookup_full(t, SLICE("get|get")));
    assert_null(cmd_lookup_full(t, SLICE("nosuch|get")));
    assert_null(cmd_lookup_full(t, SLICE("")));
    assert_int_equal(cmd_table_count(t), COUNT_OF(rows) - 1 + COUNT_OF(sub_rows) - 1);
    assert_int_equal(cmd_table_top_count(t), COUNT_OF(rows) - 1);
    assert_ptr_equal(cmd_table_top_at(t, 8), group);
    cmd_table_free(&t);
}

/* --- what rows say ------------------------------------------------------------------------------- */

static void test_categories(void **state)
{
    (void)state;
    struct cmd_table *t = new_table();
    struct cmd *group = look_up(t, "group");
    assert_int_equal(look_up(t, "a")->acl, ACL_STRING | ACL_WRITE | ACL_FAST);
    assert_int_equal(look_up(t, "get")->acl, ACL_READ | ACL_SLOW);
    assert_int_equal(group->acl, ACL_PUBSUB | ACL_BLOCKING | ACL_SLOW);
    assert_int_equal(group->subs[0]->acl, ACL_ADMIN | ACL_DANGEROUS | ACL_SLOW);
    cmd_table_free(&t);
}

static void test_arity(void **state)
{
    (void)state;
    struct cmd_table *t = new_table();
    assert_true(cmd_arity_ok(look_up(t, "get"), 2));
    assert_false(cmd_arity_ok(look_up(t, "get"), 1));
    assert_false(cmd_arity_ok(look_up(t, "get"), 3));
    assert_true(cmd_arity_ok(look_up(t, "exactly8"), 2));
    assert_true(cmd_arity_ok(look_up(t, "exactly8"), 200));
    assert_false(cmd_arity_ok(look_up(t, "exactly8"), 1));
    cmd_table_free(&t);
}

static void test_stats(void **state)
{
    (void)state;
    struct cmd_table *t = new_table();
    struct cmd *get = look_up(t, "get");
    get->stats.calls = 7;
    get->stats.histogram = mem_zalloc(CMD_HISTOGRAM_BUCKETS * sizeof(uint32_t));
    cmd_table_reset_stats(t);
    assert_int_equal(get->stats.calls, 0);
    assert_null(get->stats.histogram);
    get->stats.histogram = mem_zalloc(CMD_HISTOGRAM_BUCKETS * sizeof(uint32_t));
    cmd_table_free(&t);
}

/* --- keys ---------------------------------------------------------------------------------------- */

static void note_key(int index, uint16_t flags, void *arg)
{
    buf_printf(arg, "%d:%u ", index, flags);
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *request, *keys; /* NULL: the arguments do not fit */
    } cases[] = {
        {"a", ""},
        {"get k", "1:1 "},
        {"exactly8 a b c", "1:1 2:1 3:1 "},
        {"ninebytes a b c d", "1:4 3:4 "},
        {"ninebytes a b c", "1:4 3:4 "},
        {"seventeen_bytes_a a b c", "1:0 2:0 "},
        {"seventeen_bytes_a", ""},
        {"seventeen_bytes_b a b", "1:2 2:4 "},
        {"counted x 2 a b c d", "3:0 5:0 "},
        {"counted x 1 a b c d", "3:0 "},
        {"counted x 2 a b c", "3:0 5:0 "},
        {"counted x 3 a b c d", NULL},
        {"counted x 0 a", ""},
        {"counted x 0", ""},
        {"counted x -1 a", NULL},
        {"counted x y a", NULL},
        {"counted x 9223372036854775807 a", NULL},
        {"counted x", NULL},
        {"group set k", "2:2 "},
        {"group set", NULL},
    };
    struct cmd_table *t = new_table();
    struct words w;
    struct buf got;
    words_init(&w);
    buf_init(&got);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        words_split(&w, slice_from_cstr(cases[i].request));
        struct cmd *cmd = cmd_lookup(t, w.at[0]);
        if (cmd->subs)
            cmd = cmd_lookup_sub(cmd, w.at[1]);
        buf_clear(&got);
        bool fits = cmd_each_key(cmd, w.at, w.count, note_key, &got);
        assert_int_equal(fits, cases[i].keys != NULL);
        if (fits)
            assert_string_equal(buf_cstr(&got), cases[i].keys);
    }
    buf_deinit(&got);
    words_deinit(&w);
    cmd_table_free(&t);
}

static void test_key_range(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct cmd_key_range range;
    } cases[] = {
        {"a", {0, 0, 0}},          {"get", {1, 1, 1}},
        {"ninebytes", {1, -1, 2}}, {"seventeen_bytes_b", {1, 2, 1}},
        {"counted", {0, 0, 0}},    {"seventeen_bytes_a", {1, -2, 1}},
    };
    struct cmd_table *t = new_table();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cmd_key_range r = cmd_key_range(look_up(t, cases[i].name));
        assert_memory_equal(&r, &cases[i].range, sizeof(r));
    }
    cmd_table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_case),    cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_every_byte),  cmocka_unit_test(test_many),
        cmocka_unit_test(test_subcommands), cmocka_unit_test(test_categories),
        cmocka_unit_test(test_arity),       cmocka_unit_test(test_stats),
        cmocka_unit_test(test_keys),        cmocka_unit_test(test_key_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
