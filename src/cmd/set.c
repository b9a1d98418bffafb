/* Sets, member by member: SADD, SREM and their family. */
#include "cmd/set.h"

#include "base/mem.h"
#include "cmd/reply_walk.h"
#include "cmd/scan_options.h"

/* --- adding and removing ---------------------------------------------------------------------- */

/* Which of a request's members were added, so that they can go again. */
#define BITS_AT_HAND 512
struct added {
    uint8_t at_hand[BITS_AT_HAND / 8];
    uint8_t *bits;
};

static bool added_init(struct added *a, size_t count)
{
    a->bits = a->at_hand;
    if (count > BITS_AT_HAND)
        a->bits = mem_try_alloc(count / 8 + 1);
    if (a->bits)
        memset(a->bits, 0, count > BITS_AT_HAND ? count / 8 + 1 : sizeof(a->at_hand));
    return a->bits;
}
static void added_deinit(struct added *a)
{
    if (a->bits != a->at_hand)
        mem_free(a->bits);
}

/* Takes out what was added. Where memory lacks even for that, what stays is told. */
static void take_back(struct cmd_ctx *c, struct ks_edit *e, const struct added *a)
{
    bool left = false;
    for (int i = 2; i < c->argc; i++) {
        size_t bit = (size_t)i - 2;
        if (!(a->bits[bit / 8] & 1u << bit % 8) || set_remove(e, c->argv[i]) == ERR_OK)
            continue;
        struct slice effect[] = {SLICE("SADD"), c->key.name, c->argv[i]};
        ctx_effect(c, 3, effect);
        left = true;
    }
    if (left)
        ctx_edited(c, &c->key, e, NOTIFY_SET, "sadd");
    else
        ctx_edit_undone(e);
}

/* Adds the members of a request; how many were not there. ERR_NOMEM: some may be there now. */
static enum err add_all(struct cmd_ctx *c, struct ks_edit *e, struct added *a, int64_t *count)
{
    enum err err = set_expect(e, (size_t)c->argc - 2, c->argv[2]);
    *count = 0;
    for (int i = 2; i < c->argc && !err; i++) {
        bool added;
        err = set_add(e, c->argv[i], &added);
        if (!added)
            continue;
        size_t bit = (size_t)i - 2;
        a->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
        ++*count;
    }
    return err;
}

static void cmd_sadd(struct cmd_ctx *c)
{
    struct ks_edit e;
    struct added added;
    int64_t count;
    if (!ctx_edit_or_new(c, &c->key, TYPE_SET, &e))
        return;
    if (!added_init(&added, (size_t)c->argc)) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    if (add_all(c, &e, &added, &count) != ERR_OK) {
        take_back(c, &e, &added);
        ctx_reply_nomem(c);
    } else {
        if (count > 0) {
            ctx_edited(c, &c->key, &e, NOTIFY_SET, "sadd");
            ctx_effect_as_is(c);
        } else {
            ctx_edit_undone(&e);
        }
        resp_int(c->out, count);
    }
    added_deinit(&added);
}

/* Where memory lacks, the members ahead are gone, and the effect has no others. */
static void cmd_srem(struct cmd_ctx *c)
{
    struct ks_edit e;
    int64_t count = 0;
    int i = 2;
    bool nomem = false;
    if (!ctx_edit_type(c, &c->key, TYPE_SET, &e))
        return;
    if (!e.item) {
        resp_int(c->out, 0);
        return;
    }
    for (; i < c->argc && !nomem; i++) {
        enum err err = set_remove(&e, c->argv[i]);
        count += err == ERR_OK;
        nomem = err == ERR_NOMEM;
    }
    if (count > 0)
        ctx_edited(c, &c->key, &e, NOTIFY_SET, "srem");
    else
        ctx_edit_undone(&e);
    if (nomem) {
        if (count > 0)
            ctx_effect(c, i - 1, c->argv);
        resp_error(c->out, count > 0 ? ERR_TEXT_NOMEM_MIDWAY : ERR_TEXT_NOMEM);
        return;
    }
    if (count > 0)
        ctx_effect_as_is(c);
    resp_int(c->out, count);
}

/* --- moving ----------------------------------------------------------------------------------- */

/* From one set to another; both edits are under way, and are ended. */
static void move(struct cmd_ctx *c, struct ks_edit *from, struct ks_edit *to, const struct key *dst)
{
    bool added;
    enum err err = set_add(to, c->argv[3], &added);
    if (!err)
        err = set_remove(from, c->argv[3]);
    if (err) {
        /* It was added a moment ago, where it is the last one: no memory is needed. */
        if (added)
            set_remove(to, c->argv[3]);
        ctx_edit_undone(from);
        ctx_edit_undone(to);
        ctx_reply_nomem(c);
        return;
    }
    ctx_edited(c, &c->key, from, NOTIFY_SET, "srem");
    if (added)
        ctx_edited(c, dst, to, NOTIFY_SET, "sadd");
    else
        ctx_edit_undone(to);
    ctx_effect_as_is(c);
    resp_int(c->out, 1);
}

