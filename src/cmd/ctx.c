#include "cmd/ctx.h"

#include "base/mem.h"
#include "store/dues.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>

/* An error repeats at most so many bytes of an argument, as in Redis. */
#define ERROR_ARG_BYTES_MAX  128
#define NAME_UPPER_BYTES_MAX 64

/* --- keys ------------------------------------------------------------------------------------- */

static const struct item *look_up(struct cmd_ctx *c, const struct key *k, int flags)
{
    ctx_note(c, k);
    const struct item *it = ks_find(c->ks, c->db, k, flags);
    if (!it)
        ctx_notify(c, k->name, NOTIFY_KEY_MISS, "keymiss");
    return it;
}

const struct item *ctx_read(struct cmd_ctx *c, const struct key *k)
{
    return look_up(c, k, c->no_touch ? KS_READ | KS_NO_TOUCH : KS_READ);
}

bool ctx_read_whole(struct cmd_ctx *c, const struct key *k, const struct item **it)
{
    *it = ctx_read(c, k);
    if (!*it || dues_least_ms(*it) > dues_now_ms(c->ks))
        return true;
    if (ks_expire_elements(c->ks, c->db, k) != ERR_OK) {
        ctx_reply_nomem(c);
        return false;
    }
    *it = ctx_write(c, k);
    return true;
}

const struct item *ctx_peek(struct cmd_ctx *c, const struct key *k)
{
    return look_up(c, k, KS_READ | KS_NO_TOUCH);
}

const struct item *ctx_write(struct cmd_ctx *c, const struct key *k)
{
    ctx_note(c, k);
    return ks_find(c->ks, c->db, k, c->no_touch ? KS_NO_TOUCH : 0);
}

int ctx_keys_fetch(struct cmd_ctx *c, int first, int step, int end, struct key keys[CTX_KEYS_GROUP])
{
    bool again[CTX_KEYS_GROUP];
    int n = 0;
    for (int i = first; i < end && n < CTX_KEYS_GROUP; i += step, n++) {
        keys[n] = ctx_key(c, i);
        ks_prefetch(c->ks, c->db, &keys[n]);
    }
    for (int i = 0; i < n; i++)
        again[i] = ks_prefetch_item(c->ks, c->db, &keys[i], 0);
    for (int i = 0; i < n; i++)
        if (again[i])
            ks_prefetch_item(c->ks, c->db, &keys[i], 1);
    return n;
}

/* --- changes ---------------------------------------------------------------------------------- */

const struct item *ctx_set_string(struct cmd_ctx *c, const struct key *k, struct slice arg,
                                  int64_t expiry_ms)
{
    struct blob *b = c->ops->blob ? c->ops->blob(c, arg) : NULL;
    if (!b)
        return ks_set_string(c->ks, c->db, k, arg, expiry_ms);
    assert(b->len == arg.len);
    const struct item *it = ks_set_blob(c->ks, c->db, k, blob_hold(b), expiry_ms);
    if (!it)
        blob_drop(b);
    return it;
}

bool ctx_group_set(struct cmd_ctx *c, struct ks_group *g, const struct key *k, struct slice arg,
                   int64_t expiry_ms)
{
    struct blob *b = arg.len >= CTX_REFER_BYTES_MIN && c->ops->blob ? c->ops->blob(c, arg) : NULL;
    if (!b)
        return ks_group_set(g, k, arg, expiry_ms);
    assert(b->len == arg.len);
    if (ks_group_set_blob(g, k, blob_hold(b), expiry_ms))
        return true;
    blob_drop(b);
    return false;
}

bool ctx_store(struct cmd_ctx *c, const struct key *k, struct slice value, int64_t expiry_ms)
{
    /* The store does not say whether the key is new: one more look-up, where NOTIFY_NEW is on. */
    bool is_new = c->tell_new && !ctx_write(c, k);
    if (!(value.len < CTX_REFER_BYTES_MIN ? ks_set_string(c->ks, c->db, k, value, expiry_ms)
                                          : ctx_set_string(c, k, value, expiry_ms)))
        return false;
    ctx_stored(c, k, is_new, expiry_ms);
    return true;
}

void ctx_stored(struct cmd_ctx *c, const struct key *k, bool is_new, int64_t expiry_ms)
{
    if (is_new)
        ctx_added(c, k->name);
    ctx_changed(c, k, NOTIFY_STRING, "set");
    if (expiry_ms != ITEM_NO_EXPIRY && expiry_ms != KS_KEEP_EXPIRY)
        ctx_notify(c, k->name, NOTIFY_GENERIC, "expire");
}

/* The item of a large string that was just stored. NULL: it is due already. */
static const struct item *stored(struct cmd_ctx *c, struct slice key)
{
    struct key k = ks_key(c->ks, key);
    return ks_find(c->ks, c->db, &k, KS_NO_TOUCH);
}

