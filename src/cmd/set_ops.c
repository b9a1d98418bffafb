/* Several sets at once: intersections, unions, differences, as a reply, as a count, or stored. */
#include <stdlib.h>

#include "base/mem.h"
#include "cmd/set.h"

/* --- the sets --------------------------------------------------------------------------------- */

#define SETS_AT_HAND 16
struct sets {
    size_t count;
    const struct item **at; /* NULL: there is no such key */
    size_t missing;
    int64_t now_ms;
    const struct item *at_hand[SETS_AT_HAND];
    struct set_finger fingers[SETS_AT_HAND]; /* of the first ones */
};

static void sets_deinit(struct sets *s)
{
    if (s->at != s->at_hand)
        mem_free(s->at);
}

/* Looks up the sets in arguments first to end - 1. False: the error is replied. */
static bool sets_init(struct sets *s, struct cmd_ctx *c, int first, int end)
{
    struct key keys[CTX_KEYS_GROUP];
    *s = (struct sets){
        .count = (size_t)(end - first), .at = s->at_hand, .now_ms = dues_now_ms(c->ks)};
    if (s->count > SETS_AT_HAND)
        s->at = mem_try_alloc(s->count * sizeof(s->at[0]));
    if (!s->at) {
        ctx_reply_nomem(c);
        return false;
    }
    const struct item **to = s->at;
    for (int i = first, n; i < end; i += n) {
        n = ctx_keys_fetch(c, i, 1, end, keys);
        for (int k = 0; k < n; k++, to++) {
            if (!ctx_read_whole(c, &keys[k], to) || !ctx_is_type(c, *to, TYPE_SET)) {
                sets_deinit(s);
                return false;
            }
            s->missing += !*to;
        }
    }
    return true;
}

/* --- the operations --------------------------------------------------------------------------- */

/* Takes the next member of a result, borrowed for the call. False: no more are wanted. */
typedef bool (*emit_fn)(struct slice member, void *arg);
struct result {
    emit_fn emit;
    void *arg;
};

static int by_count(const void *a, const void *b)
{
    uint64_t x = set_count(*(const struct item *const *)a);
    uint64_t y = set_count(*(const struct item *const *)b);
    return (x > y) - (x < y);
}

static void fingers_init(struct sets *s)
{
    for (size_t i = 0; i < s->count && i < SETS_AT_HAND; i++)
        if (s->at[i])
            set_finger_init(&s->fingers[i], s->at[i]);
}

/* True: set i exists and has the member that the walk through another set gave last. */
static bool one_has(struct sets *s, size_t i, const struct set_walk *w, struct slice member)
{
    struct pack_entry m;
    if (!s->at[i])
        return false;
    if (i < SETS_AT_HAND)
        return set_finger_has(&s->fingers[i], w, member);
    pack_entry_init_to_find(&m, member);
    return set_has(s->at[i], &m, s->now_ms);
}

/* True: at least one of the sets from..to - 1 has the member. */
static bool any_has(struct sets *s, size_t from, size_t to, const struct set_walk *w,
                    struct slice member)
{
    for (size_t i = from; i < to; i++)
        if (one_has(s, i, w, member))
            return true;
    return false;
}

/* True: all sets behind the first have the member. */
static bool others_have(struct sets *s, const struct set_walk *w, struct slice member)
{
    for (size_t i = 1; i < s->count; i++)
        if (!one_has(s, i, w, member))
            return false;
    return true;
}

/* Looks the members of the smallest set up in the others, in smaller sets first. */
static void intersect(struct sets *s, const struct result *r)
{
    struct set_walk w;
    struct slice member;
    if (s->missing > 0)
        return;
    qsort((void *)s->at, s->count, sizeof(s->at[0]), by_count);
    fingers_init(s);
    set_walk_init(&w, s->at[0], 0, s->now_ms);
    while (set_walk_next(&w, &member)) {
        if (others_have(s, &w, member) && !r->emit(member, r->arg))
            return;
    }
}

static void subtract(struct sets *s, const struct result *r)
{
    struct set_walk w;
    struct slice member;
    if (!s->at[0])
        return;
    fingers_init(s);
    set_walk_init(&w, s->at[0], 0, s->now_ms);
    while (set_walk_next(&w, &member)) {
        if (!any_has(s, 1, s->count, &w, member) && !r->emit(member, r->arg))
            return;
    }
}

