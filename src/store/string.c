#include "store/string.h"

#include "base/crc32c.h"
#include "base/xxh3.h"
#include "store/digest.h"
#include "store/keyspace_impl.h"

/* OBJECT ENCODING says "embstr" up to this length, as Redis does; clients' tests look at it. */
#define EMBSTR_BYTES_MAX 44
/* A blob that grows gets as much again as slack, up to this much, so that appending costs a copy of a byte
 * only a few times over, and a large value does not take double its size. */
#define SLACK_BYTES_MAX (1024 * 1024)
/* What is a mapping grows without a copy, but its pages are entered anew: a share of it, so that this is rare. */
#define SLACK_SHARE 16
/* What is summed of a blob's beginning and end: store/item_check.h. */
#define SUM_BYTES 1024

/* --- reading ---------------------------------------------------------------------------------------- */

static struct slice whole(const struct item *it, char scratch[NUM_I64_CHARS])
{
    assert(item_type(it) == TYPE_STRING);
    switch (item_enc(it)) {
    case ENC_EMBED: return (struct slice){item_value_place(it), it->vlen};
    case ENC_INT: return (struct slice){scratch, (size_t)num_print_i64(scratch, item_int(it))};
    case ENC_BLOB: return (struct slice){item_blob(it)->data, item_blob(it)->len};
    case ENC_INTS:
    case ENC_TREE: break; /* of collections */
    }
    __builtin_unreachable();
}

struct slice string_run(const struct item *it, size_t offset, char scratch[NUM_I64_CHARS])
{
    struct slice s = whole(it, scratch);
    if (offset >= s.len)
        return slice_of(NULL, 0);
    return slice_of(s.ptr + offset, s.len - offset);
}

size_t string_len(const struct item *it)
{
    char scratch[NUM_I64_CHARS];
    return whole(it, scratch).len;
}

bool string_equal(const struct item *it, struct slice s)
{
    char scratch[NUM_I64_CHARS];
    return slice_equal(whole(it, scratch), s);
}

uint64_t string_digest(const struct item *it)
{
    char scratch[NUM_I64_CHARS];
    return xxh3_64(whole(it, scratch));
}

bool string_is_stored_int(const struct item *it, int64_t *out)
{
    if (item_type(it) != TYPE_STRING || item_enc(it) != ENC_INT)
        return false;
    *out = item_int(it);
    return true;
}

bool string_int(const struct item *it, int64_t *out)
{
    if (string_is_stored_int(it, out))
        return true;
    /* A number may be stored as text too: an edited string is not turned back into an integer. */
    return item_enc(it) == ENC_EMBED &&
           num_parse_i64(slice_of(item_value_place(it), it->vlen), out);
}

bool string_short(const struct item *it, char scratch[NUM_I64_CHARS], struct slice *out)
{
    *out = whole(it, scratch);
    return out->len <= STRING_SHORT_BYTES_MAX;
}

struct blob *string_blob(const struct item *it, size_t offset)
{
    return item_enc(it) == ENC_BLOB && offset < item_blob(it)->len ? item_blob(it) : NULL;
}

struct blob *string_blob_to_send(const struct item *it, size_t offset)
{
    struct blob *b = string_blob(it, offset), *promoted = b ? blob_try_promote(b) : NULL;
    if (!promoted)
        return b;
    item_set_blob_in_place((struct item *)it, promoted); /* the same bytes elsewhere */
    item_seal((struct item *)it);
    return promoted;
}

/* --- editing ---------------------------------------------------------------------------------------- */

static size_t with_slack(size_t len)
{
    size_t most = len / SLACK_SHARE > SLACK_BYTES_MAX ? len / SLACK_SHARE : SLACK_BYTES_MAX;
    return len + (len < most ? len : most);
}

/* What there was, and zeros up to `len`. */
static void copy_grown(char *to, size_t len, struct slice from)
{
    if (from.len > 0)
        memcpy(to, from.ptr, from.len);
    memset(to + from.len, 0, len - from.len);
}

/* Short results need no slack: the size classes of the allocator are some fifteen percent apart, so an append
 * mostly finds room in its class. */
static enum err write_embedded(struct ks_edit *e, size_t len, size_t offset, struct slice bytes)
{
    char scratch[NUM_I64_CHARS], text[ITEM_EMBED_BYTES_MAX];
    copy_grown(text, len, whole(e->item, scratch));
    if (bytes.len > 0)
        memcpy(text + offset, bytes.ptr, bytes.len);
    struct item_value v = item_value_embed(slice_of(text, len));
    v.flags = ITEM_EDITED;
    return ks_edit_replace(e, &v) ? ERR_OK : ERR_NOMEM;
}

