/* ZRANDMEMBER and ZSCAN. */
#include "cmd/scan_options.h"
#include "cmd/zset.h"

#include "base/mem.h"

/* --- ZRANDMEMBER -------------------------------------------------------------------------------------------- */

static void reply_nth(struct cmd_ctx *c, const struct item *it, uint64_t nth, bool with_scores)
{
    struct zset_walk w;
    struct zset_element el;
    zset_walk_init(&w, it, nth, 1, false);
    if (zset_walk_next(&w, &el))
        zset_reply_element(c, &el, with_scores);
}

static uint64_t draw(struct cmd_ctx *c, uint64_t below)
{
    return rng_next(c->rng) % below;
}

/* The ranks drawn so far: a hash table with open addressing, where 0 is an empty place. */
struct drawn {
    uint64_t *slots, mask;
};

static bool drawn_add(struct drawn *d, uint64_t rank)
{
    uint64_t at = rank * 0x9e3779b97f4a7c15u >> 32 & d->mask;
    for (; d->slots[at]; at = (at + 1) & d->mask)
        if (d->slots[at] == rank + 1)
            return false;
    d->slots[at] = rank + 1;
    return true;
}

/* Replies `n` different members by Floyd's algorithm, which needs one draw for each (Bentley, "Programming pearls: a
 * sample of brilliance", CACM 30:9, 1987). */
static void reply_sample(struct cmd_ctx *c, const struct item *it, uint64_t n, bool with_scores)
{
    uint64_t count = zset_count(it), room = 16;
    while (room < 2 * n)
        room *= 2;
    struct drawn d = {mem_try_zalloc(room * sizeof(uint64_t)), room - 1};
    if (!d.slots) {
        ctx_reply_nomem(c);
        return;
    }
    zset_reply_header(c, n, with_scores);
    for (uint64_t last = count - n; last < count; last++) {
        uint64_t rank = draw(c, last + 1);
        if (!drawn_add(&d, rank)) {
            rank = last;
            drawn_add(&d, rank);
        }
        reply_nth(c, it, rank, with_scores);
    }
    mem_free(d.slots);
}

static void cmd_zrandmember(struct cmd_ctx *c)
{
    const struct item *it;
    int64_t n = 0;
    bool with_scores = c->argc == 4;
    if (c->argc > 2 && !ctx_arg_range(c, 2, -INT64_MAX, INT64_MAX, &n, NULL))
        return;
    if (c->argc > 4 || (with_scores && !slice_is(c->argv[3], "WITHSCORES"))) {
        ctx_reply_syntax(c);
        return;
    }
    if (with_scores && (n < -INT64_MAX / 2 || n > INT64_MAX / 2)) {
        resp_error(c->out, "value is out of range");
        return;
    }
    if (!ctx_read_type(c, &c->key, TYPE_ZSET, &it))
        return;
    if (c->argc == 2 && it)
        reply_nth(c, it, draw(c, zset_count(it)), false);
    else if (c->argc == 2)
        resp_null(c->out);
    else if (!it || n == 0)
        resp_array(c->out, 0);
    else if (n > 0 && (uint64_t)n >= zset_count(it))
        zset_reply_run(
            c, it,
            &(struct zset_reply_run){.n = zset_count(it),
                                     .form = with_scores ? ZSET_WITH_SCORES : ZSET_MEMBERS});
    else if (n > 0)
        reply_sample(c, it, (uint64_t)n, with_scores);
    else
        for (zset_reply_header(c, (uint64_t)-n, with_scores); n < 0; n++)
            reply_nth(c, it, draw(c, zset_count(it)), with_scores);
}

/* --- ZSCAN -------------------------------------------------------------------------------------------------- */

static void scan_reply(struct resp_inner *in, const struct zset_element *el)
{
    char text[VALUE_NUMBER_CHARS];
    resp_bulk(&in->w, el->member);
    resp_bulk(&in->w, slice_of(text, (size_t)num_print_double(text, el->score)));
}

/* The cursor is the least score still to come, rounded to so few bits that a JavaScript number holds it. Members with
 * the same cursor are given in one reply. So each member that stays during the whole scan is given, whatever is added
 * and removed around it. */
static void cmd_zscan(struct cmd_ctx *c)
{
    const struct item *it;
    struct scan_options o;
    uint64_t cursor, given = 0, seen = 0, next = 0, last = 0;
    if (!scan_cursor_parse(c, 2, &cursor) || !scan_options_parse(c, 3, 0, &o))
        return;
    if (!ctx_read_type(c, &c->key, TYPE_ZSET, &it)) {
        scan_options_deinit(&o);
        return;
    }
    struct resp_inner in;
    struct zset_walk w;
    struct zset_element el;
    resp_inner_open(&in, c->out);
    if (it) {
        zset_walk_init(&w, it, zset_scan_rank(it, cursor), UINT64_MAX, false);
        while (next == 0 && zset_walk_next(&w, &el)) {
            uint64_t at = zset_scan_cursor(it, el.score);
            if (seen >= o.count && at != last) {
                next = at;
                break;
            }
            last = at;
            seen++;
            if (scan_matches(&o, el.member)) {
                scan_reply(&in, &el);
                given++;
            }
        }
    }
    scan_options_deinit(&o);
    char text[NUM_I64_CHARS];
    resp_array(c->out, 2);
    resp_bulk(c->out, slice_of(text, (size_t)num_print_u64(text, next)));
    resp_inner_close_array(&in, 2 * given);
}

const struct cmd_row cmd_rows_zset_random[] = {
    {.name = "zrandmember",
     .fn = cmd_zrandmember,
     .arity = -2,
     .flags = CMD_READONLY,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "sorted-set",
     .since = "6.2.0",
     .complexity = "O(M*log(N)) for M members of N",
     .summary = "Returns members of a sorted set at random.",
     .synopsis = "key [count [WITHSCORES]]",
     .tips = "nondeterministic_output"},
    {.name = "zscan",
     .fn = cmd_zscan,
     .arity = -3,
     .flags = CMD_READONLY,
     .acl = ACL_SORTEDSET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "sorted-set",
     .since = "2.8.0",
     .complexity = "O(log(N)+M) for M members of N",
     .summary = "Walks through the members and scores of a sorted set in pieces.",
     .synopsis = "key cursor [MATCH pattern] [COUNT count]",
     .tips = "nondeterministic_output"},
    {.name = NULL},
};
