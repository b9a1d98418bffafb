/* Deadlines of elements: HEXPIRE, HTTL, SEXPIRE, STTL and their families. */
#include "cmd/elements.h"

#include "store/hash.h"
#include "store/set.h"

/* The reply for each element, as in Redis. */
enum element_code {
    CODE_NONE = -2,
    CODE_NO_DUE = -1,
    CODE_UNMET = 0,
    CODE_SET = 1, /* for HPERSIST and SPERSIST: the deadline was taken away */
    CODE_GONE = 2,
};

/* --- fields and members ------------------------------------------------------------------------------- */

static bool find_field(const struct item *it, struct slice name, int64_t now_ms, int64_t *due_ms)
{
    struct hash_field f;
    bool found = hash_find(it, name, now_ms, &f);
    *due_ms = found ? f.due_ms : DUES_NONE;
    return found;
}

static bool find_member(const struct item *it, struct slice name, int64_t now_ms, int64_t *due_ms)
{
    struct pack_entry m;
    pack_entry_init_to_find(&m, name);
    return set_find(it, &m, due_ms) && *due_ms > now_ms;
}

#define EFFECT(name)           \
    {                          \
        name, sizeof(name) - 1 \
    }

const struct elements_kind elements_of_hash = {
    .type = TYPE_HASH,
    .class = NOTIFY_HASH,
    .word = "fields",
    .upper = "FIELDS",
    .one = "Fields",
    .change = {[ELEMENT_REMOVED] = {"hdel", EFFECT("HDEL")},
               [ELEMENT_PERSISTED] = {"hpersist", EFFECT("HPERSIST")},
               [ELEMENT_DUE_SET] = {"hexpire", EFFECT("HPEXPIREAT")}},
    .find = find_field,
    .remove = hash_remove,
    .set_due = hash_set_due,
};

const struct elements_kind elements_of_set = {
    .type = TYPE_SET,
    .class = NOTIFY_SET,
    .word = "members",
    .upper = "MEMBERS",
    .one = "Members",
    .change = {[ELEMENT_REMOVED] = {"srem", EFFECT("SREM")},
               [ELEMENT_PERSISTED] = {"spersist", EFFECT("SPERSIST")},
               [ELEMENT_DUE_SET] = {"sexpire", EFFECT("SPEXPIREAT")}},
    .find = find_member,
    .remove = set_remove,
    .set_due = set_set_due,
};

static const struct elements_kind *kind_of(const struct cmd_ctx *c)
{
    return c->cmd->row->acl == ACL_SET ? &elements_of_set : &elements_of_hash;
}

/* --- arguments that the families share --------------------------------------------------------------- */

bool elements_parse(struct cmd_ctx *c, int at, const char *not_positive, struct elements *out)
{
    const struct elements_kind *kind = out->kind;
    int64_t n;
    if (at >= c->argc || !slice_is(c->argv[at], kind->word)) {
        resp_errorf(c->out, "Mandatory argument %s is missing or not at the right position",
                    kind->upper);
        return false;
    }
    if (at + 1 >= c->argc || !num_parse_i64(c->argv[at + 1], &n) || n < 1) {
        if (not_positive)
            resp_errorf(c->out, not_positive, kind->one);
        else
            resp_errorf(c->out, "Number of %s must be a positive integer", kind->word);
        return false;
    }
    if (n != c->argc - at - 2) {
        resp_errorf(c->out, "The `num%s` parameter must match the number of arguments", kind->word);
        return false;
    }
    out->names = c->argv + at + 2;
    out->count = (int)n;
    return true;
}

bool element_deadline_parse(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms)
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
    if (*out_ms <= ELEMENT_DUE_MS_MAX)
        return true;
    resp_errorf(c->out, "invalid expire time in '%s' command", c->cmd->full_name);
    return false;
}

bool element_unit_parse(struct slice s, enum deadline_unit *out)
{
    static const char *const names[] = {"ex", "px", "exat", "pxat"};
    static const enum deadline_unit units[] = {DEADLINE_EX, DEADLINE_PX, DEADLINE_EXAT,
                                               DEADLINE_PXAT};
    for (unsigned i = 0; i < 4; i++) {
        if (slice_is(s, names[i])) {
            *out = units[i];
            return true;
        }
    }
    return false;
}

static bool options_error(struct cmd_ctx *c, const char *error)
{
    resp_error(c->out, error);
    return false;
}

