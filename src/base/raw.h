#pragma once
/* Writes text to a descriptor by write(2) alone: for the signal handlers of a crashed process. Nothing here allocates,
 * takes a lock or uses stdio. Text that cannot be written is lost. */
#include <stdint.h>

#include "base/slice.h"

void raw_slice(int fd, struct slice text);
void raw_text(int fd, const char *text);
/* In decimal. */
void raw_int(int fd, int64_t v);
void raw_uint(int fd, uint64_t v);
/* In hexadecimal, with at least so many digits (16 at most). */
void raw_hex(int fd, uint64_t v, int digits);
