/* Files that somebody else wrote in: Redis before 7, Redis in a file of its own that Corsac goes on in, and
 * Redis in one of ours. */
#include "unit/log/aof_files.h"

#include <stdlib.h>

#include "log/aof_impl.h"
#include "log/check.h"

static struct logger logger;

static struct aof *open_log(const char *dir, const char *old_dir, char error[AOF_ERROR_CHARS])
{
    struct aof_options o = {.dir = dir,
                            .filename = "a",
                            .old_dir = old_dir,
                            .config.load_truncated = true,
                            .logger = &logger};
    struct aof *a = NULL;
    error[0] = 0;
    return aof_open(&a, &o, error) == ERR_OK ? a : NULL;
}

/* Loads all there is; the keys go to `got`, as "a;b;". */
static enum reader_status load(struct aof *a, char got[256], char error[AOF_ERROR_CHARS])
{
    struct reader_batch b;
    enum reader_status status;
    got[0] = 0;
    while ((status = aof_load_next(a, &b, error)) == READER_BATCH)
        for (size_t i = 0; i < b.count; i++)
            if (b.commands[i].argc > 1 && !slice_is(b.commands[i].argv[0], "SELECT"))
                snprintf(got + strlen(got), 256 - strlen(got), "%.*s;",
                         (int)b.commands[i].argv[1].len, b.commands[i].argv[1].ptr);
    return status;
}

/* One life of a server: loads `want`, then logs SET key v, if there is a key. */
static void live_from(const char *dir, const char *old_dir, const char *want, const char *key)
{
    char got[256], error[AOF_ERROR_CHARS];
    struct aof *a = open_log(dir, old_dir, error);
    if (!a)
        fail_msg("%s", error);
    if (load(a, got, error) != READER_END || strcmp(got, want) != 0)
        fail_msg("%s instead of %s: %s", got, want, error);
    if (aof_start(a, AOF_GO_ON, error) != ERR_OK)
        fail_msg("%s", error);
    if (key) {
        struct slice argv[3] = {SLICE("SET"), slice_from_cstr(key), SLICE("v")};
        struct stream *st = stream_new(aof_pos(a));
        aof_follow(a, st);
        stream_put(st, 0, 3, argv);
        stream_drop(&st);
    }
    assert_true(aof_close(&a));
}

static void live(const char *dir, const char *want, const char *key)
{
    live_from(dir, NULL, want, key);
}

static void append_file(const char *path, struct slice text)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    close(fd);
}

static void check_log(const char *path, enum check_result want, const char *text)
{
    struct buf out;
    buf_init(&out);
    enum check_result got = check_aof(&(struct check_options){.path = path}, &out);
    if (got != want || !strstr(buf_cstr(&out), text))
        fail_msg("%d, \"%s\" expected:\n%s", want, text, buf_cstr(&out));
    buf_deinit(&out);
}

static void assert_file(const char *path, const char *text)
{
    char got[1024] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof(got) - 1) >= 0);
    close(fd);
    assert_string_equal(got, text);
}

static void remove_all(const char *path)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

#define SELECT0 "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
#define SET(k)  "*3\r\n$3\r\nSET\r\n$1\r\n" k "\r\n$1\r\nv\r\n"
#define MULTI   "*1\r\n$5\r\nMULTI\r\n"
#define EXEC    "*1\r\n$4\r\nEXEC\r\n"

/* --- a file of Redis ---------------------------------------------------------------------------- */

static void test_going_on_in_a_file_of_redis(void **state)
{
    static const char manifest[] = "file r seq 7 type i\n";
    assert_int_equal(mkdir("redis", 0755), 0);
    file_write("redis/a.manifest", SLICE(manifest));
    file_write("redis/r", SLICE(SELECT0 SET("a") MULTI SET("x")));
    live("redis", "a;", "b"); /* what Redis did not end is cut off */
    live("redis", "a;b;", NULL);
    live("redis", "a;b;", "c");
    live("redis", "a;b;c;", NULL);
    assert_file("redis/a.manifest", manifest);
    check_log("redis", CHECK_FINE, "r: increment, sealed, ");
    /* An empty one. */
    file_write("redis/r", SLICE(""));
    live("redis", "", "a");
    live("redis", "a;", NULL);
    assert_file("redis/a.manifest", manifest);
    remove_all("redis");
}