void ctx_effect_set(struct cmd_ctx *c, struct slice key, struct slice value, int64_t expiry_ms)
{
    struct slice argv[5] = {SLICE("SET"), key, value};
    char ms[NUM_I64_CHARS];
    int argc = 3;
    if (expiry_ms == KS_KEEP_EXPIRY) {
        argv[argc++] = SLICE("KEEPTTL");
    } else if (expiry_ms != ITEM_NO_EXPIRY) {
        argv[argc++] = SLICE("PXAT");
        argv[argc++] = slice_of(ms, (size_t)num_print_i64(ms, expiry_ms));
    }
    const struct item *it = value.len >= CTX_REFER_BYTES_MIN && c->effects && c->ops->effect_blob
                                ? stored(c, key)
                                : NULL;
    if (!it) {
        ctx_effect(c, argc, argv);
        return;
    }
    struct blob *blob = string_blob(it, 0);
    /* The same request has set the key again, and logs that value, too. */
    if (!blob || blob->len != value.len)
        return;
    argv[2] = slice_of(blob->data, blob->len);
    c->ops->effect_blob(c, c->db, argc, argv, blob);
}

bool ctx_delete(struct cmd_ctx *c, const struct key *k)
{
    /* The reply depends on the key also where it is missing: a change that is not durable yet may have removed it. */
    ctx_note(c, k);
    if (!ks_delete(c->ks, c->db, k))
        return false;
    ctx_changed(c, k, NOTIFY_GENERIC, "del");
    return true;
}

void ctx_delete_effect(struct cmd_ctx *c, const struct key *k)
{
    struct slice argv[] = {SLICE("DEL"), k->name};
    ctx_delete(c, k);
    ctx_effect(c, 2, argv);
}

/* --- waiting ---------------------------------------------------------------------------------- */

void ctx_block(struct cmd_ctx *c, const struct ctx_wait *w)
{
    if (c->ops->block && c->ops->block(c, w))
        return;
    if (w->null_bulk)
        resp_null(c->out);
    else
        resp_null_array(c->out);
}

bool ctx_arg_timeout(struct cmd_ctx *c, int i, int64_t *ms)
{
    long double s;
    if (!num_parse_long_double(c->argv[i], &s)) {
        resp_error(c->out, "timeout is not a float or out of range");
        return false;
    }
    s = ceill(s * 1000);
    if (s < 0) {
        resp_error(c->out, "timeout is negative");
        return false;
    }
    if (s > (long double)(INT64_MAX - c->now_ms)) {
        resp_error(c->out, "timeout is out of range");
        return false;
    }
    *ms = (int64_t)s;
    return true;
}

/* --- collections ------------------------------------------------------------------------------ */

bool ctx_read_type(struct cmd_ctx *c, const struct key *k, enum item_type t, const struct item **it)
{
    *it = ctx_read(c, k);
    return ctx_is_type(c, *it, t);
}

/* False: the error is replied. */
static bool edit_begun(struct cmd_ctx *c, struct ks_edit *e, enum err err)
{
    if (err == ERR_OK)
        return true;
    e->item = NULL;
    if (err == ERR_TYPE)
        resp_error(c->out, ERR_TEXT_WRONGTYPE);
    else if (err == ERR_NOMEM)
        ctx_reply_nomem(c);
    return err == ERR_NOTFOUND;
}

bool ctx_edit_type(struct cmd_ctx *c, const struct key *k, enum item_type t, struct ks_edit *e)
{
    ctx_note(c, k);
    return edit_begun(c, e, ks_edit_type(c->ks, c->db, k, t, e));
}

bool ctx_edit_or_new(struct cmd_ctx *c, const struct key *k, enum item_type t, struct ks_edit *e)
{
    ctx_note(c, k);
    return edit_begun(c, e, ks_edit_or_new(c->ks, c->db, k, t, e));
}

const struct item *ctx_edited(struct cmd_ctx *c, const struct key *k, struct ks_edit *e,
                              unsigned class, const char *event)
{
    bool is_new = e->is_new;
    const struct item *it = ks_edit_end(e);
    if (is_new && it)
        ctx_added(c, k->name);
    ctx_changed(c, k, class, event);
    if (!it)
        ctx_notify(c, k->name, NOTIFY_GENERIC, "del");
    return it;
}

/* --- arguments -------------------------------------------------------------------------------- */

bool ctx_arg_i64(struct cmd_ctx *c, int i, int64_t *out)
{
    if (num_parse_i64(c->argv[i], out))
        return true;
    resp_error(c->out, ERR_TEXT_NOT_INTEGER);
    return false;
}

bool ctx_arg_range(struct cmd_ctx *c, int i, int64_t min, int64_t max, int64_t *out,
                   const char *error)
{
    bool is_number = num_parse_i64(c->argv[i], out);
    if (is_number && *out >= min && *out <= max)
        return true;
    if (error)
        resp_error(c->out, error);
    else if (is_number)
        resp_errorf(c->out, "value is out of range, value must between %lld and %lld",
                    (long long)min, (long long)max);
    else
        resp_error(c->out, ERR_TEXT_NOT_INTEGER);
    return false;
}

