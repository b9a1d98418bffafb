/* Deadlines of fields: HEXPIRE, HTTL and their family. */
#include "cmd/deadline.h"
#include "cmd/hash_fields.h"

enum field_code {
    FIELD_NONE = -2,
    FIELD_NO_DUE = -1,
    FIELD_UNMET = 0,
    FIELD_SET = 1, /* of HPERSIST: taken away */
    FIELD_GONE = 2,
};

/* --- arguments that the families share --------------------------------------------------------------- */

bool hash_fields_parse(struct cmd_ctx *c, int at, const char *not_positive, struct hash_fields *out)
{
    int64_t n;
    if (at >= c->argc || !slice_is(c->argv[at], "fields")) {
        resp_error(c->out, "Mandatory argument FIELDS is missing or not at the right position");
        return false;
    }
    if (at + 1 >= c->argc || !num_parse_i64(c->argv[at + 1], &n) || n < 1) {
        resp_error(c->out, not_positive);
        return false;
    }
    if (n != c->argc - at - 2) {
        resp_error(c->out, "The `numfields` parameter must match the number of arguments");
        return false;
    }
    *out = (struct hash_fields){c->argv + at + 2, (int)n};
    return true;
}

bool hash_deadline_parse(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms)
{
    int64_t number;
    if (!ctx_arg_i64(c, i, &number))
        return false;
    if (number < 0) {
        resp_error(c->out, "invalid expire time, must be >= 0");
        return false;
    }
    if (!deadline_parse(c, i, unit, out_ms))
        return false;
    if (*out_ms <= HASH_DUE_MS_MAX)
        return true;
    resp_errorf(c->out, "invalid expire time in '%s' command", c->cmd->full_name);
    return false;
}

/* --- effects of some fields --------------------------------------------------------------------------- */

bool hash_effect_init(struct hash_effect *e, size_t fields)
{
    size_t count = fields + HASH_EFFECT_HEAD;
    e->argv = count <= HASH_EFFECT_FEW ? e->few : mem_try_alloc(count * sizeof(e->argv[0]));
    e->fields = 0;
    return e->argv;
}

void hash_effect_deinit(struct hash_effect *e)
{
    if (e->argv != e->few)
        mem_free(e->argv);
}

void hash_effect_add(struct hash_effect *e, struct slice field)
{
    e->argv[HASH_EFFECT_HEAD + e->fields++] = field;
}

/* The words stand right ahead of the fields. */
static void send(struct cmd_ctx *c, struct hash_effect *e, const struct slice *words, int n)
{
    struct slice *argv = e->argv + HASH_EFFECT_HEAD - n;
    memcpy(argv, words, (size_t)n * sizeof(words[0]));
    ctx_effect(c, n + e->fields, argv);
}

void hash_effect_send(struct cmd_ctx *c, struct hash_effect *e, enum hash_change change,
                      int64_t due_ms)
{
    char ms[NUM_I64_CHARS], count[NUM_I64_CHARS];
    struct slice n = slice_of(count, (size_t)num_print_i64(count, e->fields));
    struct slice due = slice_of(ms, (size_t)num_print_i64(ms, due_ms)), key = c->key.name;
    if (e->fields == 0)
        return;
    if (change == HASH_REMOVED)
        send(c, e, (struct slice[]){SLICE("HDEL"), key}, 2);
    else if (change == HASH_PERSISTED)
        send(c, e, (struct slice[]){SLICE("HPERSIST"), key, SLICE("FIELDS"), n}, 4);
    else
        send(c, e, (struct slice[]){SLICE("HPEXPIREAT"), key, due, SLICE("FIELDS"), n}, 5);
}

static const char *const events[] = {
    [HASH_REMOVED] = "hdel", [HASH_PERSISTED] = "hpersist", [HASH_DUE_SET] = "hexpire"};

void hash_changed(struct cmd_ctx *c, struct ks_edit *e, struct hash_effect *effect,
                  enum hash_change change, int64_t due_ms)
{
    if (effect->fields == 0) {
        ctx_edit_undone(e);
        return;
    }
    ctx_edited(c, &c->key, e, NOTIFY_HASH, events[change]);
    hash_effect_send(c, effect, change, due_ms);
}

enum err hash_change(struct cmd_ctx *c, struct ks_edit *e, struct slice name,
                     enum hash_change change, int64_t due_ms)
{
    (void)c;
    if (change == HASH_REMOVED)
        return hash_remove(e, name);
    return hash_set_due(e, name, change == HASH_PERSISTED ? HASH_NO_DUE : due_ms);
}

