/* Any bytes are a valid pack or are told not to be; the strings of a valid one, laid again, are the same bytes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "ds/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(struct slice pack, const char *at)
{
    char scratch[NUM_I64_CHARS], again[PACK_ENTRY_BYTES_MAX];
    struct pack_entry e;
    struct slice s = pack_string(at, scratch);
    int64_t number, parsed;
    assert(pack_string_len(at) == s.len);
    assert(pack_int(at, &number) == num_parse_i64(s, &parsed));
    assert(pack_entry_init(&e, s));
    assert(pack_equal(at, &e) && pack_compare(at, s) == 0);
    assert(e.bytes == pack_bytes(at));
    const char *found = pack_find(pack, 1, &e);
    assert(found && found <= at && pack_equal(found, &e));
    assert(pack_entry_write(&e, again) == again + pack_bytes(at));
    assert(memcmp(again, at, pack_bytes(at)) == 0);
    pack_entry_deinit(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice pack = slice_of(data, size);
    if (!pack_valid(pack) || pack_has_blobs(pack))
        return 0;
    size_t count = pack_count(pack);
    const char *at = pack.ptr;
    for (size_t i = 0; i < count; i++) {
        assert(pack_at(pack, i) == at);
        check_entry(pack, at);
        at += pack_bytes(at);
    }
    assert(at == pack.ptr + pack.len);
    return 0;
}
