/* LCS: the longest common subsequence of two strings. In the table of textbooks
 *
 *    length(i, j) = length(i - 1, j - 1) + 1                      where a[i - 1] == b[j - 1],
 *                   max(length(i - 1, j), length(i, j - 1))       else
 *
 * is the length for the first i bytes of a and the first j bytes of b. Two neighbours in a row differ by one or not at
 * all, so a row is kept as bits: bit j - 1 is clear where length(i, j) is one more than length(i, j - 1). 64 of them
 * are computed at once, with an addition (Hyyro, "Bit-parallel LCS-length computation revisited", 2004):
 *
 *    row(i) = row(i - 1) + (row(i - 1) & where(a[i - 1])) | row(i - 1) & ~where(a[i - 1])
 *
 * where `where` has a bit for each place of a byte in b. Walking from the last cell to the first gives the subsequence,
 * from its end. */
#include "base/mem.h"
#include "cmd/ctx.h"

#define WORD_BITS 64

struct lcs {
    struct slice a, b;
    size_t words;    /* words of a row */
    int index[256];  /* a byte's place in `where`; -1: the byte is not in a */
    uint64_t *where; /* owned */
    uint64_t *rows;  /* owned; one, or one for each byte of a */
    bool has_all_rows;
};

struct lcs_options {
    bool only_length, indexes, with_lengths;
    int64_t match_bytes_min;
};

/* A run of bytes that are in both strings: where it starts in each. */
struct lcs_match {
    size_t a, b, len;
};

/* --- computing -------------------------------------------------------------------------------- */

static inline uint64_t *row_of(const struct lcs *l, size_t i)
{
    return l->rows + (l->has_all_rows ? i - 1 : 0) * l->words;
}

/* Bits beyond the end of b are in no `where`, so they stay set. */
static void fill_row(const struct lcs *l, const uint64_t *above, const uint64_t *where,
                     uint64_t *row)
{
    uint64_t carry = 0;
    for (size_t w = 0; w < l->words; w++) {
        uint64_t before = above[w], sum, matched = before & where[w];
        bool over = __builtin_add_overflow(before, matched, &sum);
        over |= __builtin_add_overflow(sum, carry, &sum);
        row[w] = sum | (before & ~where[w]);
        carry = over;
    }
}

static void fill(struct lcs *l)
{
    for (size_t j = 0; j < l->b.len; j++) {
        int k = l->index[(unsigned char)l->b.ptr[j]];
        if (k >= 0)
            l->where[(size_t)k * l->words + j / WORD_BITS] |= 1ULL << (j % WORD_BITS);
    }
    if (l->a.len == 0)
        return;
    /* The row above the first: every length is 0. */
    memset(l->rows, 0xff, l->words * sizeof(uint64_t));
    const uint64_t *above = l->rows;
    for (size_t i = 1; i <= l->a.len; i++) {
        size_t k = (size_t)l->index[(unsigned char)l->a.ptr[i - 1]];
        uint64_t *row = row_of(l, i);
        fill_row(l, above, l->where + k * l->words, row);
        above = row;
    }
}

static size_t length_of(const struct lcs *l)
{
    size_t len = 0;
    const uint64_t *row = l->a.len > 0 ? row_of(l, l->a.len) : NULL;
    for (size_t w = 0; row && w < l->words; w++)
        len += (size_t)__builtin_popcountll(~row[w]);
    return len;
}

/* True: length(i, j) is more than length(i, j - 1). */
static bool steps_at(const struct lcs *l, size_t i, size_t j)
{
    return !(row_of(l, i)[(j - 1) / WORD_BITS] >> ((j - 1) % WORD_BITS) & 1);
}

/* Finds the last run of the subsequence that ends at or before *i and *j, and moves both to its start. False: there is
 * none. */
static bool previous_match(const struct lcs *l, size_t *i, size_t *j, struct lcs_match *m)
{
    const char *a = l->a.ptr, *b = l->b.ptr;
    while (*i > 0 && *j > 0 && a[*i - 1] != b[*j - 1]) {
        /* A step that is no match: the length came from the row above. */
        if (steps_at(l, *i, *j))
            --*i;
        else
            --*j;
    }
    m->len = 0;
    for (; *i > 0 && *j > 0 && a[*i - 1] == b[*j - 1]; --*i, --*j)
        m->len++;
    m->a = *i;
    m->b = *j;
    return m->len > 0;
}

/* --- replying --------------------------------------------------------------------------------- */

static void reply_match(struct resp_writer *w, const struct lcs_match *m, bool with_length)
{
    resp_array(w, with_length ? 3 : 2);
    resp_array(w, 2);
    resp_int(w, (int64_t)m->a);
    resp_int(w, (int64_t)(m->a + m->len - 1));
    resp_array(w, 2);
    resp_int(w, (int64_t)m->b);
    resp_int(w, (int64_t)(m->b + m->len - 1));
    if (with_length)
        resp_int(w, (int64_t)m->len);
}

static void reply_indexes(struct cmd_ctx *c, const struct lcs *l, const struct lcs_options *o)
{
    resp_map(c->out, 2);
    resp_bulk_cstr(c->out, "matches");
    struct resp_inner in;
    struct lcs_match m;
    size_t i = l->a.len, j = l->b.len, n = 0;
    resp_inner_open(&in, c->out);
    while (previous_match(l, &i, &j, &m)) {
        if ((int64_t)m.len < o->match_bytes_min)
            continue;
        reply_match(&in.w, &m, o->with_lengths);
        n++;
    }
    resp_inner_close_array(&in, n);
    resp_bulk_cstr(c->out, "len");
    resp_int(c->out, (int64_t)length_of(l));
}

