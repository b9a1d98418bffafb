#pragma once
/* The path of a Unix socket that this process listens at. A socket that no process listens at was left by a server that
 * was killed, and is replaced. Any other file at the path stays; so does, at the end, a socket that another server put
 * there meanwhile. */
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct unix_path {
    char *absolute; /* owned; NULL: none */
    dev_t device;
    ino_t inode;
};

struct unix_options {
    const char *path; /* relative to the working directory, or absolute */
    unsigned mode;    /* 0: as umask leaves it */
    int backlog;
};

/* Returns a socket that listens at the path. -1: `error` says why, and nothing new is at the path. */
int unix_path_listen(struct unix_path *p, const struct unix_options *o, char *error,
                     size_t error_chars);
/* Removes the socket unless another one has its place. To be called before the listening socket is closed: until then
 * no other file has its inode's number. */
void unix_path_remove(struct unix_path *p);
