#pragma once
/* Percent-encoding and query strings: pure, in place. */
#include <stdbool.h>

#include "base/slice.h"

/* Decodes %XX in place, and '+' to a space where `plus`; the result is never longer. False: a '%' without two
 * hexadecimal digits behind it; the bytes are undefined then. */
bool url_decode(char *bytes, size_t *len, bool plus);
/* Takes the next "name=value" off `rest`. `has_value`: there was a '='. False: there is none left. */
bool url_query_next(struct slice *rest, struct slice *name, struct slice *value, bool *has_value);
