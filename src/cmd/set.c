/* Sets, asked by member or as a whole: SISMEMBER, SMEMBERS and their family. */
#include "cmd/set.h"

#include "cmd/reply_walk.h"
#include "cmd/scan_options.h"

/* --- asking ----------------------------------------------------------------------------------- */

static void cmd_scard(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_SET, &it))
        resp_int(c->out, it ? (int64_t)set_count(it) : 0);
}

static bool has(const struct cmd_ctx *c, const struct item *it, struct slice member)
{
    struct pack_entry m;
    if (!it)
        return false;
    pack_entry_init_to_find(&m, member);
    return set_has(it, &m, dues_now_ms(c->ks));
}

static void cmd_sismember(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_SET, &it))
        resp_int(c->out, has(c, it, c->argv[2]));
}

static void cmd_smismember(struct cmd_ctx *c)
{
    const struct item *it;
    if (!ctx_read_type(c, &c->key, TYPE_SET, &it))
        return;
    resp_array(c->out, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        resp_int(c->out, has(c, it, c->argv[i]));
}

/* --- all of them ------------------------------------------------------------------------------ */

/* How far a reply with all members has come. */
struct members {
    uint64_t at, left;
    int64_t now_ms;
};

static bool write_members(void *state, const struct item *it, struct resp_writer *w, size_t bytes)
{
    struct members *m = state;
    struct set_walk walk;
    struct slice member;
    size_t written = 0;
    set_walk_init(&walk, it, m->at, m->now_ms);
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
    struct members m = {.now_ms = dues_now_ms(c->ks)};
    m.left = it ? set_count(it) - dues_count(it, m.now_ms) : 0;
    if (m.left == 0) {
        resp_set(c->out, 0);
        return;
    }
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
    struct set_scan scan = {cursor, l.options.count, dues_now_ms(c->ks), list_member, &l};
    cursor = set_scan(it, &scan);
    resp_array(c->out, 2);
    resp_bulkf(c->out, "%llu", (unsigned long long)cursor);
    resp_inner_close_array(&l.reply, l.count);
    scan_options_deinit(&l.options);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_set[] = {
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
