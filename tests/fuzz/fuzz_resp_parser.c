/* The parser must say the same of any bytes, whole or in any pieces.
 *
 * Input:  flags  n  length * n  bytes of the connection
 *         1      1  n
 *
 * Flags: 1 the client has authenticated; 2 the lengths are in units of 64 bytes, to reach the
 * limits of lines. And the same of what is read apart, where whatever is left to chance goes by the bytes. */
#include <assert.h>
#include <stdint.h>

#include "../unit/resp/feed.h"
#include "../unit/resp/feed_apart.h"

enum { FLAG_AUTHENTICATED = 1, FLAG_LONG_PIECES = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size < 2 + (size_t)data[1])
        return 0;
    uint8_t flags = data[0];
    size_t pieces = data[1], at = 0, ends[UINT8_MAX], count = 0;
    struct slice input = slice_of(data + 2 + pieces, size - 2 - pieces);
    for (size_t i = 0; i < pieces; i++) {
        at += data[2 + i] * (flags & FLAG_LONG_PIECES ? 64u : 1u);
        if (at >= input.len)
            break;
        ends[count++] = at;
    }

    struct feed whole, split;
    feed_init(&whole, flags & FLAG_AUTHENTICATED);
    feed_init(&split, flags & FLAG_AUTHENTICATED);
    feed_plain(&split);
    const char *want = feed_run(&whole, input, NULL, 0);
    const char *got = feed_run(&split, input, ends, count);
    assert(strcmp(got, want) == 0);
    assert(resp_parser_wants(&whole.parser) == resp_parser_wants(&split.parser));
    feed_deinit(&whole);
    feed_deinit(&split);

    struct apart_feed plain, apart;
    apart_init(&plain, flags & FLAG_AUTHENTICATED, SIZE_MAX, 0);
    apart_init(&apart, flags & FLAG_AUTHENTICATED, 1 + size % 7, (uint32_t)size);
    want = apart_run(&plain, input, NULL, 0);
    got = apart_run(&apart, input, ends, count);
    assert(strcmp(got, want) == 0);
    apart_deinit(&plain);
    apart_deinit(&apart);
    return 0;
}