/* However far the crash let it come. */
static void test_a_crash_while_beginning_to_go_on(void **state)
{
    struct aof_text t;
    assert_int_equal(mkdir("began", 0755), 0);
    file_write("began/a.manifest", SLICE("file r seq 1 type i\n"));
    text_init(&t, 0);
    buf_append_cstr(&t.bytes, SET("a"));
    size_t plain = t.bytes.len;
    t.batch = plain;
    text_header(&t);
    for (size_t cut = plain; cut <= t.bytes.len; cut++) {
        file_write("began/r", slice_of(t.bytes.ptr, cut));
        live("began", "a;", "b");
        live("began", "a;b;", NULL);
    }
    text_deinit(&t);
    remove_all("began");
}

/* --- Redis in a file of ours ----------------------------------------------------------------------- */

static void test_coming_back_from_redis(void **state)
{
    live("back", "", "a");
    append_file("back/a.1.incr.aof", SLICE(SELECT0 SET("b") MULTI SET("c") EXEC SET("d")));
    check_log("back", CHECK_FINE, "behind the last seal, ");
    live("back", "a;b;c;d;", "e");
    live("back", "a;b;c;d;e;", NULL); /* the tail is in the middle of the log now */
    append_file("back/a.2.incr.aof", SLICE(SET("f")));
    live("back", "a;b;c;d;e;f;", "g");
    live("back", "a;b;c;d;e;f;g;", NULL);
    /* Redis opened a file of its own behind it. */
    append_file("back/a.3.incr.aof", SLICE(SET("h")));
    file_write("back/r", SLICE(SELECT0 SET("i")));
    append_file("back/a.manifest", SLICE("file r seq 9 type i\n"));
    live("back", "a;b;c;d;e;f;g;h;i;", "j");
    live("back", "a;b;c;d;e;f;g;h;i;j;", NULL);
    check_log("back", CHECK_FINE, "The append-only log is fine.");
    remove_all("back");
}

/* What of it is whole comes back, and stays; nothing of a transaction that is not. */
static void test_a_tail_of_redis_cut_at_every_byte(void **state)
{
    static const char tail[] = SELECT0 SET("b") MULTI SET("c") SET("d") EXEC SET("e");
    const size_t select = sizeof(SELECT0) - 1, set = sizeof(SET("b")) - 1,
                 exec = select + 3 * set + sizeof(MULTI) - 1 + sizeof(EXEC) - 1;
    char own[512], want[64];
    live("cut", "", "a");
    int fd = open("cut/a.1.incr.aof", O_RDONLY | O_CLOEXEC);
    ssize_t own_bytes = read(fd, own, sizeof(own));
    close(fd);
    for (size_t cut = 0; cut < sizeof(tail); cut++) {
        const char *whole = cut < select + set ? "a;"
                            : cut < exec       ? "a;b;"
                            : cut < exec + set ? "a;b;c;d;"
                                               : "a;b;c;d;e;";
        file_write("cut/a.manifest", SLICE("file a.1.incr.aof seq 1 type i\n"));
        file_write("cut/a.1.incr.aof", slice_of(own, (size_t)own_bytes));
        append_file("cut/a.1.incr.aof", slice_of(tail, cut));
        live("cut", whole, "z");
        if (cut % 8)
            continue;
        snprintf(want, sizeof(want), "%sz;", whole);
        live("cut", want, NULL);
    }
    remove_all("cut");
}

