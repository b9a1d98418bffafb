/* Sets, member by member: SADD, SADDEX, SREM, SMOVE. */
#include "cmd/elements.h"
#include "cmd/set.h"

/* --- adding ----------------------------------------------------------------------------------- */

/* Members that a request adds. */
struct adding {
    struct elements of;
    bool timed, persists; /* the members get the deadline due_ms; they lose any deadline */
    int64_t due_ms;
    int64_t added, persisted;
    struct elements_effect gone; /* the members that were there, but due */
};

static bool adding_init(struct adding *a)
{
    return elements_effect_init(&a->gone, &elements_of_set, (size_t)a->of.count);
}

/* Removes a member that is due before it is added again: a replay knows no clock, and would find the member there. */
static enum err drop_if_due(struct adding *a, struct ks_edit *e, struct slice member)
{
    struct pack_entry m;
    int64_t due_ms;
    pack_entry_init_to_find(&m, member);
    if (!set_find(e->item, &m, &due_ms) || due_ms > dues_now_ms(e->ks))
        return ERR_OK;
    elements_effect_add(&a->gone, member);
    return set_remove(e, member);
}

static enum err set_due(struct adding *a, struct ks_edit *e, struct slice member)
{
    struct pack_entry m;
    int64_t due_ms;
    if (a->timed)
        return set_set_due(e, member, a->due_ms);
    if (!a->persists)
        return ERR_OK;
    pack_entry_init_to_find(&m, member);
    if (!set_find(e->item, &m, &due_ms) || due_ms == DUES_NONE)
        return ERR_OK;
    a->persisted++;
    return set_set_due(e, member, DUES_NONE);
}

/* ERR_NOMEM: the caller undoes the edit. */
static enum err add_all(struct adding *a, struct ks_edit *e)
{
    bool may_be_due = dues_least_ms(e->item) <= dues_now_ms(e->ks);
    if (a->of.count > 1 && !ks_edit_keep(e))
        return ERR_NOMEM;
    enum err err = set_expect(e, (size_t)a->of.count, a->of.names[0]);
    for (int i = 0; i < a->of.count && !err; i++) {
        struct slice member = a->of.names[i];
        bool added;
        if (may_be_due)
            err = drop_if_due(a, e, member);
        if (!err)
            err = set_add(e, member, &added);
        if (!err)
            err = set_due(a, e, member);
        a->added += !err && added;
    }
    return err;
}

/* Ends the edit, notifies, and logs the removal of members that were due. The caller logs the rest after that. */
static void end_adding(struct cmd_ctx *c, const struct key *k, struct adding *a, struct ks_edit *e)
{
    if (a->gone.count > 0)
        ctx_notify(c, k->name, NOTIFY_SET, "sexpired");
    ctx_edited(c, k, e, NOTIFY_SET, a->added > 0 ? "sadd" : (a->timed ? "sexpire" : "spersist"));
    if (a->added > 0 && a->timed)
        ctx_notify(c, k->name, NOTIFY_SET, "sexpire");
    if (a->added > 0 && a->persisted > 0)
        ctx_notify(c, k->name, NOTIFY_SET, "spersist");
    if (a->gone.count > 0) {
        a->gone.argv[ELEMENTS_EFFECT_HEAD - 2] = SLICE("SREM");
        a->gone.argv[ELEMENTS_EFFECT_HEAD - 1] = k->name;
        ctx_effect(c, 2 + a->gone.count, a->gone.argv + ELEMENTS_EFFECT_HEAD - 2);
    }
}

static void cmd_sadd(struct cmd_ctx *c)
{
    struct ks_edit e;
    struct adding a = {.of = {&elements_of_set, c->argv + 2, c->argc - 2}};
    if (!ctx_edit_or_new(c, &c->key, TYPE_SET, &e))
        return;
    if (!adding_init(&a) || add_all(&a, &e) != ERR_OK) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
    } else {
        if (a.added > 0) {
            end_adding(c, &c->key, &a, &e);
            ctx_effect_as_is(c);
        } else {
            ctx_edit_undone(&e);
        }
        resp_int(c->out, a.added);
    }
    elements_effect_deinit(&a.gone);
}

/* --- adding with deadlines -------------------------------------------------------------------- */

static bool may_add(struct cmd_ctx *c, const struct item *it, const struct adding *a,
                    enum element_existence existence)
{
    int64_t now_ms = dues_now_ms(c->ks), due_ms;
    for (int i = 0; i < a->of.count && existence != ELEMENTS_ANY; i++) {
        bool there = it && elements_of_set.find(it, a->of.names[i], now_ms, &due_ms);
        if (there != (existence == ELEMENTS_ALL_THERE))
            return false;
    }
    return true;
}

/* Logs SADD k member ..., followed by the deadlines. */
static void effects_of(struct cmd_ctx *c, const struct adding *a, struct elements_effect *effect)
{
    for (int i = 0; i < a->of.count; i++)
        elements_effect_add(effect, a->of.names[i]);
    struct slice *argv = effect->argv + ELEMENTS_EFFECT_HEAD - 2;
    argv[0] = SLICE("SADD");
    argv[1] = c->key.name;
    if (a->added > 0)
        ctx_effect(c, 2 + a->of.count, argv);
    if (a->timed)
        elements_effect_send(c, effect, ELEMENT_DUE_SET, a->due_ms);
    else if (a->persisted > 0)
        elements_effect_send(c, effect, ELEMENT_PERSISTED, DUES_NONE);
}

