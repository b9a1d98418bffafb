#pragma once
/* A body in chunks, decoded as it comes: pure.
 *
 *   5\r\nhello\r\n 0\r\n\r\n   ->   "hello"
 *
 * Extensions of a chunk and fields behind the last one are skipped, up to a limit. Source: RFC 9112, section 7. */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define CHUNKS_LINE_BYTES_MAX    256  /* of a chunk's length with its extensions */
#define CHUNKS_TRAILER_BYTES_MAX 4096 /* of all fields behind the last chunk */

enum chunks_state {
    CHUNKS_LENGTH,
    CHUNKS_EXTENSION,
    CHUNKS_DATA,
    CHUNKS_DATA_END,
    CHUNKS_TRAILER,
};

/* All zero at the beginning. */
struct chunks {
    enum chunks_state state;
    uint64_t left; /* of the chunk at hand */
    size_t line;   /* bytes of the line at hand; of the trailer, of all lines */
    bool digits;   /* the length has one */
    bool returned; /* the last byte was a '\r' */
    bool empty;    /* the trailer's line at hand has no byte yet */
};

enum chunks_status {
    CHUNKS_BYTES, /* *out are bytes of the body; call again */
    CHUNKS_MORE,  /* `in` is used up */
    CHUNKS_DONE,  /* the body has ended; `in` begins behind it */
    CHUNKS_BAD,
};
/* Moves the start of `in` behind the bytes taken. */
enum chunks_status chunks_next(struct chunks *c, struct slice *in, struct slice *out);