/* Garbage behind whole commands: nothing tells where it began. The start is refused. */
static void test_a_tail_that_holds_no_commands(void **state)
{
    char got[256], error[AOF_ERROR_CHARS];
    live("bad", "", "a");
    append_file("bad/a.1.incr.aof", SLICE(SET("b") "!!!"));
    struct aof *a = open_log("bad", NULL, error);
    assert_non_null(a);
    assert_int_equal(load(a, got, error), READER_DAMAGED);
    assert_string_equal(got, "a;");
    assert_non_null(
        strstr(error, "Bad file format reading the append only file: bad/a.1.incr.aof"));
    assert_true(aof_close(&a));
    check_log("bad", CHECK_DAMAGED, "--fix cuts it");
    remove_all("bad");
}

/* --- before Redis 7 ----------------------------------------------------------------------------- */

static void test_taking_over_an_old_file(void **state)
{
    static const char both[] = "file a seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
    assert_int_equal(mkdir("old", 0755), 0);
    file_write("old/a", SLICE(SELECT0 SET("a") SET("b") "*3\r\n$3\r\nSE"));
    live_from("old/log", "old", "a;b;", "c");
    assert_int_equal(file_size("old/a"), UINT64_MAX);
    assert_file("old/log/a.manifest", both);
    live_from("old/log", "old", "a;b;c;", NULL);
    /* Another one is nothing to us once there is a log. */
    file_write("old/a", SLICE(SET("x")));
    live_from("old/log", "old", "a;b;c;", NULL);
    assert_file("old/a", SET("x"));
    remove_all("old");
}

static void test_a_crash_while_taking_over(void **state)
{
    /* Before the manifest, and while it was written. */
    assert_int_equal(mkdir("old", 0755), 0);
    assert_int_equal(mkdir("old/log", 0755), 0);
    file_write("old/log/temp-a.manifest", SLICE("file a s"));
    file_write("old/a", SLICE(SET("a")));
    live_from("old/log", "old", "a;", NULL);
    remove_all("old/log");
    /* Between the manifest and the move. */
    assert_int_equal(mkdir("old/log", 0755), 0);
    file_write("old/log/a.manifest", SLICE("file a seq 1 type b\n"));
    file_write("old/a", SLICE(SET("a")));
    live_from("old/log", "old", "a;", NULL);
    assert_int_equal(file_size("old/a"), UINT64_MAX);
    /* The move did not reach the disk whole: both names are there. The one in the log counts. */
    file_write("old/a", SLICE(SET("x")));
    live_from("old/log", "old", "a;", NULL);
    /* Nobody has it. */
    char error[AOF_ERROR_CHARS];
    remove_all("old/log");
    remove_all("old/a");
    assert_int_equal(mkdir("old/log", 0755), 0);
    file_write("old/log/a.manifest", SLICE("file a seq 1 type b\n"));
    assert_null(open_log("old/log", "old", error));
    assert_non_null(strstr(error, "old/log/a cannot be opened"));
    remove_all("old");
}

static void test_an_old_file_that_cannot_be_taken_over(void **state)
{
    char error[AOF_ERROR_CHARS];
    assert_int_equal(mkdir("old", 0755), 0);
    file_write("old/a", SLICE("REDIS0009..."));
    assert_null(open_log("old/log", "old", error));
    assert_non_null(strstr(error, "old/a begins with an RDB file"));
    assert_file("old/a", "REDIS0009...");
    assert_int_equal(file_size("old/log/a.manifest"), UINT64_MAX);
    /* A directory of that name is no file. */
    remove_all("old/a");
    assert_int_equal(mkdir("old/a", 0755), 0);
    live_from("old/log", "old", "", "b");
    remove_all("old");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_going_on_in_a_file_of_redis),
        cmocka_unit_test(test_a_crash_while_beginning_to_go_on),
        cmocka_unit_test(test_coming_back_from_redis),
        cmocka_unit_test(test_a_tail_of_redis_cut_at_every_byte),
        cmocka_unit_test(test_a_tail_that_holds_no_commands),
        cmocka_unit_test(test_taking_over_an_old_file),
        cmocka_unit_test(test_a_crash_while_taking_over),
        cmocka_unit_test(test_an_old_file_that_cannot_be_taken_over),
    };
    logger_init(&logger);
    logger.level = LOG_LEVEL_NOTHING;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    logger_deinit(&logger);
    return failed;
}
