#include "log/strays.h"

#include <sys/stat.h>

#include "unit/log/aof_files.h"

static char scratch[] = "strays";

static void put(const char *name, const char *content)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    file_write(path, slice_from_cstr(content));
}

static int setup(void **state)
{
    (void)state;
    assert_int_equal(system("rm -rf strays && mkdir strays"), 0);
    return 0;
}

/* Names, in order, with what kind of file they are. */
static void expect(const struct manifest *m, const char *want)
{
    struct strays s;
    char got[1024] = "";
    assert_true(strays_find(&s, scratch, m));
    for (size_t i = 0; i < s.count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s%s ", s.at[i].file.name,
                 s.at[i].regular ? "" : "!", s.at[i].holds ? "" : "-");
    assert_string_equal(got, want);
    strays_deinit(&s);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const other[] = {
        "a.manifest",    "a.1.base",
        "a.1.base.aofx", "a.x.base.aof",
        "a..base.aof",   ".1.base.aof",
        "a.0.incr.aof",  "a.-1.incr.aof",
        "1.base.aof",    "a.1.history.aof",
        "a.aof",         ".aof",
        "a.1.incr.aof~", "a.9223372036854775808.incr.aof",
    };
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        put(other[i], "*1\r\n$4\r\nPING\r\n");
    expect(NULL, "");
    put("a.b.7.incr.aof", "x");
    put("a.1.base.rdb", "REDIS0011");
    expect(NULL, "a.1.base.rdb a.b.7.incr.aof ");
}

static void test_order(void **state)
{
    (void)state;
    static const char *const names[] = {"b.1.base.aof", "a.10.incr.aof", "a.9.incr.aof",
                                        "a.2.base.aof", "a.1.base.aof",  "ab.1.incr.aof"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put(names[i], "x");
    expect(NULL,
           "a.1.base.aof a.2.base.aof a.9.incr.aof a.10.incr.aof ab.1.incr.aof b.1.base.aof ");
}

static void test_files_of_the_manifest_are_none(void **state)
{
    (void)state;
    struct manifest m;
    manifest_init(&m);
    assert_int_equal(manifest_add(&m, MANIFEST_INCR, 1, "a.1.incr.aof"), ERR_OK);
    put("a.1.incr.aof", "x");
    put("a.2.incr.aof", "x");
    expect(&m, "a.2.incr.aof ");
    manifest_deinit(&m);
}

/* A file with a header and no command was just begun: nothing is lost with it. */
static void test_holds(void **state)
{
    (void)state;
    struct aof_text t;
    text_init(&t, 0);
    text_header(&t);
    file_write("strays/a.1.incr.aof", buf_slice(&t.bytes));
    file_write("strays/a.2.incr.aof", slice_of(t.bytes.ptr, t.bytes.len / 2)); /* torn */
    text_set(&t, "k", SLICE("v"));
    text_seal(&t);
    file_write("strays/a.3.incr.aof", buf_slice(&t.bytes));
    put("a.4.incr.aof", "");
    put("a.5.incr.aof", "what is this");
    assert_int_equal(mkdir("strays/a.6.incr.aof", 0755), 0);
    assert_int_equal(symlink("a.3.incr.aof", "strays/a.7.incr.aof"), 0);
    expect(NULL,
           "a.1.incr.aof- a.2.incr.aof- a.3.incr.aof a.4.incr.aof- a.5.incr.aof a.6.incr.aof! "
           "a.7.incr.aof! ");
    text_deinit(&t);
}

static void test_list(void **state)
{
    (void)state;
    struct strays s;
    struct buf out;
    buf_init(&out);
    for (int i = 1; i <= 7; i++) {
        char name[64];
        snprintf(name, sizeof(name), "a.%d.incr.aof", i);
        put(name, "garbage");
    }
    put("a.8.incr.aof", "");
    put("b.1.base.aof", "garbage");
    assert_true(strays_find(&s, scratch, NULL));
    assert_false(s.cut_rewrite);
    assert_true(stray_is_of(&s.at[0], "a"));
    assert_false(stray_is_of(&s.at[0], "a."));
    assert_int_equal(strays_list(&s, "a", false, &out), 7);
    assert_string_equal(buf_cstr(&out),
                        "a.1.incr.aof (7 bytes), a.2.incr.aof (7 bytes), a.3.incr.aof (7 bytes), "
                        "a.4.incr.aof (7 bytes), a.5.incr.aof (7 bytes) and 2 more");
    buf_clear(&out);
    assert_int_equal(strays_list(&s, "a", true, &out), 1);
    assert_string_equal(buf_cstr(&out), "b.1.base.aof (7 bytes)");
    buf_deinit(&out);
    strays_deinit(&s);
}

static void test_rewrite_that_was_cut(void **state)
{
    (void)state;
    struct strays s;
    put(MANIFEST_REWRITE_START "x.aof", "");
    assert_true(strays_find(&s, scratch, NULL));
    assert_true(s.cut_rewrite);
    assert_int_equal(s.count, 0);
    strays_deinit(&s);
    assert_false(strays_find(&s, "nowhere", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names, setup),
        cmocka_unit_test_setup(test_order, setup),
        cmocka_unit_test_setup(test_files_of_the_manifest_are_none, setup),
        cmocka_unit_test_setup(test_holds, setup),
        cmocka_unit_test_setup(test_list, setup),
        cmocka_unit_test_setup(test_rewrite_that_was_cut, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
