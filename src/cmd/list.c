/* Lists: LPUSH, LPOP, LRANGE and their family. */
#include "cmd/list.h"

#include "cmd/reply_walk.h"

#define ERR_TEXT_POSITIVE "value is out of range, must be positive"

bool list_arg_end(struct cmd_ctx *c, int i, enum list_end *out)
{
    bool left = slice_is(c->argv[i], "left");
    *out = left ? LIST_HEAD : LIST_TAIL;
    if (left || slice_is(c->argv[i], "right"))
        return true;
    ctx_reply_syntax(c);
    return false;
}

void list_reply_entry(struct resp_writer *w, const char *entry)
{
    char scratch[NUM_I64_CHARS];
    struct blob *b = pack_blob(entry);
    if (b)
        resp_bulk_blob(w, b);
    else
        resp_bulk(w, pack_string(entry, scratch));
}

/* --- pushing ---------------------------------------------------------------------------------- */

static void push(struct cmd_ctx *c, enum list_end end, bool only_to_lists)
{
    struct ks_edit e;
    bool begun = only_to_lists ? ctx_edit_type(c, &c->key, TYPE_LIST, &e)
                               : ctx_edit_or_new(c, &c->key, TYPE_LIST, &e);
    if (!begun)
        return;
    if (!e.item) {
        resp_int(c->out, 0);
        return;
    }
    if (list_push(&e, end, c->argv + 2, (size_t)c->argc - 2) != ERR_OK) {
        ctx_edit_undone(&e);
        ctx_reply_nomem(c);
        return;
    }
    const struct item *it =
        ctx_edited(c, &c->key, &e, NOTIFY_LIST, end == LIST_HEAD ? "lpush" : "rpush");
    ctx_effect_as_is(c);
    resp_int(c->out, (int64_t)list_len(it));
}

static void cmd_lpush(struct cmd_ctx *c)
{
    push(c, LIST_HEAD, false);
}

static void cmd_rpush(struct cmd_ctx *c)
{
    push(c, LIST_TAIL, false);
}

static void cmd_lpushx(struct cmd_ctx *c)
{
    push(c, LIST_HEAD, true);
}

static void cmd_rpushx(struct cmd_ctx *c)
{
    push(c, LIST_TAIL, true);
}

/* --- ranges as replies ------------------------------------------------------------------------ */

/* `left` elements from position `at` on, forward or backward. */
struct range {
    uint64_t at, left;
    bool backward;
};

/* About how many bytes of a reply frame an element. */
#define REPLY_FRAME_BYTES 8

/* Returns about how many bytes of a reply the entry takes. */
static size_t write_entry(struct resp_writer *w, const char *entry)
{
    uint8_t code = (uint8_t)*entry;
    if (code <= PACK_SHORT_BYTES_MAX) {
        resp_bulk(w, slice_of(entry + 1, code));
        return code + (size_t)REPLY_FRAME_BYTES;
    }
    list_reply_entry(w, entry);
    return pack_string_len(entry) + REPLY_FRAME_BYTES;
}

static void write_forward(struct range *r, struct list_cursor *cursor, struct resp_writer *w,
                          size_t bytes)
{
    size_t written = 0;
    while (r->left > 0 && written < bytes) {
        struct slice run = list_run(cursor);
        for (const char *entry = run.ptr, *end = run.ptr + run.len;
             entry < end && r->left > 0 && written < bytes; entry += pack_bytes(entry)) {
            written += write_entry(w, entry);
            r->left--;
            r->at++;
        }
    }
}

static void write_backward(struct range *r, struct list_cursor *cursor, struct resp_writer *w,
                           size_t bytes)
{
    const char *entry = cursor->entry;
    for (size_t written = 0; r->left > 0 && written < bytes; entry = list_prev(cursor)) {
        written += write_entry(w, entry);
        r->left--;
        r->at--;
    }
}

