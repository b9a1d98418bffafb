#pragma once
/* Sending a large value without copying it: the kernel is told to send from the pages that the value lies on.
 *
 *   value's pages --vmsplice--> pipe --splice--> socket's queue (references to the pages) ... --> peer
 *
 * The socket refers to the pages until the peer has read them, and never says when that is; base/blob.h has the rules
 * that make this safe. Nothing stays in the pipe between two calls, so one is enough for all connections: what a socket
 * does not take is dropped, and lent again when it is writable.
 *
 * Measured on loopback against writev, bytes for each second of the sender's CPU: from huge pages (blob_try_promote) 64
 * KiB 1.4 times, 1 MiB 1.6 times. MSG_ZEROCOPY copies there all the same, and is 0.6 times; sendfile of a memfd 1.2
 * times. */
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/blob.h"

#define LEND_BYTES_MIN      (16 * 1024)   /* less is copied as fast */
#define LEND_PIPE_BYTES     (1024 * 1024) /* asked for; what every user may have */
#define LEND_PIPE_BYTES_MIN (64 * 1024)   /* with less, nothing is lent */

struct lender {
    int in, out;  /* of the pipe; -1: none at the moment */
    bool gave_up; /* the kernel cannot, or may not */
};

void lender_init(struct lender *l);
void lender_deinit(struct lender *l);
/* Sends of `run`, which lies in `b`, what the socket takes at once, and some bytes at least: *sent is what send(2)
 * would return, with errno. False: this cannot be lent, and nothing was sent; use another way. */
bool lender_send(struct lender *l, int fd, struct blob *b, const struct iovec *run, ssize_t *sent);
