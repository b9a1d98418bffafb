#include "store/string.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/xxh3.h"
#include "ds/pieces.h"
#include "store/digest.h"
#include "store/keyspace_impl.h"

/* OBJECT ENCODING says "embstr" up to this length, as Redis does; clients' tests look at it. */
#define EMBSTR_BYTES_MAX 44
/* A blob that grows gets as much again as slack, up to this much, so that appending costs a copy of a byte
 * only a few times over, and a large value does not take double its size. */
#define SLACK_BYTES_MAX (1024 * 1024)
/* A mapping grows without a copy, but its pages are entered anew: a share of it as slack makes this rare. */
#define SLACK_SHARE 16
/* A blob of this many bytes that is held becomes slots when it is edited: copying less takes no longer than a turn
 * may. */
#define PIECES_BYTES_MIN (2 * PIECES_SLOT_BYTES)
/* Bytes of a blob's beginning and of its end in its sum: store/item_check.h. */
#define SUM_BYTES 1024

/* --- reading ---------------------------------------------------------------------------------------- */

static bool in_pieces(const struct item *it)
{
    return item_enc(it) == ENC_TREE;
}

static struct pieces *item_pieces(const struct item *it)
{
    return item_pointer(it);
}

/* A string that lies in one run. */
static struct slice whole(const struct item *it, char scratch[NUM_I64_CHARS])
{
    assert(item_type(it) == TYPE_STRING);
    switch (item_enc(it)) {
    case ENC_EMBED: return (struct slice){item_value_place(it), it->vlen};
    case ENC_INT: return (struct slice){scratch, (size_t)num_print_i64(scratch, item_int(it))};
    case ENC_BLOB: return (struct slice){item_blob(it)->data, item_blob(it)->len};
    case ENC_TREE: break; /* lies in several */
    case ENC_INTS: break; /* only collections have it */
    }
    __builtin_unreachable();
}

struct slice string_run(const struct item *it, size_t offset, char scratch[NUM_I64_CHARS])
{
    if (in_pieces(it))
        return pieces_run(item_pieces(it), offset);
    struct slice s = whole(it, scratch);
    if (offset >= s.len)
        return slice_of(NULL, 0);
    return slice_of(s.ptr + offset, s.len - offset);
}

size_t string_len(const struct item *it)
{
    char scratch[NUM_I64_CHARS];
    return in_pieces(it) ? pieces_len(item_pieces(it)) : whole(it, scratch).len;
}

bool string_equal(const struct item *it, struct slice s)
{
    char scratch[NUM_I64_CHARS];
    if (string_len(it) != s.len)
        return false;
    for (size_t at = 0; at < s.len;) {
        struct slice run = string_run(it, at, scratch);
        if (!slice_equal(run, slice_of(s.ptr + at, run.len)))
            return false;
        at += run.len;
    }
    return true;
}

struct runs {
    const struct item *it;
    size_t at;
    char scratch[NUM_I64_CHARS];
};

static struct slice next_run(void *arg)
{
    struct runs *r = arg;
    struct slice run = string_run(r->it, r->at, r->scratch);
    r->at += run.len;
    return run;
}

uint64_t string_digest(const struct item *it)
{
    struct runs runs = {.it = it};
    return xxh3_64_runs(next_run, &runs);
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
    static_assert(ITEM_EMBED_BYTES_MAX <= STRING_SHORT_BYTES_MAX, "what lies in the item is short");
    if (item_enc(it) == ENC_EMBED) {
        *out = slice_of(item_value_place(it), it->vlen);
        return true;
    }
    if (in_pieces(it))
        return false;
    *out = whole(it, scratch);
    return out->len <= STRING_SHORT_BYTES_MAX;
}

bool string_flat(const struct item *it, char scratch[NUM_I64_CHARS], struct slice *out,
                 char **owned)
{
    size_t len = string_len(it), at = 0;
    *owned = NULL;
    *out = string_run(it, 0, scratch);
    if (out->len == len)
        return true;
    *owned = mem_try_alloc(len);
    for (struct slice run; *owned && at < len; at += run.len) {
        run = string_run(it, at, scratch);
        assert(run.ptr);
        memcpy(*owned + at, run.ptr, run.len);
    }
    *out = slice_of(*owned, len);
    return *owned != NULL;
}

struct blob *string_blob(const struct item *it, size_t offset)
{
    if (in_pieces(it))
        return pieces_blob(item_pieces(it), offset);
    return item_enc(it) == ENC_BLOB && offset < item_blob(it)->len ? item_blob(it) : NULL;
}

struct blob *string_blob_to_send(const struct item *it, size_t offset)
{
    struct blob *b = string_blob(it, offset);
    struct blob *promoted = b && !in_pieces(it) ? blob_try_promote(b) : NULL;
    if (!promoted)
        return b;
    item_set_blob_in_place((struct item *)it, promoted); /* equal bytes, elsewhere */
    item_seal((struct item *)it);
    return promoted;
}

/* --- editing ---------------------------------------------------------------------------------------- */

