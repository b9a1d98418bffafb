#include "net/lend.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void lender_init(struct lender *l)
{
    *l = (struct lender){.in = -1, .out = -1};
}

static void close_pipe(struct lender *l)
{
    if (l->in < 0)
        return;
    close(l->in);
    close(l->out);
    l->in = l->out = -1;
}

void lender_deinit(struct lender *l)
{
    close_pipe(l);
}

/* False: no pipe for the moment (too many open files) or for good (a user with many pipes gets only small ones). */
static bool open_pipe(struct lender *l)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    l->out = ends[0];
    l->in = ends[1];
    if (fcntl(l->in, F_SETPIPE_SZ, LEND_PIPE_BYTES) >= 0 ||
        fcntl(l->in, F_GETPIPE_SZ) >= LEND_PIPE_BYTES_MIN)
        return true;
    l->gave_up = true;
    close_pipe(l);
    return false;
}

/* The errors by which the kernel says that it does not splice here. Any other error is the socket's, and write(2) would
 * meet it too: one broken connection must not end lending for all. */
static bool is_kernels_error(int error)
{
    return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == EPERM ||
           error == EACCES;
}

/* The kernel cannot lend here and is not asked again. */
static bool give_up(struct lender *l)
{
    l->gave_up = true;
    close_pipe(l);
    return false;
}

bool lender_send(struct lender *l, int fd, struct blob *b, const struct iovec *run, ssize_t *sent)
{
    if (l->gave_up || (l->in < 0 && !open_pipe(l)))
        return false;
    /* Set before the kernel refers to the pages, whatever it then sends. */
    b->lent = true;
    ssize_t lent = vmsplice(l->in, run, 1, SPLICE_F_NONBLOCK);
    if (lent <= 0)
        return give_up(l);
    size_t left = (size_t)lent;
    unsigned flags = SPLICE_F_NONBLOCK | (left < run->iov_len ? SPLICE_F_MORE : 0);
    ssize_t n = 0;
    while (left > 0 && (n = splice(l->out, NULL, fd, NULL, left, flags)) > 0)
        left -= (size_t)n;
    int error = n < 0 ? errno : EAGAIN;
    if (left > 0)
        close_pipe(l); /* drops the bytes that the socket did not take */
    bool refused = left == (size_t)lent;
    if (refused && is_kernels_error(error))
        return give_up(l);
    *sent = refused ? -1 : lent - (ssize_t)left;
    errno = error;
    return true;
}
