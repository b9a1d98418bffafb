#include "cmd/sort_source.h"

#include "base/mem.h"
#include "store/list.h"
#include "store/set.h"

/* Names up to this length are put together on the stack. */
#define NAME_AT_HAND_BYTES 4096

/* --- texts ------------------------------------------------------------------------------------ */

void sort_texts_free(struct sort_texts **t)
{
    while (*t) {
        struct sort_texts *next = (*t)->next;
        mem_free(*t);
        *t = next;
    }
}

/* What is printed into scratch is kept; else it lies in a value. False: no memory. */
static bool keep(struct sort_texts **texts, const char scratch[NUM_I64_CHARS], struct slice *s)
{
    if (s->ptr != scratch)
        return true;
    struct sort_texts *t = *texts;
    if (!t || t->used + s->len > sizeof(t->bytes)) {
        t = mem_try_alloc(sizeof(*t));
        if (!t)
            return false;
        t->next = *texts;
        t->used = 0;
        *texts = t;
    }
    char *to = t->bytes + t->used;
    memcpy(to, s->ptr, s->len);
    t->used += s->len;
    s->ptr = to;
    return true;
}

/* --- elements --------------------------------------------------------------------------------- */

bool sort_takes(enum item_type t)
{
    return t == TYPE_LIST || t == TYPE_SET;
}

uint64_t sort_count(const struct item *it)
{
    return item_type(it) == TYPE_LIST ? list_len(it) : set_count(it);
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

/* A set has no order to be turned round. */
static bool load_set(const struct item *it, const struct sort_range *r, struct sort_element *out,
                     struct sort_texts **texts)
{
    struct set_walk walk;
    struct slice member;
    uint64_t skip = r->from, n = 0;
    set_walk_init(&walk, it, 0);
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

bool sort_load(const struct item *it, const struct sort_range *r, struct sort_element *out,
               struct sort_texts **texts)
{
    if (r->count == 0)
        return true;
    return item_type(it) == TYPE_LIST ? load_list(it, r, out, texts) : load_set(it, r, out, texts);
}

/* --- patterns --------------------------------------------------------------------------------- */

/* The name of a field behind the star: "->f" at the end. */
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

static bool read_string(const struct item *it, char scratch[NUM_I64_CHARS], struct slice *out)
{
    if (item_type(it) != TYPE_STRING)
        return false;
    *out = string_run(it, 0, scratch);
    return true;
}

enum sort_found sort_look_up(struct cmd_ctx *c, struct slice pattern, struct slice element,
                             struct sort_texts **texts, struct slice *out)
{
    char name[NAME_AT_HAND_BYTES], scratch[NUM_I64_CHARS];
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
    bool found = it && !has_field && read_string(it, scratch, out);
    if (!found)
        return SORT_MISSING;
    return keep(texts, scratch, out) ? SORT_FOUND : SORT_NOMEM;
}
