/* ZUNION, ZINTER and ZDIFF, replied or stored, and ZINTERCARD. The result is built aside, as a sorted set. */
#include "cmd/zset.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/set.h"

enum operation { UNION, INTERSECTION, DIFFERENCE };
enum aggregate { SUM, MIN, MAX };

struct input {
    const struct item *item; /* NULL: no such key, which counts as empty */
    uint64_t count;
    int64_t now_ms;
    double weight;
};

struct combine {
    enum operation operation;
    bool store, card; /* ...STORE; ZINTERCARD */
    enum aggregate aggregate;
    bool with_scores;
    int64_t limit; /* of ZINTERCARD; 0: none */
    struct input *inputs;
    int n;
    int first; /* argument of the first key */
    struct ks_edit out;
    uint64_t found; /* of ZINTERCARD */
};

/* --- inputs ------------------------------------------------------------------------------------------------- */

/* Members of a set have this score. */
#define SET_SCORE 1.0

static bool input_score(const struct input *in, struct slice member, double *score)
{
    if (!in->item)
        return false;
    if (item_type(in->item) == TYPE_ZSET)
        return zset_score(in->item, member, score);
    struct pack_entry entry;
    pack_entry_init_to_find(&entry, member);
    *score = SET_SCORE;
    return set_has(in->item, &entry, in->now_ms);
}

/* A walk through an input. */
struct walk {
    const struct item *item;
    union {
        struct zset_walk zset;
        struct set_walk set;
    };
};

static void walk_init(struct walk *w, const struct input *in)
{
    w->item = in->item;
    if (in->item && item_type(in->item) == TYPE_ZSET)
        zset_walk_init(&w->zset, in->item, 0, UINT64_MAX, false);
    else if (in->item)
        set_walk_init(&w->set, in->item, 0, in->now_ms);
}

static bool walk_next(struct walk *w, struct zset_element *el)
{
    if (!w->item)
        return false;
    if (item_type(w->item) == TYPE_ZSET)
        return zset_walk_next(&w->zset, el);
    el->score = SET_SCORE;
    return set_walk_next(&w->set, &el->member);
}

static double weighted(const struct input *in, double score)
{
    double v = in->weight * score;
    return v != v ? 0 : v; /* infinity times 0 */
}

static double aggregated(const struct combine *cb, double a, double b)
{
    if (cb->aggregate == MIN)
        return b < a ? b : a;
    if (cb->aggregate == MAX)
        return b > a ? b : a;
    double v = a + b;
    return v != v ? 0 : v; /* infinity minus infinity */
}

static int by_count(const void *a, const void *b)
{
    uint64_t x = ((const struct input *)a)->count, y = ((const struct input *)b)->count;
    return (x > y) - (x < y);
}

/* --- operations --------------------------------------------------------------------------------------------- */

static bool put(struct combine *cb, struct slice member, double score)
{
    /* A reply keeps the sign of -0, as Redis replies from its large encoding, whatever the size. */
    struct zset_add add = {.flags = cb->store ? 0 : ZSET_KEEP_SIGN, .score = score};
    return zset_add(&cb->out, member, &add) == ERR_OK;
}

static bool unite(struct combine *cb)
{
    struct walk w;
    struct zset_element el;
    double old;
    for (int i = 0; i < cb->n; i++) {
        walk_init(&w, &cb->inputs[i]);
        while (walk_next(&w, &el)) {
            double score = weighted(&cb->inputs[i], el.score);
            if (i > 0 && zset_score(cb->out.item, el.member, &old))
                score = aggregated(cb, old, score);
            if (!put(cb, el.member, score))
                return false;
        }
    }
    return true;
}

static bool intersect(struct combine *cb)
{
    struct walk w;
    struct zset_element el;
    walk_init(&w, &cb->inputs[0]);
    while (walk_next(&w, &el)) {
        double score = weighted(&cb->inputs[0], el.score), other;
        int i = 1;
        for (; i < cb->n && input_score(&cb->inputs[i], el.member, &other); i++)
            score = aggregated(cb, score, weighted(&cb->inputs[i], other));
        if (i < cb->n)
            continue;
        cb->found++;
        if (!cb->card && !put(cb, el.member, score))
            return false;
        if (cb->card && cb->limit > 0 && cb->found == (uint64_t)cb->limit)
            return true;
    }
    return true;
}

