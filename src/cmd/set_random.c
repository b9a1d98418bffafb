/* Random members: SPOP, SRANDMEMBER. */
#include "base/mem.h"
#include "cmd/reply_walk.h"
#include "cmd/set.h"

/* --- drawing ---------------------------------------------------------------------------------- */

/* Draws at most this often until a member is not due; then takes the next live member behind the last draw. */
#define DRAWS_MAX 100
static struct slice draw(const struct item *it, struct rng *rng, int64_t now_ms,
                         char scratch[NUM_I64_CHARS])
{
    uint64_t count = set_count(it), n = 0;
    struct slice member;
    int64_t due_ms;
    for (int i = 0; i < DRAWS_MAX; i++) {
        n = rng_below(rng, count);
        member = set_at(it, n, &due_ms, scratch);
        if (due_ms > now_ms)
            return member;
    }
    while (due_ms <= now_ms) {
        n = n + 1 < count ? n + 1 : 0;
        member = set_at(it, n, &due_ms, scratch);
    }
    return member;
}

/* The number of members that are not due. */
static uint64_t live_count(const struct item *it, int64_t now_ms)
{
    return it ? set_count(it) - dues_count(it, now_ms) : 0;
}

/* --- taking out ------------------------------------------------------------------------------- */

/* The most members of an effect, and of their bytes, unless one member is longer. */
#define EFFECT_MEMBERS_MAX 128
#define EFFECT_BYTES_MAX   (64 * 1024)

/* The effect SREM k member ...: removed members are copied, as the set frees them. */
struct removal {
    struct slice argv[2 + EFFECT_MEMBERS_MAX];
    size_t len[EFFECT_MEMBERS_MAX];
    int count;
    struct buf texts;
};

static void removal_flush(struct removal *r, struct cmd_ctx *c)
{
    const char *at = r->texts.ptr;
    for (int i = 0; i < r->count; at += r->len[i++])
        r->argv[2 + i] = slice_of(at, r->len[i]);
    if (r->count > 0)
        ctx_effect(c, 2 + r->count, r->argv);
    r->count = 0;
    buf_clear(&r->texts);
}

/* False: no memory. */
static bool removal_add(struct removal *r, struct cmd_ctx *c, struct slice member)
{
    if (r->count == EFFECT_MEMBERS_MAX || r->texts.len + member.len > EFFECT_BYTES_MAX)
        removal_flush(r, c);
    buf_append_slice(&r->texts, member);
    if (r->texts.err)
        return false;
    r->len[r->count++] = member.len;
    return true;
}

/* Removes `n` random members of a set that has more live ones, and writes them. Returns how many: fewer where memory
 * runs out. */
static size_t take_some(struct cmd_ctx *c, struct ks_edit *e, uint64_t n, struct resp_writer *w)
{
    struct removal r = {.argv = {SLICE("SREM"), c->key.name}};
    char scratch[NUM_I64_CHARS];
    uint64_t taken = 0;
    buf_init(&r.texts);
    while (taken < n) {
        struct slice member = draw(e->item, c->rng, dues_now_ms(c->ks), scratch);
        if (!removal_add(&r, c, member))
            break;
        struct slice copy = slice_of(r.texts.ptr + r.texts.len - member.len, member.len);
        if (set_remove(e, copy) != ERR_OK) {
            r.count--;
            break;
        }
        resp_bulk(w, copy);
        taken++;
    }
    removal_flush(&r, c);
    buf_deinit(&r.texts);
    return taken;
}

/* Removes and replies one random member, in the usual case without an allocation. */
static enum err take_one(struct cmd_ctx *c, struct ks_edit *e)
{
    char scratch[NUM_I64_CHARS], copy[PACK_STRING_BYTES_MAX];
    struct slice member = draw(e->item, c->rng, dues_now_ms(c->ks), scratch);
    if (member.len > sizeof(copy))
        return take_some(c, e, 1, c->out) == 1 ? ERR_OK : ERR_NOMEM;
    bytes_copy(copy, member.ptr, member.len);
    member.ptr = copy;
    enum err err = set_remove(e, member);
    if (err)
        return err;
    struct slice effect[] = {SLICE("SREM"), c->key.name, member};
    ctx_effect(c, 3, effect);
    resp_bulk(c->out, member);
    return ERR_OK;
}

