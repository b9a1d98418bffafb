#pragma once
/* Sending a large value without copying it: the kernel is told to send from the pages that the value lies on.
 *
 *   value's pages --vmsplice--> pipe --splice--> socket's queue (references to the pages) ... --> peer
 *
 * The socket refers to the pages until the peer has read them, and never says when that is; base/blob.h has the rules
 * that make this safe. Nothing stays in the pipe between two calls, so one pipe is enough for all connections: bytes
 * that a socket does not take are dropped, and lent again when it is writable.
 *
 * Why not MSG_ZEROCOPY: on loopback it copies all the same, and costs more than writev(2). */
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/blob.h"

#define LEND_BYTES_MIN      (16 * 1024)   /* less is copied as fast */
#define LEND_PIPE_BYTES     (1024 * 1024) /* asked for: Linux's default limit */
#define LEND_PIPE_BYTES_MIN (64 * 1024)   /* with less, nothing is lent */

struct lender {
    int in, out;  /* ends of the pipe; -1: none at the moment */
    bool gave_up; /* the kernel cannot lend, or may not */
};

void lender_init(struct lender *l);
void lender_deinit(struct lender *l);
/* Sends as much of `run`, which lies in `b`, as the pipe holds and the socket takes at once. *sent and errno are as of
 * send(2). False: `run` cannot be lent and nothing was sent; use another way. */
bool lender_send(struct lender *l, int fd, struct blob *b, const struct iovec *run, ssize_t *sent);
