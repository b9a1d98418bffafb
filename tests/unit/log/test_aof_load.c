/* Files in order as one stream: what is missing, comes twice, or is torn between them. */
#include "unit/log/aof_files.h"

#include "log/aof_impl.h"

static struct logger logger;

/* A directory with these files: NULL text: a file that is missing. */
struct part {
    char type; /* b or i */
    struct slice text;
};

static void make_dir(const char *dir, const struct part *parts, size_t count)
{
    char path[64];
    struct buf manifest;
    buf_init(&manifest);
    mkdir(dir, 0755);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&manifest, "file f%zu seq %zu type %c\n", i, i + 1, parts[i].type);
        snprintf(path, sizeof(path), "%s/f%zu", dir, i);
        unlink(path);
        if (parts[i].text.ptr)
            file_write(path, parts[i].text);
    }
    snprintf(path, sizeof(path), "%s/a.manifest", dir);
    file_write(path, buf_slice(&manifest));
    buf_deinit(&manifest);
}

/* Loads all; the commands' names and keys go to `got`, as "SET a;". */
static enum reader_status load(const char *dir, bool truncated, char got[256], uint64_t *pos,
                               char error[AOF_ERROR_CHARS])
{
    struct aof_options o = {
        .dir = dir, .filename = "a", .config.load_truncated = truncated, .logger = &logger};
    struct aof *a = NULL;
    struct reader_batch b;
    enum reader_status status;
    got[0] = error[0] = 0;
    if (aof_open(&a, &o, error) != ERR_OK)
        return READER_IO;
    while ((status = aof_load_next(a, &b, error)) == READER_BATCH)
        for (size_t i = 0; i < b.count; i++)
            snprintf(got + strlen(got), 256 - strlen(got), "%.*s;", (int)b.commands[i].argv[1].len,
                     b.commands[i].argv[1].ptr);
    *pos = a->load_pos;
    aof_close(&a);
    return status;
}

static void check(const struct part *parts, size_t count, enum reader_status want,
                  const char *want_keys, const char *want_error)
{
    char got[256], error[AOF_ERROR_CHARS];
    uint64_t pos;
    make_dir("d", parts, count);
    enum reader_status status = load("d", true, got, &pos, error);
    if (status != want || strcmp(got, want_keys) != 0 || !strstr(error, want_error))
        fail_msg("%d: %s: %s", status, got, error);
    if (want == READER_DAMAGED) /* what to do about it */
        assert_non_null(strstr(error, "corsac --check-aof d/a.manifest"));
}

/* "SET k v" for each key, a batch each, from a position on. */
static struct aof_text make(uint64_t pos, const char *keys, bool base)
{
    struct aof_text t;
    text_init(&t, pos);
    text_header(&t);
    for (; *keys; keys++) {
        uint64_t before = t.pos;
        char key[2] = {*keys};
        text_set(&t, key, SLICE("v"));
        if (base)
            t.pos = before;
        text_seal(&t);
    }
    return t;
}

#define SET_BYTES 27 /* of such a command */

static struct slice bytes(const struct aof_text *t, size_t from, size_t to)
{
    return slice_of(t->bytes.ptr + from, to - from);
}

static void test_files_that_fit(void **state)
{
    struct aof_text base = make(1000, "abc", true), one = make(1000, "de", false),
                    two = make(1000 + 2 * SET_BYTES, "f", false);
    struct part parts[] = {
        {'b', buf_slice(&base.bytes)}, {'i', buf_slice(&one.bytes)}, {'i', buf_slice(&two.bytes)}};
    check(parts, 3, READER_END, "a;b;c;d;e;f;", "");
    check(parts, 1, READER_END, "a;b;c;", "");
    check(parts + 1, 2, READER_END, "d;e;f;", "");
    char got[256], error[AOF_ERROR_CHARS];
    uint64_t pos;
    make_dir("d", parts, 3);
    assert_int_equal(load("d", true, got, &pos, error), READER_END);
    assert_int_equal(pos, 1000 + 3 * SET_BYTES);

    /* Batches that come again, whole. */
    struct aof_text again = make(1000 + SET_BYTES, "ef", false);
    parts[2].text = buf_slice(&again.bytes);
    check(parts, 3, READER_END, "a;b;c;d;e;f;", "");
    text_deinit(&again);
    text_deinit(&base);
    text_deinit(&one);
    text_deinit(&two);
}

