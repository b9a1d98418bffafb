/* What the server's own tests cannot bring about: sockets and pipes that refuse. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/lend.h"

#define VALUE_BYTES ((size_t)3 << 20) /* more than a pipe or a socket takes at once */

struct fixture {
    struct lender lender;
    struct blob *b;
    int sender, receiver;
};

static int setup(void **state)
{
    static struct fixture f;
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    lender_init(&f.lender);
    f.b = blob_try_new(VALUE_BYTES, VALUE_BYTES);
    if (!f.b || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return 1;
    for (size_t i = 0; i < VALUE_BYTES; i++)
        f.b->data[i] = (char)(i * 31 >> 3);
    f.sender = ends[0];
    f.receiver = ends[1];
    fcntl(f.sender, F_SETFL, O_NONBLOCK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    lender_deinit(&f->lender);
    blob_drop(f->b);
    close(f->sender);
    close(f->receiver);
    return 0;
}

static struct iovec rest(const struct fixture *f, size_t from)
{
    return (struct iovec){f->b->data + from, VALUE_BYTES - from};
}

static void a_full_socket_loses_and_repeats_nothing(void **state)
{
    struct fixture *f = *state;
    static char got[65536];
    size_t sent = 0, received = 0, refused = 0;
    while (received < VALUE_BYTES) {
        struct iovec run = rest(f, sent);
        ssize_t n = 0;
        while (sent < VALUE_BYTES) {
            assert_true(lender_send(&f->lender, f->sender, f->b, &run, &n));
            if (n < 0)
                break;
            sent += (size_t)n;
            run = rest(f, sent);
        }
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            refused++;
        }
        ssize_t part = read(f->receiver, got, sizeof(got));
        assert_true(part > 0);
        assert_memory_equal(got, f->b->data + received, (size_t)part);
        received += (size_t)part;
    }
    assert_true(f->b->lent && refused > 0);
}

static void a_peer_that_is_gone_is_the_sockets_error(void **state)
{
    struct fixture *f = *state;
    struct iovec run = rest(f, 0);
    ssize_t n = 0;
    close(f->receiver);
    assert_true(lender_send(&f->lender, f->sender, f->b, &run, &n));
    assert_int_equal(n, -1);
    assert_int_equal(errno, EPIPE);
}

/* Whatever befalls one connection, as a network that is not reachable any more, others are lent to. */
static void an_error_of_one_socket_is_not_the_kernels(void **state)
{
    struct fixture *f = *state;
    struct iovec run = rest(f, 0);
    ssize_t n = 0;
    int lonely = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(lonely >= 0);
    assert_true(lender_send(&f->lender, lonely, f->b, &run, &n));
    assert_int_equal(n, -1);
    assert_int_equal(errno, ENOTCONN);
    assert_true(lender_send(&f->lender, f->sender, f->b, &run, &n));
    assert_true(n > 0);
    close(lonely);
}

/* For instance where nothing can be spliced to. */
static void what_cannot_be_lent_is_left_to_the_caller(void **state)
{
    struct fixture *f = *state;
    char path[] = "lend.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(fcntl(file, F_SETFL, O_APPEND), 0);
    struct iovec run = rest(f, 0);
    ssize_t n;
    assert_false(lender_send(&f->lender, file, f->b, &run, &n));
    assert_int_equal(lseek(file, 0, SEEK_END), 0);
    assert_false(lender_send(&f->lender, f->sender, f->b, &run, &n));
    close(file);
    unlink(path);
}

static void no_file_for_a_pipe_now_may_be_there_later(void **state)
{
    struct fixture *f = *state;
    struct rlimit limit, none;
    struct iovec run = rest(f, 0);
    ssize_t n;
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    assert_false(lender_send(&f->lender, f->sender, f->b, &run, &n));
    assert_false(f->b->lent);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_true(lender_send(&f->lender, f->sender, f->b, &run, &n));
    assert_true(n > 0);
}

#define lend_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lend_test(a_full_socket_loses_and_repeats_nothing),
        lend_test(a_peer_that_is_gone_is_the_sockets_error),
        lend_test(an_error_of_one_socket_is_not_the_kernels),
        lend_test(what_cannot_be_lent_is_left_to_the_caller),
        lend_test(no_file_for_a_pipe_now_may_be_there_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
