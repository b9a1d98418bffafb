/* Hashes, field by field: HSET, HGET, HDEL and their family. */
#include "cmd/hash.h"

#include <math.h>

/* --- shared by the families ------------------------------------------------------------------------- */

void hash_reply(struct resp_writer *w, const char *entry)
{
    char scratch[NUM_I64_CHARS];
    struct blob *b = pack_blob(entry);
    if (b)
        resp_bulk_blob(w, b);
    else
        resp_bulk(w, pack_string(entry, scratch));
}

void hash_reply_value(struct cmd_ctx *c, const struct item *it, struct slice name)
{
    struct hash_field f;
    if (it && hash_find(it, name, dues_now_ms(c->ks), &f))
        hash_reply(c->out, f.value);
    else
        resp_null(c->out);
}

void hash_effect_set(struct cmd_ctx *c, struct slice name, struct slice value, bool keep_due)
{
    struct slice plain[] = {SLICE("HSET"), c->key.name, name, value};
    struct slice kept[] = {
        SLICE("HSETEX"), c->key.name, SLICE("KEEPTTL"), SLICE("FIELDS"), SLICE("1"), name, value};
    if (keep_due)
        ctx_effect(c, 7, kept);
    else
        ctx_effect(c, 4, plain);
}

/* --- setting ---------------------------------------------------------------------------------------- */

/* Returns how many fields are new; -1: the error is replied. */
static int64_t set_all(struct cmd_ctx *c)
{
    struct ks_edit e;
    int64_t count = 0;
    if (c->argc % 2 != 0) {
        ctx_reply_arity(c);
        return -1;
    }
    if (!ctx_edit_or_new(c, &c->key, TYPE_HASH, &e))
        return -1;
    bool nomem = c->argc > 4 && !ks_edit_keep(&e);
    hash_expect(&e, ((size_t)c->argc - 2) / 2);
    for (int i = 2; i < c->argc && !nomem; i += 2) {
        struct hash_new n = {c->argv[i], c->argv[i + 1], DUES_NONE};
        bool added = false;
        nomem = hash_set(&e, &n, &added) != ERR_OK;
        count += added;
    }
    if (nomem) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return -1;
    }
    ctx_edited(c, &c->key, &e, NOTIFY_HASH, "hset");
    ctx_effect_as_is(c);
    return count;
}

static void cmd_hset(struct cmd_ctx *c)
{
    int64_t count = set_all(c);
    if (count >= 0)
        resp_int(c->out, count);
}

static void cmd_hmset(struct cmd_ctx *c)
{
    if (set_all(c) >= 0)
        resp_ok(c->out);
}

/* Sets one field, notifies and ends the edit. False: the error is replied. */
static bool set_one(struct cmd_ctx *c, struct ks_edit *e, const struct hash_new *n,
                    const char *event)
{
    bool added;
    if (hash_set(e, n, &added) != ERR_OK) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return false;
    }
    ctx_edited(c, &c->key, e, NOTIFY_HASH, event);
    return true;
}

static void cmd_hsetnx(struct cmd_ctx *c)
{
    struct ks_edit e;
    struct hash_field f;
    struct hash_new n = {c->argv[2], c->argv[3], DUES_NONE};
    if (!ctx_edit_or_new(c, &c->key, TYPE_HASH, &e))
        return;
    if (hash_find(e.item, n.name, dues_now_ms(c->ks), &f)) {
        ctx_edit_undone(&e);
        resp_int(c->out, 0);
    } else if (set_one(c, &e, &n, "hset")) {
        hash_effect_set(c, n.name, n.value, false);
        resp_int(c->out, 1);
    }
}

static void cmd_hdel(struct cmd_ctx *c)
{
    struct ks_edit e;
    struct hash_field f;
    int64_t count = 0, now_ms = dues_now_ms(c->ks);
    if (!ctx_edit_type(c, &c->key, TYPE_HASH, &e))
        return;
    if (!e.item) {
        resp_int(c->out, 0);
        return;
    }
    bool nomem = c->argc > 3 && !ks_edit_keep(&e);
    for (int i = 2; i < c->argc && !nomem; i++) {
        if (!hash_find(e.item, c->argv[i], now_ms, &f))
            continue;
        nomem = hash_remove(&e, c->argv[i]) != ERR_OK;
        count++;
    }
    if (nomem) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    if (count > 0) {
        ctx_edited(c, &c->key, &e, NOTIFY_HASH, "hdel");
        ctx_effect_as_is(c);
    } else {
        ctx_edit_undone(&e);
    }
    resp_int(c->out, count);
}