static void test_missing_batches(void **state)
{
    /* Positions from 0 on are known too. */
    for (uint64_t pos = 0; pos <= 1000; pos += 1000) {
        struct aof_text one = make(pos, "abc", false), two = make(pos + 3 * SET_BYTES, "d", false);
        struct part parts[] = {{'i', buf_slice(&one.bytes)}, {'i', buf_slice(&two.bytes)}};
        check(parts, 2, READER_END, "a;b;c;d;", "");
        /* Whole batches are gone from the end of a file, or a part of one. */
        for (size_t batch = 0; batch < 3; batch++) {
            char want[16] = "a;b;c;";
            want[2 * batch] = 0;
            parts[0].text = bytes(&one, 0, one.ends[batch]);
            check(parts, 2, READER_DAMAGED, want, "d/f1: at offset 0: commands are missing");
            parts[0].text = bytes(&one, 0, one.ends[batch] + 7);
            check(parts, 2, READER_DAMAGED, want, "d/f1: at offset 0: commands are missing");
        }
        /* From the middle. */
        struct buf hole;
        buf_init(&hole);
        buf_append_slice(&hole, bytes(&one, 0, one.ends[1]));
        buf_append_slice(&hole, bytes(&one, one.ends[2], one.ends[3]));
        parts[0].text = buf_slice(&hole);
        check(parts, 2, READER_DAMAGED, "a;", "d/f0: at offset ");
        /* A batch twice in one file. */
        buf_clear(&hole);
        buf_append_slice(&hole, bytes(&one, 0, one.ends[2]));
        buf_append_slice(&hole, bytes(&one, one.ends[1], one.ends[3]));
        parts[0].text = buf_slice(&hole);
        check(parts, 2, READER_END, "a;b;c;d;", "");
        buf_deinit(&hole);
        text_deinit(&one);
        text_deinit(&two);
    }
}

static void test_a_batch_of_which_only_a_part_is_new(void **state)
{
    struct aof_text one = make(500, "ab", false), two;
    text_init(&two, 500 + SET_BYTES);
    text_header(&two);
    text_set(&two, "b", SLICE("v"));
    text_set(&two, "c", SLICE("v"));
    text_seal(&two);
    struct part parts[] = {{'i', buf_slice(&one.bytes)}, {'i', buf_slice(&two.bytes)}};
    check(parts, 2, READER_DAMAGED, "a;b;", "only a part of the batch is new");
    text_deinit(&one);
    text_deinit(&two);
}

static void test_torn_files(void **state)
{
    struct aof_text base = make(0, "ab", true), one = make(0, "cd", false);
    struct part parts[] = {{'b', buf_slice(&base.bytes)}, {'i', buf_slice(&one.bytes)}};
    char got[256], error[AOF_ERROR_CHARS];
    uint64_t pos;
    for (size_t cut = one.ends[1] + 1; cut < one.ends[2]; cut++) {
        parts[1].text = bytes(&one, 0, cut);
        make_dir("d", parts, 2);
        /* A whole command counts though its seal is cut off. */
        size_t command_end = one.ends[1] + SET_BYTES,
               good = cut < command_end ? one.ends[1] : command_end;
        const char *want = cut < command_end ? "a;b;c;" : "a;b;c;d;";
        if (cut == command_end) {
            assert_int_equal(load("d", false, got, &pos, error), READER_END);
            assert_string_equal(got, want);
            assert_int_equal(pos, 2 * SET_BYTES);
            continue;
        }
        assert_int_equal(load("d", false, got, &pos, error), READER_DAMAGED);
        assert_non_null(
            strstr(error, "Unexpected end of file reading the append only file: d/f1: "));
        assert_non_null(strstr(error, "incomplete write"));
        assert_int_equal(file_size("d/f1"), cut);
        assert_int_equal(load("d", true, got, &pos, error), READER_END);
        assert_string_equal(got, want);
        assert_int_equal(file_size("d/f1"), good);
        assert_int_equal(load("d", false, got, &pos, error), READER_END);
        assert_string_equal(got, want);
    }
    /* A base took its place when it was safe: it is never torn, last file or not. */
    parts[0].text = bytes(&base, 0, base.ends[2] - 1);
    check(parts, 2, READER_DAMAGED, "a;", "d/f0: ");
    check(parts, 1, READER_DAMAGED, "a;", "d/f0: ");
    text_deinit(&base);
    text_deinit(&one);
}

