#pragma once
/* Do the bytes behind the last seal of a file count? See reader_read_tail for what they may be.
 *
 *   in the last file          nothing tells: their whole commands count
 *   a plain file follows      they count: the server that wrote it (Redis) went on in this file before
 *   a sealed file follows     its first position tells. Where that is the last seal's, the bytes are a
 *                             write of Corsac's that failed and stands in that file again, whole: they
 *                             do not count. Where it is beyond the last seal, the bytes were loaded
 *                             before that file was begun: they count. */
#include <stdbool.h>
#include <stdint.h>

/* `next`: the name of the file behind, NULL for none. `pos`: of the last seal. */
bool tail_counts(const char *dir, const char *next, uint64_t pos);
