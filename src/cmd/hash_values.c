/* Commands that read or write fields and change their deadlines, or remove them: HGETEX, HSETEX, HGETDEL. */
#include "cmd/elements.h"
#include "cmd/hash.h"

/* --- HGETEX, HGETDEL ---------------------------------------------------------------------------------- */

/* Replies the values, and changes the fields that exist. Where memory runs out, nothing changes. */
static void get_and_change(struct cmd_ctx *c, const struct elements *of, enum element_change change,
                           int64_t due_ms)
{
    struct ks_edit e;
    struct elements_effect effect;
    struct hash_field f;
    struct resp_inner in;
    int64_t now_ms = dues_now_ms(c->ks);
    if (!ctx_edit_type(c, &c->key, TYPE_HASH, &e))
        return;
    if (!e.item) {
        resp_array(c->out, (size_t)of->count);
        for (int i = 0; i < of->count; i++)
            resp_null(c->out);
        return;
    }
    if (!elements_effect_init(&effect, of->kind, (size_t)of->count)) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    resp_inner_open(&in, c->out);
    bool nomem = of->count > 1 && !ks_edit_keep(&e);
    for (int i = 0; i < of->count && !nomem; i++) {
        if (!hash_find(e.item, of->names[i], now_ms, &f)) {
            resp_null(&in.w);
            continue;
        }
        hash_reply(&in.w, f.value);
        if (change == ELEMENT_PERSISTED && f.due_ms == DUES_NONE)
            continue;
        nomem = element_change(&e, of, i, change, due_ms) != ERR_OK;
        elements_effect_add(&effect, of->names[i]);
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

static void cmd_hgetdel(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    struct elements of = {.kind = &elements_of_hash};
    if (ctx_is_type(c, it, TYPE_HASH) && elements_parse(c, 2, NULL, &of))
        get_and_change(c, &of, ELEMENT_REMOVED, DUES_NONE);
}

static void reply_values(struct cmd_ctx *c, const struct elements *of)
{
    const struct item *it = ctx_read(c, &c->key);
    resp_array(c->out, (size_t)of->count);
    for (int i = 0; i < of->count; i++)
        hash_reply_value(c, it, of->names[i]);
}

static void cmd_hgetex(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    struct elements of = {.kind = &elements_of_hash};
    enum deadline_unit unit;
    int64_t due_ms = DUES_NONE;
    int at = 2;
    if (!ctx_is_type(c, it, TYPE_HASH))
        return;
    bool persist = slice_is(c->argv[2], "persist"), timed = element_unit_parse(c->argv[2], &unit);
    if (timed && !element_deadline_parse(c, 3, unit, &due_ms))
        return;
    at += timed ? 2 : persist;
    if (!elements_parse(c, at, NULL, &of))
        return;
    if (persist)
        get_and_change(c, &of, ELEMENT_PERSISTED, DUES_NONE);
    else if (timed)
        get_and_change(c, &of, ctx_is_due(c, due_ms) ? ELEMENT_REMOVED : ELEMENT_DUE_SET, due_ms);
    else
        reply_values(c, &of);
}

/* --- HSETEX -------------------------------------------------------------------------------------------- */

struct setting {
    struct element_options o;
    int first, pairs; /* arguments */
};

static bool parse_setting(struct cmd_ctx *c, struct setting *s)
{
    int64_t n;
    int i;
    if (!element_options_parse(c, &elements_of_hash, &s->o, &i))
        return false;
    if (i + 1 >= c->argc || !num_parse_i64(c->argv[i + 1], &n) || n < 1) {
        resp_error(c->out, "invalid number of fields");
        return false;
    }
    s->first = i + 2;
    if (n > INT32_MAX / 2 || 2 * n != c->argc - s->first) {
        ctx_reply_arity(c);
        return false;
    }
    s->pairs = (int)n;
    return true;
}

static bool may_set(struct cmd_ctx *c, const struct item *it, const struct setting *s)
{
    struct hash_field f;
    for (int i = 0; i < s->pairs && s->o.existence != ELEMENTS_ANY; i++) {
        bool there = it && hash_find(it, c->argv[s->first + 2 * i], dues_now_ms(c->ks), &f);
        if (there != (s->o.existence == ELEMENTS_ALL_THERE))
            return false;
    }
    return true;
}

/* The arguments of an effect. */
struct effect_args {
    struct slice few[ELEMENTS_EFFECT_FEW], *argv;
    char count[NUM_I64_CHARS], ms[NUM_I64_CHARS];
};

/* Logs the fields that were set: HSET, followed by their deadline where they have one; or HSETEX KEEPTTL. */
static void effect_of(struct cmd_ctx *c, const struct setting *s, struct effect_args *a)
{
    int pairs = s->pairs;
    struct slice *argv = a->argv;
    const struct slice *of = c->argv + s->first;
    size_t bytes = 2 * (size_t)pairs * sizeof(of[0]);
    if (s->o.keep) {
        struct slice n = slice_of(a->count, (size_t)num_print_i64(a->count, pairs));
        struct slice head[] = {SLICE("HSETEX"), c->key.name, SLICE("KEEPTTL"), SLICE("FIELDS"), n};
        memcpy(argv, head, sizeof(head));
        memcpy(argv + 5, of, bytes);
        ctx_effect(c, 5 + 2 * pairs, argv);
        return;
    }
    argv[0] = SLICE("HSET");
    argv[1] = c->key.name;
    memcpy(argv + 2, of, bytes);
    ctx_effect(c, 2 + 2 * pairs, argv);
    if (!s->o.timed)
        return;
    argv[0] = SLICE("HPEXPIREAT");
    argv[2] = slice_of(a->ms, (size_t)num_print_i64(a->ms, s->o.due_ms));
    argv[3] = SLICE("FIELDS");
    argv[4] = slice_of(a->count, (size_t)num_print_i64(a->count, pairs));
    for (int i = 0; i < pairs; i++)
        argv[5 + i] = of[2 * i];
    ctx_effect(c, 5 + pairs, argv);
}

/* For a deadline that has passed: notifies that the fields were set and removed, but only removes them. */
static void set_and_remove(struct cmd_ctx *c, struct ks_edit *e, const struct setting *s)
{
    struct elements_effect effect;
    if (!elements_effect_init(&effect, &elements_of_hash, (size_t)s->pairs)) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return;
    }
    bool nomem = s->pairs > 1 && !ks_edit_keep(e);
    for (int i = 0; i < s->pairs && !nomem; i++) {
        enum err err = hash_remove(e, c->argv[s->first + 2 * i]);
        nomem = err == ERR_NOMEM;
        if (err == ERR_OK)
            elements_effect_add(&effect, c->argv[s->first + 2 * i]);
    }
    if (nomem) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
    } else {
        bool is_new = e->is_new;
        ctx_notify(c, c->key.name, NOTIFY_HASH, "hset");
        if (effect.count == 0)
            ctx_notify(c, c->key.name, NOTIFY_HASH, "hdel");
        elements_changed(c, e, &effect, ELEMENT_REMOVED, DUES_NONE);
        if (is_new)
            ctx_notify(c, c->key.name, NOTIFY_GENERIC, "del");
        resp_int(c->out, 1);
    }
    elements_effect_deinit(&effect);
}

