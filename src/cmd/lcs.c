/* LCS: the longest common subsequence of two strings, by the table of textbooks:
 *
 *    length(i, j) = length(i - 1, j - 1) + 1                      where a[i - 1] == b[j - 1],
 *                   max(length(i - 1, j), length(i, j - 1))       else
 *
 * is the length for the first i bytes of a and the first j bytes of b. Walking from the last cell
 * to the first gives the subsequence, from its end. */
#include "base/mem.h"
#include "cmd/ctx.h"

struct lcs {
    struct slice a, b;
    uint32_t *length; /* owned; (a.len + 1) rows of b.len + 1 */
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

static inline uint32_t *cell(const struct lcs *l, size_t i, size_t j)
{
    return &l->length[i * (l->b.len + 1) + j];
}

static void fill(struct lcs *l)
{
    memset(cell(l, 0, 0), 0, (l->b.len + 1) * sizeof(uint32_t));
    for (size_t i = 1; i <= l->a.len; i++) {
        const uint32_t *above = cell(l, i - 1, 0);
        uint32_t *row = cell(l, i, 0);
        row[0] = 0;
        for (size_t j = 1; j <= l->b.len; j++) {
            if (l->a.ptr[i - 1] == l->b.ptr[j - 1])
                row[j] = above[j - 1] + 1;
            else
                row[j] = above[j] > row[j - 1] ? above[j] : row[j - 1];
        }
    }
}

/* The last run of the subsequence that ends before i and j, which it moves to the run's start. */
static bool previous_match(const struct lcs *l, size_t *i, size_t *j, struct lcs_match *m)
{
    const char *a = l->a.ptr, *b = l->b.ptr;
    while (*i > 0 && *j > 0 && a[*i - 1] != b[*j - 1]) {
        if (*cell(l, *i - 1, *j) > *cell(l, *i, *j - 1))
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
    resp_int(c->out, *cell(l, l->a.len, l->b.len));
}

static void reply_subsequence(struct cmd_ctx *c, const struct lcs *l)
{
    size_t len = *cell(l, l->a.len, l->b.len), i = l->a.len, j = l->b.len;
    char *bytes = mem_try_alloc(len + 1); /* also where there are none */
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

/* The table may take as much memory as a string may. */
static bool make_table(struct cmd_ctx *c, struct lcs *l)
{
    size_t bytes;
    if (l->a.len >= UINT32_MAX || l->b.len >= UINT32_MAX ||
        __builtin_mul_overflow((l->a.len + 1) * sizeof(uint32_t), l->b.len + 1, &bytes) ||
        bytes > (size_t)c->string_bytes_max) {
        resp_error(c->out,
                   "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
        return false;
    }
    l->length = mem_try_alloc(bytes);
    if (!l->length)
        resp_error(c->out, "Insufficient memory, failed allocating transient memory for LCS");
    return l->length;
}

static void cmd_lcs(struct cmd_ctx *c)
{
    char scratch_a[NUM_I64_CHARS], scratch_b[NUM_I64_CHARS];
    struct key key_b = ctx_key(c, 2);
    ctx_read(c, &c->key);
    const struct item *b = ctx_read(c, &key_b);
    const struct item *a = ctx_write(c, &c->key); /* looking for b may have removed something */
    if ((a && item_type(a) != TYPE_STRING) || (b && item_type(b) != TYPE_STRING)) {
        resp_error(c->out, "The specified keys must contain string values");
        return;
    }
    struct lcs_options o;
    if (!parse_options(c, &o))
        return;
    struct lcs l = {
        .a = a ? string_run(a, 0, scratch_a) : SLICE(""),
        .b = b ? string_run(b, 0, scratch_b) : SLICE(""),
    };
    if (!make_table(c, &l))
        return;
    fill(&l);
    if (o.indexes)
        reply_indexes(c, &l, &o);
    else if (o.only_length)
        resp_int(c->out, *cell(&l, l.a.len, l.b.len));
    else
        reply_subsequence(c, &l);
    mem_free(l.length);
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
     .complexity = "O(N*M) for strings of N and M bytes",
     .summary = "Finds the longest common subsequence of two strings.",
     .synopsis = "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]"},
    {.name = NULL},
};
