/* Lists: searching them, and moving elements between them. */
#include "base/mem.h"
#include "cmd/list.h"

/* --- LPOS ------------------------------------------------------------------------------------- */

struct search {
    struct pack_entry wanted;
    bool backward, many;
    uint64_t skip;        /* matches to pass over first */
    uint64_t count, most; /* most matches to reply, most elements to compare */
};

static bool search_parse(struct cmd_ctx *c, struct search *s)
{
    int64_t rank = 1, count = 1, most = 0;
    *s = (struct search){.many = false};
    for (int i = 3; i < c->argc; i += 2) {
        bool has_value = i + 1 < c->argc;
        if (has_value && slice_is(c->argv[i], "rank")) {
            if (!ctx_arg_range(c, i + 1, -INT64_MAX, INT64_MAX, &rank, NULL))
                return false;
            if (rank == 0) {
                resp_error(c->out,
                           "RANK can't be zero: use 1 to start from the first match, 2 from the "
                           "second ... or use negative to start from the end of the list");
                return false;
            }
        } else if (has_value && slice_is(c->argv[i], "count")) {
            if (!ctx_arg_range(c, i + 1, 0, INT64_MAX, &count, "COUNT can't be negative"))
                return false;
            s->many = true;
        } else if (has_value && slice_is(c->argv[i], "maxlen")) {
            if (!ctx_arg_range(c, i + 1, 0, INT64_MAX, &most, "MAXLEN can't be negative"))
                return false;
        } else {
            ctx_reply_syntax(c);
            return false;
        }
    }
    pack_entry_init_to_find(&s->wanted, c->argv[2]);
    s->backward = rank < 0;
    s->skip = (uint64_t)(rank < 0 ? -rank : rank) - 1;
    s->count = count > 0 ? (uint64_t)count : UINT64_MAX;
    s->most = most > 0 ? (uint64_t)most : UINT64_MAX;
    return true;
}

/* Finds the position of the next match from *at and *entry on, and moves both behind it. False: there is none. */
static bool search_next(struct search *s, struct list_cursor *cursor, const char **entry,
                        uint64_t *at, uint64_t *found)
{
    while (*entry && s->most > 0) {
        bool match = pack_equal(*entry, &s->wanted);
        *found = *at;
        s->most--;
        *at += s->backward ? UINT64_MAX : 1;
        *entry = s->backward ? list_prev(cursor) : list_next(cursor);
        if (match && s->skip-- == 0) {
            s->skip = 0;
            return true;
        }
    }
    return false;
}

static void cmd_lpos(struct cmd_ctx *c)
{
    const struct item *it;
    struct search s;
    if (!search_parse(c, &s) || !ctx_read_type(c, &c->key, TYPE_LIST, &it))
        return;
    struct list_cursor cursor;
    uint64_t at = it && s.backward ? list_len(it) - 1 : 0, found;
    const char *entry = it ? list_at(it, at, &cursor) : NULL;
    if (!s.many) {
        if (search_next(&s, &cursor, &entry, &at, &found))
            resp_int(c->out, (int64_t)found);
        else
            resp_null(c->out);
        return;
    }
    struct resp_inner in;
    size_t n = 0;
    resp_inner_open(&in, c->out);
    for (; n < s.count && search_next(&s, &cursor, &entry, &at, &found); n++)
        resp_int(&in.w, (int64_t)found);
    resp_inner_close_array(&in, n);
}

/* --- LMPOP ------------------------------------------------------------------------------------ */

bool list_mpop_parse(struct cmd_ctx *c, int at, struct list_mpop *out)
{
    int64_t keys, count = 1;
    if (!ctx_arg_range(c, at, 1, INT64_MAX, &keys, "numkeys should be greater than 0"))
        return false;
    out->keys = at + 1;
    if (keys >= c->argc - out->keys) {
        ctx_reply_syntax(c);
        return false;
    }
    out->keys_end = out->keys + (int)keys;
    if (!list_arg_end(c, out->keys_end, &out->end))
        return false;
    int options = out->keys_end + 1;
    if (c->argc != options && (c->argc != options + 2 || !slice_is(c->argv[options], "count"))) {
        ctx_reply_syntax(c);
        return false;
    }
    if (c->argc > options &&
        !ctx_arg_range(c, options + 1, 1, INT64_MAX, &count, "count should be greater than 0"))
        return false;
    out->count = (uint64_t)count;
    return true;
}

