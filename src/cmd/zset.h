#pragma once
/* Shared by the families of sorted set commands, blocking ones included. */
#include "cmd/ctx.h"
#include "store/zset.h"

/* --- popping: ZPOPMIN ZPOPMAX ZMPOP, BZPOPMIN BZPOPMAX BZMPOP ------------------------------------------ */

struct zset_pop {
    bool max;      /* from the end with the highest scores */
    bool with_key; /* the key is replied ahead of the elements */
    bool nested;   /* an array of pairs */
    uint64_t count;
};
/* Pops from the sorted set at the key, replies the elements, notifies and logs the effect. False: there is no such key,
 * and nothing is replied. True: the elements, WRONGTYPE or lack of memory is replied. */
bool zset_pop_reply(struct cmd_ctx *c, const struct key *k, const struct zset_pop *pop);
/* Reads the arguments of ZMPOP and BZMPOP from argument `at`, the number of keys, on. False: the error is replied. */
struct zset_mpop {
    int first_key, keys;
    struct zset_pop pop;
};
bool zset_mpop_parse(struct cmd_ctx *c, int at, struct zset_mpop *out);
/* zset_pop_reply for the first key that exists. False: none does, and nothing is replied. */
bool zset_mpop(struct cmd_ctx *c, const struct zset_mpop *m);

/* --- replies ------------------------------------------------------------------------------------------ */

/* How members are replied: alone; each with its score, in RESP3 as a pair; or as pairs in both protocols. */
enum zset_form { ZSET_MEMBERS, ZSET_WITH_SCORES, ZSET_PAIRS };
void zset_reply_header(struct cmd_ctx *c, uint64_t n, bool with_scores);
void zset_reply_element(struct cmd_ctx *c, const struct zset_element *el, bool with_scores);
/* `n` members from rank `from` on. In reverse, ranks count from the end and go towards the beginning. */
struct zset_reply_run {
    uint64_t from, n;
    bool reverse;
    enum zset_form form;
};
void zset_reply_run(struct cmd_ctx *c, const struct item *it, const struct zset_reply_run *run);

/* --- a sorted set that is made aside ------------------------------------------------------------------- */

/* Stores the sorted set that an edit made aside at the key, in place of any value, and replies its size; an empty one
 * deletes the key. Ends the edit. Logs the request, or DEL, as the effect. */
void zset_store_aside(struct cmd_ctx *c, const struct key *k, struct ks_edit *e, const char *event);

#define ZSET_ERR_NOT_FLOAT "value is not a valid float"