static void cmd_smove(struct cmd_ctx *c)
{
    struct key dst = ctx_key(c, 2);
    const struct item *src = ctx_write(c, &c->key), *there = src ? ctx_write(c, &dst) : NULL;
    struct pack_entry member;
    if (!src) {
        resp_int(c->out, 0);
        return;
    }
    if (!ctx_is_type(c, src, TYPE_SET) || !ctx_is_type(c, there, TYPE_SET))
        return;
    pack_entry_init_to_find(&member, c->argv[3]);
    bool has = set_has(src, &member);
    if (!has || slice_equal(c->argv[1], c->argv[2])) {
        resp_int(c->out, has);
        return;
    }
    struct ks_edit from, to;
    if (!ctx_edit_or_new(c, &dst, TYPE_SET, &to))
        return;
    ctx_edit_type(c, &c->key, TYPE_SET, &from);
    move(c, &from, &to, &dst);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void cmd_scard(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_SET, &it))
        resp_int(c->out, it ? (int64_t)set_count(it) : 0);
}

static bool has(const struct item *it, struct slice member)
{
    struct pack_entry m;
    if (!it)
        return false;
    pack_entry_init_to_find(&m, member);
    return set_has(it, &m);
}

static void cmd_sismember(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_SET, &it))
        resp_int(c->out, has(it, c->argv[2]));
}

static void cmd_smismember(struct cmd_ctx *c)
{
    const struct item *it;
    if (!ctx_read_type(c, &c->key, TYPE_SET, &it))
        return;
    resp_array(c->out, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        resp_int(c->out, has(it, c->argv[i]));
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Where a reply with all members is. */
struct members {
    uint64_t at, left;
};

static bool write_members(void *state, const struct item *it, struct resp_writer *w, size_t bytes)
{
    struct members *m = state;
    struct set_walk walk;
    struct slice member;
    size_t written = 0;
    set_walk_init(&walk, it, m->at);
    while (m->left > 0 && written < bytes && set_walk_next(&walk, &member)) {
        resp_bulk(w, member);
        written += member.len + SET_MEMBER_EXTRA_BYTES;
        m->left--;
    }
    m->at = set_walk_at(&walk);
    return m->left > 0;
}

void set_reply_members(struct cmd_ctx *c, const struct item *it)
{
    if (!it) {
        resp_set(c->out, 0);
        return;
    }
    struct members m = {0, set_count(it)};
    ctx_reply_walk(c, it,
                   &(struct reply_walk){.header = resp_set,
                                        .count = (size_t)m.left,
                                        .write = write_members,
                                        .state = &m,
                                        .state_bytes = sizeof(m)});
}

static void cmd_smembers(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_SET, &it))
        set_reply_members(c, it);
}

struct listing {
    struct resp_inner reply;
    size_t count;
    struct scan_options options;
};

static void list_member(struct slice member, void *arg)
{
    struct listing *l = arg;
    if (!scan_matches(&l->options, member))
        return;
    resp_bulk(&l->reply.w, member);
    l->count++;
}

static void cmd_sscan(struct cmd_ctx *c)
{
    struct listing l = {.count = 0};
    const struct item *it;
    uint64_t cursor;
    if (!scan_cursor_parse(c, 2, &cursor) || !ctx_read_type(c, &c->key, TYPE_SET, &it))
        return;
    if (!it) {
        resp_array(c->out, 2);
        resp_bulk(c->out, SLICE("0"));
        resp_array(c->out, 0);
        return;
    }
    if (!scan_options_parse(c, 3, 0, &l.options))
        return;
    resp_inner_open(&l.reply, c->out);
    cursor = set_scan(it, cursor, l.options.count, list_member, &l);
    resp_array(c->out, 2);
    resp_bulkf(c->out, "%llu", (unsigned long long)cursor);
    resp_inner_close_array(&l.reply, l.count);
    scan_options_deinit(&l.options);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_set[] = {
    {.name = "sadd",
     .fn = cmd_sadd,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_INSERT)},
     .element = 2,
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(1) for each member",
     .summary =
         "Adds members to a set, which is made if it is not there; returns how many were new.",
     .synopsis = "key member [member ...]"},
    {.name = "srem",
     .fn = cmd_srem,
     .arity = -3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_DELETE)},
     .element = 2,
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(1) for each member",
     .summary = "Removes members from a set and returns how many there were; an empty set goes.",
     .synopsis = "key member [member ...]"},
    {.name = "smove",
     .fn = cmd_smove,
     .arity = 4,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE), CMD_KEY(2, KEY_RW | KEY_INSERT)},
     .element = 3,
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Moves a member from one set to another.",
     .synopsis = "source destination member"},
    {.name = "scard",
     .fn = cmd_scard,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RO)},
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the number of members of a set.",
     .synopsis = "key"},
    {.name = "sismember",
     .fn = cmd_sismember,
     .arity = 3,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RO)},
     .element = 2,
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Tells whether a string is a member of a set.",
     .synopsis = "key member"},
    {.name = "smismember",
     .fn = cmd_smismember,
     .arity = -3,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RO)},
     .element = 2,
     .group = "set",
     .since = "6.2.0",
     .complexity = "O(1) for each member",
     .summary = "Tells of several strings whether they are members of a set.",
     .synopsis = "key member [member ...]"},
    {.name = "smembers",
     .fn = cmd_smembers,
     .arity = 2,
     .flags = CMD_READONLY,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "set",
     .since = "1.0.0",
     .complexity = "O(N) for N members, sent in pieces where they are many",
     .summary = "Returns all members of a set.",
     .synopsis = "key",
     .tips = "nondeterministic_output_order"},
    {.name = "sscan",
     .fn = cmd_sscan,
     .arity = -3,
     .flags = CMD_READONLY,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "set",
     .since = "2.8.0",
     .complexity = "O(1) for every call, O(N) for a whole iteration of N members",
     .summary = "Iterates over the members of a set.",
     .synopsis = "key cursor [MATCH pattern] [COUNT count]",
     .tips = "nondeterministic_output"},
    {.name = NULL},
};