bool list_mpop(struct cmd_ctx *c, const struct list_mpop *m)
{
    for (int i = m->keys; i < m->keys_end; i++) {
        struct key k = ctx_key(c, i);
        if (list_pop_some(c, &k, m->end, m->count))
            return true;
    }
    return false;
}

static void cmd_lmpop(struct cmd_ctx *c)
{
    struct list_mpop m;
    if (list_mpop_parse(c, 1, &m) && !list_mpop(c, &m))
        resp_null_array(c->out);
}

/* --- LMOVE and its family --------------------------------------------------------------------- */

bool list_move_parse(struct cmd_ctx *c, int ends, struct list_move *out)
{
    *out = (struct list_move){.how = {.n = 1}};
    if (!list_arg_end(c, ends, &out->how.from) || !list_arg_end(c, ends + 1, &out->how.to))
        return false;
    out->from = ctx_key(c, 1);
    out->to = ctx_key(c, 2);
    return true;
}

bool list_move_parse_many(struct cmd_ctx *c, int at, struct list_move *out)
{
    int64_t n;
    out->many = true;
    if (at == c->argc)
        return true;
    out->exactly = slice_is(c->argv[at], "exactly");
    if (c->argc != at + 3 || (!out->exactly && !slice_is(c->argv[at], "count"))) {
        ctx_reply_syntax(c);
        return false;
    }
    if (!ctx_arg_range(c, at + 1, 1, INT64_MAX, &n, "count should be greater than 0"))
        return false;
    out->how.n = (uint64_t)n;
    out->how.as_they_are = slice_is(c->argv[at + 2], "bulk");
    if (out->how.as_they_are || slice_is(c->argv[at + 2], "obo"))
        return true;
    ctx_reply_syntax(c);
    return false;
}

/* The elements to move, in the order in which they are pushed. */
struct moved {
    const char **entries;
    const char *one;
    size_t n;
};

static bool moved_init(struct moved *m, const struct item *it, const struct list_rotation *how)
{
    struct list_cursor cursor;
    m->n = how->n;
    m->entries = m->n == 1 ? &m->one : mem_try_alloc(m->n * sizeof(m->entries[0]));
    if (!m->entries)
        return false;
    const char *entry = list_at(it, how->from == LIST_HEAD ? 0 : list_len(it) - m->n, &cursor);
    for (size_t i = 0; i < m->n; i++, entry = list_next(&cursor))
        m->entries[list_rotation_reverses(how) ? m->n - 1 - i : i] = entry;
    return true;
}

static void moved_deinit(struct moved *m)
{
    if (m->entries != &m->one)
        mem_free(m->entries);
}

/* Replies the elements in the order in which they stand at the destination. */
static void moved_reply(struct cmd_ctx *c, const struct moved *m, const struct list_move *move)
{
    if (move->many)
        resp_array(c->out, m->n);
    for (size_t i = 0; i < m->n; i++)
        list_reply_entry(c->out, m->entries[move->how.to == LIST_HEAD ? m->n - 1 - i : i]);
}

static struct slice end_name(enum list_end end)
{
    return end == LIST_HEAD ? SLICE("LEFT") : SLICE("RIGHT");
}

/* Logs the pushes in commands of bounded size. The elements are read from the destination's end. */
static void push_effects(struct cmd_ctx *c, const struct list_move *m, const struct item *to)
{
    char numbers[VALUE_COMMAND_ARGS_MAX][NUM_I64_CHARS];
    struct slice argv[VALUE_COMMAND_ARGS_MAX];
    struct list_cursor cursor;
    bool head = m->how.to == LIST_HEAD;
    const char *entry = list_at(to, head ? m->how.n - 1 : list_len(to) - m->how.n, &cursor);
    int argc = 2;
    size_t bytes = 0;
    argv[0] = head ? SLICE("LPUSH") : SLICE("RPUSH");
    argv[1] = m->to.name;
    for (uint64_t left = m->how.n; left > 0; left--) {
        struct slice s = pack_string(entry, numbers[argc]);
        bool full = argc == VALUE_COMMAND_ARGS_MAX - 1 || bytes + s.len > VALUE_COMMAND_BYTES_MAX;
        if (argc > 2 && full) {
            ctx_effect(c, argc, argv);
            s = pack_string(entry, numbers[2]);
            argc = 2;
            bytes = 0;
        }
        argv[argc++] = s;
        bytes += s.len;
        entry = head ? list_prev(&cursor) : list_next(&cursor);
    }
    ctx_effect(c, argc, argv);
}