/* Cut between two batches, a base is torn all the same; one of before bases said where they end loads. */
static void test_a_base_cut_between_batches(void **state)
{
    struct aof_text base, one = make(0, "c", false);
    for (int old = 0; old < 2; old++) {
        text_init(&base, 0);
        if (old)
            text_header(&base);
        else
            text_base(&base);
        text_set(&base, "a", SLICE("v"));
        base.pos = 0;
        text_seal(&base);
        text_set(&base, "b", SLICE("v"));
        base.pos = 0;
        if (old)
            text_seal(&base);
        else
            text_base_end(&base);
        struct part parts[] = {{'b', buf_slice(&base.bytes)}, {'i', buf_slice(&one.bytes)}};
        check(parts, 2, READER_END, "a;b;c;", "");
        parts[0].text.len = base.ends[1];
        if (old)
            check(parts, 2, READER_END, "a;c;", "");
        else
            check(parts, 2, READER_DAMAGED, "a;", "d/f0: it is cut off behind a batch");
        if (!old)
            check(parts, 1, READER_DAMAGED, "a;", "Unexpected end of file");
        text_deinit(&base);
    }
    text_deinit(&one);
}

static void test_files_of_redis(void **state)
{
    struct aof_text own = make(0, "c", false);
    struct slice a = SLICE("*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    struct slice b = SLICE("*2\r\n$3\r\nGET\r\n$1\r\nb\r\n");
    struct part parts[] = {{'b', a}, {'i', b}, {'i', buf_slice(&own.bytes)}};
    check(parts, 3, READER_END, "a;b;c;", "");
    /* Only the last one may be torn. */
    parts[1].text.len--;
    check(parts, 3, READER_DAMAGED, "a;", "incomplete write");
    check(parts, 2, READER_END, "a;", "");
    /* Nor may a torn one of ours come ahead of one, as nothing tells whether that holds the rest. */
    struct part mixed[] = {{'i', bytes(&own, 0, own.ends[1] - 1)}, {'i', b}};
    check(mixed, 2, READER_DAMAGED, "c;", "d/f1: ");
    struct part rdb[] = {{'b', SLICE("REDIS0011...")}};
    check(rdb, 1, READER_IO, "", "d/f0 is an RDB file");
    text_deinit(&own);
}

static void test_what_is_wrong_is_said(void **state)
{
    struct aof_text one = make(0, "ab", false), two = make(2 * SET_BYTES, "c", false);
    struct part parts[] = {{'i', buf_slice(&one.bytes)}, {'i', buf_slice(&two.bytes)}};
    char want[128];
    one.bytes.ptr[one.ends[1] + 24] ^= 1; /* the value */
    snprintf(want, sizeof(want),
             "Bad file format reading the append only file: d/f0: damaged at "
             "offset %zu: the checksum",
             one.ends[1]);
    check(parts, 2, READER_DAMAGED, "a;", want);
    parts[0].text.ptr = NULL;
    check(parts, 2, READER_IO, "", "d/f0 cannot be opened, though a.manifest names it: No such");
    file_write("d/a.manifest", SLICE("file f0 seq 1 type i\nfile\n"));
    char got[256], error[AOF_ERROR_CHARS];
    uint64_t pos;
    assert_int_equal(load("d", true, got, &pos, error), READER_IO);
    assert_non_null(strstr(error, "d/a.manifest: line 2 of the manifest: "));
    text_deinit(&one);
    text_deinit(&two);
}

/* History and what a crash left of a rewrite go; nothing else does. */
static void test_leftovers(void **state)
{
    struct aof_text one = make(0, "a", false);
    struct part parts[] = {{'i', buf_slice(&one.bytes)}, {'h', buf_slice(&one.bytes)}};
    make_dir("d", parts, 2);
    file_write("d/temp-rewriteaof-12.aof", SLICE(""));
    file_write("d/temp-a.manifest", SLICE(""));
    file_write("d/temp-diary", SLICE(""));
    char got[256], error[AOF_ERROR_CHARS];
    uint64_t pos;
    assert_int_equal(load("d", true, got, &pos, error), READER_END);
    assert_string_equal(got, "a;");
    assert_int_equal(file_size("d/temp-rewriteaof-12.aof"), UINT64_MAX);
    assert_int_equal(file_size("d/temp-a.manifest"), UINT64_MAX);
    assert_int_equal(file_size("d/f1"), UINT64_MAX);
    assert_int_equal(file_size("d/temp-diary"), 0);
    text_deinit(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_that_fit),
        cmocka_unit_test(test_missing_batches),
        cmocka_unit_test(test_a_batch_of_which_only_a_part_is_new),
        cmocka_unit_test(test_torn_files),
        cmocka_unit_test(test_a_base_cut_between_batches),
        cmocka_unit_test(test_files_of_redis),
        cmocka_unit_test(test_what_is_wrong_is_said),
        cmocka_unit_test(test_leftovers),
    };
    logger_init(&logger);
    logger.level = LOG_LEVEL_NOTHING;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    logger_deinit(&logger);
    return failed;
}
