/* Ranges of sorted sets, by rank, score or member: all are runs of ranks, found in O(log n). */
#include "cmd/zset.h"

enum range_by { BY_RANK, BY_SCORE, BY_LEX, BY_ANY /* as the options say; without one, ranks */ };

/* The ranks from `from` to `to` - 1. */
struct run {
    uint64_t from, to;
};

/* --- where a range begins and ends ------------------------------------------------------------------------ */

struct bound {
    enum { LOWEST, HIGHEST, AT } where;
    bool exclusive;
    double score;
    struct slice member;
};

static bool parse_score(struct slice s, struct bound *b)
{
    b->where = AT;
    b->exclusive = s.len > 0 && s.ptr[0] == '(';
    if (b->exclusive)
        s = slice_of(s.ptr + 1, s.len - 1);
    return num_parse_double(s, &b->score);
}

static bool parse_member(struct slice s, struct bound *b)
{
    if (s.len == 1 && (s.ptr[0] == '-' || s.ptr[0] == '+')) {
        b->where = s.ptr[0] == '-' ? LOWEST : HIGHEST;
        return true;
    }
    if (s.len == 0 || (s.ptr[0] != '(' && s.ptr[0] != '['))
        return false;
    b->where = AT;
    b->exclusive = s.ptr[0] == '(';
    b->member = slice_of(s.ptr + 1, s.len - 1);
    return true;
}

/* Parses the bounds in arguments `min` and `max`. False: the error is replied. */
static bool parse_bounds(struct cmd_ctx *c, enum range_by by, int min, int max, struct bound b[2])
{
    const int at[2] = {min, max};
    for (int i = 0; i < 2; i++) {
        b[i] = (struct bound){0};
        bool ok = by == BY_SCORE ? parse_score(c->argv[at[i]], &b[i])
                                 : parse_member(c->argv[at[i]], &b[i]);
        if (ok)
            continue;
        resp_error(c->out, by == BY_SCORE ? "min or max is not a float"
                                          : "min or max not valid string range item");
        return false;
    }
    return true;
}

/* Borrowed from the walk. */
static struct zset_element element_at(const struct item *it, uint64_t rank, struct zset_walk *w)
{
    struct zset_element e = {0};
    zset_walk_init(w, it, rank, 1, false);
    zset_walk_next(w, &e);
    return e;
}

/* Where scores differ, the members are not in the order of their bytes. Redis searches them as if they were, and so
 * does this search. */
