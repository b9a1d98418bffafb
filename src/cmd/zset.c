/* Sorted sets, member by member: ZADD, ZREM, ZSCORE, ZRANK and their family. */
#include "cmd/zset.h"

#include "base/mem.h"

/* --- ZADD, ZINCRBY --------------------------------------------------------------------------------------- */

#define UNDO_STEPS 64 /* more steps are allocated */

/* For each member, in the order of the arguments: the score that was given, and the old score and the outcome, to undo
 * the change when memory runs out half way. */
struct undo {
    struct undo_step {
        double score, old;
        enum zset_outcome outcome;
    } * steps, own[UNDO_STEPS];
};

static bool undo_init(struct undo *u, int n)
{
    u->steps = u->own;
    if (n > UNDO_STEPS)
        u->steps = mem_try_alloc((size_t)n * sizeof(u->steps[0]));
    return u->steps;
}

static void undo_deinit(struct undo *u)
{
    if (u->steps != u->own)
        mem_free(u->steps);
}

struct zadd {
    unsigned flags;
    bool changed_too; /* CH */
    int first, pairs; /* arguments */
    struct undo undo;
};

static bool zadd_flag(struct zadd *z, struct slice word)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {
        {"NX", ZSET_NX}, {"XX", ZSET_XX}, {"GT", ZSET_GT}, {"LT", ZSET_LT}, {"INCR", ZSET_INCR}};
    /* Most requests have no flag: the word is the first score. */
    if (word.len == 0 || word.ptr[0] <= '9')
        return false;
    if (slice_is(word, "CH")) {
        z->changed_too = true;
        return true;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_is(word, words[i].word)) {
            z->flags |= words[i].flag;
            return true;
        }
    }
    return false;
}

/* Parses the scores. False: the error is replied. */
static bool zadd_scores(struct cmd_ctx *c, struct zadd *z)
{
    if (!undo_init(&z->undo, z->pairs)) {
        ctx_reply_nomem(c);
        return false;
    }
    for (int i = 0; i < z->pairs; i++) {
        if (num_parse_double(c->argv[z->first + 2 * i], &z->undo.steps[i].score))
            continue;
        undo_deinit(&z->undo);
        resp_error(c->out, ZSET_ERR_NOT_FLOAT);
        return false;
    }
    return true;
}

/* False: the error is replied. True: the caller deinits z->undo. */
static bool zadd_parse(struct cmd_ctx *c, struct zadd *z)
{
    z->first = 2;
    while (z->first < c->argc && zadd_flag(z, c->argv[z->first]))
        z->first++;
    int left = c->argc - z->first;
    z->pairs = left / 2;
    unsigned f = z->flags;
    const char *error = NULL;
    if (left == 0 || left % 2)
        error = ERR_TEXT_SYNTAX;
    else if (f & ZSET_NX && f & ZSET_XX)
        error = "XX and NX options at the same time are not compatible";
    else if ((f & ZSET_NX && f & (ZSET_GT | ZSET_LT)) || (f & ZSET_GT && f & ZSET_LT))
        error = "GT, LT, and/or NX options at the same time are not compatible";
    else if (f & ZSET_INCR && z->pairs > 1)
        error = "INCR option supports a single increment-element pair";
    if (error)
        resp_error(c->out, error);
    return !error && zadd_scores(c, z);
}

/* Logs a member's new score: ZADD k score member. */
static void effect_score(struct cmd_ctx *c, double score, struct slice member)
{
    char text[VALUE_NUMBER_CHARS];
    struct slice argv[] = {SLICE("ZADD"), c->key.name,
                           slice_of(text, (size_t)num_print_double(text, score)), member};
    ctx_effect(c, 4, argv);
}

/* Undoes the first `n` pairs. A score that there is no memory to restore stays as it is, and is logged. */
static void zadd_undo(struct cmd_ctx *c, const struct zadd *z, struct ks_edit *e, int n)
{
    const struct undo *u = &z->undo;
    while (n-- > 0) {
        struct slice member = c->argv[z->first + 2 * n + 1];
        struct zset_add back = {.score = u->steps[n].old};
        double now = 0;
        if (u->steps[n].outcome == ZSET_ADDED)
            zset_remove(e, member);
        else if (u->steps[n].outcome == ZSET_UPDATED && zset_add(e, member, &back) != ERR_OK &&
                 zset_score(e->item, member, &now))
            effect_score(c, now, member);
    }
}

struct zadd_result {
    int64_t added, updated;
    struct zset_add last;
};