static void set_all(struct cmd_ctx *c, struct ks_edit *e, const struct setting *s)
{
    int64_t due_ms = s->o.keep ? DUES_KEEP : s->o.due_ms;
    struct effect_args a;
    a.argv = a.few;
    size_t room = 2 * (size_t)s->pairs + ELEMENTS_EFFECT_HEAD;
    if (room > ELEMENTS_EFFECT_FEW)
        a.argv = mem_try_alloc(room * sizeof(a.argv[0]));
    bool nomem = !a.argv || (s->pairs > 1 && !ks_edit_keep(e));
    if (!nomem)
        hash_expect(e, (size_t)s->pairs);
    for (int i = 0; i < s->pairs && !nomem; i++) {
        const struct slice *of = c->argv + s->first + 2 * (size_t)i;
        struct hash_new n = {of[0], of[1], due_ms};
        bool added = false;
        nomem = hash_set(e, &n, &added) != ERR_OK;
    }
    if (nomem) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
    } else {
        ctx_edited(c, &c->key, e, NOTIFY_HASH, "hset");
        if (s->o.timed)
            ctx_notify(c, c->key.name, NOTIFY_HASH, "hexpire");
        effect_of(c, s, &a);
        resp_int(c->out, 1);
    }
    if (a.argv != a.few)
        mem_free(a.argv);
}

static void cmd_hsetex(struct cmd_ctx *c)
{
    struct setting s;
    struct ks_edit e;
    if (!parse_setting(c, &s))
        return;
    const struct item *it = ctx_write(c, &c->key);
    if (!ctx_is_type(c, it, TYPE_HASH))
        return;
    if (!may_set(c, it, &s)) {
        resp_int(c->out, 0);
        return;
    }
    if (!ctx_edit_or_new(c, &c->key, TYPE_HASH, &e))
        return;
    if (s.o.timed && ctx_is_due(c, s.o.due_ms))
        set_and_remove(c, &e, &s);
    else
        set_all(c, &e, &s);
}

/* --- rows ---------------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_hash_values[] = {
    {.name = "hgetex",
     .fn = cmd_hgetex,
     .arity = -5,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_HASH,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "hash",
     .since = "8.0.0",
     .complexity = "O(1) for each field",
     .summary = "Returns the values of fields, and changes their deadlines.",
     .synopsis = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
                 "unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]"},
    {.name = "hsetex",
     .fn = cmd_hsetex,
     .arity = -6,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_HASH,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "hash",
     .since = "8.0.0",
     .complexity = "O(1) for each field",
     .summary = "Sets fields together with their deadlines.",
     .synopsis =
         "key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
         "unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]"},
    {.name = "hgetdel",
     .fn = cmd_hgetdel,
     .arity = -5,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_HASH,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     .group = "hash",
     .since = "8.0.0",
     .complexity = "O(1) for each field",
     .summary = "Returns the values of fields and removes them; an empty hash goes.",
     .synopsis = "key FIELDS numfields field [field ...]"},
    {.name = NULL},
};