static uint64_t rank_among_scores(const struct item *it, struct slice member, bool behind)
{
    uint64_t from = 0, to = zset_count(it);
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        struct zset_walk w;
        int order = slice_compare(element_at(it, middle, &w).member, member);
        if (order < 0 || (order == 0 && behind))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static uint64_t rank_of(const struct item *it, enum range_by by, const struct bound *b, bool is_max)
{
    struct zset_place p = {.score = b->score, .member = b->member};
    if (b->where != AT)
        return b->where == LOWEST ? 0 : zset_count(it);
    bool behind = b->exclusive != is_max;
    if (by == BY_SCORE) {
        p.side = behind ? ZSET_AFTER_SCORE : ZSET_BEFORE_SCORE;
        return zset_ahead(it, &p);
    }
    struct zset_walk w;
    p.score = element_at(it, 0, &w).score;
    if (p.score != element_at(it, zset_count(it) - 1, &w).score)
        return rank_among_scores(it, b->member, behind);
    p.side = behind ? ZSET_AFTER : ZSET_BEFORE;
    return zset_ahead(it, &p);
}

static struct run run_of(const struct item *it, enum range_by by, const struct bound b[2])
{
    struct run r = {rank_of(it, by, &b[0], false), rank_of(it, by, &b[1], true)};
    if (r.to < r.from)
        r.to = r.from;
    return r;
}

/* The run from rank `start` to rank `end`, both inclusive; negative ranks count from the end. */
static struct run run_of_ranks(int64_t start, int64_t end, uint64_t count)
{
    int64_t n = (int64_t)count;
    if (start < 0)
        start = start + n < 0 ? 0 : start + n;
    if (end < 0)
        end += n;
    if (end >= n)
        end = n - 1;
    if (start > end || start >= n)
        return (struct run){0, 0};
    return (struct run){(uint64_t)start, (uint64_t)end + 1};
}

/* --- counting and removing -------------------------------------------------------------------------------- */

static void count_range(struct cmd_ctx *c, enum range_by by)
{
    const struct item *it;
    struct bound b[2];
    if (!parse_bounds(c, by, 2, 3, b) || !ctx_read_type(c, &c->key, TYPE_ZSET, &it))
        return;
    struct run r = it ? run_of(it, by, b) : (struct run){0, 0};
    resp_int(c->out, (int64_t)(r.to - r.from));
}

static void cmd_zcount(struct cmd_ctx *c)
{
    count_range(c, BY_SCORE);
}

static void cmd_zlexcount(struct cmd_ctx *c)
{
    count_range(c, BY_LEX);
}

static void remove_range(struct cmd_ctx *c, enum range_by by, const char *event)
{
    struct bound b[2];
    int64_t start = 0, end = 0;
    struct ks_edit e;
    bool parsed = by == BY_RANK ? ctx_arg_i64(c, 2, &start) && ctx_arg_i64(c, 3, &end)
                                : parse_bounds(c, by, 2, 3, b);
    if (!parsed || !ctx_edit_type(c, &c->key, TYPE_ZSET, &e))
        return;
    if (!e.item) {
        resp_int(c->out, 0);
        return;
    }
    struct run r =
        by == BY_RANK ? run_of_ranks(start, end, zset_count(e.item)) : run_of(e.item, by, b);
    bool empty = r.from == r.to;
    if (empty || zset_remove_run(&e, r.from, r.to - r.from) != ERR_OK) {
        ctx_edit_undone(&e);
        if (empty)
            resp_int(c->out, 0);
        else
            ctx_reply_nomem(c);
        return;
    }
    ctx_edited(c, &c->key, &e, NOTIFY_ZSET, event);
    ctx_effect_as_is(c);
    resp_int(c->out, (int64_t)(r.to - r.from));
}

static void cmd_zremrangebyrank(struct cmd_ctx *c)
{
    remove_range(c, BY_RANK, "zremrangebyrank");
}

static void cmd_zremrangebyscore(struct cmd_ctx *c)
{
    remove_range(c, BY_SCORE, "zremrangebyscore");
}

static void cmd_zremrangebylex(struct cmd_ctx *c)
{
    remove_range(c, BY_LEX, "zremrangebylex");
}

/* --- ZRANGE and its family ---------------------------------------------------------------------------------- */

struct range {
    int first; /* argument where the range begins; the key is ahead of it */
    enum range_by by;
    bool any_direction, reverse; /* REV is known; the range goes from the end */
    bool store;
    bool with_scores, limited;
    int64_t offset, limit; /* -1: none */
    int64_t start, end;
    struct bound bounds[2];
};

static bool range_options(struct cmd_ctx *c, struct range *r)
{
    bool any = r->by == BY_ANY;
    r->limit = -1;
    for (int i = r->first + 2; i < c->argc; i++) {
        if (!r->store && slice_is(c->argv[i], "WITHSCORES")) {
            r->with_scores = true;
        } else if (slice_is(c->argv[i], "LIMIT") && i + 2 < c->argc) {
            if (!ctx_arg_i64(c, i + 1, &r->offset) || !ctx_arg_i64(c, i + 2, &r->limit))
                return false;
            r->limited = true;
            i += 2;
        } else if (r->any_direction && slice_is(c->argv[i], "REV")) {
            r->reverse = true;
        } else if (any && slice_is(c->argv[i], "BYLEX")) {
            r->by = BY_LEX;
        } else if (any && slice_is(c->argv[i], "BYSCORE")) {
            r->by = BY_SCORE;
        } else {
            ctx_reply_syntax(c);
            return false;
        }
    }
    if (r->by == BY_ANY)
        r->by = BY_RANK;
    const char *error = NULL;
    if (r->limited && r->limit != -1 && r->by == BY_RANK)
        error = "syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
    else if (r->with_scores && r->by == BY_LEX)
        error = "syntax error, WITHSCORES not supported in combination with BYLEX";
    if (error)
        resp_error(c->out, error);
    return !error;
}

static bool range_parse(struct cmd_ctx *c, struct range *r)
{
    if (!range_options(c, r))
        return false;
    if (r->by == BY_RANK)
        return ctx_arg_i64(c, r->first, &r->start) && ctx_arg_i64(c, r->first + 1, &r->end);
    int min = r->first + r->reverse, max = r->first + !r->reverse;
    return parse_bounds(c, r->by, min, max, r->bounds);
}

/* The run to walk; in reverse, its ranks count from the end. */
static struct run range_run(const struct range *r, const struct item *it)
{
    uint64_t count = zset_count(it);
    if (r->by == BY_RANK)
        return run_of_ranks(r->start, r->end, count);
    struct run run = run_of(it, r->by, r->bounds);
    if (r->reverse)
        run = (struct run){count - run.to, count - run.from};
    uint64_t n = run.to - run.from;
    if (r->offset < 0 || (uint64_t)r->offset >= n)
        return (struct run){0, 0};
    run.from += (uint64_t)r->offset;
    if (r->limit >= 0 && (uint64_t)r->limit < run.to - run.from)
        run.to = run.from + (uint64_t)r->limit;
    return run;
}

static void range(struct cmd_ctx *c, struct range *r)
{
    const struct item *it;
    r->first = 2;
    if (!range_parse(c, r) || !ctx_read_type(c, &c->key, TYPE_ZSET, &it))
        return;
    struct run run = it ? range_run(r, it) : (struct run){0, 0};
    zset_reply_run(
        c, it,
        &(struct zset_reply_run){.from = run.from,
                                 .n = run.to - run.from,
                                 .reverse = r->reverse,
                                 .form = r->with_scores ? ZSET_WITH_SCORES : ZSET_MEMBERS});
}

static void cmd_zrange(struct cmd_ctx *c)
{
    range(c, &(struct range){.by = BY_ANY, .any_direction = true});
}

static void cmd_zrevrange(struct cmd_ctx *c)
{
    range(c, &(struct range){.by = BY_RANK, .reverse = true});
}

static void cmd_zrangebyscore(struct cmd_ctx *c)
{
    range(c, &(struct range){.by = BY_SCORE});
}

static void cmd_zrevrangebyscore(struct cmd_ctx *c)
{
    range(c, &(struct range){.by = BY_SCORE, .reverse = true});
}

static void cmd_zrangebylex(struct cmd_ctx *c)
{
    range(c, &(struct range){.by = BY_LEX});
}

static void cmd_zrevrangebylex(struct cmd_ctx *c)
{
    range(c, &(struct range){.by = BY_LEX, .reverse = true});
}

/* False: no memory. */
static bool copy_run(struct ks_edit *e, const struct item *it, struct run run, bool reverse)
{
    struct zset_walk w;
    struct zset_element el;
    zset_walk_init(&w, it, run.from, run.to - run.from, reverse);
    while (zset_walk_next(&w, &el)) {
        struct zset_add add = {.score = el.score};
        if (zset_add(e, el.member, &add) != ERR_OK)
            return false;
    }
    return true;
}

static void cmd_zrangestore(struct cmd_ctx *c)
{
    struct range r = {.first = 3, .by = BY_ANY, .any_direction = true, .store = true};
    const struct item *it;
    struct ks_edit e;
    if (!range_parse(c, &r))
        return;
    struct key from = ctx_key(c, 2);
    if (!ctx_read_type(c, &from, TYPE_ZSET, &it))
        return;
    if (!ks_edit_aside(c->ks, &c->key, TYPE_ZSET, &e)) {
        ctx_reply_nomem(c);
        return;
    }
    if (it && !copy_run(&e, it, range_run(&r, it), r.reverse)) {
        ks_edit_drop(&e);
        ctx_reply_nomem(c);
        return;
    }
    zset_store_aside(c, &c->key, &e, "zrangestore");
}

#define RANGE_COMPLEXITY "O(log(N)+M) for M members of N"
#define RANGE_ROW                                                     \
    .arity = -4, .flags = CMD_READONLY, .acl = ACL_SORTEDSET,         \
    .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)}, .group = "sorted-set", \
    .complexity = RANGE_COMPLEXITY
