#include "ds/pack.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

/* --- a string to be written --------------------------------------------------------------------------- */

/* Bytes of an integer that has no code of its own, behind its code byte. */
static size_t int_bytes(int64_t v)
{
    /* The bits behind the leading ones that equal the sign, and one for the sign. */
    uint64_t magnitude = (uint64_t)(v < 0 ? ~v : v);
    unsigned bits = magnitude == 0 ? 1 : 65 - (unsigned)__builtin_clzll(magnitude);
    return (bits + 7) / 8;
}

static void init(struct pack_entry *e, struct slice string)
{
    e->string = string;
    e->blob = NULL;
    if (num_parse_i64(string, &e->number)) {
        if (e->number >= 0 && e->number <= PACK_SMALL_MAX) {
            e->code = (uint8_t)(PACK_CODE_SMALL + e->number);
            e->bytes = 1;
        } else {
            size_t n = int_bytes(e->number);
            e->code = (uint8_t)(PACK_CODE_INT + n - 1);
            e->bytes = 1 + n;
        }
    } else if (string.len <= PACK_SHORT_BYTES_MAX) {
        e->code = (uint8_t)string.len;
        e->bytes = 1 + string.len;
    } else if (string.len <= PACK_STRING_BYTES_MAX) {
        e->code = PACK_CODE_STRING;
        e->bytes = 3 + string.len;
    } else {
        e->code = PACK_CODE_BLOB;
        e->bytes = 1 + sizeof(struct blob *);
    }
}

bool pack_entry_init(struct pack_entry *e, struct slice string)
{
    init(e, string);
    if (e->code != PACK_CODE_BLOB)
        return true;
    e->blob = blob_try_new(string.len, string.len);
    if (!e->blob)
        return false;
    memcpy(e->blob->data, string.ptr, string.len);
    return true;
}

void pack_entry_init_to_find(struct pack_entry *e, struct slice string)
{
    init(e, string);
}

char *pack_entry_write(struct pack_entry *e, char *to)
{
    *to++ = (char)e->code;
    if (e->code <= PACK_SHORT_BYTES_MAX) {
        bytes_copy(to, e->string.ptr, e->string.len);
    } else if (e->code == PACK_CODE_STRING) {
        uint16_t len = (uint16_t)e->string.len;
        memcpy(to, &len, sizeof(len));
        memcpy(to + sizeof(len), e->string.ptr, len);
    } else if (e->code == PACK_CODE_BLOB) {
        assert(e->blob);
        memcpy(to, &e->blob, sizeof(e->blob));
        e->blob = NULL;
    } else {
        memcpy(to, &e->number, e->bytes - 1); /* no byte for a small integer */
    }
    return to + e->bytes - 1;
}

void pack_entry_deinit(struct pack_entry *e)
{
    if (e->blob)
        blob_drop(e->blob);
    e->blob = NULL;
}

/* --- an entry where it stands --------------------------------------------------------------------------- */

static inline uint8_t code_at(const char *at)
{
    return (uint8_t)*at;
}

static int64_t read_int(const char *at)
{
    uint8_t code = code_at(at);
    if (code >= PACK_CODE_SMALL)
        return code - PACK_CODE_SMALL;
    size_t n = code - PACK_CODE_INT + 1u;
    assert(n >= 1 && n <= 8);
    uint64_t v = n == 8 ? bytes_load64(at + 1) : bytes_load_short(at + 1, n);
    unsigned above = (unsigned)(64 - 8 * n);
    return (int64_t)(v << above) >> above;
}

struct slice pack_string(const char *at, char scratch[NUM_I64_CHARS])
{
    uint8_t code = code_at(at);
    if (code <= PACK_SHORT_BYTES_MAX)
        return slice_of(at + 1, code);
    if (pack_is_int(at))
        return slice_of(scratch, (size_t)num_print_i64(scratch, read_int(at)));
    const struct blob *b = pack_blob(at);
    if (b)
        return slice_of(b->data, b->len);
    return slice_of(at + 3, pack_bytes(at) - 3);
}

size_t pack_string_len(const char *at)
{
    char scratch[NUM_I64_CHARS];
    return pack_string(at, scratch).len;
}

bool pack_int(const char *at, int64_t *out)
{
    if (!pack_is_int(at))
        return false;
    *out = read_int(at);
    return true;
}

struct blob *pack_blob(const char *at)
{
    if (code_at(at) != PACK_CODE_BLOB)
        return NULL;
    struct blob *b;
    memcpy(&b, at + 1, sizeof(b));
    return b;
}

bool pack_equal(const char *at, const struct pack_entry *e)
{
    uint8_t code = code_at(at);
    if (code != e->code)
        return false;
    if (code <= PACK_SHORT_BYTES_MAX)
        return slice_equal(slice_of(at + 1, code), e->string);
    if (pack_is_int(at))
        return code >= PACK_CODE_SMALL || read_int(at) == e->number;
    char scratch[NUM_I64_CHARS]; /* stays unused: the entry is no integer */
    return slice_equal(pack_string(at, scratch), e->string);
}

