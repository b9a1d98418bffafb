#pragma once
/* Base64 as credentials come in (RFC 4648): pure. What goes out is written by json_text.h. */
#include <stdbool.h>

#include "base/slice.h"

/* False: it is none, or does not fit. */
bool base64_decode(struct slice in, char *out, size_t cap, size_t *len);
