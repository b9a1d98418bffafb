#include "log/rebuild.h"

#include "unit/log/aof_files.h"

static int setup(void **state)
{
    (void)state;
    assert_int_equal(system("rm -rf lost && mkdir lost"), 0);
    return 0;
}

static void put(const char *name, bool sealed)
{
    char path[256];
    struct aof_text t;
    text_init(&t, 0);
    if (sealed)
        text_header(&t);
    text_set(&t, "k", SLICE("v"));
    if (sealed)
        text_seal(&t);
    snprintf(path, sizeof(path), "lost/%s", name);
    file_write(path, buf_slice(&t.bytes));
    text_deinit(&t);
}

/* `want`: "b2 a.2.base.aof;i3 ...", or a part of the error. */
static void expect(const char *prefix, const char *want)
{
    struct manifest m;
    char error[MANIFEST_ERROR_CHARS] = "", got[1024] = "", filled[MANIFEST_NAME_BYTES_MAX];
    manifest_init(&m);
    snprintf(filled, sizeof(filled), "%s", prefix);
    bool fine = rebuild_manifest(&m, "lost", filled, error);
    for (size_t i = 0; i < m.count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%c%llu %s;", (char)m.files[i].type,
                 (unsigned long long)m.files[i].seq, m.files[i].name);
    if (fine) {
        assert_string_equal(got, want);
        assert_int_equal(strncmp(m.files[0].name, filled, strlen(filled)), 0);
    } else {
        assert_int_equal(m.count, 0);
        if (!strstr(error, want))
            fail_msg("%s", error);
    }
    manifest_deinit(&m);
}

static void test_highest_base_and_all_increments(void **state)
{
    (void)state;
    put("a.1.base.aof", true);
    put("a.3.base.aof", true);
    put("a.7.incr.aof", true);
    put("a.4.incr.aof", true);
    expect("", "b3 a.3.base.aof;i4 a.4.incr.aof;i7 a.7.incr.aof;");
    expect("a", "b3 a.3.base.aof;i4 a.4.incr.aof;i7 a.7.incr.aof;");
    expect("b", "there are no files of a log");
}

static void test_empty_files_are_passed_over(void **state)
{
    (void)state;
    put("a.1.base.aof", false);
    file_write("lost/a.2.base.aof", SLICE(""));
    put("a.1.incr.aof", false);
    file_write("lost/a.9.incr.aof", SLICE(""));
    expect("", "b1 a.1.base.aof;i1 a.1.incr.aof;");
}

/* Increments from the first one on hold everything. */
static void test_without_a_base(void **state)
{
    (void)state;
    put("a.2.incr.aof", true);
    expect("", "there is no base, and the first increment is missing, too");
    put("a.1.incr.aof", true);
    expect("", "i1 a.1.incr.aof;i2 a.2.incr.aof;");
}

static void test_several_logs(void **state)
{
    (void)state;
    put("a.1.incr.aof", true);
    put("ab.1.incr.aof", true);
    expect("", "there are files of several logs");
    expect("ab", "i1 ab.1.incr.aof;");
}

/* Redis' files hold no positions: nothing may be in doubt. */
static void test_files_without_positions(void **state)
{
    (void)state;
    put("a.1.base.aof", false);
    put("a.1.incr.aof", false);
    put("a.3.incr.aof", false);
    expect("", "a number is missing among the increments");
    put("a.2.incr.aof", false);
    expect("", "b1 a.1.base.aof;i1 a.1.incr.aof;i2 a.2.incr.aof;i3 a.3.incr.aof;");
    put("a.2.base.aof", true);
    expect("", "there are several bases");
}

static void test_nothing_there(void **state)
{
    (void)state;
    struct manifest m;
    char error[MANIFEST_ERROR_CHARS] = "", prefix[MANIFEST_NAME_BYTES_MAX] = "";
    expect("", "there are no files of a log");
    manifest_init(&m);
    assert_false(rebuild_manifest(&m, "nowhere", prefix, error));
    assert_string_equal(error, "No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_highest_base_and_all_increments, setup),
        cmocka_unit_test_setup(test_empty_files_are_passed_over, setup),
        cmocka_unit_test_setup(test_without_a_base, setup),
        cmocka_unit_test_setup(test_several_logs, setup),
        cmocka_unit_test_setup(test_files_without_positions, setup),
        cmocka_unit_test_setup(test_nothing_there, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
