#pragma once
/* A copy of a request that runs later: queued by MULTI, or waiting for a key. Large arguments that were read into
 * blobs are held, not copied. */
#include <stddef.h>

#include "base/slice.h"

struct blob;
struct cmd;
struct session;

/* a blob is looked for from this size of an argument on */
#define KEPT_BLOB_BYTES_MIN ((size_t)16 * 1024)

/*  | kept_request | argc slices | blob_count blobs | bytes of the arguments that were copied |  in one allocation */
struct kept_request {
    struct cmd *cmd;
    int argc, blob_count;
    size_t bytes; /* memory of this allocation and the blobs */
    struct slice argv[];
};

/* NULL: no memory. */
struct kept_request *kept_new(const struct session *s, struct cmd *cmd, const struct slice *argv,
                              int argc);
void kept_free(struct kept_request **r);
/* The blob whose first byte an argument begins with; NULL: it is in none. */
struct blob *kept_blob(const struct kept_request *r, const char *bytes);