static bool write_range(void *state, const struct item *it, struct resp_writer *w, size_t bytes)
{
    struct range *r = state;
    struct list_cursor cursor;
    if (!list_at(it, r->at, &cursor))
        return false;
    if (r->backward)
        write_backward(r, &cursor, w, bytes);
    else
        write_forward(r, &cursor, w, bytes);
    return r->left > 0;
}

/* False: no memory; the error is replied. */
static bool reply_range(struct cmd_ctx *c, const struct item *it, struct range r)
{
    uint64_t errors = c->out->errors;
    ctx_reply_walk(c, it,
                   &(struct reply_walk){.header = resp_array,
                                        .count = r.left,
                                        .write = write_range,
                                        .state = &r,
                                        .state_bytes = sizeof(r)});
    return c->out->errors == errors;
}

/* --- popping ---------------------------------------------------------------------------------- */

static const char *pop_event(enum list_end end)
{
    return end == LIST_HEAD ? "lpop" : "rpop";
}

void list_pop_effect(struct cmd_ctx *c, const struct key *k, enum list_end end, uint64_t n)
{
    char digits[NUM_I64_CHARS];
    if (!c->effects)
        return;
    struct slice argv[] = {end == LIST_HEAD ? SLICE("LPOP") : SLICE("RPOP"), k->name,
                           slice_of(digits, (size_t)num_print_u64(digits, n))};
    ctx_effect(c, n == 1 ? 2 : 3, argv);
}

/* Removes `n` elements, whose reply is written already, behind the mark `before`. Where memory runs out, the reply is
 * taken back and -OOM replied. */
static void pop_replied(struct cmd_ctx *c, const struct key *k, struct ks_edit *e,
                        enum list_end end, uint64_t n, struct outq_mark before)
{
    if (list_remove(e, end == LIST_HEAD ? 0 : list_len(e->item) - n, n) != ERR_OK) {
        ctx_edit_undone(e);
        outq_rollback(c->out->out, before);
        ctx_reply_nomem(c);
        return;
    }
    ctx_edited(c, k, e, NOTIFY_LIST, pop_event(end));
    list_pop_effect(c, k, end, n);
}

/* Pops an element and replies it, behind the key if `with_key`. */
static void pop_one(struct cmd_ctx *c, const struct key *k, struct ks_edit *e, enum list_end end,
                    bool with_key)
{
    char entry[BTREE_ENTRY_BYTES_MAX];
    if (list_pop(e, end, entry) != ERR_OK) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return;
    }
    if (with_key) {
        resp_array(c->out, 2);
        resp_bulk(c->out, k->name);
    }
    list_reply_entry(c->out, entry);
    list_popped_end(entry);
    ctx_edited(c, k, e, NOTIFY_LIST, pop_event(end));
    list_pop_effect(c, k, end, 1);
}

static struct range range_from(const struct item *it, enum list_end end, uint64_t n)
{
    return (struct range){
        .at = end == LIST_HEAD ? 0 : list_len(it) - 1, .left = n, .backward = end == LIST_TAIL};
}

static void pop(struct cmd_ctx *c, enum list_end end)
{
    struct ks_edit e;
    int64_t count;
    if (c->argc > 3) {
        ctx_reply_arity(c);
        return;
    }
    bool one = c->argc == 2;
    if ((!one && !ctx_arg_range(c, 2, 0, INT64_MAX, &count, ERR_TEXT_POSITIVE)) ||
        !ctx_edit_type(c, &c->key, TYPE_LIST, &e))
        return;
    if (!e.item) {
        if (one)
            resp_null(c->out);
        else
            resp_null_array(c->out);
        return;
    }
    if (one) {
        pop_one(c, &c->key, &e, end, false);
        return;
    }
    if (count == 0) {
        ctx_edit_undone(&e);
        resp_array(c->out, 0);
        return;
    }
    uint64_t len = list_len(e.item), n = (uint64_t)count < len ? (uint64_t)count : len;
    struct outq_mark before = outq_mark(c->out->out);
    if (reply_range(c, e.item, range_from(e.item, end, n)))
        pop_replied(c, &c->key, &e, end, n, before);
    else
        ctx_edit_undone(&e);
}