/* For a deadline that has passed: notifies that the members were added and removed, but only removes them. */
static void add_and_remove(struct cmd_ctx *c, struct ks_edit *e, const struct adding *a,
                           struct elements_effect *effect)
{
    bool nomem = a->of.count > 1 && !ks_edit_keep(e), is_new = e->is_new;
    for (int i = 0; i < a->of.count && !nomem; i++) {
        enum err err = set_remove(e, a->of.names[i]);
        nomem = err == ERR_NOMEM;
        if (err == ERR_OK)
            elements_effect_add(effect, a->of.names[i]);
    }
    if (nomem) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return;
    }
    ctx_notify(c, c->key.name, NOTIFY_SET, "sadd");
    if (effect->count == 0)
        ctx_notify(c, c->key.name, NOTIFY_SET, "srem");
    elements_changed(c, e, effect, ELEMENT_REMOVED, DUES_NONE);
    if (is_new)
        ctx_notify(c, c->key.name, NOTIFY_GENERIC, "del");
    resp_int(c->out, 1);
}

static void add_with_deadline(struct cmd_ctx *c, struct ks_edit *e, struct adding *a)
{
    struct elements_effect effect;
    if (!elements_effect_init(&effect, &elements_of_set, (size_t)a->of.count)) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return;
    }
    if (a->timed && ctx_is_due(c, a->due_ms)) {
        add_and_remove(c, e, a, &effect);
    } else if (add_all(a, e) != ERR_OK) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
    } else {
        if (a->added > 0 || a->timed || a->persisted > 0) {
            end_adding(c, &c->key, a, e);
            effects_of(c, a, &effect);
        } else {
            ctx_edit_undone(e);
        }
        resp_int(c->out, 1);
    }
    elements_effect_deinit(&effect);
}

static void cmd_saddex(struct cmd_ctx *c)
{
    struct adding a = {.of = {.kind = &elements_of_set}};
    struct element_options o;
    struct ks_edit e;
    int at;
    if (!element_options_parse(c, &elements_of_set, &o, &at) ||
        !elements_parse(c, at, "invalid number of members", &a.of))
        return;
    a.timed = o.timed;
    a.persists = !o.timed && !o.keep;
    a.due_ms = o.due_ms;
    const struct item *it = ctx_write(c, &c->key);
    if (!ctx_is_type(c, it, TYPE_SET))
        return;
    if (!may_add(c, it, &a, o.existence)) {
        resp_int(c->out, 0);
        return;
    }
    if (!ctx_edit_or_new(c, &c->key, TYPE_SET, &e))
        return;
    if (adding_init(&a)) {
        add_with_deadline(c, &e, &a);
    } else {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
    }
    elements_effect_deinit(&a.gone);
}

/* --- removing --------------------------------------------------------------------------------- */

static void cmd_srem(struct cmd_ctx *c)
{
    struct ks_edit e;
    int64_t count = 0, now_ms = dues_now_ms(c->ks), due_ms;
    if (!ctx_edit_type(c, &c->key, TYPE_SET, &e))
        return;
    if (!e.item) {
        resp_int(c->out, 0);
        return;
    }
    bool nomem = c->argc > 3 && !ks_edit_keep(&e);
    bool may_be_due = dues_least_ms(e.item) <= now_ms;
    for (int i = 2; i < c->argc && !nomem; i++) {
        if (may_be_due && !elements_of_set.find(e.item, c->argv[i], now_ms, &due_ms))
            continue;
        enum err err = set_remove(&e, c->argv[i]);
        count += err == ERR_OK;
        nomem = err == ERR_NOMEM;
    }
    if (nomem) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    if (count > 0) {
        ctx_edited(c, &c->key, &e, NOTIFY_SET, "srem");
        ctx_effect_as_is(c);
    } else {
        ctx_edit_undone(&e);
    }
    resp_int(c->out, count);
}

/* --- moving ----------------------------------------------------------------------------------- */

/* Moves a member from one set to another, and ends both edits. A member that is new to the destination has no deadline
 * there. */
static void move(struct cmd_ctx *c, struct ks_edit *from, struct ks_edit *to, const struct key *dst)
{
    struct adding a = {.of = {&elements_of_set, c->argv + 3, 1}};
    if (!adding_init(&a) || !ks_edit_keep(to) || add_all(&a, to) != ERR_OK ||
        set_remove(from, c->argv[3]) != ERR_OK) {
        ctx_edit_undone(from);
        ctx_edit_undone(to);
        ctx_reply_nomem(c);
    } else {
        ctx_edited(c, &c->key, from, NOTIFY_SET, "srem");
        if (a.added > 0)
            end_adding(c, dst, &a, to);
        else
            ctx_edit_undone(to);
        ctx_effect_as_is(c);
        resp_int(c->out, 1);
    }
    elements_effect_deinit(&a.gone);
}

static void cmd_smove(struct cmd_ctx *c)
{
    struct key dst = ctx_key(c, 2);
    const struct item *src = ctx_write(c, &c->key), *there = src ? ctx_write(c, &dst) : NULL;
    int64_t due_ms;
    if (!src) {
        resp_int(c->out, 0);
        return;
    }
    if (!ctx_is_type(c, src, TYPE_SET) || !ctx_is_type(c, there, TYPE_SET))
        return;
    bool has = elements_of_set.find(src, c->argv[3], dues_now_ms(c->ks), &due_ms);
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

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_set_add[] = {
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
    {.name = "saddex",
     .fn = cmd_saddex,
     .arity = -5,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_SET,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "set",
     .since = "8.12.0",
     .complexity = "O(1) for each member",
     .summary = "Adds members to a set together with their deadlines.",
     .synopsis = "key [MNX | MXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
                 "unix-time-milliseconds | KEEPTTL] MEMBERS nummembers member [member ...]"},
    {.name = NULL},
};
