/* ZPOPMIN, ZPOPMAX, ZMPOP. */
#include "cmd/zset.h"

/* Logs one member as ZREM, several as a run of ranks, which is short however many there are. */
static void effect(struct cmd_ctx *c, const struct key *k, const struct zset_pop *pop, uint64_t n,
                   struct slice member)
{
    char from[NUM_I64_CHARS], to[NUM_I64_CHARS];
    if (!c->effects)
        return;
    if (n == 1) {
        struct slice argv[] = {SLICE("ZREM"), k->name, member};
        ctx_effect(c, 3, argv);
        return;
    }
    int64_t last = pop->max ? -1 : (int64_t)n - 1;
    struct slice argv[] = {SLICE("ZREMRANGEBYRANK"), k->name,
                           slice_of(from, (size_t)num_print_i64(from, pop->max ? -(int64_t)n : 0)),
                           slice_of(to, (size_t)num_print_i64(to, last))};
    ctx_effect(c, 4, argv);
}

static void pop_one(struct cmd_ctx *c, const struct key *k, const struct zset_pop *pop,
                    struct ks_edit *e)
{
    struct zset_popped popped;
    if (zset_pop(e, pop->max, &popped) != ERR_OK) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return;
    }
    if (pop->with_key) {
        resp_array(c->out, pop->nested ? 2 : 3);
        resp_bulk(c->out, k->name);
    }
    if (pop->nested)
        resp_array(c->out, 1);
    if (pop->nested || !pop->with_key)
        resp_array(c->out, 2);
    resp_bulk(c->out, popped.element.member);
    resp_double(c->out, popped.element.score);
    ctx_edited(c, k, e, NOTIFY_ZSET, pop->max ? "zpopmax" : "zpopmin");
    effect(c, k, pop, 1, popped.element.member);
    zset_popped_end(&popped);
}

/* False: there was no memory, and nothing changed. */
static bool pop_some(struct cmd_ctx *c, const struct key *k, const struct zset_pop *pop,
                     struct ks_edit *e, uint64_t n)
{
    uint64_t errors = c->out->errors;
    if (pop->with_key) {
        resp_array(c->out, 2);
        resp_bulk(c->out, k->name);
    }
    zset_reply_run(c, e->item,
                   &(struct zset_reply_run){.n = n,
                                            .reverse = pop->max,
                                            .form = pop->with_key ? ZSET_PAIRS : ZSET_WITH_SCORES});
    if (c->out->errors != errors ||
        zset_remove_run(e, pop->max ? zset_count(e->item) - n : 0, n) != ERR_OK)
        return false;
    ctx_edited(c, k, e, NOTIFY_ZSET, pop->max ? "zpopmax" : "zpopmin");
    effect(c, k, pop, n, slice_of(NULL, 0));
    return true;
}

bool zset_pop_reply(struct cmd_ctx *c, const struct key *k, const struct zset_pop *pop)
{
    struct ks_edit e;
    if (!ctx_edit_type(c, k, TYPE_ZSET, &e))
        return true;
    if (!e.item)
        return false;
    if (pop->count == 0) {
        ctx_edit_undone(&e);
        resp_array(c->out, 0);
        return true;
    }
    uint64_t count = pop->count == 1 ? 1 : zset_count(e.item);
    uint64_t n = pop->count < count ? pop->count : count;
    struct outq_mark before = outq_mark(c->out->out);
    if (n == 1) {
        pop_one(c, k, pop, &e);
    } else if (!pop_some(c, k, pop, &e, n)) {
        outq_rollback(c->out->out, before);
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
    }
    return true;
}

static void zpop(struct cmd_ctx *c, bool max)
{
    struct zset_pop pop = {.max = max, .count = 1};
    int64_t count;
    if (c->argc > 3) {
        ctx_reply_syntax(c);
        return;
    }
    if (c->argc == 3) {
        if (!ctx_arg_range(c, 2, 0, INT64_MAX, &count, "value is out of range, must be positive"))
            return;
        pop.count = (uint64_t)count;
        pop.nested = c->out->proto > 2;
    }
    if (!zset_pop_reply(c, &c->key, &pop))
        resp_array(c->out, 0);
}

static void cmd_zpopmin(struct cmd_ctx *c)
{
    zpop(c, false);
}

static void cmd_zpopmax(struct cmd_ctx *c)
{
    zpop(c, true);
}

bool zset_mpop_parse(struct cmd_ctx *c, int at, struct zset_mpop *out)
{
    int64_t keys, count = 1;
    if (!ctx_arg_range(c, at, 1, INT64_MAX, &keys, "numkeys should be greater than 0"))
        return false;
    int where = keys < c->argc ? at + 1 + (int)keys : c->argc;
    bool fits = where < c->argc;
    bool max = fits && slice_is(c->argv[where], "MAX");
    if (!fits || (!max && !slice_is(c->argv[where], "MIN")) ||
        (where + 1 < c->argc && (where + 3 != c->argc || !slice_is(c->argv[where + 1], "COUNT")))) {
        ctx_reply_syntax(c);
        return false;
    }
    if (where + 3 == c->argc &&
        !ctx_arg_range(c, where + 2, 1, INT64_MAX, &count, "count should be greater than 0"))
        return false;
    *out = (struct zset_mpop){
        .first_key = at + 1,
        .keys = (int)keys,
        .pop = {.max = max, .with_key = true, .nested = true, .count = (uint64_t)count}};
    return true;
}

bool zset_mpop(struct cmd_ctx *c, const struct zset_mpop *m)
{
    for (int i = 0; i < m->keys; i++) {
        struct key k = ctx_key(c, m->first_key + i);
        if (zset_pop_reply(c, &k, &m->pop))
            return true;
    }
    return false;
}

static void cmd_zmpop(struct cmd_ctx *c)
{
    struct zset_mpop m;
    if (zset_mpop_parse(c, 1, &m) && !zset_mpop(c, &m))
        resp_null_array(c->out);
}

const struct cmd_row cmd_rows_zset_pop[] = {
    {.name = "zpopmin",
     .fn = cmd_zpopmin,
     .arity = -2,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     .group = "sorted-set",
     .since = "5.0.0",
     .complexity = "O(log(N)*M) for M members of N",
     .summary = "Removes the members with the lowest scores from a sorted set and returns them.",
     .synopsis = "key [count]"},
    {.name = "zpopmax",
     .fn = cmd_zpopmax,
     .arity = -2,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     .group = "sorted-set",
     .since = "5.0.0",
     .complexity = "O(log(N)*M) for M members of N",
     .summary = "Removes the members with the highest scores from a sorted set and returns them.",
     .synopsis = "key [count]"},
    {.name = "zmpop",
     .fn = cmd_zmpop,
     .arity = -4,
     .flags = CMD_WRITE | CMD_MOVABLE_KEYS,
     .acl = ACL_SORTEDSET,
     .keys = {{.first = 2, .step = 1, .numkeys = 1, .flags = KEY_RW | KEY_ACCESS | KEY_DELETE}},
     .group = "sorted-set",
     .since = "7.0.0",
     .complexity = "O(K) + O(M*log(N)) for K keys and M members of N",
     .summary =
         "Removes the members with the lowest or highest scores from the first sorted set that"
         " there is, and returns them.",
     .synopsis = "numkeys key... <MIN | MAX> [COUNT count]"},
    {.name = NULL},
};