/* --- setting ------------------------------------------------------------------------------------------ */

enum condition { ALWAYS, IF_NONE, IF_ANY, IF_LATER, IF_EARLIER };

static enum condition condition_of(struct slice s)
{
    static const char *const names[] = {"nx", "xx", "gt", "lt"};
    for (unsigned i = 0; i < 4; i++)
        if (slice_is(s, names[i]))
            return IF_NONE + i;
    return ALWAYS;
}

static bool holds(enum condition condition, int64_t current_ms, int64_t wanted_ms)
{
    switch (condition) {
    case IF_NONE: return current_ms == HASH_NO_DUE;
    case IF_ANY: return current_ms != HASH_NO_DUE;
    case IF_LATER: return wanted_ms > current_ms;
    case IF_EARLIER: return wanted_ms < current_ms;
    default: return true;
    }
}

static void reply_codes(struct cmd_ctx *c, int n, int64_t code)
{
    resp_array(c->out, (size_t)n);
    while (n-- > 0)
        resp_int(c->out, code);
}

/* What HEXPIRE and HPERSIST have in common: a change of the fields that meet a condition, and a code for each. */
static void change_fields(struct cmd_ctx *c, const struct hash_fields *of, enum condition condition,
                          enum hash_change change, int64_t due_ms)
{
    struct ks_edit e;
    struct hash_effect effect;
    struct hash_field f;
    struct resp_inner in;
    int64_t now_ms = hash_now_ms(c->ks);
    bool nomem = false;
    if (!ctx_edit_type(c, &c->key, TYPE_HASH, &e))
        return;
    if (!e.item) {
        reply_codes(c, of->count, FIELD_NONE);
        return;
    }
    if (!hash_effect_init(&effect, (size_t)of->count)) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    resp_inner_open(&in, c->out);
    for (int i = 0; i < of->count && !nomem; i++) {
        if (!hash_find(e.item, of->names[i], now_ms, &f)) {
            resp_int(&in.w, FIELD_NONE);
        } else if (change == HASH_PERSISTED && f.due_ms == HASH_NO_DUE) {
            resp_int(&in.w, FIELD_NO_DUE);
        } else if (!holds(condition, f.due_ms, due_ms)) {
            resp_int(&in.w, FIELD_UNMET);
        } else {
            nomem = hash_change(c, &e, of->names[i], change, due_ms) != ERR_OK;
            if (!nomem)
                hash_effect_add(&effect, of->names[i]);
            resp_int(&in.w, change == HASH_REMOVED ? FIELD_GONE : FIELD_SET);
        }
    }
    bool midway = nomem && effect.fields > 0;
    hash_changed(c, &e, &effect, change, due_ms);
    hash_effect_deinit(&effect);
    if (!nomem) {
        resp_inner_close_array(&in, (size_t)of->count);
        return;
    }
    resp_inner_drop(&in);
    resp_error(c->out, midway ? HASH_TEXT_NOMEM_MIDWAY : ERR_TEXT_NOMEM);
}

static void expire(struct cmd_ctx *c, enum deadline_unit unit)
{
    const struct item *it = ctx_write(c, &c->key);
    struct hash_fields of;
    int64_t due_ms;
    if (!ctx_is_type(c, it, TYPE_HASH) || !hash_deadline_parse(c, 2, unit, &due_ms))
        return;
    enum condition condition = condition_of(c->argv[3]);
    if (!hash_fields_parse(c, condition == ALWAYS ? 3 : 4,
                           "Parameter `numFields` should be greater than 0", &of))
        return;
    change_fields(c, &of, condition, ctx_is_due(c, due_ms) ? HASH_REMOVED : HASH_DUE_SET, due_ms);
}

static void cmd_hexpire(struct cmd_ctx *c)
{
    expire(c, DEADLINE_EX);
}

static void cmd_hpexpire(struct cmd_ctx *c)
{
    expire(c, DEADLINE_PX);
}

static void cmd_hexpireat(struct cmd_ctx *c)
{
    expire(c, DEADLINE_EXAT);
}

static void cmd_hpexpireat(struct cmd_ctx *c)
{
    expire(c, DEADLINE_PXAT);
}