static bool subtract(struct combine *cb)
{
    struct walk w;
    struct zset_element el;
    walk_init(&w, &cb->inputs[0]);
    while (walk_next(&w, &el)) {
        double other;
        int i = 1;
        while (i < cb->n && !input_score(&cb->inputs[i], el.member, &other))
            i++;
        if (i == cb->n && !put(cb, el.member, el.score))
            return false;
    }
    return true;
}

static bool operate(struct combine *cb)
{
    if (cb->operation == DIFFERENCE)
        return subtract(cb);
    /* The smallest first. */
    qsort(cb->inputs, (size_t)cb->n, sizeof(*cb->inputs), by_count);
    return cb->operation == UNION ? unite(cb) : intersect(cb);
}

/* --- arguments ---------------------------------------------------------------------------------------------- */

static bool parse_keys(struct cmd_ctx *c, struct combine *cb, int at)
{
    int64_t n;
    if (!ctx_arg_i64(c, at, &n))
        return false;
    if (n < 1) {
        resp_errorf(c->out, "at least 1 input key is needed for '%s' command", c->cmd->full_name);
        return false;
    }
    if (n > c->argc - at - 1) {
        ctx_reply_syntax(c);
        return false;
    }
    cb->n = (int)n;
    cb->first = at + 1;
    return true;
}

/* Looks the keys up. False: the error is replied. */
static bool find_inputs(struct cmd_ctx *c, struct combine *cb)
{
    cb->inputs = mem_try_zalloc((size_t)cb->n * sizeof(cb->inputs[0]));
    if (!cb->inputs) {
        ctx_reply_nomem(c);
        return false;
    }
    for (int i = 0; i < cb->n; i++) {
        struct input *in = &cb->inputs[i];
        struct key k = ctx_key(c, cb->first + i);
        if (!ctx_read_whole(c, &k, &in->item))
            return false;
        in->now_ms = dues_now_ms(c->ks);
        bool is_set = in->item && item_type(in->item) == TYPE_SET;
        if (!is_set && !ctx_is_type(c, in->item, TYPE_ZSET))
            return false;
        if (in->item)
            in->count = is_set ? set_count(in->item) : zset_count(in->item);
        in->weight = 1;
    }
    return true;
}

static bool parse_weights(struct cmd_ctx *c, struct combine *cb, int at)
{
    for (int i = 0; i < cb->n; i++) {
        if (num_parse_double(c->argv[at + i], &cb->inputs[i].weight))
            continue;
        resp_error(c->out, "weight value is not a float");
        return false;
    }
    return true;
}

static bool parse_aggregate(struct slice word, struct combine *cb)
{
    static const char *const words[] = {[SUM] = "SUM", [MIN] = "MIN", [MAX] = "MAX"};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_is(word, words[i])) {
            cb->aggregate = (enum aggregate)i;
            return true;
        }
    }
    return false;
}

