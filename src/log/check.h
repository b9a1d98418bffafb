#pragma once
/* Checks a log from outside, and repairs it: `corsac --check-aof`.
 *
 * A manifest is rebuilt where the files leave no doubt what it said (log/rebuild.h), and only if they pass the check,
 * except for the end of the last one.
 *
 * Nothing is thrown away: the bytes that are cut off FILE from an offset on are kept beside it as
 * FILE.tail-<offset>, and files that are no longer part of the log as FILE.tail-0. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "log/admit.h"

enum check_result {
    CHECK_FINE = 0,    /* or repaired */
    CHECK_DAMAGED = 1, /* or a change that was asked for failed: the text says what was changed */
    CHECK_USAGE = 2,   /* the path names nothing to check */
};

struct check_options {
    const char *path; /* a manifest, the directory with one, or a single append-only file */
    bool fix;         /* cut the last file behind its last good batch */
    bool truncate;    /* cut the log behind the last batch at or before `truncate_unix_s` */
    int64_t truncate_unix_s;
    bool rebuild; /* write the manifest anew, which is lost or cannot be read; `path` may name it */
    admit_fn admit; /* which commands the log may hold; NULL: any */
    void *admit_arg;
};

/* Appends to `out` a line for each file, with its first problem, and what was done about it. */
enum check_result check_aof(const struct check_options *o, struct buf *out);