static void cmd_lpop(struct cmd_ctx *c)
{
    pop(c, LIST_HEAD);
}

static void cmd_rpop(struct cmd_ctx *c)
{
    pop(c, LIST_TAIL);
}

bool list_pop_pair(struct cmd_ctx *c, const struct key *k, enum list_end end)
{
    struct ks_edit e;
    if (!ctx_edit_type(c, k, TYPE_LIST, &e))
        return true;
    if (!e.item)
        return false;
    pop_one(c, k, &e, end, true);
    return true;
}

bool list_pop_some(struct cmd_ctx *c, const struct key *k, enum list_end end, uint64_t count)
{
    struct ks_edit e;
    if (!ctx_edit_type(c, k, TYPE_LIST, &e))
        return true;
    if (!e.item)
        return false;
    uint64_t len = list_len(e.item), n = count < len ? count : len;
    struct outq_mark before = outq_mark(c->out->out);
    resp_array(c->out, 2);
    resp_bulk(c->out, k->name);
    if (reply_range(c, e.item, range_from(e.item, end, n))) {
        pop_replied(c, k, &e, end, n, before);
    } else {
        ctx_edit_undone(&e);
        outq_rollback(c->out->out, before);
        ctx_reply_nomem(c);
    }
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void cmd_llen(struct cmd_ctx *c)
{
    const struct item *it;
    if (ctx_read_type(c, &c->key, TYPE_LIST, &it))
        resp_int(c->out, it ? (int64_t)list_len(it) : 0);
}

/* The position of an index; a negative index counts from the end. False: the index is out of range. */
static bool position(const struct item *it, int64_t index, uint64_t *out)
{
    uint64_t len = list_len(it);
    *out = index < 0 ? len - (0 - (uint64_t)index) : (uint64_t)index;
    return *out < len;
}

static void cmd_lindex(struct cmd_ctx *c)
{
    const struct item *it;
    struct list_cursor cursor;
    int64_t index;
    uint64_t at;
    if (!ctx_read_type(c, &c->key, TYPE_LIST, &it))
        return;
    if (!it) {
        resp_null(c->out);
        return;
    }
    if (!ctx_arg_i64(c, 2, &index))
        return;
    if (position(it, index, &at))
        list_reply_entry(c->out, list_at(it, at, &cursor));
    else
        resp_null(c->out);
}

/* Turns two indexes, both inclusive, into positions within the list. False: the range is empty. */
static bool clamp(int64_t len, int64_t *start, int64_t *stop)
{
    if (*start < 0)
        *start = *start + len < 0 ? 0 : *start + len;
    if (*stop < 0)
        *stop += len;
    if (*stop >= len)
        *stop = len - 1;
    return *start <= *stop;
}

static void cmd_lrange(struct cmd_ctx *c)
{
    const struct item *it;
    int64_t start, stop;
    if (!ctx_arg_i64(c, 2, &start) || !ctx_arg_i64(c, 3, &stop) ||
        !ctx_read_type(c, &c->key, TYPE_LIST, &it))
        return;
    if (it && clamp((int64_t)list_len(it), &start, &stop))
        reply_range(c, it,
                    (struct range){.at = (uint64_t)start, .left = (uint64_t)(stop - start) + 1});
    else
        resp_array(c->out, 0);
}

/* --- editing ---------------------------------------------------------------------------------- */

/* Ends an edit, notifies and logs the request. False: `err`, and -OOM is replied. */
static bool edited(struct cmd_ctx *c, struct ks_edit *e, enum err err, const char *event)
{
    if (err != ERR_OK) {
        ctx_edit_undone(e);
        ctx_reply_nomem(c);
        return false;
    }
    ctx_edited(c, &c->key, e, NOTIFY_LIST, event);
    ctx_effect_as_is(c);
    return true;
}

static void cmd_lset(struct cmd_ctx *c)
{
    struct ks_edit e;
    int64_t index;
    uint64_t at;
    if (!ctx_edit_type(c, &c->key, TYPE_LIST, &e))
        return;
    if (!e.item) {
        resp_error(c->out, ERR_TEXT_NO_KEY);
        return;
    }
    if (!ctx_arg_i64(c, 2, &index)) {
        ctx_edit_undone(&e);
    } else if (!position(e.item, index, &at)) {
        ctx_edit_undone(&e);
        resp_error(c->out, "index out of range");
    } else if (edited(c, &e, list_set(&e, at, c->argv[3]), "lset")) {
        resp_ok(c->out);
    }
}

/* The position of the first element that equals the string. False: there is none. */
static bool find(const struct item *it, struct slice string, uint64_t *at)
{
    struct pack_entry wanted;
    struct list_cursor cursor;
    pack_entry_init_to_find(&wanted, string);
    *at = 0;
    for (const char *entry = list_at(it, 0, &cursor); entry; entry = list_next(&cursor), ++*at)
        if (pack_equal(entry, &wanted))
            return true;
    return false;
}

static void cmd_linsert(struct cmd_ctx *c)
{
    struct ks_edit e;
    uint64_t at;
    bool behind = slice_is(c->argv[2], "after");
    if (!behind && !slice_is(c->argv[2], "before")) {
        ctx_reply_syntax(c);
        return;
    }
    if (!ctx_edit_type(c, &c->key, TYPE_LIST, &e))
        return;
    if (!e.item) {
        resp_int(c->out, 0);
        return;
    }
    if (!find(e.item, c->argv[3], &at)) {
        ctx_edit_undone(&e);
        resp_int(c->out, -1);
        return;
    }
    int64_t len = (int64_t)list_len(e.item) + 1;
    if (edited(c, &e, list_insert(&e, at + behind, c->argv[4]), "linsert"))
        resp_int(c->out, len);
}

static void cmd_ltrim(struct cmd_ctx *c)
{
    struct ks_edit e;
    int64_t start, stop;
    if (!ctx_arg_i64(c, 2, &start) || !ctx_arg_i64(c, 3, &stop) ||
        !ctx_edit_type(c, &c->key, TYPE_LIST, &e))
        return;
    if (!e.item) {
        resp_ok(c->out);
        return;
    }
    uint64_t len = list_len(e.item);
    enum err err;
    if (!clamp((int64_t)len, &start, &stop))
        err = list_remove(&e, 0, len);
    else
        err = list_keep(&e, (uint64_t)start, (uint64_t)(stop - start) + 1);
    if (edited(c, &e, err, "ltrim"))
        resp_ok(c->out);
}

static void cmd_lrem(struct cmd_ctx *c)
{
    struct ks_edit e;
    int64_t count;
    uint64_t removed;
    if (!ctx_arg_i64(c, 2, &count) || !ctx_edit_type(c, &c->key, TYPE_LIST, &e))
        return;
    if (!e.item) {
        resp_int(c->out, 0);
        return;
    }
    uint64_t most = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    enum err err = list_remove_equal(&e, count < 0 ? LIST_TAIL : LIST_HEAD,
                                     count == 0 ? UINT64_MAX : most, c->argv[3], &removed);
    if (err == ERR_OK && removed == 0)
        ctx_edit_undone(&e);
    else if (!edited(c, &e, err, "lrem"))
        return;
    resp_int(c->out, (int64_t)removed);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define PUSH_ROW(name_, fn_, since_, summary_)                                                  \
    {                                                                                           \
        .name = (name_), .fn = (fn_), .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, \
        .acl = ACL_LIST, .keys = {CMD_KEY(1, KEY_RW | KEY_INSERT)}, .group = "list",            \
        .since = (since_), .complexity = "O(N) for N elements", .summary = (summary_),          \
        .synopsis = "key element [element ...]"                                                 \
    }
#define POP_ROW(name_, fn_, summary_)                                                              \
    {                                                                                              \
        .name = (name_), .fn = (fn_), .arity = -2, .flags = CMD_WRITE | CMD_FAST, .acl = ACL_LIST, \
        .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE)}, .group = "list", .since = "1.0.0", \
        .complexity = "O(N) for N elements", .summary = (summary_), .synopsis = "key [count]"      \
    }

