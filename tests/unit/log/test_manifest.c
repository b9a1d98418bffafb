#include "unit/log/aof_files.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "log/files.h"
#include "log/manifest.h"

static void check_good(const char *text, const char *want)
{
    struct manifest m;
    char error[MANIFEST_ERROR_CHARS] = "", got[1024] = "";
    manifest_init(&m);
    struct slice s = exact_new(slice_from_cstr(text));
    if (manifest_parse(&m, s, error) != ERR_OK)
        fail_msg("%s: %s", text, error);
    for (size_t i = 0; i < m.count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%c%llu %s;", (char)m.files[i].type,
                 (unsigned long long)m.files[i].seq, m.files[i].name);
    assert_string_equal(got, want);
    exact_free(s);
    manifest_deinit(&m);
}

static void test_texts(void **state)
{
    check_good("file appendonly.aof.1.base.rdb seq 1 type b\n"
               "file appendonly.aof.1.incr.aof seq 1 type i\n",
               "b1 appendonly.aof.1.base.rdb;i1 appendonly.aof.1.incr.aof;");
    /* History stands where it likes. */
    check_good("file a.1.base.aof seq 1 type h\nfile a.1.incr.aof seq 1 type h\n"
               "file a.2.base.aof seq 2 type b\nfile a.2.incr.aof seq 2 type i\n"
               "file a.3.incr.aof seq 3 type i\n",
               "b2 a.2.base.aof;i2 a.2.incr.aof;i3 a.3.incr.aof;h1 a.1.base.aof;h1 a.1.incr.aof;");
    /* A file of the time before manifests. */
    check_good("file appendonly.aof seq 1 type b\n", "b1 appendonly.aof;");
    check_good("# it's a note\nseq 3 type i file x\n", "i3 x;");
    check_good("FILE \"a b\\x41\" SEQ 1 TYPE i\r\n", "i1 a bA;");
    /* Redis 8 */
    check_good("file x seq 1 type i startoffset 0\n", "i1 x;");
    check_good("file x seq 4611686018427387903 type i\n", "i4611686018427387903 x;");
}

static void test_every_error_names_its_line(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *why;
    } cases[] = {
        {"", 0, "names no file"},
        {"#\n", 1, "names no file"},
        {"file x seq 1 type i\n\n", 2, "blank"},
        {"file x seq 1 type i", 1, "line break"},
        {"file x seq 1 type i\nfile", 2, "line break"},
        {"file \"x seq 1 type i\n", 1, "quotes"},
        {"file x seq 1 type\n", 1, "expected"},
        {"file x seq 1 type i\nfile x seq 2 type i\n", 2, "named before"},
        {"file x seq 1 type b\nfile y seq 2 type b\n", 2, "second base"},
        {"file x seq 2 type i\n#\nfile y seq 1 type i\n", 3, "order"},
        {"file x seq 2 type i\nfile y seq 2 type i\n", 2, "order"},
        {"file x seq 0 type i\n", 1, "seq"},
        {"file x seq -1 type i\n", 1, "seq"},
        {"file x seq 1x type i\n", 1, "seq"},
        {"file x seq 18446744073709551616 type i\n", 1, "seq"},
        {"file x seq 18446744073709551615 type i\n", 1, "seq"},
        {"file x seq 4611686018427387904 type i\n", 1, "seq"},
        {"file x seq 1 type b\nfile x seq 1 type h\n", 2, "named before"},
        {"file x seq 1 type x\n", 1, "type"},
        {"file x seq 1 type ib\n", 1, "type"},
        {"file x seq 1 type \"\"\n", 1, "type"},
        {"file x seq 1\n", 1, "needs"},
        {"file x type i\n", 1, "needs"},
        {"seq 1 type i\n", 1, "needs"},
        {"\"\" \"\"\n", 1, "needs"},
        {"file \"\" seq 1 type i\n", 1, "directory"},
        {"file ../x seq 1 type i\n", 1, "directory"},
        {"file .. seq 1 type i\n", 1, "directory"},
        {"file \"a\\x00b\" seq 1 type i\n", 1, "zero"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct manifest m;
        char error[MANIFEST_ERROR_CHARS] = "", line[32];
        manifest_init(&m);
        struct slice s = exact_new(slice_from_cstr(cases[i].text));
        assert_int_equal(manifest_parse(&m, s, error), ERR_SYNTAX);
        snprintf(line, sizeof(line), "line %d ", cases[i].line);
        if (strncmp(error, line, strlen(line)) != 0 || !strstr(error, cases[i].why))
            fail_msg("%s: %s", cases[i].text, error);
        assert_int_equal(m.count, 0);
        exact_free(s);
        manifest_deinit(&m);
    }
}