/* Emits the members of each set that no set ahead of it has. */
static void unite(struct sets *s, const struct result *r)
{
    struct set_walk w;
    struct slice member;
    fingers_init(s);
    for (size_t i = 0; i < s->count; i++) {
        if (!s->at[i])
            continue;
        set_walk_init(&w, s->at[i], 0, s->now_ms);
        while (set_walk_next(&w, &member)) {
            if (!any_has(s, 0, i, &w, member) && !r->emit(member, r->arg))
                return;
        }
    }
}

struct operation {
    void (*run)(struct sets *s, const struct result *r);
    const char *event; /* of the form that stores */
    bool unites;
};
static const struct operation intersection = {intersect, "sinterstore", false};
static const struct operation difference = {subtract, "sdiffstore", false};
static const struct operation union_of = {unite, "sunionstore", true};

/* A union of more sets is built as a set: one look-up a member, in place of one in each set ahead. */
#define UNITED_BY_LOOKUPS_MAX 4
static bool needs_set(const struct operation *op, const struct sets *s)
{
    return op->unites && s->count - s->missing > UNITED_BY_LOOKUPS_MAX;
}

/* --- results as sets -------------------------------------------------------------------------- */

struct made {
    struct ks_edit edit;
    uint64_t count;
    enum err err;
};

static bool emit_to_set(struct slice member, void *arg)
{
    struct made *m = arg;
    bool added;
    m->err = set_add(&m->edit, member, &added);
    m->count += added;
    return m->err == ERR_OK;
}

/* Builds the result aside, as a value for c->key. False: no memory; the error is replied. */
static bool make(struct cmd_ctx *c, const struct operation *op, struct sets *s, struct made *m)
{
    m->count = 0;
    m->err = ERR_OK;
    if (!ks_edit_aside(c->ks, &c->key, TYPE_SET, &m->edit)) {
        ctx_reply_nomem(c);
        return false;
    }
    if (op->unites) {
        /* set_add skips duplicates itself. */
        for (size_t i = 0; i < s->count && !m->err; i++) {
            struct set_walk w;
            struct slice member;
            if (!s->at[i])
                continue;
            set_walk_init(&w, s->at[i], 0, s->now_ms);
            while (set_walk_next(&w, &member) && emit_to_set(member, m))
                ;
        }
    } else {
        op->run(s, &(struct result){emit_to_set, m});
    }
    if (m->err) {
        ks_edit_drop(&m->edit);
        ctx_reply_nomem(c);
    }
    return !m->err;
}

/* --- as a reply ------------------------------------------------------------------------------- */

struct listing {
    struct resp_inner reply;
    size_t count;
};

static bool emit_to_reply(struct slice member, void *arg)
{
    struct listing *l = arg;
    resp_bulk(&l->reply.w, member);
    l->count++;
    return true;
}

/* True: the result is the set *one; NULL: it is empty. */
static bool is_one_set(const struct operation *op, const struct sets *s, const struct item **one)
{
    *one = s->at[0];
    if (s->count == 1)
        return true;
    if (s->missing + 1 < s->count || (!op->unites && op->run == intersect))
        return false;
    if (op->unites)
        for (size_t i = 0; i < s->count; i++)
            *one = s->at[i] ? s->at[i] : *one;
    return true;
}

static void reply(struct cmd_ctx *c, const struct operation *op)
{
    struct sets s;
    const struct item *one;
    struct made m;
    if (!sets_init(&s, c, 1, c->argc))
        return;
    if (is_one_set(op, &s, &one)) {
        set_reply_members(c, one);
    } else if (needs_set(op, &s)) {
        if (make(c, op, &s, &m)) {
            set_reply_members(c, m.edit.item);
            ks_edit_drop(&m.edit);
        }
    } else {
        struct listing l = {.count = 0};
        resp_inner_open(&l.reply, c->out);
        op->run(&s, &(struct result){emit_to_reply, &l});
        resp_inner_close_set(&l.reply, l.count);
    }
    sets_deinit(&s);
}