const struct cmd_row cmd_rows_list[] = {
    PUSH_ROW("lpush", cmd_lpush, "1.0.0", "Adds elements to the head of a list."),
    PUSH_ROW("rpush", cmd_rpush, "1.0.0", "Adds elements to the tail of a list."),
    PUSH_ROW("lpushx", cmd_lpushx, "2.2.0", "Adds elements to the head of a list that is there."),
    PUSH_ROW("rpushx", cmd_rpushx, "2.2.0", "Adds elements to the tail of a list that is there."),
    POP_ROW("lpop", cmd_lpop, "Removes and returns elements from the head of a list."),
    POP_ROW("rpop", cmd_rpop, "Removes and returns elements from the tail of a list."),
    {.name = "llen",
     .fn = cmd_llen,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_LIST,
     .keys = {CMD_KEY(1, KEY_RO)},
     .group = "list",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the number of elements of a list.",
     .synopsis = "key"},
    {.name = "lindex",
     .fn = cmd_lindex,
     .arity = 3,
     .flags = CMD_READONLY,
     .acl = ACL_LIST,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "list",
     .since = "1.0.0",
     .complexity = "O(log(N)) for N elements",
     .summary = "Returns an element of a list by its index.",
     .synopsis = "key index:integer"},
    {.name = "lrange",
     .fn = cmd_lrange,
     .arity = 4,
     .flags = CMD_READONLY,
     .acl = ACL_LIST,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "list",
     .since = "1.0.0",
     .complexity = "O(log(N)+M) for N elements, M of them returned",
     .summary = "Returns the elements of a list between two indexes.",
     .synopsis = "key start:integer stop:integer"},
    {.name = "lset",
     .fn = cmd_lset,
     .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_LIST,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "list",
     .since = "1.0.0",
     .complexity = "O(log(N)) for N elements",
     .summary = "Puts another element in the place of one of a list.",
     .synopsis = "key index:integer element"},
    {.name = "linsert",
     .fn = cmd_linsert,
     .arity = 5,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_LIST,
     .keys = {CMD_KEY(1, KEY_RW | KEY_INSERT)},
     .group = "list",
     .since = "2.2.0",
     .complexity = "O(N) for N elements up to the pivot",
     .summary = "Inserts an element ahead of another one of a list, or behind it.",
     .synopsis = "key <BEFORE | AFTER> pivot element"},
    {.name = "ltrim",
     .fn = cmd_ltrim,
     .arity = 4,
     .flags = CMD_WRITE,
     .acl = ACL_LIST,
     .keys = {CMD_KEY(1, KEY_RW | KEY_DELETE)},
     .group = "list",
     .since = "1.0.0",
     .complexity = "O(log(N)) for N elements",
     .summary = "Removes the elements of a list that lie outside of two indexes.",
     .synopsis = "key start:integer stop:integer"},
    {.name = "lrem",
     .fn = cmd_lrem,
     .arity = 4,
     .flags = CMD_WRITE,
     .acl = ACL_LIST,
     .keys = {CMD_KEY(1, KEY_RW | KEY_DELETE)},
     .group = "list",
     .since = "1.0.0",
     .complexity = "O(N) for N elements",
     .summary = "Removes elements of a list that are equal to one.",
     .synopsis = "key count element"},
    {.name = NULL},
};