static void reply_subsequence(struct cmd_ctx *c, const struct lcs *l)
{
    size_t len = length_of(l), i = l->a.len, j = l->b.len;
    char *bytes = mem_try_alloc(len + 1); /* never of 0 bytes */
    if (!bytes) {
        ctx_reply_nomem(c);
        return;
    }
    struct lcs_match m;
    for (char *p = bytes + len; previous_match(l, &i, &j, &m);) {
        p -= m.len;
        memcpy(p, l->a.ptr + m.a, m.len);
    }
    resp_bulk(c->out, slice_of(bytes, len));
    mem_free(bytes);
}

/* --- the command ------------------------------------------------------------------------------ */

static bool parse_options(struct cmd_ctx *c, struct lcs_options *o)
{
    *o = (struct lcs_options){0};
    for (int i = 3; i < c->argc; i++) {
        if (slice_is(c->argv[i], "len")) {
            o->only_length = true;
        } else if (slice_is(c->argv[i], "idx")) {
            o->indexes = true;
        } else if (slice_is(c->argv[i], "withmatchlen")) {
            o->with_lengths = true;
        } else if (slice_is(c->argv[i], "minmatchlen") && i + 1 < c->argc) {
            if (!ctx_arg_i64(c, ++i, &o->match_bytes_min))
                return false;
        } else {
            ctx_reply_syntax(c);
            return false;
        }
    }
    if (o->only_length && o->indexes) {
        resp_error(c->out, "If you want both the length and indexes, please just use IDX.");
        return false;
    }
    return true;
}

/* The work is limited as in Redis, whose table has 32 bits a cell and may be as large as a string. */
static bool is_allowed(struct cmd_ctx *c, const struct lcs *l)
{
    size_t bytes;
    if (l->a.len < UINT32_MAX && l->b.len < UINT32_MAX &&
        !__builtin_mul_overflow((l->a.len + 1) * sizeof(uint32_t), l->b.len + 1, &bytes) &&
        bytes <= (size_t)c->string_bytes_max)
        return true;
    resp_error(c->out, "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    return false;
}

static bool make_table(struct cmd_ctx *c, struct lcs *l)
{
    size_t kinds = 0;
    memset(l->index, -1, sizeof(l->index));
    for (size_t i = 0; i < l->a.len; i++) {
        int *k = &l->index[(unsigned char)l->a.ptr[i]];
        if (*k < 0)
            *k = (int)kinds++;
    }
    l->words = l->b.len / WORD_BITS + 1;
    l->where = mem_try_zalloc((kinds + 1) * l->words * sizeof(uint64_t));
    size_t rows = l->has_all_rows ? l->a.len : 1;
    l->rows = mem_try_alloc((rows + 1) * l->words * sizeof(uint64_t));
    if (l->where && l->rows)
        return true;
    resp_error(c->out, "Insufficient memory, failed allocating transient memory for LCS");
    return false;
}

static void reply(struct cmd_ctx *c, struct lcs *l, const struct lcs_options *o)
{
    fill(l);
    if (o->indexes)
        reply_indexes(c, l, o);
    else if (o->only_length)
        resp_int(c->out, (int64_t)length_of(l));
    else
        reply_subsequence(c, l);
}

static void cmd_lcs(struct cmd_ctx *c)
{
    char scratch_a[NUM_I64_CHARS], scratch_b[NUM_I64_CHARS];
    struct key key_b = ctx_key(c, 2);
    ctx_read(c, &c->key);
    const struct item *b = ctx_read(c, &key_b);
    /* Looking b up may have removed or moved items, so a is looked up again. */
    const struct item *a = ctx_write(c, &c->key);
    if ((a && item_type(a) != TYPE_STRING) || (b && item_type(b) != TYPE_STRING)) {
        resp_error(c->out, "The specified keys must contain string values");
        return;
    }
    struct lcs_options o;
    if (!parse_options(c, &o))
        return;
    struct lcs l = {
        .a = slice_of(NULL, a ? string_len(a) : 0),
        .b = slice_of(NULL, b ? string_len(b) : 0),
        .has_all_rows = !o.only_length,
    };
    if (!is_allowed(c, &l))
        return;
    char *owned_a = NULL, *owned_b = NULL;
    if ((a && !string_flat(a, scratch_a, &l.a, &owned_a)) ||
        (b && !string_flat(b, scratch_b, &l.b, &owned_b)))
        ctx_reply_nomem(c);
    else if (make_table(c, &l))
        reply(c, &l, &o);
    mem_free(l.where);
    mem_free(l.rows);
    mem_free(owned_a);
    mem_free(owned_b);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_lcs[] = {
    {.name = "lcs",
     .fn = cmd_lcs,
     .arity = -3,
     .flags = CMD_READONLY,
     .acl = ACL_STRING,
     .keys = {{.first = 1, .last = 2, .step = 1, .flags = KEY_RO | KEY_ACCESS}},
     .group = "string",
     .since = "7.0.0",
     .complexity = "O(N*M/64) for strings of N and M bytes",
     .summary = "Finds the longest common subsequence of two strings.",
     .synopsis = "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]"},
    {.name = NULL},
};