static size_t with_slack(size_t len)
{
    size_t most = len / SLACK_SHARE > SLACK_BYTES_MAX ? len / SLACK_SHARE : SLACK_BYTES_MAX;
    return len + (len < most ? len : most);
}

/* The old bytes, and zeros up to `len`. */
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
    /* A string that starts from nothing is likely to stay as it is then. */
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

/* Slots with the string's bytes. NULL: no memory. */
static struct pieces *try_pieces(const struct item *it)
{
    if (item_enc(it) == ENC_BLOB)
        return pieces_try_new(item_blob(it));
    char scratch[NUM_I64_CHARS];
    struct slice s = whole(it, scratch);
    struct blob *b = blob_try_new(s.len, s.len);
    if (!b)
        return NULL;
    if (s.len > 0)
        memcpy(b->data, s.ptr, s.len);
    struct pieces *p = pieces_try_new(b);
    blob_drop(b);
    return p;
}

static enum err write_pieces(struct ks_edit *e, size_t offset, struct slice bytes,
                             struct blob *from)
{
    if (in_pieces(e->item)) {
        struct pieces *p = item_pieces(e->item);
        if (!pieces_try_write(&p, offset, bytes, from))
            return ERR_NOMEM;
        item_set_pointer_in_place(e->item, p);
        return ERR_OK;
    }
    struct pieces *p = try_pieces(e->item);
    if (!p)
        return ERR_NOMEM;
    if (pieces_try_write(&p, offset, bytes, from)) {
        void *tree = p;
        struct item_value v = item_value_tree(TYPE_STRING, &tree);
        v.flags = ITEM_EDITED;
        if (ks_edit_replace(e, &v))
            return ERR_OK;
    }
    pieces_free(p);
    return ERR_NOMEM;
}

/* Slots it is, or becomes, as copying it or the bytes would take too long. */
static bool wants_pieces(const struct item *it, size_t len, size_t bytes, const struct blob *from)
{
    if (in_pieces(it))
        return true;
    bool is_held = item_enc(it) == ENC_BLOB && !blob_editable(item_blob(it));
    if (is_held && item_blob(it)->len >= PIECES_BYTES_MIN)
        return true;
    return from && bytes >= PIECES_SLOT_BYTES && len >= PIECES_BYTES_MIN;
}

enum err string_write(struct ks_edit *e, size_t offset, struct slice bytes)
{
    return string_write_blob(e, offset, bytes, NULL);
}

enum err string_write_blob(struct ks_edit *e, size_t offset, struct slice bytes, struct blob *from)
{
    size_t have = string_len(e->item), end = offset + bytes.len, len = end > have ? end : have;
    if (bytes.len == 0 && len == have && item_is_outside(e->item))
        return ERR_OK;
    if (len <= ITEM_EMBED_BYTES_MAX)
        return write_embedded(e, len, offset, bytes);
    if (wants_pieces(e->item, len, bytes.len, from))
        return write_pieces(e, offset, bytes, from);
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
    if (in_pieces(it))
        pieces_hold(item_pieces(it));
    else
        blob_hold(item_blob(it));
}

static size_t effort(const struct item *it)
{
    if (in_pieces(it))
        return pieces_effort(item_pieces(it));
    return item_blob(it)->refs > 1 ? 0 : 1 + item_blob(it)->cap / VALUE_PAGE_BYTES;
}

static bool free_some(struct item *it, size_t *left)
{
    if (in_pieces(it))
        return pieces_free_some(item_pieces(it), left);
    size_t cost = 1 + effort(it);
    blob_drop(item_blob(it));
    *left -= cost < *left ? cost : *left;
    return true;
}

static size_t memory(const struct item *it)
{
    return in_pieces(it) ? pieces_memory(item_pieces(it)) : blob_memory(item_blob(it));
}

static size_t memory_alone(const struct item *it)
{
    if (in_pieces(it))
        return pieces_memory_alone(item_pieces(it));
    return item_blob(it)->refs > 1 ? 0 : memory(it);
}

static uint32_t sum_part(uint32_t crc, const struct item *it, size_t at, size_t n)
{
    char scratch[NUM_I64_CHARS];
    while (n > 0) {
        struct slice run = string_run(it, at, scratch);
        size_t part = run.len < n ? run.len : n;
        crc = crc32c(crc, run.ptr, part);
        at += part;
        n -= part;
    }
    return crc;
}

static uint32_t sum(const struct item *it)
{
    size_t len = string_len(it), n = len < SUM_BYTES ? len : SUM_BYTES;
    uint32_t crc = crc32c(0, &len, sizeof(len));
    crc = sum_part(crc, it, 0, n);
    return sum_part(crc, it, len - n, n);
}

/* Cut at the same places, however the string is stored. */
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
    out->argc = 3;
    out->last = true;
    if (!string_short(it, c->numbers[0], &c->argv[2]))
        c->argv[2] = slice_of(string_run(it, 0, c->numbers[0]).ptr, string_len(it));
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
    char scratch[NUM_I64_CHARS]; /* not used: a long string is no integer */
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