/* Reads the option in argument *i, and moves *i to its last argument. False: the error is replied. */
static bool parse_option(struct cmd_ctx *c, const struct elements_kind *kind, int *i,
                         struct element_options *o)
{
    bool hash = kind->type == TYPE_HASH;
    struct slice word = c->argv[*i];
    enum deadline_unit unit;
    bool nx = slice_is(word, hash ? "fnx" : "mnx"), keep = slice_is(word, "keepttl");
    if (nx || slice_is(word, hash ? "fxx" : "mxx")) {
        if (o->existence != ELEMENTS_ANY)
            return options_error(c, hash ? "Only one of FXX or FNX arguments can be specified"
                                         : "Only one of MXX or MNX arguments can be specified");
        o->existence = nx ? ELEMENTS_ALL_NEW : ELEMENTS_ALL_THERE;
        return true;
    }
    bool timed = element_unit_parse(word, &unit);
    if (!timed && !keep) {
        resp_errorf(c->out, "unknown argument: %.*s", slice_shown(word, 128), word.ptr);
        return false;
    }
    if (o->keep || o->timed)
        return options_error(
            c, "Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    o->keep = keep;
    o->timed = timed;
    if (!timed)
        return true;
    if (*i + 1 >= c->argc) {
        ctx_reply_arity(c);
        return false;
    }
    return element_deadline_parse(c, ++*i, unit, &o->due_ms);
}

bool element_options_parse(struct cmd_ctx *c, const struct elements_kind *kind,
                           struct element_options *o, int *at)
{
    *o = (struct element_options){.due_ms = DUES_NONE};
    for (*at = 2; *at < c->argc && !slice_is(c->argv[*at], kind->word); ++*at)
        if (!parse_option(c, kind, at, o))
            return false;
    if (*at < c->argc)
        return true;
    resp_errorf(c->out, "Mandatory argument %s is missing or not at the right position",
                kind->upper);
    return false;
}

/* --- effects of some elements --------------------------------------------------------------------------- */

bool elements_effect_init(struct elements_effect *e, const struct elements_kind *kind, size_t count)
{
    size_t room = count + ELEMENTS_EFFECT_HEAD;
    e->kind = kind;
    e->argv = room <= ELEMENTS_EFFECT_FEW ? e->few : mem_try_alloc(room * sizeof(e->argv[0]));
    e->count = 0;
    return e->argv;
}

void elements_effect_deinit(struct elements_effect *e)
{
    if (e->argv != e->few)
        mem_free(e->argv);
}

void elements_effect_add(struct elements_effect *e, struct slice name)
{
    e->argv[ELEMENTS_EFFECT_HEAD + e->count++] = name;
}

/* Puts the words right ahead of the names, which need not move. */
static void send(struct cmd_ctx *c, struct elements_effect *e, const struct slice *words, int n)
{
    struct slice *argv = e->argv + ELEMENTS_EFFECT_HEAD - n;
    memcpy(argv, words, (size_t)n * sizeof(words[0]));
    ctx_effect(c, n + e->count, argv);
}

void elements_effect_send(struct cmd_ctx *c, struct elements_effect *e, enum element_change change,
                          int64_t due_ms)
{
    char ms[NUM_I64_CHARS], count[NUM_I64_CHARS];
    struct slice n = slice_of(count, (size_t)num_print_i64(count, e->count));
    struct slice due = slice_of(ms, (size_t)num_print_i64(ms, due_ms)), key = c->key.name;
    struct slice command = e->kind->change[change].effect;
    struct slice word = slice_from_cstr(e->kind->upper);
    if (e->count == 0)
        return;
    if (change == ELEMENT_REMOVED)
        send(c, e, (struct slice[]){command, key}, 2);
    else if (change == ELEMENT_PERSISTED)
        send(c, e, (struct slice[]){command, key, word, n}, 4);
    else
        send(c, e, (struct slice[]){command, key, due, word, n}, 5);
}

void elements_changed(struct cmd_ctx *c, struct ks_edit *e, struct elements_effect *effect,
                      enum element_change change, int64_t due_ms)
{
    if (effect->count == 0) {
        ctx_edit_undone(e);
        return;
    }
    ctx_edited(c, &c->key, e, effect->kind->class, effect->kind->change[change].event);
    elements_effect_send(c, effect, change, due_ms);
}

enum err element_change(struct ks_edit *e, const struct elements *of, int i,
                        enum element_change change, int64_t due_ms)
{
    if (change == ELEMENT_REMOVED)
        return of->kind->remove(e, of->names[i]);
    return of->kind->set_due(e, of->names[i], change == ELEMENT_PERSISTED ? DUES_NONE : due_ms);
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
    case IF_NONE: return current_ms == DUES_NONE;
    case IF_ANY: return current_ms != DUES_NONE;
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

/* Changes the elements that meet a condition, and replies a code for each. Where memory runs out, nothing changes. */
static void change_elements(struct cmd_ctx *c, const struct elements *of, enum condition condition,
                            enum element_change change, int64_t due_ms)
{
    struct ks_edit e;
    struct elements_effect effect;
    struct resp_inner in;
    int64_t now_ms = dues_now_ms(c->ks), current_ms;
    bool nomem;
    if (!ctx_edit_type(c, &c->key, of->kind->type, &e))
        return;
    if (!e.item) {
        reply_codes(c, of->count, CODE_NONE);
        return;
    }
    if (!elements_effect_init(&effect, of->kind, (size_t)of->count)) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    resp_inner_open(&in, c->out);
    nomem = of->count > 1 && !ks_edit_keep(&e);
    for (int i = 0; i < of->count && !nomem; i++) {
        if (!of->kind->find(e.item, of->names[i], now_ms, &current_ms)) {
            resp_int(&in.w, CODE_NONE);
        } else if (change == ELEMENT_PERSISTED && current_ms == DUES_NONE) {
            resp_int(&in.w, CODE_NO_DUE);
        } else if (!holds(condition, current_ms, due_ms)) {
            resp_int(&in.w, CODE_UNMET);
        } else {
            nomem = element_change(&e, of, i, change, due_ms) != ERR_OK;
            elements_effect_add(&effect, of->names[i]);
            resp_int(&in.w, change == ELEMENT_REMOVED ? CODE_GONE : CODE_SET);
        }
    }
    if (nomem) {
        ctx_edit_undone(&e);
        resp_inner_drop(&in);
        ctx_reply_nomem(c);
    } else {
        elements_changed(c, &e, &effect, change, due_ms);
        resp_inner_close_array(&in, (size_t)of->count);
    }
    elements_effect_deinit(&effect);
}

static void expire(struct cmd_ctx *c, enum deadline_unit unit)
{
    const struct item *it = ctx_write(c, &c->key);
    struct elements of = {.kind = kind_of(c)};
    int64_t due_ms;
    if (!ctx_is_type(c, it, of.kind->type) || !element_deadline_parse(c, 2, unit, &due_ms))
        return;
    enum condition condition = condition_of(c->argv[3]);
    if (elements_parse(c, condition == ALWAYS ? 3 : 4, "Parameter `num%s` should be greater than 0",
                       &of))
        change_elements(c, &of, condition,
                        ctx_is_due(c, due_ms) ? ELEMENT_REMOVED : ELEMENT_DUE_SET, due_ms);
}

static void cmd_expire(struct cmd_ctx *c)
{
    expire(c, DEADLINE_EX);
}

static void cmd_pexpire(struct cmd_ctx *c)
{
    expire(c, DEADLINE_PX);
}

static void cmd_expireat(struct cmd_ctx *c)
{
    expire(c, DEADLINE_EXAT);
}

static void cmd_pexpireat(struct cmd_ctx *c)
{
    expire(c, DEADLINE_PXAT);
}

static void cmd_persist(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    struct elements of = {.kind = kind_of(c)};
    if (ctx_is_type(c, it, of.kind->type) && elements_parse(c, 2, NULL, &of))
        change_elements(c, &of, ALWAYS, ELEMENT_PERSISTED, DUES_NONE);
}

/* --- asking ------------------------------------------------------------------------------------------- */

/* Replies the elements' deadlines, counted from `from_ms`, in units of `unit_ms`, rounded up. */
static void reply_dues(struct cmd_ctx *c, int64_t from_ms, int64_t unit_ms)
{
    const struct item *it;
    struct elements of = {.kind = kind_of(c)};
    int64_t due_ms;
    if (!ctx_read_type(c, &c->key, of.kind->type, &it) || !elements_parse(c, 2, NULL, &of))
        return;
    resp_array(c->out, (size_t)of.count);
    for (int i = 0; i < of.count; i++) {
        if (!it || !of.kind->find(it, of.names[i], dues_now_ms(c->ks), &due_ms)) {
            resp_int(c->out, CODE_NONE);
        } else if (due_ms == DUES_NONE) {
            resp_int(c->out, CODE_NO_DUE);
        } else {
            int64_t ms = due_ms - from_ms;
            resp_int(c->out, ms > 0 ? (ms + unit_ms - 1) / unit_ms : 0);
        }
    }
}

static void cmd_ttl(struct cmd_ctx *c)
{
    reply_dues(c, c->now_ms, 1000);
}

static void cmd_pttl(struct cmd_ctx *c)
{
    reply_dues(c, c->now_ms, 1);
}

static void cmd_expiretime(struct cmd_ctx *c)
{
    reply_dues(c, 0, 1000);
}

static void cmd_pexpiretime(struct cmd_ctx *c)
{
    reply_dues(c, 0, 1);
}

/* --- rows --------------------------------------------------------------------------------------------- */

/* clang-format off */
#define OF_HASH .acl = ACL_HASH, .group = "hash", .since = "7.4.0", .complexity = "O(1) for each field"
#define OF_SET  .acl = ACL_SET, .group = "set", .since = "8.12.0", .complexity = "O(1) for each member"
#define FIELDS  "FIELDS numfields field [field ...]"
#define MEMBERS "MEMBERS nummembers member [member ...]"
#define EXPIRE_ROW(name_, fn_, of_, unit_, elements_, summary_) \
    {.name = (name_), .fn = (fn_), .arity = -6, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, of_, \
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)}, .summary = (summary_), \
     .synopsis = "key " unit_ " [NX | XX | GT | LT] " elements_}
