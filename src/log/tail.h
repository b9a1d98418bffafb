#pragma once
/* Bytes behind the last seal of a file: whose are they? See reader_read_tail for what they may be.
 *
 *   in the last file          nothing tells: their whole commands count
 *   a plain file follows      likewise: whoever wrote that one (Redis) went on in this one before
 *   a sealed file follows     its first position tells. It is the last seal's where the bytes are a
 *                             write of ours that failed, and stands in that file again, whole: they do
 *                             not count. It lies behind the last seal where they were loaded when that
 *                             file was begun: they count. */
#include <stdbool.h>
#include <stdint.h>

/* `next`: the file behind it, NULL for none. `pos`: of the last seal. */
bool tail_counts(const char *dir, const char *next, uint64_t pos);