static void spop_one(struct cmd_ctx *c)
{
    struct ks_edit e;
    if (!ctx_edit_type(c, &c->key, TYPE_SET, &e))
        return;
    if (live_count(e.item, dues_now_ms(c->ks)) == 0) {
        if (e.item)
            ctx_edit_undone(&e);
        resp_null(c->out);
        return;
    }
    if (take_one(c, &e) == ERR_OK) {
        ctx_edited(c, &c->key, &e, NOTIFY_SET, "spop");
    } else {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
    }
}

static void spop_all(struct cmd_ctx *c, const struct item *it)
{
    struct slice effect[] = {SLICE("DEL"), c->key.name};
    set_reply_members(c, it);
    ks_delete(c->ks, c->db, &c->key);
    ctx_changed(c, &c->key, NOTIFY_SET, "spop");
    ctx_notify(c, c->key.name, NOTIFY_GENERIC, "del");
    ctx_effect(c, 2, effect);
}

static void cmd_spop(struct cmd_ctx *c)
{
    int64_t count;
    struct ks_edit e;
    if (c->argc == 2) {
        spop_one(c);
        return;
    }
    if (c->argc > 3) {
        ctx_reply_syntax(c);
        return;
    }
    if (!ctx_arg_range(c, 2, 0, INT64_MAX, &count, "value is out of range, must be positive"))
        return;
    const struct item *it = ctx_write(c, &c->key);
    if (!ctx_is_type(c, it, TYPE_SET))
        return;
    uint64_t live = live_count(it, dues_now_ms(c->ks));
    if (live == 0 || count == 0) {
        resp_set(c->out, 0);
        return;
    }
    if ((uint64_t)count >= live) {
        spop_all(c, it);
        return;
    }
    struct resp_inner in;
    ctx_edit_type(c, &c->key, TYPE_SET, &e);
    resp_inner_open(&in, c->out);
    size_t taken = take_some(c, &e, (uint64_t)count, &in.w);
    if (taken > 0) {
        resp_inner_close_set(&in, taken);
        ctx_edited(c, &c->key, &e, NOTIFY_SET, "spop");
    } else {
        resp_inner_drop(&in);
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
    }
}

/* --- looking at ------------------------------------------------------------------------------- */

/* How far a reply that may be long has come. It is written as the client reads it, so it draws from its own rng. */
struct draws {
    uint64_t at, left, among;
    int64_t now_ms;
    struct rng rng;
};

static bool write_any(void *state, const struct item *it, struct resp_writer *w, size_t bytes)
{
    struct draws *d = state;
    char scratch[NUM_I64_CHARS];
    for (size_t written = 0; d->left > 0 && written < bytes; d->left--) {
        struct slice member = draw(it, &d->rng, d->now_ms, scratch);
        resp_bulk(w, member);
        written += member.len + SET_MEMBER_EXTRA_BYTES;
    }
    return d->left > 0;
}

/* Writes k live members, each choice of k as likely as any other: a walk takes each live member with the probability
 * (wanted still) / (still to come). */
static bool write_share(void *state, const struct item *it, struct resp_writer *w, size_t bytes)
{
    struct draws *d = state;
    struct set_walk walk;
    struct slice member;
    set_walk_init(&walk, it, d->at, d->now_ms);
    for (size_t written = 0; d->left > 0 && written < bytes && set_walk_next(&walk, &member);
         d->among--) {
        if (rng_below(&d->rng, d->among) >= d->left)
            continue;
        resp_bulk(w, member);
        written += member.len + SET_MEMBER_EXTRA_BYTES;
        d->left--;
    }
    d->at = set_walk_at(&walk);
    return d->left > 0;
}

