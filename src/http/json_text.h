#pragma once
/* Writes strings as JSON or base64, piece by piece, so that a large value need not be held whole. Pure. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* A string being written. Pieces may cut a character, or three bytes of base64: its first bytes are kept. */
struct json_text {
    bool base64;
    uint8_t kept_count;
    char kept[4];
};

/* Writes the '"' in front. */
void json_text_begin(struct json_text *t, bool base64, struct buf *out);
/* Bytes that are not UTF-8 become U+FFFD, but not in base64. */
void json_text_add(struct json_text *t, struct slice piece, struct buf *out);
void json_text_end(struct json_text *t, struct buf *out);
/* All at once. */
void json_text_put(struct slice text, bool base64, struct buf *out);