bool pack_same(const char *a, const char *b)
{
    size_t bytes = pack_bytes(a);
    if (*a != *b)
        return false;
    if ((uint8_t)*a != PACK_CODE_BLOB)
        return bytes == pack_bytes(b) && memcmp(a, b, bytes) == 0;
    const struct blob *x = pack_blob(a), *y = pack_blob(b);
    return x == y || (x->len == y->len && memcmp(x->data, y->data, x->len) == 0);
}

int pack_compare(const char *at, struct slice string)
{
    char scratch[NUM_I64_CHARS];
    return slice_compare(pack_string(at, scratch), string);
}

/* --- runs of entries ---------------------------------------------------------------------------------- */

size_t pack_count(struct slice pack)
{
    const char *end = pack.ptr + pack.len;
    size_t n = 0;
    for (const char *at = pack.ptr; at < end; at += pack_bytes(at))
        n++;
    return n;
}

const char *pack_at(struct slice pack, size_t n)
{
    const char *end = pack.ptr + pack.len, *at = pack.ptr;
    for (; at < end; at += pack_bytes(at))
        if (n-- == 0)
            return at;
    return NULL;
}

static const char *find(const char *at, const char *end, size_t step, const struct pack_entry *e)
{
    while (at < end) {
        if (pack_equal(at, e))
            return at;
        for (size_t i = 0; i < step && at < end; i++)
            at += pack_bytes(at);
    }
    return NULL;
}

/* The first bytes of an entry as one word: its code, and the bytes of the string or integer that fit. */
struct needle {
    uint64_t word, mask;
};

static struct needle needle_of(const struct pack_entry *e)
{
    uint64_t word = e->code;
    size_t n = 1; /* bytes of the word that are compared */
    if (e->code <= PACK_SHORT_BYTES_MAX) {
        size_t len = e->string.len < 7 ? e->string.len : 7;
        word |= bytes_load_short(e->string.ptr, len) << 8;
        n += len;
    } else if (e->code >= PACK_CODE_INT && e->code < PACK_CODE_STRING) {
        word |= (uint64_t)e->number << 8;
        n = e->bytes < 8 ? e->bytes : 8;
    }
    uint64_t mask = n == 8 ? UINT64_MAX : (1ULL << (8 * n)) - 1;
    return (struct needle){word & mask, mask};
}

/* An entry that differs within its first eight bytes costs one comparison. */
const char *pack_find(struct slice pack, size_t step, const struct pack_entry *e)
{
    struct needle needle = needle_of(e);
    const char *at = pack.ptr, *end = at + pack.len;
    assert(step > 0);
    while (end - at >= 8) {
        if ((bytes_load64(at) & needle.mask) == needle.word && pack_equal(at, e))
            return at;
        at += pack_bytes(at);
        for (size_t i = 1; i < step && at < end; i++)
            at += pack_bytes(at);
    }
    return find(at, end, step, e);
}

bool pack_has_blobs(struct slice pack)
{
    const char *end = pack.ptr + pack.len;
    for (const char *at = pack.ptr; at < end; at += pack_bytes(at))
        if (code_at(at) == PACK_CODE_BLOB)
            return true;
    return false;
}

void pack_hold(struct slice pack)
{
    const char *end = pack.ptr + pack.len;
    for (const char *at = pack.ptr; at < end; at += pack_bytes(at))
        if (code_at(at) == PACK_CODE_BLOB)
            blob_hold(pack_blob(at));
}

void pack_drop(struct slice pack)
{
    const char *end = pack.ptr + pack.len;
    for (const char *at = pack.ptr; at < end; at += pack_bytes(at))
        if (code_at(at) == PACK_CODE_BLOB)
            blob_drop(pack_blob(at));
}

size_t pack_blob_bytes(struct slice pack)
{
    const char *end = pack.ptr + pack.len;
    size_t bytes = 0;
    for (const char *at = pack.ptr; at < end; at += pack_bytes(at))
        if (code_at(at) == PACK_CODE_BLOB)
            bytes += blob_memory(pack_blob(at));
    return bytes;
}

/* --- validity ----------------------------------------------------------------------------------------- */

/* Bytes of the entry that begins at `at`. 0: too few bytes are left to tell, or there is no such code. */
static size_t valid_bytes(const char *at, size_t left)
{
    uint8_t code = code_at(at);
    if (code > PACK_CODE_BLOB && code < PACK_CODE_SMALL)
        return 0;
    if (code == PACK_CODE_STRING && left < 3)
        return 0;
    return pack_bytes(at);
}

/* A whole entry has the code with which its string would be written. */
static bool is_shortest(const char *at)
{
    struct pack_entry e;
    char scratch[NUM_I64_CHARS];
    if (code_at(at) == PACK_CODE_BLOB)
        return pack_blob(at) != NULL;
    init(&e, pack_string(at, scratch));
    return e.code == code_at(at);
}

bool pack_valid(struct slice pack)
{
    for (size_t at = 0; at < pack.len;) {
        size_t left = pack.len - at, bytes = valid_bytes(pack.ptr + at, left);
        if (bytes == 0 || bytes > left || !is_shortest(pack.ptr + at))
            return false;
        at += bytes;
    }
    return true;
}