/* --- counting --------------------------------------------------------------------------------------- */

static void cmd_hincrby(struct cmd_ctx *c)
{
    struct ks_edit e;
    struct hash_field f;
    int64_t delta, value = 0;
    char text[NUM_I64_CHARS];
    if (!ctx_arg_i64(c, 3, &delta) || !ctx_edit_or_new(c, &c->key, TYPE_HASH, &e))
        return;
    bool found = hash_find(e.item, c->argv[2], dues_now_ms(c->ks), &f);
    const char *error = NULL;
    if (found && !pack_int(f.value, &value))
        error = "hash value is not an integer";
    else if (__builtin_add_overflow(value, delta, &value))
        error = "increment or decrement would overflow";
    if (error) {
        ctx_edit_undone(&e);
        resp_error(c->out, error);
        return;
    }
    struct hash_new n = {c->argv[2], slice_of(text, (size_t)num_print_i64(text, value)), DUES_KEEP};
    bool keep_due = found && f.due_ms != DUES_NONE;
    if (!set_one(c, &e, &n, "hincrby"))
        return;
    hash_effect_set(c, n.name, n.value, keep_due);
    resp_int(c->out, value);
}

static void cmd_hincrbyfloat(struct cmd_ctx *c)
{
    struct ks_edit e;
    struct hash_field f;
    long double delta, value = 0;
    char text[NUM_DOUBLE_CHARS], scratch[NUM_I64_CHARS];
    if (!num_parse_long_double(c->argv[3], &delta)) {
        resp_error(c->out, "value is not a valid float");
        return;
    }
    if (!isfinite(delta)) {
        resp_error(c->out, "value is NaN or Infinity");
        return;
    }
    if (!ctx_edit_or_new(c, &c->key, TYPE_HASH, &e))
        return;
    bool found = hash_find(e.item, c->argv[2], dues_now_ms(c->ks), &f);
    const char *error = NULL;
    int len = 0;
    if (found && !num_parse_long_double(pack_string(f.value, scratch), &value))
        error = "hash value is not a float";
    else if (isfinite(value + delta))
        len = num_print_long_double(text, value + delta);
    if (!error && len == 0)
        error = "increment would produce NaN or Infinity";
    if (error) {
        ctx_edit_undone(&e);
        resp_error(c->out, error);
        return;
    }
    struct hash_new n = {c->argv[2], slice_of(text, (size_t)len), DUES_KEEP};
    bool keep_due = found && f.due_ms != DUES_NONE;
    if (!set_one(c, &e, &n, "hincrbyfloat"))
        return;
    /* The effect holds the sum, as another machine might compute another one. */
    hash_effect_set(c, n.name, n.value, keep_due);
    resp_bulk(c->out, n.value);
}

/* --- asking ----------------------------------------------------------------------------------------- */

static void cmd_hget(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_HASH, &it))
        hash_reply_value(c, it, c->argv[2]);
}

static void cmd_hmget(struct cmd_ctx *c)
{
    const struct item *it;
    if (!ctx_read_type(c, &c->key, TYPE_HASH, &it))
        return;
    resp_array(c->out, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        hash_reply_value(c, it, c->argv[i]);
}

static void cmd_hlen(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_HASH, &it))
        resp_int(c->out, it ? (int64_t)hash_count(it) : 0);
}

static void cmd_hexists(struct cmd_ctx *c)
{
    const struct item *it;
    struct hash_field f;
    if (ctx_read_type(c, &c->key, TYPE_HASH, &it))
        resp_int(c->out, it && hash_find(it, c->argv[2], dues_now_ms(c->ks), &f));
}