static void reply_in_pieces(struct cmd_ctx *c, const struct item *it, uint64_t n,
                            reply_walk_fn write)
{
    struct draws d = {.left = n, .now_ms = dues_now_ms(c->ks)};
    d.among = live_count(it, d.now_ms);
    rng_seed(&d.rng, rng_next(c->rng));
    ctx_reply_walk(c, it,
                   &(struct reply_walk){.header = resp_array,
                                        .count = (size_t)n,
                                        .write = write,
                                        .state = &d,
                                        .state_bytes = sizeof(d)});
}

/* The positions drawn so far: a hash table with open addressing, where 0 is an empty place. */
struct drawn {
    uint64_t *at; /* position + 1 */
    size_t mask;
};

static bool drawn_add(struct drawn *d, uint64_t position)
{
    size_t i = (size_t)(position * 0x9e3779b97f4a7c15u >> 20) & d->mask;
    for (; d->at[i]; i = (i + 1) & d->mask)
        if (d->at[i] == position + 1)
            return false;
    d->at[i] = position + 1;
    return true;
}

/* Replies k members of n like write_share, for few of many of which none is due: draws positions until k are
 * different. */
static void reply_by_draws(struct cmd_ctx *c, const struct item *it, uint64_t k, uint64_t n)
{
    size_t places = 4;
    while (places < 2 * k)
        places *= 2;
    struct drawn d = {mem_try_zalloc(places * sizeof(d.at[0])), places - 1};
    if (!d.at) {
        ctx_reply_nomem(c);
        return;
    }
    char scratch[NUM_I64_CHARS];
    int64_t due_ms;
    resp_array(c->out, k);
    while (k > 0) {
        uint64_t position = rng_below(c->rng, n);
        if (!drawn_add(&d, position))
            continue;
        resp_bulk(c->out, set_at(it, position, &due_ms, scratch));
        k--;
    }
    mem_free(d.at);
}

/* Where more than one in so many members is wanted, a walk is cheaper than draws. */
#define WALK_SHARE 4
static void srandmember_many(struct cmd_ctx *c, const struct item *it, int64_t wanted)
{
    uint64_t count = live_count(it, dues_now_ms(c->ks));
    if (wanted < 0) {
        reply_in_pieces(c, it, (uint64_t)-wanted, write_any);
        return;
    }
    uint64_t n = (uint64_t)wanted < count ? (uint64_t)wanted : count;
    if (n >= count / WALK_SHARE || count < set_count(it))
        reply_in_pieces(c, it, n, write_share);
    else
        reply_by_draws(c, it, n, count);
}

static void cmd_srandmember(struct cmd_ctx *c)
{
    const struct item *it;
    int64_t wanted;
    if (c->argc == 2) {
        if (!ctx_read_type(c, &c->key, TYPE_SET, &it))
            return;
        char scratch[NUM_I64_CHARS];
        if (live_count(it, dues_now_ms(c->ks)) > 0)
            resp_bulk(c->out, draw(it, c->rng, dues_now_ms(c->ks), scratch));
        else
            resp_null(c->out);
        return;
    }
    if (c->argc > 3) {
        ctx_reply_syntax(c);
        return;
    }
    if (!ctx_arg_range(c, 2, -INT64_MAX, INT64_MAX, &wanted, NULL))
        return;
    if (wanted < -(INT64_MAX / 2)) {
        resp_error(c->out, "value is out of range");
        return;
    }
    if (!ctx_read_type(c, &c->key, TYPE_SET, &it))
        return;
    if (wanted != 0 && live_count(it, dues_now_ms(c->ks)) > 0)
        srandmember_many(c, it, wanted);
    else
        resp_array(c->out, 0);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_set_random[] = {
    {.name = "spop",
     .fn = cmd_spop,
     .arity = -2,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(log N), or O(M log N) for M members of N",
     .summary = "Removes random members from a set and returns them.",
     .synopsis = "key [count]",
     .tips = "nondeterministic_output"},
    {.name = "srandmember",
     .fn = cmd_srandmember,
     .arity = -2,
     .flags = CMD_READONLY,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(log N), or O(M log N) for M members of N",
     .summary = "Returns random members of a set.",
     .synopsis = "key [count]",
     .tips = "nondeterministic_output"},
    {.name = NULL},
};
