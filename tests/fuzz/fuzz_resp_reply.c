/* The parser of replies must say the same of any bytes, whole or in any pieces.
 *
 * Input:  n  length * n  bytes of the peer
 *         1  n */
#include <assert.h>
#include <stdint.h>

#include "../unit/resp/reply_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size < 1 + (size_t)data[0])
        return 0;
    size_t pieces = data[0], at = 0, ends[UINT8_MAX], count = 0;
    struct slice input = slice_of(data + 1 + pieces, size - 1 - pieces);
    for (size_t i = 0; i < pieces; i++) {
        at += data[1 + i];
        if (at >= input.len)
            break;
        ends[count++] = at;
    }

    struct reply_feed whole, split;
    reply_feed_init(&whole);
    reply_feed_init(&split);
    const char *want = reply_feed_run(&whole, input, NULL, 0);
    const char *got = reply_feed_run(&split, input, ends, count);
    assert(strcmp(got, want) == 0);
    assert(reply_is_between(&whole.parser) == reply_is_between(&split.parser));
    reply_feed_deinit(&whole);
    reply_feed_deinit(&split);
    return 0;
}
