#pragma once
/* What the parser's files share: parser.c reads requests, apart.c keeps the arguments that are read apart. */
#include <assert.h>

#include "resp/parser.h"

struct span {
    size_t at, len; /* bytes from the start of the request, bytes */
};

struct resp_partial {
    size_t seen;       /* bytes of the request that there were at the last call */
    size_t done;       /* of them, bytes of whole lines and whole arguments */
    size_t scanned;    /* bytes from `done` on that hold no end of line */
    int argc;          /* as the header says; 0: the header is not complete */
    int64_t bulk_len;  /* of the argument at `done`; -1: its header is not complete */
    size_t count, cap; /* arguments found, room for them */
    struct span args[];
};

/* See parser.h. In the order of the stream; only the last one may be incomplete. */
struct resp_apart {
    int count, cap;
    struct {
        size_t place;
        size_t came; /* bytes, of the argument and the two behind it */
        struct blob *blob;
    } at[];
};
#define BEHIND_BYTES 2
static_assert(BLOB_BACK_BYTES >= BEHIND_BYTES, "what stands behind an argument goes there");

/* The index of the argument that is apart and begins at this place; -1: none. */
static inline int resp_apart_at(const struct resp_apart *a, size_t place)
{
    for (int i = 0; a && i < a->count; i++)
        if (a->at[i].place == place)
            return i;
    return -1;
}
