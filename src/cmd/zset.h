#pragma once
/* What the commands of sorted sets share, and what those that wait for elements take from them. */
#include "cmd/ctx.h"
#include "store/zset.h"

/* --- popping: ZPOPMIN ZPOPMAX ZMPOP, BZPOPMIN BZPOPMAX BZMPOP ------------------------------------------ */

struct zset_pop {
    bool max;      /* from the end with the highest scores */
    bool with_key; /* the key goes ahead of what was popped */
    bool nested;   /* an array of pairs */
    uint64_t count;
};
/* Pops from the sorted set at the key, replies what was popped, and tells events and effects. False: there is no such
 * key, and nothing is replied. WRONGTYPE and lack of memory are replied. */
bool zset_pop_reply(struct cmd_ctx *c, const struct key *k, const struct zset_pop *pop);
/* The arguments of ZMPOP and BZMPOP from the number of keys, argument `at`, on. False: the error is replied. */
struct zset_mpop {
    int first_key, keys;
    struct zset_pop pop;
};
bool zset_mpop_parse(struct cmd_ctx *c, int at, struct zset_mpop *out);
/* From the first key that is a sorted set. False: none is, and nothing is replied. */
bool zset_mpop(struct cmd_ctx *c, const struct zset_mpop *m);

/* --- replies ------------------------------------------------------------------------------------------ */

/* How members are replied: alone; with their scores, as pairs in RESP3; or as pairs. */
enum zset_form { ZSET_MEMBERS, ZSET_WITH_SCORES, ZSET_PAIRS };
void zset_reply_header(struct cmd_ctx *c, uint64_t n, bool with_scores);
void zset_reply_element(struct cmd_ctx *c, const struct zset_element *el, bool with_scores);
/* `n` members from a rank on; counted from the end, and towards the beginning, when it is in reverse. */
struct zset_reply_run {
    uint64_t from, n;
    bool reverse;
    enum zset_form form;
};
void zset_reply_run(struct cmd_ctx *c, const struct item *it, const struct zset_reply_run *run);

/* --- a sorted set that is made aside ------------------------------------------------------------------- */

/* Puts it at the key, in place of what is there, and replies its size; where it is empty, removes that. Ends the edit.
 * The request is the effect. */
void zset_store_aside(struct cmd_ctx *c, const struct key *k, struct ks_edit *e, const char *event);

#define ZSET_ERR_NOT_FLOAT "value is not a valid float"
