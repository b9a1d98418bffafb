#include "base_test.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logger.h"

/* Each test gets a directory of its own; `path` is a file in it. */
struct place {
    char dir[64], path[96], rotated[96];
};

static int setup(void **state)
{
    struct place *at = calloc(1, sizeof(*at));
    snprintf(at->dir, sizeof(at->dir), "/tmp/test_logger.XXXXXX");
    if (!mkdtemp(at->dir))
        return -1;
    snprintf(at->path, sizeof(at->path), "%s/log", at->dir);
    snprintf(at->rotated, sizeof(at->rotated), "%s/log.1", at->dir);
    *state = at;
    return 0;
}

static int teardown(void **state)
{
    struct place *at = *state;
    unlink(at->path);
    unlink(at->rotated);
    int result = rmdir(at->dir);
    free(at);
    return result;
}

/* The file's content, NUL-terminated; the caller frees it. */
static char *content_of(const char *path)
{
    enum { BYTES_MAX = 1 << 16 };
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    char *text = calloc(1, BYTES_MAX);
    assert_non_null(text);
    assert_true(read(fd, text, BYTES_MAX - 1) >= 0);
    close(fd);
    return text;
}

static void assert_content(const char *path, const char *pattern)
{
    char *text = content_of(path);
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("\"%s\" is not of the form \"%s\"", text, pattern);
    regfree(&regex);
    free(text);
}

#define DATE "[0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}"

static void test_lines_have_the_form_of_redis(void **state)
{
    struct place *at = *state;
    struct logger l;
    logger_init(&l);
    l.level = LOG_LEVEL_DEBUG;
    assert_int_equal(logger_open(&l, at->path), ERR_OK);
    log_debug(&l, "one");
    l.role = 'M';
    log_verbose(&l, "two %d", 2);
    log_notice(&l, "three");
    log_warning(&l, "four");
    logger_deinit(&l);
    char pattern[1024];
    int pid = (int)getpid();
    snprintf(pattern, sizeof(pattern),
             "^%d:X " DATE " \\. one\n%d:M " DATE " - two 2\n"
             "%d:M " DATE " \\* three\n%d:M " DATE " # four\n$",
             pid, pid, pid, pid);
    assert_content(at->path, pattern);
}

static void test_lines_below_the_level_are_dropped(void **state)
{
    struct place *at = *state;
    struct logger l;
    logger_init(&l);
    assert_int_equal(logger_open(&l, at->path), ERR_OK);
    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_NOTHING; level++) {
        l.level = (enum log_level)level;
        for (int of = LOG_LEVEL_DEBUG; of < LOG_LEVEL_NOTHING; of++)
            logger_write(&l, (enum log_level)of, "%d of %d", of, level);
    }
    logger_deinit(&l);
    char *text = content_of(at->path);
    int lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 4 + 3 + 2 + 1);
    assert_non_null(strstr(text, "# 3 of 3\n"));
    assert_null(strstr(text, "2 of 3"));
    free(text);
}

static void test_a_message_stays_one_line(void **state)
{
    struct place *at = *state;
    struct logger l;
    logger_init(&l);
    assert_int_equal(logger_open(&l, at->path), ERR_OK);
    log_notice(&l, "%s", "name\n1:M # forged\r\x1b[31m\ttab \xc3\xa9");
    logger_deinit(&l);
    assert_content(at->path, "^[^\n]* \\* name 1:M # forged  \\[31m\ttab \xc3\xa9\n$");
}

static void test_a_long_line_is_cut(void **state)
{
    enum { LINE_BYTES_MAX = 4096 };
    struct place *at = *state;
    char *message = calloc(1, 2 * LINE_BYTES_MAX);
    assert_non_null(message);
    for (size_t len = LINE_BYTES_MAX - 100; len < LINE_BYTES_MAX + 10; len++) {
        struct logger l;
        memset(message, 'x', len);
        logger_init(&l);
        assert_int_equal(logger_open(&l, at->path), ERR_OK);
        log_notice(&l, "%s", message);
        logger_deinit(&l);
        char *line = content_of(at->path);
        const char *start = strstr(line, " * ") + 3;
        size_t prefix = (size_t)(start - line);
        size_t want = len < LINE_BYTES_MAX - 1 - prefix ? len : LINE_BYTES_MAX - 1 - prefix;
        assert_int_equal(strspn(start, "x"), want);
        assert_string_equal(start + want, "\n");
        free(line);
        unlink(at->path);
    }
    free(message);
}

static void test_reopen_follows_a_rotation(void **state)
{
    struct place *at = *state;
    struct logger l;
    logger_init(&l);
    assert_int_equal(logger_open(&l, at->path), ERR_OK);
    log_notice(&l, "before");
    assert_int_equal(rename(at->path, at->rotated), 0);
    log_notice(&l, "between");
    assert_int_equal(logger_reopen(&l), ERR_OK);
    log_notice(&l, "after");
    assert_int_equal(logger_reopen(&l), ERR_OK); /* appends to what is there */
    log_notice(&l, "later");
    logger_deinit(&l);
    assert_content(at->rotated, "^[^\n]*before\n[^\n]*between\n$");
    assert_content(at->path, "^[^\n]*after\n[^\n]*later\n$");
}

static void test_a_failing_open_leaves_the_old_target(void **state)
{
    struct place *at = *state;
    struct logger l;
    logger_init(&l);
    assert_int_equal(logger_open(&l, at->path), ERR_OK);
    errno = 0;
    assert_int_equal(logger_open(&l, "/nowhere/at/all"), ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(l.path, at->path);
    log_notice(&l, "still here");
    logger_deinit(&l);
    assert_content(at->path, "still here\n$");
}

static void test_no_path_is_standard_output(void **state)
{
    struct place *at = *state;
    struct logger l;
    logger_init(&l);
    assert_int_equal(l.fd, STDOUT_FILENO);
    assert_int_equal(logger_reopen(&l), ERR_OK);
    assert_int_equal(logger_open(&l, at->path), ERR_OK);
    assert_int_equal(logger_open(&l, ""), ERR_OK);
    assert_int_equal(l.fd, STDOUT_FILENO);
    assert_null(l.path);
    logger_deinit(&l);
    assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0); /* which nobody closed */
}

static void test_errno_survives_and_can_be_shown(void **state)
{
    struct place *at = *state;
    struct logger l;
    logger_init(&l);
    assert_int_equal(logger_open(&l, at->path), ERR_OK);
    close(l.fd);
    l.fd = open(at->path, O_WRONLY | O_APPEND);
    errno = ENOSPC;
    log_warning(&l, "cannot write: %m");
    assert_int_equal(errno, ENOSPC);
    logger_deinit(&l);
    assert_content(at->path, "cannot write: No space left on device\n$");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_have_the_form_of_redis, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines_below_the_level_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_message_stays_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_line_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reopen_follows_a_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failing_open_leaves_the_old_target, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_path_is_standard_output, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errno_survives_and_can_be_shown, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