static void cmd_hpersist(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    struct hash_fields of;
    if (ctx_is_type(c, it, TYPE_HASH) && hash_fields_parse(c, 2, HASH_TEXT_NOT_POSITIVE, &of))
        change_fields(c, &of, ALWAYS, HASH_PERSISTED, HASH_NO_DUE);
}

/* --- asking ------------------------------------------------------------------------------------------- */

/* Replies the fields' deadlines, counted from `from_ms`, in units of `unit_ms`, rounded up. */
static void reply_dues(struct cmd_ctx *c, int64_t from_ms, int64_t unit_ms)
{
    const struct item *it;
    struct hash_fields of;
    struct hash_field f;
    if (!ctx_read_type(c, &c->key, TYPE_HASH, &it) ||
        !hash_fields_parse(c, 2, HASH_TEXT_NOT_POSITIVE, &of))
        return;
    resp_array(c->out, (size_t)of.count);
    for (int i = 0; i < of.count; i++) {
        if (!it || !hash_find(it, of.names[i], hash_now_ms(c->ks), &f)) {
            resp_int(c->out, FIELD_NONE);
        } else if (f.due_ms == HASH_NO_DUE) {
            resp_int(c->out, FIELD_NO_DUE);
        } else {
            int64_t ms = f.due_ms - from_ms;
            resp_int(c->out, ms > 0 ? (ms + unit_ms - 1) / unit_ms : 0);
        }
    }
}

static void cmd_httl(struct cmd_ctx *c)
{
    reply_dues(c, c->now_ms, 1000);
}

static void cmd_hpttl(struct cmd_ctx *c)
{
    reply_dues(c, c->now_ms, 1);
}

static void cmd_hexpiretime(struct cmd_ctx *c)
{
    reply_dues(c, 0, 1000);
}

static void cmd_hpexpiretime(struct cmd_ctx *c)
{
    reply_dues(c, 0, 1);
}

/* --- rows --------------------------------------------------------------------------------------------- */

#define CONDITION "[NX | XX | GT | LT] FIELDS numfields field [field ...]"
#define EXPIRE_ROW(name_, fn_, unit_, summary_)                                                 \
    {                                                                                           \
        .name = (name_), .fn = (fn_), .arity = -6, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, \
        .acl = ACL_HASH, .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)}, .group = "hash",            \
        .since = "7.4.0", .complexity = "O(1) for each field", .summary = (summary_),           \
        .synopsis = "key " unit_ " " CONDITION                                                  \
    }
#define ASK_ROW(name_, fn_, summary_)                                                 \
    {                                                                                 \
        .name = (name_), .fn = (fn_), .arity = -5, .flags = CMD_READONLY | CMD_FAST,  \
        .acl = ACL_HASH, .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)}, .group = "hash",  \
        .since = "7.4.0", .complexity = "O(1) for each field", .summary = (summary_), \
        .synopsis = "key FIELDS numfields field [field ...]"                          \
    }

const struct cmd_row cmd_rows_hash_expire[] = {
    EXPIRE_ROW("hexpire", cmd_hexpire, "seconds",
               "Gives fields of a hash a time to live, in seconds."),
    EXPIRE_ROW("hpexpire", cmd_hpexpire, "milliseconds",
               "Gives fields of a hash a time to live, in milliseconds."),
    EXPIRE_ROW("hexpireat", cmd_hexpireat, "unix-time-seconds",
               "Gives fields of a hash a deadline, in seconds since the epoch."),
    EXPIRE_ROW("hpexpireat", cmd_hpexpireat, "unix-time-milliseconds",
               "Gives fields of a hash a deadline, in milliseconds since the epoch."),
    {.name = "hpersist",
     .fn = cmd_hpersist,
     .arity = -5,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_HASH,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "hash",
     .since = "7.4.0",
     .complexity = "O(1) for each field",
     .summary = "Takes the deadlines of fields away.",
     .synopsis = "key FIELDS numfields field [field ...]"},
    ASK_ROW("httl", cmd_httl, "Returns how long fields have yet, in seconds."),
    ASK_ROW("hpttl", cmd_hpttl, "Returns how long fields have yet, in milliseconds."),
    ASK_ROW("hexpiretime", cmd_hexpiretime,
            "Returns deadlines of fields, in seconds since the epoch."),
    ASK_ROW("hpexpiretime", cmd_hpexpiretime,
            "Returns deadlines of fields, in milliseconds since the epoch."),
    {.name = NULL},
};