/* Logs one element as LMOVE, also for a blocking request; several as pops and pushes, which every server loads. */
static void move_effect(struct cmd_ctx *c, const struct list_move *m, const struct item *to)
{
    struct slice argv[] = {SLICE("LMOVE"), m->from.name, m->to.name, end_name(m->how.from),
                           end_name(m->how.to)};
    if (!c->effects)
        return;
    if (!m->many && !(c->cmd->row->flags & CMD_BLOCKING)) {
        ctx_effect_as_is(c);
        return;
    }
    if (m->how.n == 1) {
        ctx_effect(c, 5, argv);
        return;
    }
    list_pop_effect(c, &m->from, m->how.from, m->how.n);
    push_effects(c, m, to);
    /* Where all of a list was moved to itself, a replay deletes the list in between, and its deadline with it. */
    if (!slice_equal(m->from.name, m->to.name) || m->how.n < list_len(to) || !item_has_expiry(to))
        return;
    char ms[NUM_I64_CHARS];
    struct slice at[] = {SLICE("PEXPIREAT"), m->to.name,
                         slice_of(ms, (size_t)num_print_i64(ms, item_expiry_ms(to)))};
    ctx_effect(c, 3, at);
}

/* `to` is the destination after the move. */
static void moved_events(struct cmd_ctx *c, const struct list_move *m, const struct item *to,
                         bool from_is_gone)
{
    ctx_changed(c, &m->from, NOTIFY_LIST, m->how.from == LIST_HEAD ? "lpop" : "rpop");
    if (from_is_gone)
        ctx_notify(c, m->from.name, NOTIFY_GENERIC, "del");
    move_effect(c, m, to);
}

static const char *push_event(const struct list_move *m)
{
    return m->how.to == LIST_HEAD ? "lpush" : "rpush";
}

static void rotate(struct cmd_ctx *c, const struct list_move *m, struct ks_edit *e)
{
    struct moved moved;
    struct outq_mark before = outq_mark(c->out->out);
    if (!moved_init(&moved, e->item, &m->how)) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return;
    }
    moved_reply(c, &moved, m);
    moved_deinit(&moved);
    if (list_rotate(e, &m->how) == ERR_OK) {
        const struct item *it = ctx_edited(c, &m->to, e, NOTIFY_LIST, push_event(m));
        moved_events(c, m, it, false);
        return;
    }
    ctx_edit_undone(e);
    outq_rollback(c->out->out, before);
    ctx_reply_nomem(c);
}

/* Changes both lists and replies. False: no memory, and neither is changed. */
static bool carry(struct cmd_ctx *c, const struct list_move *m, struct ks_edit *from,
                  struct ks_edit *to)
{
    struct moved moved;
    struct list_taken taken;
    bool done = false;
    if (!moved_init(&moved, from->item, &m->how))
        return false;
    if (list_take(from, m->how.from, m->how.n, &taken) == ERR_OK) {
        done = list_push_entries(to, m->how.to, moved.entries, moved.n) == ERR_OK;
        if (done) {
            moved_reply(c, &moved, m);
            list_taken_end(from, &taken);
        } else {
            list_taken_back(from, &taken);
        }
    }
    moved_deinit(&moved);
    return done;
}

