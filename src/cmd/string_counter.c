/* Strings as numbers: INCR and its family. */
#include <math.h>

#include "cmd/ctx.h"

/* --- integers --------------------------------------------------------------------------------- */

static bool integer_of(struct cmd_ctx *c, const struct item *it, int64_t *out)
{
    if (string_is_stored_int(it, out))
        return true;
    if (!ctx_is_string(c, it))
        return false;
    if (string_int(it, out))
        return true;
    resp_error(c->out, ERR_TEXT_NOT_INTEGER);
    return false;
}

static void add_integer(struct cmd_ctx *c, int64_t delta)
{
    const struct item *it = ctx_write(c, &c->key);
    bool is_new = !it;
    int64_t value = 0;
    if (it && !integer_of(c, it, &value))
        return;
    if (__builtin_add_overflow(value, delta, &value)) {
        resp_error(c->out, "increment or decrement would overflow");
        return;
    }
    if (!ks_set_int(c->ks, c->db, &c->key, value, is_new ? ITEM_NO_EXPIRY : KS_KEEP_EXPIRY)) {
        ctx_reply_nomem(c);
        return;
    }
    if (is_new)
        ctx_added(c, c->key.name);
    ctx_changed(c, &c->key, NOTIFY_STRING, "incrby");
    ctx_effect_as_is(c);
    resp_int(c->out, value);
}

static void cmd_incr(struct cmd_ctx *c)
{
    add_integer(c, 1);
}

static void cmd_decr(struct cmd_ctx *c)
{
    add_integer(c, -1);
}

static void cmd_incrby(struct cmd_ctx *c)
{
    int64_t delta;
    if (ctx_arg_i64(c, 2, &delta))
        add_integer(c, delta);
}

static void cmd_decrby(struct cmd_ctx *c)
{
    int64_t delta;
    if (!ctx_arg_i64(c, 2, &delta))
        return;
    if (delta == INT64_MIN) /* cannot be negated */
        resp_error(c->out, "decrement would overflow");
    else
        add_integer(c, -delta);
}

/* --- floating point --------------------------------------------------------------------------- */

static bool long_double_of(const struct item *it, long double *out)
{
    char scratch[NUM_I64_CHARS];
    struct slice text;
    *out = 0;
    return !it || (string_short(it, scratch, &text) && num_parse_long_double(text, out));
}

static void cmd_incrbyfloat(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    bool is_new = !it;
    long double value, delta;
    if (!ctx_is_string(c, it))
        return;
    if (!long_double_of(it, &value) || !num_parse_long_double(c->argv[2], &delta)) {
        resp_error(c->out, "value is not a valid float");
        return;
    }
    char text[NUM_DOUBLE_CHARS];
    int len = isfinite(value + delta) ? num_print_long_double(text, value + delta) : 0;
    if (len == 0) {
        resp_error(c->out, "increment would produce NaN or Infinity");
        return;
    }
    struct slice sum = slice_of(text, (size_t)len);
    int64_t expiry_ms = is_new ? ITEM_NO_EXPIRY : KS_KEEP_EXPIRY;
    /* Stored as text also where the sum is an integer, as in Redis. */
    if (!ks_set_text(c->ks, c->db, &c->key, sum, expiry_ms)) {
        ctx_reply_nomem(c);
        return;
    }
    if (is_new)
        ctx_added(c, c->key.name);
    ctx_changed(c, &c->key, NOTIFY_STRING, "incrbyfloat");
    /* The effect holds the sum, as another machine might compute another one. */
    ctx_effect_set(c, c->key.name, sum, KS_KEEP_EXPIRY);
    resp_bulk(c->out, sum);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_counter[] = {
    {.name = "incr",
     .fn = cmd_incr,
     .arity = 2,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Adds one to the integer that a key holds; a missing key counts from zero.",
     .synopsis = "key"},
    {.name = "decr",
     .fn = cmd_decr,
     .arity = 2,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Subtracts one from the integer that a key holds; a missing key counts from zero.",
     .synopsis = "key"},
    {.name = "incrby",
     .fn = cmd_incrby,
     .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Adds a number to the integer that a key holds; a missing key counts from zero.",
     .synopsis = "key increment"},
    {.name = "decrby",
     .fn = cmd_decrby,
     .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Subtracts a number from the integer that a key holds; a missing key counts from "
                "zero.",
     .synopsis = "key decrement"},
    {.name = "incrbyfloat",
     .fn = cmd_incrbyfloat,
     .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "string",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Adds a floating-point number to the one that a key holds.",
     .synopsis = "key increment:double"},
    {.name = NULL},
};
