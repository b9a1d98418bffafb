#pragma once
/* What commands on lists share with those that wait for one. */
#include "cmd/ctx.h"
#include "store/list.h"

/* LEFT or RIGHT in argument i. False: a syntax error is replied. */
bool list_arg_end(struct cmd_ctx *c, int i, enum list_end *out);
/* An entry as a bulk string; a large one is pointed at. */
void list_reply_entry(struct resp_writer *w, const char *entry);

/* The effect of `n` elements that were taken from an end. */
void list_pop_effect(struct cmd_ctx *c, const struct key *k, enum list_end end, uint64_t n);

/* These change a list, reply, and tell events and effects. False: there are no elements, and nothing is replied. True:
 * it is done, or its error is replied. */

/* Replies key and element. */
bool list_pop_pair(struct cmd_ctx *c, const struct key *k, enum list_end end);
/* Replies key and an array of at most `count` > 0 elements. */
bool list_pop_some(struct cmd_ctx *c, const struct key *k, enum list_end end, uint64_t count);

/* numkeys key [key ...] <LEFT | RIGHT> [COUNT count] */
struct list_mpop {
    int keys, keys_end; /* arguments that are keys */
    enum list_end end;
    uint64_t count;
};
/* From argument `at` on, to the last. False: its error is replied. */
bool list_mpop_parse(struct cmd_ctx *c, int at, struct list_mpop *out);
/* From the first key that is a list. */
bool list_mpop(struct cmd_ctx *c, const struct list_mpop *m);

struct list_move {
    struct key from, to;
    struct list_rotation how; /* n: at most as many, */
    bool exactly;             /* or as many, or none */
    bool many; /* replies an array in the order of the destination, else the element */
};
/* Argument 1 to argument 2, from the end and to the end that stand in `ends` and behind it: one element. False: its
 * error is replied. */
bool list_move_parse(struct cmd_ctx *c, int ends, struct list_move *out);
/* [<COUNT count | EXACTLY exactly> <OBO | BULK>] from argument `at` on, to the last. */
bool list_move_parse_many(struct cmd_ctx *c, int at, struct list_move *out);
bool list_move(struct cmd_ctx *c, const struct list_move *m);
