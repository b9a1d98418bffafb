#include "unit/log/aof_files.h"

#include <stdlib.h>
#include <sys/file.h>

#include "log/check.h"

/* A directory with a base at position 100 and two increments; each test has its own. */
static void make_files(const char *dir, struct aof_text files[3])
{
    char path[64];
    mkdir(dir, 0755);
    for (int i = 0; i < 3; i++) {
        text_init(&files[i], i ? files[i - 1].pos : 100);
        text_header(&files[i]);
        for (int k = 0; k < 3; k++) {
            uint64_t pos = files[i].pos;
            if (i > 0)
                format_timestamp(&files[i].bytes, 10 * i + k);
            text_set(&files[i], k % 2 ? "odd" : "even", SLICE("value"));
            if (i == 0)
                files[i].pos = pos; /* a base is of one instant */
            text_seal(&files[i]);
        }
        snprintf(path, sizeof(path), "%s/f%d", dir, i);
        file_write(path, buf_slice(&files[i].bytes));
    }
    snprintf(path, sizeof(path), "%s/a.manifest", dir);
    file_write(path, SLICE("file f0 seq 1 type b\nfile f1 seq 1 type i\nfile f2 seq 2 type i\n"));
}

static void free_files(struct aof_text files[3])
{
    for (int i = 0; i < 3; i++)
        text_deinit(&files[i]);
}

static void check_run(const struct check_options *o, enum check_result want, const char *text)
{
    struct buf out;
    buf_init(&out);
    enum check_result got = check_aof(o, &out);
    if (got != want || !strstr(buf_cstr(&out), text))
        fail_msg("%d, \"%s\" expected:\n%s", want, text, buf_cstr(&out));
    buf_deinit(&out);
}

static void check_path(const char *path, enum check_result want, const char *text)
{
    check_run(&(struct check_options){.path = path}, want, text);
}

static void fix_path(const char *path, enum check_result want, const char *text)
{
    check_run(&(struct check_options){.path = path, .fix = true}, want, text);
}

static void truncate_path(const char *path, int64_t unix_s, enum check_result want,
                          const char *text)
{
    check_run(&(struct check_options){.path = path, .truncate = true, .truncate_unix_s = unix_s},
              want, text);
}

static void test_fine_files(void **state)
{
    struct aof_text files[3];
    make_files("fine", files);
    check_path("fine", CHECK_FINE, "f0: base, sealed, ");
    check_path("fine", CHECK_FINE, "4 batches, 3 commands, positions 100 to 100: ok");
    check_path("fine/", CHECK_FINE, "f1: increment, sealed, ");
    check_path("fine/a.manifest", CHECK_FINE, "timestamps 20 to 22: ok");
    check_path("fine/f1", CHECK_FINE, "f1: sealed, ");
    fix_path("fine", CHECK_FINE, "is fine");
    assert_int_equal(chdir("fine"), 0);
    check_path("f2", CHECK_FINE, "is fine");
    check_path("a.manifest", CHECK_FINE, "is fine");
    assert_int_equal(chdir(".."), 0);
    file_write("plain.aof", SLICE("*1\r\n$4\r\nPING\r\n"));
    check_path("plain.aof", CHECK_FINE, "plain.aof: plain, 14 bytes, 1 commands: ok");
    free_files(files);
}

static void test_what_is_no_log(void **state)
{
    check_path("none", CHECK_USAGE, "No such file");
    assert_int_equal(mkdir("bare", 0755), 0);
    check_path("bare", CHECK_USAGE, "no manifest");
    file_write("bare/x.manifest", SLICE("file x\n"));
    check_path("bare", CHECK_DAMAGED, "line 1 of the manifest");
    file_write("bare/temp-x.manifest", SLICE(""));
    file_write("bare/y.manifest", SLICE(""));
    check_path("bare", CHECK_USAGE, "more than one");
    file_write("bare/x.manifest", SLICE("file x seq 1 type i\n"));
    check_path("bare/x.manifest", CHECK_DAMAGED, "cannot be opened: No such file");
    fix_path("bare/x.manifest", CHECK_DAMAGED, "Cutting does not help");
}

static void test_the_last_file_is_cut_and_its_tail_kept(void **state)
{
    struct aof_text files[3];
    struct buf tail;
    char path[64];
    make_files("fix", files);
    uint64_t good = files[2].ends[1], size = files[2].bytes.len;
    files[2].bytes.ptr[good + 20] ^= 1;
    file_write("fix/f2", buf_slice(&files[2].bytes));
    check_path("fix", CHECK_DAMAGED, "--fix cuts it");
    assert_int_equal(file_size("fix/f2"), size);
    fix_path("fix", CHECK_FINE, "f2 is cut to ");
    assert_int_equal(file_size("fix/f2"), good);
    snprintf(path, sizeof(path), "fix/f2.tail-%d", (int)good);
    assert_int_equal(file_size(path), size - good);
    check_path("fix", CHECK_FINE, "is fine");
    /* A tail that was kept before is never written over. */
    buf_init(&tail);
    file_write("fix/f2", buf_slice(&files[2].bytes));
    fix_path("fix", CHECK_FINE, "are kept in fix/f2.tail-");
    assert_int_equal(file_size("fix/f2"), good);
    assert_int_equal(file_size(path), size - good);
    snprintf(path, sizeof(path), "fix/f2.tail-%d.1", (int)good);
    assert_int_equal(file_size(path), size - good);
    buf_deinit(&tail);
    free_files(files);
}

