#pragma once
/* What SORT sorts and looks up: elements of a list, set or sorted set, and the strings that patterns name. */
#include "cmd/ctx.h"

/* Texts that nobody else keeps in one piece: integers, which values hold as such, and strings that lie in several. */
struct sort_texts;
void sort_texts_free(struct sort_texts **t);

struct sort_element {
    struct slice text;
    /* What stands in its place when text is compared; ptr is NULL: there is none. */
    struct slice weight;
    double score;
};

/* True: SORT takes values of this type. */
bool sort_takes(enum item_type t);
uint64_t sort_count(const struct item *it);
/* The elements from the position on in the value's own order, or (`backwards`) in the opposite one, where it has one.
 * All are borrowed from the item or from *texts. False: no memory. */
struct sort_range {
    uint64_t from, count; /* within sort_count */
    bool backwards;
};
bool sort_load(const struct item *it, const struct sort_range *r, struct sort_element *out,
               struct sort_texts **texts);

/* The string that a pattern names for an element: "#" the element, "a*b" the string of that key with the element in the
 * place of the star, "a*b->f" the field f of a hash. Borrowed from the keyspace, which nothing changes meanwhile, or
 * from *texts. */
enum sort_found { SORT_FOUND, SORT_MISSING, SORT_NOMEM };
enum sort_found sort_look_up(struct cmd_ctx *c, struct slice pattern, struct slice element,
                             struct sort_texts **texts, struct slice *out);
