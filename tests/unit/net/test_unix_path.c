#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/unix_path.h"

#define NAME        "test.socket"
#define ERROR_CHARS 256

static char error[ERROR_CHARS];

static int listen_at(struct unix_path *p, const char *path, int backlog)
{
    *p = (struct unix_path){0};
    error[0] = '\0';
    return unix_path_listen(p,
                            &(struct unix_options){.path = path, .mode = 0600, .backlog = backlog},
                            error, sizeof(error));
}

static int teardown(void **state)
{
    (void)state;
    unlink(NAME);
    unlink("other");
    return 0;
}

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void refused(const char *why)
{
    struct unix_path p;
    assert_int_equal(listen_at(&p, NAME, 1), -1);
    if (!strstr(error, why))
        fail_msg("%s", error);
    assert_null(p.absolute);
    assert_true(is_there(NAME));
    unix_path_remove(&p);
    assert_true(is_there(NAME));
}

static void test_life(void **state)
{
    (void)state;
    struct unix_path p;
    struct stat st;
    int fd = listen_at(&p, NAME, 1);
    assert_true(fd >= 0);
    assert_int_equal(stat(NAME, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    unix_path_remove(&p);
    close(fd);
    assert_false(is_there(NAME));
    unix_path_remove(&p); /* again: nothing happens */
}

/* The listener of a killed server is closed, and its path is still there. */
static void test_stale(void **state)
{
    (void)state;
    struct unix_path dead, p;
    int fd = listen_at(&dead, NAME, 1);
    close(fd);
    assert_true(is_there(NAME));
    fd = listen_at(&p, NAME, 1);
    assert_true(fd >= 0);
    unix_path_remove(&p);
    close(fd);
    assert_false(is_there(NAME));
    unix_path_remove(&dead);
}

static void test_in_use(void **state)
{
    (void)state;
    struct unix_path p;
    struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = NAME};
    int clients[4];
    int fd = listen_at(&p, NAME, 0);
    refused("another server listens there");
    /* A backlog that is full answers EAGAIN, not ECONNREFUSED. */
    for (int i = 0; i < 4; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_true(connect(clients[i], (struct sockaddr *)&sa, sizeof(sa)) == 0 ||
                    errno == EAGAIN);
    }
    refused("another server listens there");
    for (int i = 0; i < 4; i++)
        close(clients[i]);
    unix_path_remove(&p);
    close(fd);
}

static void test_no_socket(void **state)
{
    (void)state;
    FILE *f = fopen(NAME, "w");
    fputs("precious", f);
    fclose(f);
    refused("no socket");
    unlink(NAME);
    assert_int_equal(mkdir(NAME, 0700), 0);
    refused("no socket");
    rmdir(NAME);
    assert_int_equal(symlink("nowhere", NAME), 0);
    refused("no socket");
}

static void test_replaced_meanwhile(void **state)
{
    (void)state;
    struct unix_path p;
    struct unix_path other;
    int fd = listen_at(&p, NAME, 1);
    assert_int_equal(unlink(NAME), 0);
    int other_fd = listen_at(&other, NAME, 1);
    unix_path_remove(&p);
    close(fd);
    assert_true(is_there(NAME));
    unix_path_remove(&other);
    close(other_fd);
    assert_false(is_there(NAME));
}

/* CONFIG SET dir moves the process; the socket stays where it was. */
static void test_relative_path_and_another_directory(void **state)
{
    (void)state;
    struct unix_path p;
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    int fd = listen_at(&p, "./" NAME, 1);
    assert_int_equal(chdir("/"), 0);
    unix_path_remove(&p);
    close(fd);
    assert_int_equal(chdir(before), 0);
    assert_false(is_there(NAME));
}

/* Whoever keeps the directory's lock keeps nobody waiting for long, at the start, in CONFIG SET or at the end. */
static void test_lock_that_is_kept(void **state)
{
    (void)state;
    struct unix_path p;
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(dir, LOCK_EX), 0);
    int64_t start_us = clock_mono_us();
    assert_int_equal(listen_at(&p, NAME, 1), -1);
    assert_non_null(strstr(error, "another process holds the lock of its directory"));
    assert_true(clock_mono_us() - start_us < 2 * 1000 * 1000);
    assert_false(is_there(NAME));
    assert_int_equal(flock(dir, LOCK_UN), 0);

    int fd = listen_at(&p, NAME, 1);
    assert_true(fd >= 0);
    assert_int_equal(flock(dir, LOCK_EX), 0);
    unix_path_remove(&p); /* returns, and leaves the socket, which is stale then */
    close(fd);
    assert_true(is_there(NAME));
    close(dir);
    fd = listen_at(&p, NAME, 1);
    assert_true(fd >= 0);
    unix_path_remove(&p);
    close(fd);
}

static void test_bad_paths(void **state)
{
    (void)state;
    struct unix_path p;
    char longest[200];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(listen_at(&p, longest, 1), -1);
    assert_non_null(strstr(error, "longer than 107 bytes"));
    assert_int_equal(listen_at(&p, "nodir/" NAME, 1), -1);
    assert_non_null(strstr(error, "No such file or directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_life, teardown),
        cmocka_unit_test_teardown(test_stale, teardown),
        cmocka_unit_test_teardown(test_in_use, teardown),
        cmocka_unit_test_teardown(test_no_socket, teardown),
        cmocka_unit_test_teardown(test_replaced_meanwhile, teardown),
        cmocka_unit_test_teardown(test_relative_path_and_another_directory, teardown),
        cmocka_unit_test_teardown(test_lock_that_is_kept, teardown),
        cmocka_unit_test_teardown(test_bad_paths, teardown),
    };
    return cmocka_run_group_tests_name("net/unix_path", tests, NULL, NULL);
}