static void test_only_the_last_file_is_cut(void **state)
{
    struct aof_text files[3];
    make_files("middle", files);
    files[1].bytes.ptr[files[1].ends[1] + 20] ^= 1;
    file_write("middle/f1", buf_slice(&files[1].bytes));
    check_path("middle", CHECK_DAMAGED, "damaged: middle/f1\n");
    fix_path("middle", CHECK_DAMAGED, "f1 is not the last file");
    assert_int_equal(file_size("middle/f1"), files[1].bytes.len);
    /* As a single file it may be. */
    fix_path("middle/f1", CHECK_FINE, "f1 is cut to");
    /* What is missing now shows in the next one. */
    check_path("middle", CHECK_DAMAGED, "commands are missing before it");
    free_files(files);
}

static void test_torn_files(void **state)
{
    struct aof_text files[3];
    make_files("torn", files);
    file_write("torn/f2", slice_of(files[2].bytes.ptr, files[2].bytes.len - 1));
    check_path("torn", CHECK_DAMAGED, "an incomplete write");
    fix_path("torn", CHECK_FINE, "f2 is cut to");
    check_path("torn", CHECK_FINE, "is fine");
    /* Ahead of another file a seal may be torn, as the next position tells that its command counts. */
    file_write("torn/f1", slice_of(files[1].bytes.ptr, files[1].bytes.len - 1));
    check_path("torn", CHECK_FINE, "86 of them behind the last seal");
    file_write("torn/f1", slice_of(files[1].bytes.ptr, files[1].bytes.len - SEAL_BYTES - 1));
    check_path("torn", CHECK_DAMAGED, "commands are missing before it");
    file_write("torn/f1", buf_slice(&files[1].bytes));
    file_write("torn/f0", slice_of(files[0].bytes.ptr, files[0].bytes.len - 1));
    check_path("torn", CHECK_DAMAGED, "damaged: torn/f0\n");

    /* An incomplete write that the next file does not need, as after a failed sync. */
    file_write("torn/f0", buf_slice(&files[0].bytes));
    text_set(&files[1], "again", SLICE("value"));
    file_write("torn/f1", buf_slice(&files[1].bytes));
    file_write("torn/f2", buf_slice(&files[2].bytes));
    check_path("torn", CHECK_FINE, "from before which the next file goes on");
    free_files(files);
}

static void test_truncating_to_a_time(void **state)
{
    struct aof_text files[3];
    make_files("time", files);
    truncate_path("time", 9, CHECK_DAMAGED, "The earliest timestamp is 10");
    truncate_path("time", 22, CHECK_FINE, "Nothing is later");
    truncate_path("time", 21, CHECK_FINE, "f2 is cut to");
    assert_int_equal(file_size("time/f2"), files[2].ends[2]);
    truncate_path("time", 15, CHECK_FINE, "f2 is cut to");
    assert_int_equal(file_size("time/f2"), files[2].ends[0]);
    check_path("time", CHECK_FINE, "is fine");
    truncate_path("time", 10, CHECK_FINE, "f2 is no longer part of the log");
    assert_int_equal(file_size("time/f2.tail-0"), files[2].ends[0]);
    assert_int_equal(file_size("time/f1"), files[1].ends[1]);
    check_path("time", CHECK_FINE, "f1: increment");
    truncate_path("time/f0", 10, CHECK_DAMAGED, "no timestamps");
    free_files(files);
}

static void test_truncating_what_is_damaged(void **state)
{
    struct aof_text files[3];
    make_files("late", files);
    files[1].bytes.ptr[files[1].ends[1] + 20] ^= 1;
    file_write("late/f1", buf_slice(&files[1].bytes));
    truncate_path("late", 20, CHECK_DAMAGED, "damaged before that time");
    assert_int_equal(file_size("late/f2"), files[2].bytes.len);
    files[1].bytes.ptr[files[1].ends[1] + 20] ^= 1;
    file_write("late/f1", buf_slice(&files[1].bytes));
    files[2].bytes.ptr[files[2].ends[2] + 20] ^= 1;
    file_write("late/f2", buf_slice(&files[2].bytes));
    truncate_path("late", 22, CHECK_DAMAGED, "damaged before that time");
    truncate_path("late", 20, CHECK_FINE, "f2 is cut to");
    check_path("late", CHECK_FINE, "is fine");
    free_files(files);
}

static void test_a_directory_in_use(void **state)
{
    struct aof_text files[3];
    make_files("used", files);
    int fd = open("used", O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    check_path("used", CHECK_FINE, "A server uses used");
    fix_path("used", CHECK_DAMAGED, "stop it first");
    truncate_path("used", 20, CHECK_DAMAGED, "stop it first");
    close(fd);
    fix_path("used", CHECK_FINE, "is fine");
    free_files(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fine_files),
        cmocka_unit_test(test_what_is_no_log),
        cmocka_unit_test(test_the_last_file_is_cut_and_its_tail_kept),
        cmocka_unit_test(test_only_the_last_file_is_cut),
        cmocka_unit_test(test_torn_files),
        cmocka_unit_test(test_truncating_to_a_time),
        cmocka_unit_test(test_truncating_what_is_damaged),
        cmocka_unit_test(test_a_directory_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
