/* Any bytes are a line that splits or is refused; words that come out, quoted again, come back. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The words are in the store, one behind the other, and no longer than the line. */
static void check_layout(const struct words *w, size_t line_len)
{
    const char *at = w->store;
    for (int i = 0; i < w->count; i++) {
        assert(w->at[i].ptr == at);
        at += w->at[i].len;
    }
    assert(w->count == 0 || (size_t)(at - w->store) <= line_len);
}

static void check_round_trip(const struct words *w)
{
    struct buf line;
    struct words again;
    buf_init(&line);
    words_init(&again);
    for (int i = 0; i < w->count; i++) {
        buf_append_quoted(&line, w->at[i]);
        buf_append_char(&line, i % 2 ? ' ' : '\n');
    }
    assert(words_split(&again, buf_slice(&line)) == ERR_OK);
    assert(again.count == w->count);
    for (int i = 0; i < w->count; i++)
        assert(slice_equal(again.at[i], w->at[i]));
    words_deinit(&again);
    buf_deinit(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct words w;
    words_init(&w);
    enum err err = words_split(&w, slice_of(data, size));
    assert(err == ERR_OK || (err == ERR_SYNTAX && w.count == 0));
    check_layout(&w, size);
    if (err == ERR_OK)
        check_round_trip(&w);
    words_deinit(&w);
    return 0;
}
