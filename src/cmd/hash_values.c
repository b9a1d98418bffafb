/* Values of fields together with their deadlines, or taken out: HGETEX, HSETEX, HGETDEL. */
#include "cmd/hash_fields.h"

/* EX, PX, EXAT or PXAT in argument i, case aside. */
static bool unit_of(struct slice s, enum deadline_unit *out)
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

/* --- HGETEX, HGETDEL ---------------------------------------------------------------------------------- */

/* Replies the values, and makes the change of those fields that are there. Where memory lacks, nothing is replied but
 * that. */
static void get_and_change(struct cmd_ctx *c, const struct hash_fields *of, enum hash_change change,
                           int64_t due_ms)
{
    struct ks_edit e;
    struct hash_effect effect;
    struct hash_field f;
    struct resp_inner in;
    int64_t now_ms = hash_now_ms(c->ks);
    bool nomem = false;
    if (!ctx_edit_type(c, &c->key, TYPE_HASH, &e))
        return;
    if (!e.item || !hash_effect_init(&effect, (size_t)of->count)) {
        if (e.item) {
            ctx_edit_undone(&e);
            ctx_reply_nomem(c);
            return;
        }
        resp_array(c->out, (size_t)of->count);
        for (int i = 0; i < of->count; i++)
            resp_null(c->out);
        return;
    }
    resp_inner_open(&in, c->out);
    for (int i = 0; i < of->count && !nomem; i++) {
        if (!hash_find(e.item, of->names[i], now_ms, &f)) {
            resp_null(&in.w);
            continue;
        }
        hash_reply(&in.w, f.value);
        if (change == HASH_PERSISTED && f.due_ms == HASH_NO_DUE)
            continue;
        nomem = hash_change(c, &e, of->names[i], change, due_ms) != ERR_OK;
        if (!nomem)
            hash_effect_add(&effect, of->names[i]);
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

static void cmd_hgetdel(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    struct hash_fields of;
    if (ctx_is_type(c, it, TYPE_HASH) && hash_fields_parse(c, 2, HASH_TEXT_NOT_POSITIVE, &of))
        get_and_change(c, &of, HASH_REMOVED, HASH_NO_DUE);
}

static void reply_values(struct cmd_ctx *c, const struct hash_fields *of)
{
    const struct item *it = ctx_read(c, &c->key);
    resp_array(c->out, (size_t)of->count);
    for (int i = 0; i < of->count; i++)
        hash_reply_value(c, it, of->names[i]);
}

static void cmd_hgetex(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    struct hash_fields of;
    enum deadline_unit unit;
    int64_t due_ms = HASH_NO_DUE;
    int at = 2;
    if (!ctx_is_type(c, it, TYPE_HASH))
        return;
    bool persist = slice_is(c->argv[2], "persist"), timed = unit_of(c->argv[2], &unit);
    if (timed && !hash_deadline_parse(c, 3, unit, &due_ms))
        return;
    at += timed ? 2 : persist;
    if (!hash_fields_parse(c, at, HASH_TEXT_NOT_POSITIVE, &of))
        return;
    if (persist)
        get_and_change(c, &of, HASH_PERSISTED, HASH_NO_DUE);
    else if (timed)
        get_and_change(c, &of, ctx_is_due(c, due_ms) ? HASH_REMOVED : HASH_DUE_SET, due_ms);
    else
        reply_values(c, &of);
}

/* --- HSETEX -------------------------------------------------------------------------------------------- */

enum existence { ANY, ALL_NEW, ALL_THERE };

struct setting {
    enum existence existence;
    bool keep, timed;
    int64_t due_ms;
    int first, pairs; /* arguments */
};

static bool setting_error(struct cmd_ctx *c, const char *error)
{
    resp_error(c->out, error);
    return false;
}

/* The option in argument *i, which moves to its last. */
static bool parse_option(struct cmd_ctx *c, int *i, struct setting *s)
{
    struct slice word = c->argv[*i];
    enum deadline_unit unit;
    bool fnx = slice_is(word, "fnx"), keep = slice_is(word, "keepttl");
    if (fnx || slice_is(word, "fxx")) {
        if (s->existence != ANY)
            return setting_error(c, "Only one of FXX or FNX arguments can be specified");
        s->existence = fnx ? ALL_NEW : ALL_THERE;
        return true;
    }
    bool timed = unit_of(word, &unit);
    if (!timed && !keep) {
        resp_errorf(c->out, "unknown argument: %.*s", slice_shown(word, 128), word.ptr);
        return false;
    }
    if (s->keep || s->timed)
        return setting_error(
            c, "Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    s->keep = keep;
    s->timed = timed;
    if (!timed)
        return true;
    if (*i + 1 >= c->argc) {
        ctx_reply_arity(c);
        return false;
    }
    return hash_deadline_parse(c, ++*i, unit, &s->due_ms);
}

static bool parse_setting(struct cmd_ctx *c, struct setting *s)
{
    int64_t n;
    int i = 2;
    *s = (struct setting){.due_ms = HASH_NO_DUE};
    for (; i < c->argc && !slice_is(c->argv[i], "fields"); i++)
        if (!parse_option(c, &i, s))
            return false;
    if (i >= c->argc)
        return setting_error(c,
                             "Mandatory argument FIELDS is missing or not at the right position");
    if (i + 1 >= c->argc || !num_parse_i64(c->argv[i + 1], &n) || n < 1)
        return setting_error(c, "invalid number of fields");
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
    for (int i = 0; i < s->pairs && s->existence != ANY; i++) {
        bool there = it && hash_find(it, c->argv[s->first + 2 * i], hash_now_ms(c->ks), &f);
        if (there != (s->existence == ALL_THERE))
            return false;
    }
    return true;
}

/* The arguments of an effect. */
struct effect_args {
    struct slice few[HASH_EFFECT_FEW], *argv;
    char count[NUM_I64_CHARS], ms[NUM_I64_CHARS];
};

/* Tells what was set of the first `pairs`: HSET, and behind it the deadlines; or HSETEX KEEPTTL. */
static void effect_of(struct cmd_ctx *c, const struct setting *s, struct effect_args *a, int pairs)
{
    struct slice *argv = a->argv;
    const struct slice *of = c->argv + s->first;
    size_t bytes = 2 * (size_t)pairs * sizeof(of[0]);
    if (s->keep) {
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
    if (!s->timed)
        return;
    argv[0] = SLICE("HPEXPIREAT");
    argv[2] = slice_of(a->ms, (size_t)num_print_i64(a->ms, s->due_ms));
    argv[3] = SLICE("FIELDS");
    argv[4] = slice_of(a->count, (size_t)num_print_i64(a->count, pairs));
    for (int i = 0; i < pairs; i++)
        argv[5 + i] = of[2 * i];
    ctx_effect(c, 5 + pairs, argv);
}

/* A deadline that has come: the fields are set, as far as anybody hears, and gone. */
static void set_and_remove(struct cmd_ctx *c, struct ks_edit *e, const struct setting *s)
{
    struct hash_effect effect;
    if (!hash_effect_init(&effect, (size_t)s->pairs)) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return;
    }
    bool nomem = false;
    for (int i = 0; i < s->pairs && !nomem; i++) {
        enum err err = hash_remove(e, c->argv[s->first + 2 * i]);
        nomem = err == ERR_NOMEM;
        if (err == ERR_OK)
            hash_effect_add(&effect, c->argv[s->first + 2 * i]);
    }
    bool midway = effect.fields > 0;
    hash_changed(c, e, &effect, HASH_REMOVED, HASH_NO_DUE);
    hash_effect_deinit(&effect);
    if (nomem)
        resp_error(c->out, midway ? HASH_TEXT_NOMEM_MIDWAY : ERR_TEXT_NOMEM);
    else
        resp_int(c->out, 1);
}

static void set_all(struct cmd_ctx *c, struct ks_edit *e, const struct setting *s)
{
    int64_t due_ms = s->keep ? HASH_KEEP_DUE : s->due_ms;
    struct effect_args a;
    a.argv = a.few;
    size_t room = 2 * (size_t)s->pairs + HASH_EFFECT_HEAD;
    int done = 0;
    if (room > HASH_EFFECT_FEW)
        a.argv = mem_try_alloc(room * sizeof(a.argv[0]));
    if (a.argv)
        hash_expect(e, (size_t)s->pairs);
    for (; a.argv && done < s->pairs; done++) {
        const struct slice *of = c->argv + s->first + 2 * (size_t)done;
        struct hash_new n = {of[0], of[1], due_ms};
        bool added;
        if (hash_set(e, &n, &added) != ERR_OK)
            break;
    }
    if (done == 0) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
    } else {
        ctx_edited(c, &c->key, e, NOTIFY_HASH, "hset");
        if (s->timed)
            ctx_notify(c, c->key.name, NOTIFY_HASH, "hexpire");
        effect_of(c, s, &a, done);
        if (done == s->pairs)
            resp_int(c->out, 1);
        else
            resp_error(c->out, HASH_TEXT_NOMEM_MIDWAY);
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
    if (s.timed && ctx_is_due(c, s.due_ms))
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