#define REMOVE_ROW                                                    \
    .arity = 4, .flags = CMD_WRITE, .acl = ACL_SORTEDSET,             \
    .keys = {CMD_KEY(1, KEY_RW | KEY_DELETE)}, .group = "sorted-set", \
    .complexity = RANGE_COMPLEXITY
#define COUNT_ROW                                                       \
    .arity = 4, .flags = CMD_READONLY | CMD_FAST, .acl = ACL_SORTEDSET, \
    .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)}, .group = "sorted-set",   \
    .complexity = "O(log(N)) with N members in the sorted set"

const struct cmd_row cmd_rows_zset_range[] = {
    {.name = "zcount",
     .fn = cmd_zcount,
     COUNT_ROW,
     .since = "2.0.0",
     .summary = "Counts the members of a sorted set whose scores are in a range.",
     .synopsis = "key min:double max:double"},
    {.name = "zlexcount",
     .fn = cmd_zlexcount,
     COUNT_ROW,
     .since = "2.8.9",
     .summary = "Counts the members of a sorted set that are in a range of strings.",
     .synopsis = "key min max"},
    {.name = "zrange",
     .fn = cmd_zrange,
     RANGE_ROW,
     .since = "1.2.0",
     .summary = "Returns a range of a sorted set, by rank, score or member.",
     .synopsis = "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count]"
                 " [WITHSCORES]"},
    {.name = "zrevrange",
     .fn = cmd_zrevrange,
     RANGE_ROW,
     .since = "1.2.0",
     .summary = "Returns a range of a sorted set by rank, from the end.",
     .synopsis = "key start stop [WITHSCORES]"},
    {.name = "zrangebyscore",
     .fn = cmd_zrangebyscore,
     RANGE_ROW,
     .since = "1.0.5",
     .summary = "Returns the members of a sorted set whose scores are in a range.",
     .synopsis = "key min:double max:double [WITHSCORES] [LIMIT offset count]"},
    {.name = "zrevrangebyscore",
     .fn = cmd_zrevrangebyscore,
     RANGE_ROW,
     .since = "2.2.0",
     .summary = "Returns the members of a sorted set whose scores are in a range, from the end.",
     .synopsis = "key max:double min:double [WITHSCORES] [LIMIT offset count]"},
    {.name = "zrangebylex",
     .fn = cmd_zrangebylex,
     RANGE_ROW,
     .since = "2.8.9",
     .summary = "Returns the members of a sorted set that are in a range of strings.",
     .synopsis = "key min max [LIMIT offset count]"},
    {.name = "zrevrangebylex",
     .fn = cmd_zrevrangebylex,
     RANGE_ROW,
     .since = "2.8.9",
     .summary = "Returns the members of a sorted set that are in a range of strings, from the end.",
     .synopsis = "key max min [LIMIT offset count]"},
    {.name = "zrangestore",
     .fn = cmd_zrangestore,
     .arity = -5,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_OW | KEY_UPDATE), CMD_KEY(2, KEY_RO | KEY_ACCESS)},
     .group = "sorted-set",
     .since = "6.2.0",
     .complexity = "O(log(N)+M*log(M)) for M members of N",
     .summary = "Stores a range of a sorted set in a key.",
     .synopsis = "destination source min max [BYSCORE | BYLEX] [REV]"
                 " [LIMIT offset count]"},
    {.name = "zremrangebyrank",
     .fn = cmd_zremrangebyrank,
     REMOVE_ROW,
     .since = "2.0.0",
     .summary = "Removes a range of a sorted set by rank.",
     .synopsis = "key start stop"},
    {.name = "zremrangebyscore",
     .fn = cmd_zremrangebyscore,
     REMOVE_ROW,
     .since = "1.2.0",
     .summary = "Removes the members of a sorted set whose scores are in a range.",
     .synopsis = "key min:double max:double"},
    {.name = "zremrangebylex",
     .fn = cmd_zremrangebylex,
     REMOVE_ROW,
     .since = "2.8.9",
     .summary = "Removes the members of a sorted set that are in a range of strings.",
     .synopsis = "key min max"},
    {.name = NULL},
};