static void test_names_have_a_longest(void **state)
{
    char name[MANIFEST_NAME_BYTES_MAX + 1], text[400], error[MANIFEST_ERROR_CHARS];
    struct manifest m;
    manifest_init(&m);
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    snprintf(text, sizeof(text), "file %s seq 1 type i\n", name);
    assert_int_equal(manifest_parse(&m, slice_from_cstr(text), error), ERR_SYNTAX);
    snprintf(text, sizeof(text), "file %s seq 1 type i\n", name + 1);
    assert_int_equal(manifest_parse(&m, slice_from_cstr(text), error), ERR_OK);
    assert_int_equal(manifest_add(&m, MANIFEST_INCR, 2, name), ERR_RANGE);
    assert_int_equal(manifest_add(&m, MANIFEST_INCR, 2, name + 1), ERR_EXISTS);
    manifest_deinit(&m);
}

static void test_a_rewrite_turns_the_past_into_history(void **state)
{
    struct manifest m;
    char error[MANIFEST_ERROR_CHARS];
    manifest_init(&m);
    manifest_add(&m, MANIFEST_INCR, 1, "i1");
    manifest_add(&m, MANIFEST_BASE, 1, "b1");
    manifest_add(&m, MANIFEST_INCR, 2, "i2");
    manifest_add(&m, MANIFEST_INCR, 3, "i 3");
    assert_int_equal(manifest_replace_base(&m, 2, "i2", 3), ERR_EXISTS);
    assert_int_equal(m.count, 4);
    assert_int_equal(manifest_replace_base(&m, 2, "b2", 3), ERR_OK);
    assert_string_equal(manifest_base(&m)->name, "b2");
    assert_int_equal(manifest_last_seq(&m, MANIFEST_INCR), 3);
    assert_int_equal(m.count, 5);
    assert_int_equal(manifest_live(&m), 2);
    assert_int_equal(manifest_replace_base(&m, 3, "b3", 4), ERR_OK);
    assert_int_equal(manifest_live(&m), 1);
    assert_int_equal(manifest_add(&m, MANIFEST_INCR, 4, "i4"), ERR_OK);
    assert_true(manifest_names(&m, "b1"));
    assert_false(manifest_names(&m, "b"));

    /* As it is written, so it is read. */
    assert_int_equal(mkdir("m", 0755), 0);
    assert_int_equal(manifest_save(&m, "m", "x.manifest", error), ERR_OK);
    struct buf text;
    buf_init(&text);
    assert_int_equal(files_read("m", "x.manifest", 1000, &text), ERR_OK);
    assert_slice_equal(buf_slice(&text),
                       SLICE("file b3 seq 3 type b\nfile \"i 3\" seq 3 type h\n"
                             "file b2 seq 2 type h\nfile i1 seq 1 type h\nfile i2 seq 2 type h\n"
                             "file b1 seq 1 type h\nfile i4 seq 4 type i\n"));
    buf_deinit(&text);
    struct manifest again;
    manifest_init(&again);
    assert_int_equal(manifest_load(&again, "m", "x.manifest", error), ERR_OK);
    assert_int_equal(again.count, m.count);
    for (size_t i = 0; i < m.count; i++)
        assert_memory_equal(&again.files[i], &m.files[i], sizeof(m.files[i]));
    manifest_forget_history(&again);
    assert_int_equal(again.count, 2);
    manifest_remove(&again, "b3");
    assert_null(manifest_base(&again));
    assert_int_equal(manifest_load(&again, "m", "none", error), ERR_NOTFOUND);
    assert_int_equal(manifest_load(&again, "m", ".", error), ERR_IO);
    assert_int_equal(again.count, 0);
    manifest_deinit(&again);
    manifest_deinit(&m);
}