static void cmd_hstrlen(struct cmd_ctx *c)
{
    const struct item *it;
    struct hash_field f;
    if (!ctx_read_type(c, &c->key, TYPE_HASH, &it))
        return;
    bool found = it && hash_find(it, c->argv[2], dues_now_ms(c->ks), &f);
    resp_int(c->out, found ? (int64_t)pack_string_len(f.value) : 0);
}

/* --- rows ------------------------------------------------------------------------------------------- */

/* clang-format off */
#define WRITE_ROW(name_, fn_, arity_, flags_, keys_, since_, complexity_, summary_, synopsis_) \
    {.name = (name_), .fn = (fn_), .arity = (arity_), .flags = CMD_WRITE | CMD_FAST | (flags_), .acl = ACL_HASH, \
     .keys = {CMD_KEY(1, keys_)}, .element = 2, .group = "hash", .since = (since_), .complexity = (complexity_), \
     .summary = (summary_), .synopsis = (synopsis_)}
#define READ_ROW(name_, fn_, arity_, flags_, keys_, since_, complexity_, summary_, synopsis_) \
    {.name = (name_), .fn = (fn_), .arity = (arity_), .flags = CMD_READONLY | CMD_FAST | (flags_), .acl = ACL_HASH, \
     .keys = {CMD_KEY(1, keys_)}, .element = 2, .group = "hash", .since = (since_), .complexity = (complexity_), \
     .summary = (summary_), .synopsis = (synopsis_)}
/* clang-format on */

const struct cmd_row cmd_rows_hash[] = {
    WRITE_ROW("hset", cmd_hset, -4, CMD_DENYOOM, KEY_RW | KEY_UPDATE, "2.0.0",
              "O(1) for each field",
              "Sets fields of a hash, which is made if it is not there; returns how many were new.",
              "key field value [field value ...]"),
    WRITE_ROW("hmset", cmd_hmset, -4, CMD_DENYOOM, KEY_RW | KEY_UPDATE, "2.0.0",
              "O(1) for each field", "Sets fields of a hash, as HSET does.",
              "key field value [field value ...]"),
    WRITE_ROW("hsetnx", cmd_hsetnx, 4, CMD_DENYOOM, KEY_RW | KEY_INSERT, "2.0.0", "O(1)",
              "Sets a field of a hash unless it is there.", "key field value"),
    WRITE_ROW("hdel", cmd_hdel, -3, 0, KEY_RW | KEY_DELETE, "2.0.0", "O(1) for each field",
              "Removes fields from a hash and returns how many there were; an empty hash goes.",
              "key field [field ...]"),
    WRITE_ROW("hincrby", cmd_hincrby, 4, CMD_DENYOOM, KEY_RW | KEY_ACCESS | KEY_UPDATE, "2.0.0",
              "O(1)", "Adds to the integer that a field holds; a missing one counts from zero.",
              "key field increment"),
    WRITE_ROW(
        "hincrbyfloat", cmd_hincrbyfloat, 4, CMD_DENYOOM, KEY_RW | KEY_ACCESS | KEY_UPDATE, "2.6.0",
        "O(1)",
        "Adds to the floating-point number that a field holds; a missing one counts from zero.",
        "key field increment"),
    READ_ROW("hget", cmd_hget, 3, 0, KEY_RO | KEY_ACCESS, "2.0.0", "O(1)",
             "Returns the value of a field.", "key field"),
    READ_ROW("hmget", cmd_hmget, -3, 0, KEY_RO | KEY_ACCESS, "2.0.0", "O(1) for each field",
             "Returns the values of fields.", "key field [field ...]"),
    READ_ROW("hlen", cmd_hlen, 2, 0, KEY_RO, "2.0.0", "O(1)",
             "Returns the number of fields of a hash.", "key"),
    READ_ROW("hexists", cmd_hexists, 3, 0, KEY_RO, "2.0.0", "O(1)",
             "Tells whether a hash has a field.", "key field"),
    READ_ROW("hstrlen", cmd_hstrlen, 3, 0, KEY_RO, "3.2.0", "O(1)",
             "Returns the length of a field's value.", "key field"),
    {.name = NULL},
};