bool list_move(struct cmd_ctx *c, const struct list_move *m)
{
    struct ks_edit from, to;
    struct list_move now = *m;
    if (!ctx_edit_type(c, &m->from, TYPE_LIST, &from))
        return true;
    if (!from.item)
        return false;
    uint64_t len = list_len(from.item);
    bool enough = !m->exactly || len >= m->how.n, same = slice_equal(m->from.name, m->to.name);
    if (now.how.n > len)
        now.how.n = len;
    if (same && enough) {
        rotate(c, &now, &from);
        return true;
    }
    bool begun = !same && ctx_edit_or_new(c, &m->to, TYPE_LIST, &to);
    if (!begun || !enough) {
        if (begun)
            ctx_edit_undone(&to);
        ctx_edit_undone(&from);
        /* Where the second edit has not begun, its error is replied. */
        return !same && !begun;
    }
    if (!carry(c, &now, &from, &to)) {
        ctx_edit_undone(&to);
        ctx_edit_undone(&from);
        ctx_reply_nomem(c);
        return true;
    }
    bool from_is_gone = !ks_edit_end(&from);
    const struct item *it = ctx_edited(c, &m->to, &to, NOTIFY_LIST, push_event(m));
    moved_events(c, &now, it, from_is_gone);
    return true;
}

static void cmd_lmove(struct cmd_ctx *c)
{
    struct list_move m;
    if (list_move_parse(c, 3, &m) && !list_move(c, &m))
        resp_null(c->out);
}

static void cmd_rpoplpush(struct cmd_ctx *c)
{
    struct list_move m = {.from = ctx_key(c, 1),
                          .to = ctx_key(c, 2),
                          .how = {.from = LIST_TAIL, .to = LIST_HEAD, .n = 1}};
    if (!list_move(c, &m))
        resp_null(c->out);
}

static void cmd_lmovem(struct cmd_ctx *c)
{
    struct list_move m;
    if (!list_move_parse(c, 3, &m) || !list_move_parse_many(c, 5, &m) || list_move(c, &m))
        return;
    if (m.exactly)
        resp_null(c->out);
    else
        resp_array(c->out, 0);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define MOVE_KEYS                                                                     \
    {                                                                                 \
        CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE), CMD_KEY(2, KEY_RW | KEY_INSERT) \
    }

const struct cmd_row cmd_rows_list_move[] = {
    {.name = "lpos",
     .fn = cmd_lpos,
     .arity = -3,
     .flags = CMD_READONLY,
     .acl = ACL_LIST,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "list",
     .since = "6.0.6",
     .complexity = "O(N) for N elements",
     .summary = "Returns the indexes of elements of a list that are equal to one.",
     .synopsis = "key element [RANK rank] [COUNT num-matches:integer] [MAXLEN len:integer]"},
    {.name = "lmpop",
     .fn = cmd_lmpop,
     .arity = -4,
     .flags = CMD_WRITE | CMD_MOVABLE_KEYS,
     .acl = ACL_LIST,
     .keys = {{.first = 2, .step = 1, .numkeys = 1, .flags = KEY_RW | KEY_ACCESS | KEY_DELETE}},
     .group = "list",
     .since = "7.0.0",
     .complexity = "O(N+M) for N keys and M elements",
     .summary = "Removes and returns elements from an end of the first list among several keys.",
     .synopsis = "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]"},
    {.name = "lmove",
     .fn = cmd_lmove,
     .arity = 5,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_LIST,
     .keys = MOVE_KEYS,
     .group = "list",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Moves an element from an end of a list to an end of another, and returns it.",
     .synopsis = "source:key destination:key <LEFT | RIGHT> <LEFT | RIGHT>"},
    {.name = "rpoplpush",
     .fn = cmd_rpoplpush,
     .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_LIST,
     .keys = MOVE_KEYS,
     .group = "list",
     .since = "1.2.0",
     .complexity = "O(1)",
     .summary = "Moves the last element of a list to the head of another, and returns it.",
     .synopsis = "source:key destination:key"},
    {.name = "lmovem",
     .fn = cmd_lmovem,
     .arity = -5,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_LIST,
     .keys = MOVE_KEYS,
     .group = "list",
     .since = "8.10.0",
     .complexity = "O(N) for N elements",
     .summary = "Moves elements from an end of a list to an end of another, and returns them.",
     .synopsis = "source:key destination:key <LEFT | RIGHT> <LEFT | RIGHT>"
                 " [<COUNT count | EXACTLY exactly:integer> <OBO | BULK>]"},
    {.name = NULL},
};
