/* A pattern is compiled once, so that matching does not parse classes again.
 *
 * The pattern is cut at each '*' into segments. The first segment must begin with the text, the last must end with it,
 * and each one between them is searched from the end of the one before. The first place found leaves the most text for
 * the segments that follow, so the search never backtracks. A segment of bytes is searched by memmem. A short segment
 * with other elements is compared at each place. A long one is searched by the Shift-And of Baeza-Yates and Gonnet
 * (1992): each bit of a state is a beginning of the segment that ends here, 64 elements a step. */
#include <stdint.h>
#include <string.h>

#include "base/glob.h"
#include "base/mem.h"

#define WORD_BITS     64
#define SEGMENT_SHORT 64 /* elements */

/* An element is a byte, or one of these. */
#define ELEM_ANY   256
#define ELEM_CLASS 257 /* plus the number of a class */

struct class
{ /* a bit for each byte that belongs to it */
    uint64_t bits[256 / WORD_BITS];
};

struct segment {
    size_t first, count; /* elements */
    bool is_bytes;       /* all elements are bytes that match themselves only */
    uint64_t *masks;     /* of a long one, by byte: the elements that match it; else NULL */
    uint64_t *state;     /* as many words as one mask */
};

struct glob {
    bool nocase;
    size_t elem_count, class_count, segment_count;
    uint32_t *elem;
    char *bytes; /* the elements as bytes, for segments with is_bytes */
    struct class *class;
    struct segment *segment;
};

static unsigned char fold(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26 ? c | 0x20 : c;
}

static bool belongs(const struct class *set, unsigned char c)
{
    return set->bits[c / WORD_BITS] >> (c % WORD_BITS) & 1;
}

static void include(struct class *set, unsigned char c)
{
    set->bits[c / WORD_BITS] |= 1ULL << (c % WORD_BITS);
}

/* --- reading ---------------------------------------------------------------------------------------- */

/* Reads a class; *at is the byte behind its '['. Ranges are collected as the number of ranges that begin and end at
 * each byte. The odd cases are as in Redis, since patterns in use rely on them:
 *   "[]"    an empty class, to which no byte belongs; "[^]" has every byte
 *   "[abc"  ends with the pattern
 *   "[c-a]" is "[a-c]"
 *   "[a-]"  is a range from 'a' to ']', of a class that then ends with the pattern
 *   "[\A]"  an escaped byte is compared as it is, even with nocase */
static void read_class(struct slice pattern, size_t *at, bool nocase, struct class *out)
{
    const unsigned char *p = (const unsigned char *)pattern.ptr;
    size_t i = *at, end = pattern.len;
    int32_t change[257] = {0};
    bool negated = i < end && p[i] == '^';
    *out = (struct class){{0}};
    for (i += negated; i < end && p[i] != ']'; i++) {
        if (p[i] == '\\' && end - i >= 2) {
            include(out, p[++i]);
            continue;
        }
        bool is_range = end - i >= 3 && p[i + 1] == '-';
        unsigned char a = p[i], b = p[i + (is_range ? 2 : 0)];
        unsigned char low = a <= b ? a : b, high = a <= b ? b : a;
        low = nocase ? fold(low) : low;
        high = nocase ? fold(high) : high;
        if (low <= high) {
            change[low]++;
            change[high + 1]--;
        }
        i += is_range ? 2 : 0;
    }
    *at = i < end ? i + 1 : i;
    bool in[256];
    for (int c = 0, depth = 0; c < 256; c++)
        in[c] = (depth += change[c]) > 0;
    for (int c = 0; c < 256; c++)
        if (in[nocase ? fold((unsigned char)c) : c])
            include(out, (unsigned char)c);
    for (int w = 0; negated && w < 256 / WORD_BITS; w++)
        out->bits[w] = ~out->bits[w];
}

static void add(struct glob *g, uint32_t elem, bool is_byte)
{
    struct segment *s = &g->segment[g->segment_count - 1];
    g->bytes[g->elem_count] = (char)elem;
    g->elem[g->elem_count++] = elem;
    s->is_bytes &= is_byte;
    s->count++;
}

static void add_byte(struct glob *g, unsigned char c)
{
    unsigned char folded = fold(c);
    add(g, g->nocase ? folded : c, !g->nocase || (folded == c && (unsigned char)(c - 'a') >= 26));
}

static void begin_segment(struct glob *g)
{
    g->segment[g->segment_count++] = (struct segment){.first = g->elem_count, .is_bytes = true};
}

static void read_pattern(struct glob *g, struct slice pattern)
{
    begin_segment(g);
    for (size_t i = 0; i < pattern.len;) {
        unsigned char c = (unsigned char)pattern.ptr[i++];
        if (c == '*') {
            begin_segment(g);
        } else if (c == '?') {
            add(g, ELEM_ANY, false);
        } else if (c == '[') {
            read_class(pattern, &i, g->nocase, &g->class[g->class_count]);
            add(g, ELEM_CLASS + (uint32_t)g->class_count++, false);
        } else {
            bool escapes = c == '\\' && i < pattern.len;
            add_byte(g, escapes ? (unsigned char)pattern.ptr[i++] : c);
        }
    }
}