static void cmd_sinter(struct cmd_ctx *c)
{
    reply(c, &intersection);
}
static void cmd_sunion(struct cmd_ctx *c)
{
    reply(c, &union_of);
}
static void cmd_sdiff(struct cmd_ctx *c)
{
    reply(c, &difference);
}

/* --- as a count ------------------------------------------------------------------------------- */

struct tally {
    uint64_t count, limit; /* 0: none */
};

static bool emit_to_tally(struct slice member, void *arg)
{
    (void)member;
    struct tally *t = arg;
    return ++t->count != t->limit;
}

/* Reads [APPROX] [LIMIT limit]. APPROX changes nothing: the count is always exact. False: the error is replied. */
static bool parse_card(struct cmd_ctx *c, int first, bool approx_known, struct tally *t)
{
    int64_t limit = 0;
    for (int i = first; i < c->argc; i++) {
        if (approx_known && slice_is(c->argv[i], "approx"))
            continue;
        if (!slice_is(c->argv[i], "limit") || i + 1 == c->argc) {
            ctx_reply_syntax(c);
            return false;
        }
        if (!ctx_arg_range(c, ++i, 0, INT64_MAX, &limit, "LIMIT can't be negative"))
            return false;
    }
    *t = (struct tally){.limit = (uint64_t)limit};
    return true;
}

static void card(struct cmd_ctx *c, const struct operation *op)
{
    int64_t keys;
    struct sets s;
    struct tally t;
    struct made m;
    if (!ctx_arg_range(c, 1, 1, INT64_MAX, &keys, "numkeys should be greater than 0"))
        return;
    if (keys > c->argc - 2) {
        resp_error(c->out, "Number of keys can't be greater than number of args");
        return;
    }
    int end = 2 + (int)keys;
    if (!parse_card(c, end, op->unites, &t) || !sets_init(&s, c, 2, end))
        return;
    if (!needs_set(op, &s)) {
        op->run(&s, &(struct result){emit_to_tally, &t});
        resp_int(c->out, (int64_t)t.count);
    } else if (make(c, op, &s, &m)) {
        ks_edit_drop(&m.edit);
        resp_int(c->out, (int64_t)(t.limit > 0 && t.limit < m.count ? t.limit : m.count));
    }
    sets_deinit(&s);
}

static void cmd_sintercard(struct cmd_ctx *c)
{
    card(c, &intersection);
}
static void cmd_sunioncard(struct cmd_ctx *c)
{
    card(c, &union_of);
}
static void cmd_sdiffcard(struct cmd_ctx *c)
{
    card(c, &difference);
}

/* --- stored ----------------------------------------------------------------------------------- */

/* A replay finds the same sets, so the request is its own effect. */
static void put(struct cmd_ctx *c, const struct operation *op, struct made *m)
{
    bool is_new = c->tell_new && !ctx_write(c, &c->key);
    if (ks_edit_put(&m->edit, c->db, &c->key) != ERR_OK) {
        ks_edit_drop(&m->edit);
        ctx_reply_nomem(c);
        return;
    }
    if (is_new)
        ctx_added(c, c->key.name);
    ctx_changed(c, &c->key, NOTIFY_SET, op->event);
    ctx_effect_as_is(c);
    resp_int(c->out, (int64_t)m->count);
}

static void store(struct cmd_ctx *c, const struct operation *op)
{
    struct sets s;
    struct made m;
    if (!sets_init(&s, c, 2, c->argc))
        return;
    if (make(c, op, &s, &m)) {
        if (m.count > 0) {
            put(c, op, &m);
        } else {
            ks_edit_drop(&m.edit);
            if (ks_find(c->ks, c->db, &c->key, KS_NO_TOUCH))
                ctx_delete_effect(c, &c->key);
            resp_int(c->out, 0);
        }
    }
    sets_deinit(&s);
}

