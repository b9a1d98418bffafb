#pragma once
/* Decodes base64 (RFC 4648), with or without padding. Pure. json_text.h encodes. */
#include <stdbool.h>

#include "base/slice.h"

/* `out` may be where `in` lies. False: `in` is not base64, or needs more than `cap` bytes. */
bool base64_decode(struct slice in, char *out, size_t cap, size_t *len);
