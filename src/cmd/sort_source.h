#pragma once
/* The input of SORT: elements of a list, set or sorted set, and the strings that patterns name. */
#include "cmd/ctx.h"

/* Texts that lie nowhere else in one piece: integers, which values hold as numbers, and strings stored in pieces. */
struct sort_texts;
void sort_texts_free(struct sort_texts **t);

struct sort_element {
    struct slice text;
    /* Compared in place of the text: by bytes with ALPHA, else as the number `score`. ptr is NULL: BY found nothing. */
    struct slice weight;
    double score;
};

/* True: SORT takes values of this type. */
bool sort_takes(enum item_type t);
uint64_t sort_count(const struct item *it);
/* Loads the elements from a position on, in the value's own order or, with `backwards`, in the opposite one; a set has
 * no order. All texts are borrowed from the item or from *texts. False: no memory. */
struct sort_range {
    uint64_t from, count; /* within sort_count */
    bool backwards;
};
bool sort_load(const struct item *it, const struct sort_range *r, struct sort_element *out,
               struct sort_texts **texts);

/* The string that a pattern names for an element: "#" is the element, "a*b" the string at the key with the element in
 * place of the star, "a*b->f" the field f of the hash at that key. Borrowed from *texts, or from the keyspace until
 * that changes. */
enum sort_found { SORT_FOUND, SORT_MISSING, SORT_NOMEM };
enum sort_found sort_look_up(struct cmd_ctx *c, struct slice pattern, struct slice element,
                             struct sort_texts **texts, struct slice *out);