/* False: no memory; the pairs are undone. */
static bool zadd_pairs(struct cmd_ctx *c, struct zadd *z, struct ks_edit *e, struct zadd_result *r)
{
    for (int i = 0; i < z->pairs; i++) {
        struct undo_step *step = &z->undo.steps[i];
        r->last.flags = z->flags;
        r->last.score = step->score;
        if (zset_add(e, c->argv[z->first + 2 * i + 1], &r->last) != ERR_OK) {
            zadd_undo(c, z, e, i);
            return false;
        }
        step->old = r->last.old;
        step->outcome = r->last.outcome;
        r->added += r->last.outcome == ZSET_ADDED;
        r->updated += r->last.outcome == ZSET_UPDATED;
    }
    return true;
}

static void zadd_reply(struct cmd_ctx *c, const struct zadd *z, const struct zadd_result *r)
{
    if (!(z->flags & ZSET_INCR))
        resp_int(c->out, z->changed_too ? r->added + r->updated : r->added);
    else if (r->last.outcome == ZSET_NAN)
        resp_error(c->out, "resulting score is not a number (NaN)");
    else if (r->last.outcome == ZSET_REFUSED)
        resp_null(c->out);
    else
        resp_double(c->out, r->last.score);
}

static void zadd_run(struct cmd_ctx *c, struct zadd *z)
{
    struct ks_edit e;
    struct zadd_result r = {.last.outcome = ZSET_REFUSED};
    bool begun = z->flags & ZSET_XX ? ctx_edit_type(c, &c->key, TYPE_ZSET, &e)
                                    : ctx_edit_or_new(c, &c->key, TYPE_ZSET, &e);
    if (!begun)
        return;
    if (e.item && !zadd_pairs(c, z, &e, &r)) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    if (r.added + r.updated > 0) {
        ctx_edited(c, &c->key, &e, NOTIFY_ZSET, z->flags & ZSET_INCR ? "zincr" : "zadd");
        if (z->flags & ZSET_INCR)
            effect_score(c, r.last.score, c->argv[z->first + 1]);
        else
            ctx_effect_as_is(c);
    } else if (e.item) {
        ctx_edit_undone(&e);
    }
    zadd_reply(c, z, &r);
}

static void zadd(struct cmd_ctx *c, unsigned flags)
{
    struct zadd z;
    z.flags = flags;
    z.changed_too = false;
    if (!zadd_parse(c, &z))
        return;
    zadd_run(c, &z);
    undo_deinit(&z.undo);
}

static void cmd_zadd(struct cmd_ctx *c)
{
    zadd(c, 0);
}

static void cmd_zincrby(struct cmd_ctx *c)
{
    zadd(c, ZSET_INCR);
}

/* --- ZREM -------------------------------------------------------------------------------------------------- */

/* Keeps the scores of removed members, to add the members again when memory runs out half way. False: no memory. A
 * member that there is no memory to add again stays removed, and that is logged. */
static bool zrem_members(struct cmd_ctx *c, struct ks_edit *e, int64_t *removed)
{
    struct undo u;
    if (!undo_init(&u, c->argc - 2))
        return false;
    for (int i = 0; i < c->argc - 2; i++) {
        struct slice member = c->argv[i + 2];
        u.steps[i].outcome = ZSET_SAME;
        if (!zset_score(e->item, member, &u.steps[i].old))
            continue;
        if (zset_remove(e, member) != ERR_OK) {
            for (; i >= 0; i--) {
                struct zset_add back = {.score = u.steps[i].old};
                struct slice argv[] = {SLICE("ZREM"), c->key.name, c->argv[i + 2]};
                if (u.steps[i].outcome == ZSET_ADDED && zset_add(e, argv[2], &back) != ERR_OK)
                    ctx_effect(c, 3, argv);
            }
            undo_deinit(&u);
            return false;
        }
        u.steps[i].outcome = ZSET_ADDED;
        ++*removed;
    }
    undo_deinit(&u);
    return true;
}

static void cmd_zrem(struct cmd_ctx *c)
{
    struct ks_edit e;
    int64_t removed = 0;
    if (!ctx_edit_type(c, &c->key, TYPE_ZSET, &e))
        return;
    if (e.item && !zrem_members(c, &e, &removed)) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    if (removed > 0) {
        ctx_edited(c, &c->key, &e, NOTIFY_ZSET, "zrem");
        ctx_effect_as_is(c);
    } else if (e.item) {
        ctx_edit_undone(&e);
    }
    resp_int(c->out, removed);
}