static bool matches(const struct glob *g, uint32_t elem, unsigned char c)
{
    if (elem < ELEM_ANY)
        return elem == (g->nocase ? fold(c) : c);
    return elem == ELEM_ANY || belongs(&g->class[elem - ELEM_CLASS], c);
}

static size_t words_of(const struct segment *s)
{
    return (s->count + WORD_BITS - 1) / WORD_BITS;
}

/* False: no memory. */
static bool make_masks(const struct glob *g, struct segment *s)
{
    size_t words = words_of(s);
    s->masks = mem_try_zalloc(256 * words * sizeof(uint64_t));
    s->state = mem_try_alloc(words * sizeof(uint64_t));
    if (!s->masks || !s->state)
        return false;
    for (size_t i = 0; i < s->count; i++) {
        uint32_t elem = g->elem[s->first + i];
        bool one = elem < ELEM_ANY && !g->nocase;
        for (unsigned c = one ? elem : 0; c < (one ? elem + 1 : 256); c++)
            if (matches(g, elem, (unsigned char)c))
                s->masks[c * words + i / WORD_BITS] |= 1ULL << (i % WORD_BITS);
    }
    return true;
}

static size_t count_byte(struct slice s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == c;
    return n;
}

struct glob *glob_try_new(struct slice pattern, bool nocase)
{
    struct glob *g = mem_try_zalloc(sizeof(*g));
    if (!g)
        return NULL;
    g->nocase = nocase;
    g->elem = mem_try_alloc((pattern.len + 1) * sizeof(*g->elem));
    g->bytes = mem_try_alloc(pattern.len + 1);
    g->class = mem_try_alloc((count_byte(pattern, '[') + 1) * sizeof(*g->class));
    g->segment = mem_try_alloc((count_byte(pattern, '*') + 1) * sizeof(*g->segment));
    bool fine = g->elem && g->bytes && g->class && g->segment;
    if (fine)
        read_pattern(g, pattern);
    for (size_t i = 1; fine && i + 1 < g->segment_count; i++) {
        struct segment *s = &g->segment[i];
        if (!s->is_bytes && s->count > SEGMENT_SHORT)
            fine = make_masks(g, s);
    }
    if (!fine)
        glob_free(&g);
    return g;
}

void glob_free(struct glob **pg)
{
    struct glob *g = *pg;
    if (!g)
        return;
    for (size_t i = 0; g->segment && i < g->segment_count; i++) {
        mem_free(g->segment[i].masks);
        mem_free(g->segment[i].state);
    }
    mem_free(g->elem);
    mem_free(g->bytes);
    mem_free(g->class);
    mem_free(g->segment);
    mem_free(g);
    *pg = NULL;
}

/* --- matching --------------------------------------------------------------------------------------- */

static bool is_at(const struct glob *g, const struct segment *s, const char *text)
{
    if (s->is_bytes)
        return memcmp(text, g->bytes + s->first, s->count) == 0;
    for (size_t i = 0; i < s->count; i++)
        if (!matches(g, g->elem[s->first + i], (unsigned char)text[i]))
            return false;
    return true;
}

/* The end of the first place in the text where a segment with masks matches; 0: there is none. */
static size_t shift_and(const struct segment *s, struct slice text)
{
    size_t words = words_of(s);
    uint64_t found = 1ULL << ((s->count - 1) % WORD_BITS);
    memset(s->state, 0, words * sizeof(uint64_t));
    for (size_t i = 0; i < text.len; i++) {
        const uint64_t *mask = s->masks + (size_t)(unsigned char)text.ptr[i] * words;
        uint64_t carry = 1; /* a match may begin here */
        for (size_t w = 0; w < words; w++) {
            uint64_t shifted = s->state[w] << 1 | carry;
            carry = s->state[w] >> (WORD_BITS - 1);
            s->state[w] = shifted & mask[w];
        }
        if (s->state[words - 1] & found)
            return i + 1;
    }
    return 0;
}

/* Moves *text behind the first match of a segment. False: there is none. */
static bool find_segment(const struct glob *g, const struct segment *s, struct slice *text)
{
    size_t end = 0;
    if (s->count == 0)
        return true;
    if (s->count > text->len)
        return false;
    if (s->is_bytes) {
        const char *at = memmem(text->ptr, text->len, g->bytes + s->first, s->count);
        end = at ? (size_t)(at - text->ptr) + s->count : 0;
    } else if (s->masks) {
        end = shift_and(s, *text);
    } else {
        for (size_t at = 0; end == 0 && at + s->count <= text->len; at++)
            end = is_at(g, s, text->ptr + at) ? at + s->count : 0;
    }
    *text = slice_of(text->ptr + end, text->len - end);
    return end > 0;
}

bool glob_test(const struct glob *g, struct slice text)
{
    const struct segment *first = &g->segment[0], *last = &g->segment[g->segment_count - 1];
    if (first->count > text.len || (first->count > 0 && !is_at(g, first, text.ptr)))
        return false;
    text = slice_of(text.ptr + first->count, text.len - first->count);
    if (last == first)
        return text.len == 0;
    for (const struct segment *s = first + 1; s < last; s++)
        if (!find_segment(g, s, &text))
            return false;
    return last->count <= text.len &&
           (last->count == 0 || is_at(g, last, text.ptr + text.len - last->count));
}
