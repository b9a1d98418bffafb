#pragma once
/* Strings as JSON and as base64, written in pieces: what large values are made of. Pure. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* One string on its way. A character, or three bytes of base64, may be cut by the pieces: its first bytes are kept. */
struct json_text {
    bool base64;
    uint8_t kept_count;
    char kept[4];
};

/* Writes the '"' in front. */
void json_text_begin(struct json_text *t, bool base64, struct buf *out);
/* What is no UTF-8 becomes U+FFFD, where it is not base64. */
void json_text_add(struct json_text *t, struct slice piece, struct buf *out);
void json_text_end(struct json_text *t, struct buf *out);
/* All at once. */
void json_text_put(struct slice text, bool base64, struct buf *out);