static void cmd_sinterstore(struct cmd_ctx *c)
{
    store(c, &intersection);
}
static void cmd_sunionstore(struct cmd_ctx *c)
{
    store(c, &union_of);
}
static void cmd_sdiffstore(struct cmd_ctx *c)
{
    store(c, &difference);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define SOURCES_FROM(at)                                                   \
    {                                                                      \
        .first = (at), .last = -1, .step = 1, .flags = KEY_RO | KEY_ACCESS \
    }
#define COUNTED_SOURCES                                                   \
    {                                                                     \
        .first = 2, .step = 1, .numkeys = 1, .flags = KEY_RO | KEY_ACCESS \
    }
#define INTERSECT_WORK "O(N*M) for the N members of the smallest of M sets"
#define EACH_WORK      "O(N) for the N members of all sets"

const struct cmd_row cmd_rows_set_ops[] = {
    {.name = "sinter",
     .fn = cmd_sinter,
     .arity = -2,
     .flags = CMD_READONLY,
     .acl = ACL_SET,
     .keys = {SOURCES_FROM(1)},
     .group = "set",
     .since = "1.0.0",
     .complexity = INTERSECT_WORK,
     .summary = "Returns the members that several sets have in common.",
     .synopsis = "key [key ...]",
     .tips = "nondeterministic_output_order"},
    {.name = "sintercard",
     .fn = cmd_sintercard,
     .arity = -3,
     .flags = CMD_READONLY | CMD_MOVABLE_KEYS,
     .acl = ACL_SET,
     .keys = {COUNTED_SOURCES},
     .group = "set",
     .since = "7.0.0",
     .complexity = INTERSECT_WORK,
     .summary = "Counts the members that several sets have in common.",
     .synopsis = "numkeys key [key ...] [LIMIT limit]"},
    {.name = "sinterstore",
     .fn = cmd_sinterstore,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_OW | KEY_UPDATE), SOURCES_FROM(2)},
     .group = "set",
     .since = "1.0.0",
     .complexity = INTERSECT_WORK,
     .summary = "Stores the members that several sets have in common.",
     .synopsis = "destination key [key ...]"},
    {.name = "sunion",
     .fn = cmd_sunion,
     .arity = -2,
     .flags = CMD_READONLY,
     .acl = ACL_SET,
     .keys = {SOURCES_FROM(1)},
     .group = "set",
     .since = "1.0.0",
     .complexity = EACH_WORK,
     .summary = "Returns the members of several sets.",
     .synopsis = "key [key ...]",
     .tips = "nondeterministic_output_order"},
    {.name = "sunioncard",
     .fn = cmd_sunioncard,
     .arity = -3,
     .flags = CMD_READONLY | CMD_MOVABLE_KEYS,
     .acl = ACL_SET,
     .keys = {COUNTED_SOURCES},
     .group = "set",
     .since = "8.10.0",
     .complexity = EACH_WORK,
     .summary = "Counts the members of several sets, each once.",
     .synopsis = "numkeys key [key ...] [APPROX] [LIMIT limit]"},
    {.name = "sunionstore",
     .fn = cmd_sunionstore,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_OW | KEY_UPDATE), SOURCES_FROM(2)},
     .group = "set",
     .since = "1.0.0",
     .complexity = EACH_WORK,
     .summary = "Stores the members of several sets.",
     .synopsis = "destination key [key ...]"},
    {.name = "sdiff",
     .fn = cmd_sdiff,
     .arity = -2,
     .flags = CMD_READONLY,
     .acl = ACL_SET,
     .keys = {SOURCES_FROM(1)},
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(N*M) for the N members of the first of M sets",
     .summary = "Returns the members of the first set that the others do not have.",
     .synopsis = "key [key ...]",
     .tips = "nondeterministic_output_order"},
    {.name = "sdiffcard",
     .fn = cmd_sdiffcard,
     .arity = -3,
     .flags = CMD_READONLY | CMD_MOVABLE_KEYS,
     .acl = ACL_SET,
     .keys = {COUNTED_SOURCES},
     .group = "set",
     .since = "8.10.0",
     .complexity = "O(N*M) for the N members of the first of M sets",
     .summary = "Counts the members of the first set that the others do not have.",
     .synopsis = "numkeys key [key ...] [LIMIT limit]"},
    {.name = "sdiffstore",
     .fn = cmd_sdiffstore,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_OW | KEY_UPDATE), SOURCES_FROM(2)},
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(N*M) for the N members of the first of M sets",
     .summary = "Stores the members of the first set that the others do not have.",
     .synopsis = "destination key [key ...]"},
    {.name = NULL},
};
