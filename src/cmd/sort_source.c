#include "cmd/sort_source.h"

#include "base/mem.h"
#include "store/hash.h"
#include "store/list.h"
#include "store/set.h"
#include "store/zset.h"

/* Names up to this length are built on the stack. */
#define NAME_AT_HAND_BYTES 4096

/* --- texts ------------------------------------------------------------------------------------ */

#define TEXTS_BYTES ((size_t)16 * 1024) /* of small texts, together */
struct sort_texts {
    struct sort_texts *next;
    size_t used, size;
    char bytes[];
};

void sort_texts_free(struct sort_texts **t)
{
    while (*t) {
        struct sort_texts *next = (*t)->next;
        mem_free(*t);
        *t = next;
    }
}

/* NULL: no memory. */
static char *new_text(struct sort_texts **texts, size_t len)
{
    struct sort_texts *t = *texts;
    if (!t || t->size - t->used < len) {
        size_t size = len > TEXTS_BYTES ? len : TEXTS_BYTES;
        t = mem_try_alloc(sizeof(*t) + size);
        if (!t)
            return NULL;
        *t = (struct sort_texts){.next = *texts, .size = size};
        *texts = t;
    }
    t->used += len;
    return t->bytes + t->used - len;
}

/* Keeps a text printed into scratch; other texts lie in a value. False: no memory. */
static bool keep(struct sort_texts **texts, const char scratch[NUM_I64_CHARS], struct slice *s)
{
    if (s->ptr != scratch)
        return true;
    char *to = new_text(texts, s->len);
    if (!to)
        return false;
    memcpy(to, s->ptr, s->len);
    s->ptr = to;
    return true;
}

/* --- elements --------------------------------------------------------------------------------- */

bool sort_takes(enum item_type t)
{
    return t == TYPE_LIST || t == TYPE_SET || t == TYPE_ZSET;
}

uint64_t sort_count(const struct item *it)
{
    switch (item_type(it)) {
    case TYPE_LIST: return list_len(it);
    case TYPE_SET: return set_count(it);
    default: return zset_count(it);
    }
}

static bool load_list(const struct item *it, const struct sort_range *r, struct sort_element *out,
                      struct sort_texts **texts)
{
    struct list_cursor cursor;
    char scratch[NUM_I64_CHARS];
    const char *at = list_at(it, r->backwards ? list_len(it) - 1 - r->from : r->from, &cursor);
    for (uint64_t i = 0; i < r->count; i++) {
        out[i].text = pack_string(at, scratch);
        if (!keep(texts, scratch, &out[i].text))
            return false;
        at = r->backwards ? list_prev(&cursor) : list_next(&cursor);
    }
    return true;
}

/* A set has no order, so `backwards` means nothing. */
static bool load_set(const struct item *it, const struct sort_range *r, struct sort_element *out,
                     struct sort_texts **texts)
{
    struct set_walk walk;
    struct slice member;
    uint64_t skip = r->from, n = 0;
    set_walk_init(&walk, it, 0, DUES_NOTHING);
    while (n < r->count && set_walk_next(&walk, &member)) {
        if (skip > 0) {
            skip--;
            continue;
        }
        if (!keep(texts, walk.scratch, &member))
            return false;
        out[n++].text = member;
    }
    return true;
}

static bool load_zset(const struct item *it, const struct sort_range *r, struct sort_element *out,
                      struct sort_texts **texts)
{
    struct zset_walk walk;
    struct zset_element element;
    zset_walk_init(&walk, it, r->from, r->count, r->backwards);
    for (uint64_t i = 0; zset_walk_next(&walk, &element); i++) {
        out[i].text = element.member;
        if (!keep(texts, walk.scratch, &out[i].text))
            return false;
    }
    return true;
}

bool sort_load(const struct item *it, const struct sort_range *r, struct sort_element *out,
               struct sort_texts **texts)
{
    if (r->count == 0)
        return true;
    switch (item_type(it)) {
    case TYPE_LIST: return load_list(it, r, out, texts);
    case TYPE_SET: return load_set(it, r, out, texts);
    default: return load_zset(it, r, out, texts);
    }
}

/* --- patterns --------------------------------------------------------------------------------- */

/* Cuts a field's name, "->f" behind the star, from the pattern. False: there is none. */
static bool split_field(struct slice *pattern, size_t star, struct slice *field)
{
    for (size_t i = star + 1; i + 2 < pattern->len; i++) {
        if (pattern->ptr[i] != '-' || pattern->ptr[i + 1] != '>')
            continue;
        *field = slice_of(pattern->ptr + i + 2, pattern->len - i - 2);
        pattern->len = i;
        return true;
    }
    return false;
}

static enum sort_found read_string(const struct item *it, struct sort_texts **texts,
                                   struct slice *out)
{
    char scratch[NUM_I64_CHARS];
    if (item_type(it) != TYPE_STRING)
        return SORT_MISSING;
    *out = string_run(it, 0, scratch);
    size_t len = string_len(it);
    if (out->len == len)
        return keep(texts, scratch, out) ? SORT_FOUND : SORT_NOMEM;
    char *to = new_text(texts, len);
    if (!to)
        return SORT_NOMEM;
    for (size_t at = 0; at < len; at += out->len) {
        *out = string_run(it, at, scratch);
        memcpy(to + at, out->ptr, out->len);
    }
    *out = slice_of(to, len);
    return SORT_FOUND;
}

static enum sort_found read_field(const struct item *it, struct slice field, int64_t now_ms,
                                  struct sort_texts **texts, struct slice *out)
{
    char scratch[NUM_I64_CHARS];
    struct hash_field found;
    if (item_type(it) != TYPE_HASH || !hash_find(it, field, now_ms, &found))
        return SORT_MISSING;
    *out = pack_string(found.value, scratch);
    return keep(texts, scratch, out) ? SORT_FOUND : SORT_NOMEM;
}

enum sort_found sort_look_up(struct cmd_ctx *c, struct slice pattern, struct slice element,
                             struct sort_texts **texts, struct slice *out)
{
    char name[NAME_AT_HAND_BYTES];
    struct slice field;
    if (slice_equal(pattern, SLICE("#"))) {
        *out = element;
        return SORT_FOUND;
    }
    const char *at = pattern.len > 0 ? memchr(pattern.ptr, '*', pattern.len) : NULL;
    if (!at)
        return SORT_MISSING;
    size_t star = (size_t)(at - pattern.ptr);
    bool has_field = split_field(&pattern, star, &field);
    size_t len = pattern.len - 1 + element.len;
    char *to = len <= sizeof(name) ? name : mem_try_alloc(len);
    if (!to)
        return SORT_NOMEM;
    memcpy(to, pattern.ptr, star);
    if (element.len > 0)
        memcpy(to + star, element.ptr, element.len);
    memcpy(to + star + element.len, at + 1, pattern.len - star - 1);
    struct key key = ks_key(c->ks, slice_of(to, len));
    const struct item *it = ctx_read(c, &key);
    if (to != name)
        mem_free(to);
    if (!it)
        return SORT_MISSING;
    return has_field ? read_field(it, field, dues_now_ms(c->ks), texts, out)
                     : read_string(it, texts, out);
}