static bool parse_options(struct cmd_ctx *c, struct combine *cb)
{
    bool scores_count = cb->operation != DIFFERENCE && !cb->card;
    for (int i = cb->first + cb->n; i < c->argc; i++) {
        int left = c->argc - i - 1;
        if (scores_count && left >= cb->n && slice_is(c->argv[i], "WEIGHTS")) {
            if (!parse_weights(c, cb, i + 1))
                return false;
            i += cb->n;
        } else if (scores_count && left >= 1 && slice_is(c->argv[i], "AGGREGATE") &&
                   parse_aggregate(c->argv[i + 1], cb)) {
            i++;
        } else if (!cb->store && !cb->card && slice_is(c->argv[i], "WITHSCORES")) {
            cb->with_scores = true;
        } else if (cb->card && left >= 1 && slice_is(c->argv[i], "LIMIT")) {
            if (!ctx_arg_range(c, ++i, 0, INT64_MAX, &cb->limit, "LIMIT can't be negative"))
                return false;
        } else {
            ctx_reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* --- replies ------------------------------------------------------------------------------------------------ */

static void finish(struct cmd_ctx *c, struct combine *cb)
{
    static const char *const events[] = {
        [UNION] = "zunionstore", [INTERSECTION] = "zinterstore", [DIFFERENCE] = "zdiffstore"};
    if (cb->store) {
        zset_store_aside(c, &c->key, &cb->out, events[cb->operation]);
        return;
    }
    if (cb->card)
        resp_int(c->out, (int64_t)cb->found);
    else
        zset_reply_run(
            c, cb->out.item,
            &(struct zset_reply_run){.n = zset_count(cb->out.item),
                                     .form = cb->with_scores ? ZSET_WITH_SCORES : ZSET_MEMBERS});
    ks_edit_drop(&cb->out);
}

static void combine(struct cmd_ctx *c, struct combine cb)
{
    if (!parse_keys(c, &cb, cb.store ? 2 : 1))
        return;
    struct key key = cb.store ? c->key : ctx_key(c, cb.first);
    if (find_inputs(c, &cb) && parse_options(c, &cb)) {
        if (!ks_edit_aside(c->ks, &key, TYPE_ZSET, &cb.out)) {
            ctx_reply_nomem(c);
        } else if (!operate(&cb)) {
            ks_edit_drop(&cb.out);
            ctx_reply_nomem(c);
        } else {
            finish(c, &cb);
        }
    }
    mem_free(cb.inputs);
}

static void cmd_zunion(struct cmd_ctx *c)
{
    combine(c, (struct combine){.operation = UNION});
}

static void cmd_zinter(struct cmd_ctx *c)
{
    combine(c, (struct combine){.operation = INTERSECTION});
}

static void cmd_zdiff(struct cmd_ctx *c)
{
    combine(c, (struct combine){.operation = DIFFERENCE});
}

static void cmd_zunionstore(struct cmd_ctx *c)
{
    combine(c, (struct combine){.operation = UNION, .store = true});
}

static void cmd_zinterstore(struct cmd_ctx *c)
{
    combine(c, (struct combine){.operation = INTERSECTION, .store = true});
}

static void cmd_zdiffstore(struct cmd_ctx *c)
{
    combine(c, (struct combine){.operation = DIFFERENCE, .store = true});
}

static void cmd_zintercard(struct cmd_ctx *c)
{
    combine(c, (struct combine){.operation = INTERSECTION, .card = true});
}

#define READ_ROW                                                                   \
    .arity = -3, .flags = CMD_READONLY | CMD_MOVABLE_KEYS, .acl = ACL_SORTEDSET,   \
    .keys = {{.first = 2, .step = 1, .numkeys = 1, .flags = KEY_RO | KEY_ACCESS}}, \
    .group = "sorted-set",                                                         \
    .complexity = "O(N*K)+O(M*log(M)) for K keys of N members, M of which"         \
                  " come out"
#define STORE_ROW                                                                           \
    .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS, .acl = ACL_SORTEDSET, \
    .keys = {CMD_KEY(1, KEY_OW | KEY_UPDATE),                                               \
             {.first = 3, .step = 1, .numkeys = 2, .flags = KEY_RO | KEY_ACCESS}},          \
    .group = "sorted-set",                                                                  \
    .complexity = "O(N*K)+O(M*log(M)) for K keys of N members, M of which"                  \
                  " come out"
#define WEIGHTS " [WEIGHTS weight:double ...] [AGGREGATE <SUM | MIN | MAX>]"

const struct cmd_row cmd_rows_zset_combine[] = {
    {.name = "zunion",
     .fn = cmd_zunion,
     READ_ROW,
     .since = "6.2.0",
     .summary = "Returns the members of any of several sorted sets.",
     .synopsis = "numkeys key..." WEIGHTS " [WITHSCORES]"},
    {.name = "zinter",
     .fn = cmd_zinter,
     READ_ROW,
     .since = "6.2.0",
     .summary = "Returns the members of all of several sorted sets.",
     .synopsis = "numkeys key..." WEIGHTS " [WITHSCORES]"},
    {.name = "zdiff",
     .fn = cmd_zdiff,
     READ_ROW,
     .since = "6.2.0",
     .summary = "Returns the members of a sorted set that others do not have.",
     .synopsis = "numkeys key... [WITHSCORES]"},
    {.name = "zintercard",
     .fn = cmd_zintercard,
     READ_ROW,
     .since = "7.0.0",
     .summary = "Counts the members of all of several sorted sets.",
     .synopsis = "numkeys key... [LIMIT limit]"},
    {.name = "zunionstore",
     .fn = cmd_zunionstore,
     STORE_ROW,
     .since = "2.0.0",
     .summary = "Stores the members of any of several sorted sets in a key.",
     .synopsis = "destination numkeys key..." WEIGHTS},
    {.name = "zinterstore",
     .fn = cmd_zinterstore,
     STORE_ROW,
     .since = "2.0.0",
     .summary = "Stores the members of all of several sorted sets in a key.",
     .synopsis = "destination numkeys key..." WEIGHTS},
    {.name = "zdiffstore",
     .fn = cmd_zdiffstore,
     STORE_ROW,
     .since = "6.2.0",
     .summary = "Stores the members of a sorted set that others do not have in a key.",
     .synopsis = "destination numkeys key..."},
    {.name = NULL},
};