/* The string becomes a blob, or a blob of its own where a reply holds the old one, or the kernel was lent it. */
static char *new_blob(struct ks_edit *e, size_t len)
{
    char scratch[NUM_I64_CHARS];
    struct slice old = whole(e->item, scratch);
    /* What starts from nothing may well be all that will be written. */
    struct blob *b = blob_try_new_zero(len, old.len > 0 ? with_slack(len) : len);
    if (!b)
        return NULL;
    if (old.len > 0)
        memcpy(b->data, old.ptr, old.len);
    blob_edit(b, len);
    struct item_value v = item_value_blob(&b);
    v.flags = ITEM_EDITED;
    if (ks_edit_replace(e, &v))
        return b->data;
    blob_drop(b);
    return NULL;
}

static char *grow_blob(struct item *it, size_t len)
{
    struct blob *b = item_blob(it);
    if (len > b->cap) {
        b = blob_try_resize(b, with_slack(len));
        if (!b)
            return NULL;
        item_set_blob_in_place(it, b);
    }
    blob_edit(b, len);
    it->flags |= ITEM_EDITED;
    return b->data;
}

enum err string_write(struct ks_edit *e, size_t offset, struct slice bytes)
{
    size_t have = string_len(e->item), end = offset + bytes.len, len = end > have ? end : have;
    if (bytes.len == 0 && len == have && item_is_outside(e->item))
        return ERR_OK;
    if (len <= ITEM_EMBED_BYTES_MAX)
        return write_embedded(e, len, offset, bytes);
    bool in_place = item_enc(e->item) == ENC_BLOB && blob_editable(item_blob(e->item));
    char *data = in_place ? grow_blob(e->item, len) : new_blob(e, len);
    if (!data)
        return ERR_NOMEM;
    if (bytes.len > 0)
        memcpy(data + offset, bytes.ptr, bytes.len);
    return ERR_OK;
}

/* --- the row of the type ---------------------------------------------------------------------------- */

static const char *encoding(const struct item *it)
{
    if (item_enc(it) == ENC_INT)
        return "int";
    bool short_and_whole = item_enc(it) == ENC_EMBED && it->vlen <= EMBSTR_BYTES_MAX;
    return short_and_whole && !(it->flags & ITEM_EDITED) ? "embstr" : "raw";
}

static void share(const struct item *it)
{
    blob_hold(item_blob(it));
}

static size_t effort(const struct item *it)
{
    return item_blob(it)->refs > 1 ? 0 : 1 + item_blob(it)->cap / VALUE_PAGE_BYTES;
}

static bool free_some(struct item *it, size_t *left)
{
    size_t cost = 1 + effort(it);
    blob_drop(item_blob(it));
    *left -= cost < *left ? cost : *left;
    return true;
}

static size_t memory(const struct item *it)
{
    return blob_memory(item_blob(it));
}

static size_t memory_alone(const struct item *it)
{
    return item_blob(it)->refs > 1 ? 0 : memory(it);
}

static uint32_t sum(const struct item *it)
{
    const struct blob *b = item_blob(it);
    size_t n = b->len < SUM_BYTES ? b->len : SUM_BYTES;
    uint32_t crc = crc32c(0, &b->len, sizeof(b->len));
    crc = crc32c(crc, b->data, n);
    return crc32c(crc, b->data + b->len - n, n);
}

/* Cut at the same places however it is stored. */
static void digest(const struct item *it, struct digest *out)
{
    char scratch[NUM_I64_CHARS];
    for (size_t at = 0;;) {
        struct slice run = string_run(it, at, scratch);
        if (run.len > VALUE_COMMAND_BYTES_MAX)
            run.len = VALUE_COMMAND_BYTES_MAX;
        digest_add(out, run);
        at += run.len;
        if (run.len < VALUE_COMMAND_BYTES_MAX)
            return;
    }
}

/* SET k v [PXAT ms] */
static bool command(struct value_cursor *c, struct value_command *out)
{
    const struct item *it = c->item;
    if (c->at > 0)
        return false;
    c->at = 1;
    c->argv[0] = SLICE("SET");
    c->argv[1] = item_key(it);
    c->argv[2] = whole(it, c->numbers[0]);
    out->argc = 3;
    if (c->argv[2].len > VALUE_COMMAND_BYTES_MAX) {
        c->argv[2].ptr = NULL;
        out->in_runs = 2;
    }
    if (item_has_expiry(it)) {
        size_t len = (size_t)num_print_i64(c->numbers[1], item_expiry_ms(it));
        c->argv[3] = SLICE("PXAT");
        c->argv[4] = slice_of(c->numbers[1], len);
        out->argc = 5;
    }
    return true;
}

static struct slice run(const struct value_cursor *c)
{
    char scratch[NUM_I64_CHARS]; /* not used: what is long is no integer */
    return string_run(c->item, c->run_at, scratch);
}

const struct value_ops value_ops_string = {
    .name = "string",
    .encoding = encoding,
    .share = share,
    .free_some = free_some,
    .memory = memory,
    .memory_alone = memory_alone,
    .effort = effort,
    .sum = sum,
    .digest = digest,
    .command = command,
    .run = run,
};
