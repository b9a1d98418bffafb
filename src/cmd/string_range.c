/* Parts of strings: APPEND, GETRANGE, SETRANGE, STRLEN. */
#include "cmd/ctx.h"

static void cmd_strlen(struct cmd_ctx *c)
{
    const struct item *it = ctx_read(c, &c->key);
    if (ctx_is_string(c, it))
        resp_int(c->out, it ? (int64_t)string_len(it) : 0);
}

static bool length_allowed(struct cmd_ctx *c, size_t offset, size_t len)
{
    size_t max = (size_t)c->string_bytes_max;
    if (len <= max && offset <= max - len)
        return true;
    resp_error(c->out, "string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
}

/* Writes `bytes`, an argument, into the string at `offset`; creates and lengthens the string as needed. *len is the new
 * length. False: no memory, nothing changed. */
static bool write_at(struct cmd_ctx *c, size_t offset, struct slice bytes, size_t *len)
{
    struct ks_edit e;
    struct blob *from = c->ops->blob ? c->ops->blob(c, bytes) : NULL;
    bool is_new = !ks_edit(c->ks, c->db, &c->key, &e);
    if (is_new && (!ks_set_string(c->ks, c->db, &c->key, SLICE(""), ITEM_NO_EXPIRY) ||
                   !ks_edit(c->ks, c->db, &c->key, &e)))
        return false;
    enum err err = string_write_blob(&e, offset, bytes, from);
    *len = string_len(ks_edit_end(&e));
    if (err && is_new)
        ks_delete(c->ks, c->db, &c->key);
    return err == ERR_OK;
}

/* Logs the request as it arrived. `bytes`, one of its arguments, is not copied where it was read into a blob. */
static void effect_of(struct cmd_ctx *c, struct slice bytes)
{
    struct blob *b = c->effects && !c->cmd->called && c->ops->blob ? c->ops->blob(c, bytes) : NULL;
    if (b && c->ops->effect_blob)
        c->ops->effect_blob(c, c->db, c->argc, c->argv, b);
    else
        ctx_effect_as_is(c);
}

static void append_new(struct cmd_ctx *c)
{
    if (!ctx_set_string(c, &c->key, c->argv[2], ITEM_NO_EXPIRY)) {
        ctx_reply_nomem(c);
        return;
    }
    ctx_added(c, c->key.name);
    ctx_changed(c, &c->key, NOTIFY_STRING, "append");
    effect_of(c, c->argv[2]);
    resp_int(c->out, (int64_t)c->argv[2].len);
}

static void cmd_append(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    struct slice more = c->argv[2];
    if (!ctx_is_string(c, it))
        return;
    if (!it) {
        append_new(c);
        return;
    }
    size_t len = string_len(it);
    if (!length_allowed(c, len, more.len))
        return;
    if (!write_at(c, len, more, &len)) {
        ctx_reply_nomem(c);
        return;
    }
    /* An append of no bytes counts as a change, too. */
    ctx_changed(c, &c->key, NOTIFY_STRING, "append");
    effect_of(c, more);
    resp_int(c->out, (int64_t)len);
}

static void cmd_setrange(struct cmd_ctx *c)
{
    int64_t offset;
    struct slice bytes = c->argv[3];
    if (!ctx_arg_i64(c, 2, &offset))
        return;
    if (offset < 0) {
        resp_error(c->out, "offset is out of range");
        return;
    }
    const struct item *it = ctx_write(c, &c->key);
    if (!ctx_is_string(c, it))
        return;
    if (bytes.len == 0) {
        resp_int(c->out, it ? (int64_t)string_len(it) : 0);
        return;
    }
    if (!length_allowed(c, (size_t)offset, bytes.len))
        return;
    size_t len;
    if (!write_at(c, (size_t)offset, bytes, &len)) {
        ctx_reply_nomem(c);
        return;
    }
    if (!it)
        ctx_added(c, c->key.name);
    ctx_changed(c, &c->key, NOTIFY_STRING, "setrange");
    effect_of(c, bytes);
    resp_int(c->out, (int64_t)len);
}

/* The part of `len` bytes from offset `first` to `last`, both inclusive; negative offsets count from the end. Returns
 * the part's length; it begins at *offset. */
static size_t part_of(int64_t len, int64_t first, int64_t last, size_t *offset)
{
    *offset = 0;
    if (first < 0 && last < 0 && first > last)
        return 0;
    if (first < 0)
        first = first + len > 0 ? first + len : 0;
    if (last < 0)
        last = last + len > 0 ? last + len : 0;
    if (last >= len)
        last = len - 1;
    if (first > last)
        return 0;
    *offset = (size_t)first;
    return (size_t)(last - first + 1);
}

static void cmd_getrange(struct cmd_ctx *c)
{
    int64_t first, last;
    if (!ctx_arg_i64(c, 2, &first) || !ctx_arg_i64(c, 3, &last))
        return;
    const struct item *it = ctx_read(c, &c->key);
    if (!ctx_is_string(c, it))
        return;
    size_t whole = it ? string_len(it) : 0, offset;
    size_t len = part_of((int64_t)whole, first, last, &offset);
    if (it && len == whole)
        ctx_reply_string(c, it);
    else if (len > 0)
        ctx_reply_string_part(c, it, offset, len);
    else
        resp_bulk(c->out, SLICE(""));
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_range[] = {
    {.name = "append",
     .fn = cmd_append,
     .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_INSERT)},
     .group = "string",
     .since = "2.0.0",
     .complexity = "O(1) for each byte appended, amortised",
     .summary = "Adds bytes to the end of a string; a missing key counts as empty.",
     .synopsis = "key value"},
    {.name = "strlen",
     .fn = cmd_strlen,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RO)},
     .group = "string",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Returns the length of a string in bytes.",
     .synopsis = "key"},
    {.name = "getrange",
     .fn = cmd_getrange,
     .arity = 4,
     .flags = CMD_READONLY,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "string",
     .since = "2.4.0",
     .complexity = "O(N) for N bytes returned",
     .summary = "Returns a part of a string by its first and last offset.",
     .synopsis = "key start end"},
    {.name = "substr",
     .fn = cmd_getrange,
     .arity = 4,
     .flags = CMD_READONLY,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(N) for N bytes returned",
     .summary = "Returns a part of a string by its first and last offset; the old name of "
                "GETRANGE.",
     .synopsis = "key start end"},
    {.name = "setrange",
     .fn = cmd_setrange,
     .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "string",
     .since = "2.2.0",
     .complexity = "O(N) for N bytes written, amortised",
     .summary = "Overwrites a part of a string from an offset on; what lies between is filled with"
                " zero bytes.",
     .synopsis = "key offset value"},
    {.name = NULL},
};