#define PERSIST_ROW(name_, of_, elements_, summary_) \
    {.name = (name_), .fn = cmd_persist, .arity = -5, .flags = CMD_WRITE | CMD_FAST, of_, \
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)}, .summary = (summary_), .synopsis = "key " elements_}
#define ASK_ROW(name_, fn_, of_, elements_, summary_) \
    {.name = (name_), .fn = (fn_), .arity = -5, .flags = CMD_READONLY | CMD_FAST, of_, \
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)}, .summary = (summary_), .synopsis = "key " elements_}
/* clang-format on */

const struct cmd_row cmd_rows_elements[] = {
    EXPIRE_ROW("hexpire", cmd_expire, OF_HASH, "seconds", FIELDS,
               "Gives fields of a hash a time to live, in seconds."),
    EXPIRE_ROW("hpexpire", cmd_pexpire, OF_HASH, "milliseconds", FIELDS,
               "Gives fields of a hash a time to live, in milliseconds."),
    EXPIRE_ROW("hexpireat", cmd_expireat, OF_HASH, "unix-time-seconds", FIELDS,
               "Gives fields of a hash a deadline, in seconds since the epoch."),
    EXPIRE_ROW("hpexpireat", cmd_pexpireat, OF_HASH, "unix-time-milliseconds", FIELDS,
               "Gives fields of a hash a deadline, in milliseconds since the epoch."),
    PERSIST_ROW("hpersist", OF_HASH, FIELDS, "Takes the deadlines of fields away."),
    ASK_ROW("httl", cmd_ttl, OF_HASH, FIELDS, "Returns how long fields have yet, in seconds."),
    ASK_ROW("hpttl", cmd_pttl, OF_HASH, FIELDS,
            "Returns how long fields have yet, in milliseconds."),
    ASK_ROW("hexpiretime", cmd_expiretime, OF_HASH, FIELDS,
            "Returns deadlines of fields, in seconds since the epoch."),
    ASK_ROW("hpexpiretime", cmd_pexpiretime, OF_HASH, FIELDS,
            "Returns deadlines of fields, in milliseconds since the epoch."),
    EXPIRE_ROW("sexpire", cmd_expire, OF_SET, "seconds", MEMBERS,
               "Gives members of a set a time to live, in seconds."),
    EXPIRE_ROW("spexpire", cmd_pexpire, OF_SET, "milliseconds", MEMBERS,
               "Gives members of a set a time to live, in milliseconds."),
    EXPIRE_ROW("sexpireat", cmd_expireat, OF_SET, "unix-time-seconds", MEMBERS,
               "Gives members of a set a deadline, in seconds since the epoch."),
    EXPIRE_ROW("spexpireat", cmd_pexpireat, OF_SET, "unix-time-milliseconds", MEMBERS,
               "Gives members of a set a deadline, in milliseconds since the epoch."),
    PERSIST_ROW("spersist", OF_SET, MEMBERS, "Takes the deadlines of members away."),
    ASK_ROW("sttl", cmd_ttl, OF_SET, MEMBERS, "Returns how long members have yet, in seconds."),
    ASK_ROW("spttl", cmd_pttl, OF_SET, MEMBERS,
            "Returns how long members have yet, in milliseconds."),
    ASK_ROW("sexpiretime", cmd_expiretime, OF_SET, MEMBERS,
            "Returns deadlines of members, in seconds since the epoch."),
    ASK_ROW("spexpiretime", cmd_pexpiretime, OF_SET, MEMBERS,
            "Returns deadlines of members, in milliseconds since the epoch."),
    {.name = NULL},
};
