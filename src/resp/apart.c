/* Arguments read apart: see parser.h. */
#include <string.h>

#include "base/mem.h"
#include "resp/parser_impl.h"

size_t resp_parser_open_bulk(const struct resp_parser *p, size_t bytes, size_t *have)
{
    const struct resp_partial *partial = p->partial;
    if (partial == NULL || partial->bulk_len <= 0 || partial->seen != bytes ||
        resp_parser_apart_room(p, have) != NULL)
        return 0;
    *have = partial->seen - partial->done;
    /* The argument is apart already, and whole: while its session waits nothing is parsed, so the parser has yet to
     * see it. */
    if (resp_apart_at(p->apart, bytes - *have) >= 0)
        return 0;
    return (size_t)partial->bulk_len;
}

/* Room for one more argument. */
static bool apart_reserve(struct resp_parser *p)
{
    int count = p->apart ? p->apart->count : 0, cap = p->apart ? p->apart->cap : 0;
    if (count < cap)
        return true;
    cap = cap ? 2 * cap : 1;
    if (cap > RESP_APART_MAX)
        return false;
    struct resp_apart *a = mem_try_realloc(p->apart, sizeof(*a) + (size_t)cap * sizeof(a->at[0]));
    if (a == NULL)
        return false;
    a->count = count;
    a->cap = cap;
    p->apart = a;
    return true;
}

bool resp_parser_set_apart(struct resp_parser *p, size_t place, struct slice have)
{
    struct resp_partial *partial = p->partial;
    size_t len = (size_t)partial->bulk_len;
    assert(have.len == partial->seen - partial->done && have.len < len + BEHIND_BYTES);
    if (!apart_reserve(p))
        return false;
    struct resp_apart *a = p->apart;
    struct blob *b = blob_try_new(len, len);
    if (b == NULL) {
        resp_parser_taken(p, 0);
        return false;
    }
    if (have.len > 0)
        memcpy(b->data, have.ptr, have.len);
    a->at[a->count].place = place;
    a->at[a->count].came = have.len;
    a->at[a->count++].blob = b;
    partial->seen = partial->done;
    return true;
}

char *resp_parser_apart_room(const struct resp_parser *p, size_t *room)
{
    const struct resp_apart *a = p->apart;
    if (a == NULL || a->count == 0)
        return NULL;
    struct blob *b = a->at[a->count - 1].blob;
    size_t came = a->at[a->count - 1].came, all = b->len + BEHIND_BYTES;
    *room = all - came;
    return came < all ? b->data + came : NULL;
}

void resp_parser_apart_came(struct resp_parser *p, size_t bytes)
{
    p->apart->at[p->apart->count - 1].came += bytes;
}

void resp_parser_taken(struct resp_parser *p, size_t bytes)
{
    struct resp_apart *a = p->apart;
    int gone = 0;
    if (a == NULL)
        return;
    while (gone < a->count && a->at[gone].place <= bytes)
        blob_drop(a->at[gone++].blob);
    for (int i = gone; i < a->count; i++) {
        a->at[i - gone] = a->at[i];
        a->at[i - gone].place -= bytes;
    }
    a->count -= gone;
    if (a->count > 0)
        return;
    mem_free(a);
    p->apart = NULL;
}

struct blob *resp_parser_blob(const struct resp_parser *p, const char *bytes)
{
    for (int i = 0; p->apart && i < p->apart->count; i++)
        if (p->apart->at[i].blob->data == bytes)
            return p->apart->at[i].blob;
    return NULL;
}

size_t resp_parser_apart_bytes(const struct resp_parser *p)
{
    size_t bytes = 0;
    for (int i = 0; p->apart && i < p->apart->count; i++)
        bytes += p->apart->at[i].came;
    return bytes;
}