/* Whatever step fails, the old content is there, and what stands in the way is left alone. */
static void test_replacing_fails_step_by_step(void **state)
{
    const char *step = NULL;
    struct buf text;
    buf_init(&text);
    assert_int_equal(files_replace("nowhere", "f", SLICE("new"), &step), ERR_IO);
    assert_string_equal(step, "open");
    assert_int_equal(errno, ENOENT);

    assert_int_equal(mkdir("r", 0755), 0);
    assert_int_equal(files_replace("r", "f", SLICE("old"), &step), ERR_OK);
    assert_int_equal(mkdir("r/temp-f", 0755), 0);
    assert_int_equal(files_replace("r", "f", SLICE("new"), &step), ERR_IO);
    assert_string_equal(step, "open");
    assert_int_equal(rmdir("r/temp-f"), 0);
    /* A disk that takes two bytes. */
    struct rlimit limit, two;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    two = (struct rlimit){2, limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &two), 0);
    assert_int_equal(files_replace("r", "f", SLICE("new"), &step), ERR_IO);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_string_equal(step, "write");
    assert_int_equal(file_size("r/temp-f"), UINT64_MAX);
    /* A link in the way is no way out of the directory. */
    file_write("outside", SLICE("theirs"));
    assert_int_equal(symlink("../outside", "r/temp-f"), 0);
    assert_int_equal(files_replace("r", "f", SLICE("old"), &step), ERR_OK);
    assert_int_equal(file_size("outside"), 6);
    /* A directory in the place. */
    assert_int_equal(mkdir("r/d", 0755), 0);
    assert_int_equal(files_replace("r", "d", SLICE("new"), &step), ERR_IO);
    assert_string_equal(step, "rename");
    assert_int_equal(file_size("r/temp-d"), UINT64_MAX);

    assert_int_equal(files_read("r", "f", 100, &text), ERR_OK);
    assert_slice_equal(buf_slice(&text), SLICE("old"));
    buf_clear(&text);
    assert_int_equal(files_read("r", "f", 2, &text), ERR_RANGE);
    buf_clear(&text);
    assert_int_equal(files_replace("r", "f", SLICE("new"), &step), ERR_OK);
    assert_int_equal(files_read("r", "f", 3, &text), ERR_OK);
    assert_slice_equal(buf_slice(&text), SLICE("new"));
    assert_int_equal(files_sync_dir("nowhere"), ERR_IO);
    buf_deinit(&text);
}

/* What is removed or written anew for other reasons cannot be a file of the log as well. */
static void test_reserved_names(void **state)
{
    static const char *const names[] = {"a.manifest", "temp-a.manifest", "temp-rewriteaof-1.aof"};
    char error[MANIFEST_ERROR_CHARS], text[128];
    struct manifest m;
    assert_int_equal(mkdir("n", 0755), 0);
    manifest_init(&m);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(text, sizeof(text), "file x seq 1 type b\nfile %s seq 2 type %c\n", names[i],
                 i == 2 ? 'i' : 'h');
        file_write("n/a.manifest", slice_from_cstr(text));
        assert_int_equal(manifest_load(&m, "n", "a.manifest", error), ERR_SYNTAX);
        assert_non_null(strstr(error, names[i]));
        assert_int_equal(m.count, 0);
    }
}

/* Nothing but a regular file of the directory is opened, and nothing is waited for. */
static void test_only_regular_files_are_opened(void **state)
{
    char error[MANIFEST_ERROR_CHARS];
    struct manifest m;
    manifest_init(&m);
    assert_int_equal(mkdir("o", 0755), 0);
    assert_int_equal(mkfifo("o/fifo", 0644), 0);
    assert_int_equal(mkdir("o/dir", 0755), 0);
    file_write("o/theirs", SLICE("x"));
    assert_int_equal(symlink("theirs", "o/link"), 0);
    assert_int_equal(symlink("nowhere", "o/loose"), 0);
    static const struct {
        const char *name, *why;
    } cases[] = {{"fifo", "no regular file"},
                 {"dir", "no regular file"},
                 {"link", "symbolic link"},
                 {"loose", "symbolic link"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(manifest_load(&m, "o", cases[i].name, error), ERR_IO);
        assert_non_null(strstr(error, cases[i].why));
        int dir_fd = open("o", O_RDONLY | O_DIRECTORY);
        assert_int_equal(files_open_empty(dir_fd, cases[i].name), -1);
        assert_non_null(strstr(files_error(errno), cases[i].why));
        assert_int_equal(files_open_empty(dir_fd, "theirs"), -1);
        assert_int_equal(errno, EEXIST);
        close(dir_fd);
    }
    assert_int_equal(file_size("o/theirs"), 1);
    assert_int_equal(file_size("o/nowhere"), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_reserved_names),
        cmocka_unit_test(test_only_regular_files_are_opened),
        cmocka_unit_test(test_every_error_names_its_line),
        cmocka_unit_test(test_names_have_a_longest),
        cmocka_unit_test(test_a_rewrite_turns_the_past_into_history),
        cmocka_unit_test(test_replacing_fails_step_by_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