/* --- questions --------------------------------------------------------------------------------------------- */

static void cmd_zcard(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_ZSET, &it))
        resp_int(c->out, it ? (int64_t)zset_count(it) : 0);
}

static void reply_score(struct cmd_ctx *c, const struct item *it, struct slice member)
{
    double score;
    if (it && zset_score(it, member, &score))
        resp_double(c->out, score);
    else
        resp_null(c->out);
}

static void cmd_zscore(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_ZSET, &it))
        reply_score(c, it, c->argv[2]);
}

static void cmd_zmscore(struct cmd_ctx *c)
{
    const struct item *it;
    if (!ctx_read_type(c, &c->key, TYPE_ZSET, &it))
        return;
    resp_array(c->out, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        reply_score(c, it, c->argv[i]);
}

static void zrank(struct cmd_ctx *c, bool reverse)
{
    const struct item *it;
    struct zset_place p = {.member = c->argv[2], .side = ZSET_BEFORE};
    bool with_score = c->argc > 3;
    if (c->argc > 4) {
        ctx_reply_arity(c);
        return;
    }
    if (with_score && !slice_is(c->argv[3], "WITHSCORE")) {
        ctx_reply_syntax(c);
        return;
    }
    if (!ctx_read_type(c, &c->key, TYPE_ZSET, &it))
        return;
    if (!it || !zset_score(it, p.member, &p.score)) {
        if (with_score)
            resp_null_array(c->out);
        else
            resp_null(c->out);
        return;
    }
    uint64_t ahead = zset_ahead(it, &p);
    if (with_score)
        resp_array(c->out, 2);
    resp_int(c->out, (int64_t)(reverse ? zset_count(it) - 1 - ahead : ahead));
    if (with_score)
        resp_double(c->out, p.score);
}

static void cmd_zrank(struct cmd_ctx *c)
{
    zrank(c, false);
}

static void cmd_zrevrank(struct cmd_ctx *c)
{
    zrank(c, true);
}

const struct cmd_row cmd_rows_zset[] = {
    {.name = "zadd",
     .fn = cmd_zadd,
     .arity = -4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "sorted-set",
     .since = "1.2.0",
     .complexity = "O(log(N)) for each member, with N members in the sorted set",
     .summary =
         "Adds members to a sorted set or changes their scores; makes it where there is none.",
     .synopsis = "key [NX | XX] [GT | LT] [CH] [INCR] <score:double member>..."},
    {.name = "zincrby",
     .fn = cmd_zincrby,
     .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "sorted-set",
     .since = "1.2.0",
     .complexity = "O(log(N)) with N members in the sorted set",
     .summary = "Adds to the score of a member of a sorted set.",
     .synopsis = "key increment member"},
    {.name = "zrem",
     .fn = cmd_zrem,
     .arity = -3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_DELETE)},
     .group = "sorted-set",
     .since = "1.2.0",
     .complexity = "O(M*log(N)) for M members of N",
     .summary = "Removes members from a sorted set, and the key with the last of them.",
     .synopsis = "key member..."},
    {.name = "zcard",
     .fn = cmd_zcard,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RO)},
     .group = "sorted-set",
     .since = "1.2.0",
     .complexity = "O(1)",
     .summary = "Returns how many members a sorted set has.",
     .synopsis = "key"},
    {.name = "zscore",
     .fn = cmd_zscore,
     .arity = 3,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "sorted-set",
     .since = "1.2.0",
     .complexity = "O(log(N)) with N members in the sorted set",
     .summary = "Returns the score of a member of a sorted set.",
     .synopsis = "key member"},
    {.name = "zmscore",
     .fn = cmd_zmscore,
     .arity = -3,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "sorted-set",
     .since = "6.2.0",
     .complexity = "O(M*log(N)) for M members of N",
     .summary = "Returns the scores of members of a sorted set.",
     .synopsis = "key member..."},
    {.name = "zrank",
     .fn = cmd_zrank,
     .arity = -3,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "sorted-set",
     .since = "2.0.0",
     .complexity = "O(log(N)) with N members in the sorted set",
     .summary = "Returns how many members of a sorted set stand ahead of one.",
     .synopsis = "key member [WITHSCORE]"},
    {.name = "zrevrank",
     .fn = cmd_zrevrank,
     .arity = -3,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "sorted-set",
     .since = "2.0.0",
     .complexity = "O(log(N)) with N members in the sorted set",
     .summary = "Returns how many members of a sorted set stand behind one.",
     .synopsis = "key member [WITHSCORE]"},
    {.name = NULL},
};
