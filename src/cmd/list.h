#pragma once
/* Shared by the families of list commands, blocking ones included. */
#include "cmd/ctx.h"
#include "store/list.h"

/* LEFT or RIGHT in argument i. False: a syntax error is replied. */
bool list_arg_end(struct cmd_ctx *c, int i, enum list_end *out);
/* Replies an entry as a bulk string; a large one is sent by reference, not copied. */
void list_reply_entry(struct resp_writer *w, const char *entry);

/* Logs that `n` elements were popped from an end. */
void list_pop_effect(struct cmd_ctx *c, const struct key *k, enum list_end end, uint64_t n);

/* list_pop_pair, list_pop_some, list_mpop and list_move change lists, reply, notify and log the effect. False: there
 * are too few elements, and nothing is replied. True: the change is done, or its error is replied. */

/* Replies key and element. */
bool list_pop_pair(struct cmd_ctx *c, const struct key *k, enum list_end end);
/* Replies key and an array of at most `count` > 0 elements. */
bool list_pop_some(struct cmd_ctx *c, const struct key *k, enum list_end end, uint64_t count);

/* numkeys key [key ...] <LEFT | RIGHT> [COUNT count] */
struct list_mpop {
    int keys, keys_end; /* the arguments that are keys, the end not included */
    enum list_end end;
    uint64_t count;
};
/* Reads arguments `at` to the last. False: the error is replied. */
bool list_mpop_parse(struct cmd_ctx *c, int at, struct list_mpop *out);
/* Pops from the first key that exists; where that is no list, WRONGTYPE is replied. */
bool list_mpop(struct cmd_ctx *c, const struct list_mpop *m);

struct list_move {
    struct key from, to;
    struct list_rotation how; /* at most how.n elements */
    bool exactly;             /* how.n elements or none */
    bool many; /* replies an array in the order of the destination, else the element */
};
/* Reads a move of one element: source and destination are arguments 1 and 2, their ends arguments `ends` and
 * `ends` + 1. False: the error is replied. */
bool list_move_parse(struct cmd_ctx *c, int ends, struct list_move *out);
/* Reads [<COUNT count | EXACTLY exactly> <OBO | BULK>] from arguments `at` to the last into a move that list_move_parse
 * has set. False: the error is replied. */
bool list_move_parse_many(struct cmd_ctx *c, int at, struct list_move *out);
bool list_move(struct cmd_ctx *c, const struct list_move *m);