bool ctx_is_type(struct cmd_ctx *c, const struct item *it, enum item_type t)
{
    if (!it || item_type(it) == t)
        return true;
    resp_error(c->out, ERR_TEXT_WRONGTYPE);
    return false;
}

/* --- replies ---------------------------------------------------------------------------------- */

static struct slice first_bytes(struct slice s, size_t most)
{
    return slice_of(s.ptr, s.len < most ? s.len : most);
}

void ctx_reply_string_part(struct cmd_ctx *c, const struct item *it, size_t offset, size_t len)
{
    char scratch[NUM_I64_CHARS];
    /* This call may move the bytes, so it precedes string_run. */
    struct blob *b = string_blob_to_send(it, offset);
    struct slice run = first_bytes(string_run(it, offset, scratch), len);
    if (run.len == len) {
        if (b)
            resp_bulk_part(c->out, b, run);
        else
            resp_bulk(c->out, run);
        return;
    }
    resp_bulk_begin(c->out, len);
    while (len > 0) {
        run = first_bytes(string_run(it, offset, scratch), len);
        resp_bulk_run(c->out, string_blob(it, offset), run);
        offset += run.len;
        len -= run.len;
    }
    resp_bulk_end(c->out);
}

static __attribute__((noinline)) void reply_long(struct cmd_ctx *c, const struct item *it)
{
    char scratch[NUM_I64_CHARS];
    const struct blob *b = string_blob_to_send(it, 0);
    size_t len = string_len(it);
    if (string_run(it, 0, scratch).len == len && b->len == len)
        resp_bulk_blob(c->out, string_blob(it, 0));
    else
        ctx_reply_string_part(c, it, 0, len);
}

void ctx_reply_string(struct cmd_ctx *c, const struct item *it)
{
    char scratch[NUM_I64_CHARS];
    struct slice s;
    if (string_short(it, scratch, &s))
        resp_bulk(c->out, s);
    else
        reply_long(c, it);
}

void ctx_reply_string_or_null(struct cmd_ctx *c, const struct item *it)
{
    if (it)
        ctx_reply_string(c, it);
    else
        resp_null(c->out);
}

void ctx_reply_syntax(struct cmd_ctx *c)
{
    resp_error(c->out, ERR_TEXT_SYNTAX);
}

void ctx_reply_nomem(struct cmd_ctx *c)
{
    resp_error(c->out, ERR_TEXT_NOMEM);
}

void ctx_reply_arity(struct cmd_ctx *c)
{
    resp_errorf(c->out, "wrong number of arguments for '%s' command", c->cmd->full_name);
}

/* The name of the command, or of a subcommand's container, in capitals. */
static const char *upper_name(const struct cmd_ctx *c, char out[NAME_UPPER_BYTES_MAX])
{
    const char *name = c->cmd->parent ? c->cmd->parent->row->name : c->cmd->row->name;
    size_t i = 0;
    for (; name[i] && i < NAME_UPPER_BYTES_MAX - 1; i++)
        out[i] = (char)toupper((unsigned char)name[i]);
    out[i] = '\0';
    return out;
}

void ctx_reply_unknown_sub(struct cmd_ctx *c)
{
    char name[NAME_UPPER_BYTES_MAX];
    resp_errorf(c->out, "unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
                slice_shown(c->argv[1], ERROR_ARG_BYTES_MAX), c->argv[1].ptr, upper_name(c, name));
}

void ctx_reply_help(struct cmd_ctx *c, const char *const *lines)
{
    static const char framing[] = "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
    char name[NAME_UPPER_BYTES_MAX], title[NAME_UPPER_BYTES_MAX + sizeof(framing)];
    size_t n = 0;
    while (lines[n])
        n++;
    resp_array(c->out, n + 3);
    snprintf(title, sizeof(title), framing, upper_name(c, name));
    resp_status(c->out, title);
    for (size_t i = 0; i < n; i++)
        resp_status(c->out, lines[i]);
    resp_status(c->out, "HELP");
    resp_status(c->out, "    Print this help.");
}

void ctx_reply_text(struct cmd_ctx *c, struct buf *text)
{
    if (text->err == ERR_OK)
        resp_verbatim(c->out, "txt", buf_slice(text));
    else
        ctx_reply_nomem(c);
    buf_deinit(text);
}

void ctx_effect_by_name(struct cmd_ctx *c)
{
    if (!c->effects)
        return;
    struct slice *argv = mem_alloc(sizeof(argv[0]) * (size_t)c->argc);
    memcpy(argv, c->argv, sizeof(argv[0]) * (size_t)c->argc);
    argv[0] = slice_from_cstr(c->cmd->row->name);
    ctx_effect(c, c->argc, argv);
    mem_free(argv);
}
