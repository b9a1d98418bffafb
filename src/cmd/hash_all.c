/* Hashes as a whole, and random fields: HGETALL, HSCAN, HRANDFIELD and their family. */
#include "base/mem.h"
#include "cmd/hash.h"
#include "cmd/reply_walk.h"
#include "cmd/scan_options.h"

/* About how many bytes of a reply frame an entry. */
#define ENTRY_EXTRA_BYTES 8

/* --- all of them ------------------------------------------------------------------------------------ */

enum shown { SHOW_NAMES = 1, SHOW_VALUES = 2 };

/* How far a reply with all fields has come. */
struct all {
    uint64_t at, left;
    int64_t now_ms;
    unsigned shown; /* enum shown */
};

static size_t write_entry(struct resp_writer *w, const char *entry)
{
    hash_reply(w, entry);
    return pack_bytes(entry) + ENTRY_EXTRA_BYTES;
}

static bool write_fields(void *state, const struct item *it, struct resp_writer *w, size_t bytes)
{
    struct all *a = state;
    struct hash_walk walk;
    struct hash_field f;
    size_t written = 0;
    hash_walk_init(&walk, it, a->at);
    while (a->left > 0 && written < bytes && hash_walk_next(&walk, &f)) {
        if (f.due_ms <= a->now_ms)
            continue;
        if (a->shown & SHOW_NAMES)
            written += write_entry(w, f.name);
        if (a->shown & SHOW_VALUES)
            written += write_entry(w, f.value);
        a->left--;
    }
    a->at = hash_walk_at(&walk);
    return a->left > 0;
}

static void reply_all(struct cmd_ctx *c, unsigned shown,
                      void (*header)(struct resp_writer *w, size_t n))
{
    const struct item *it;
    if (!ctx_read_type(c, &c->key, TYPE_HASH, &it))
        return;
    struct all a = {.now_ms = dues_now_ms(c->ks), .shown = shown};
    if (it)
        a.left = hash_count(it) - dues_count(it, a.now_ms);
    if (a.left == 0) {
        header(c->out, 0);
        return;
    }
    ctx_reply_walk(c, it,
                   &(struct reply_walk){.header = header,
                                        .count = (size_t)a.left,
                                        .write = write_fields,
                                        .state = &a,
                                        .state_bytes = sizeof(a)});
}

static void cmd_hgetall(struct cmd_ctx *c)
{
    reply_all(c, SHOW_NAMES | SHOW_VALUES, resp_map);
}

static void cmd_hkeys(struct cmd_ctx *c)
{
    reply_all(c, SHOW_NAMES, resp_array);
}

static void cmd_hvals(struct cmd_ctx *c)
{
    reply_all(c, SHOW_VALUES, resp_array);
}

/* --- step by step ----------------------------------------------------------------------------------- */

struct listing {
    struct resp_inner reply;
    size_t count;
    int64_t now_ms;
    struct scan_options options;
};

static void list_field(const struct hash_field *f, void *arg)
{
    struct listing *l = arg;
    char scratch[NUM_I64_CHARS];
    if (f->due_ms <= l->now_ms || !scan_matches(&l->options, pack_string(f->name, scratch)))
        return;
    hash_reply(&l->reply.w, f->name);
    l->count++;
    if (l->options.no_values)
        return;
    hash_reply(&l->reply.w, f->value);
    l->count++;
}

static void cmd_hscan(struct cmd_ctx *c)
{
    struct listing l = {.now_ms = dues_now_ms(c->ks)};
    const struct item *it;
    uint64_t cursor;
    if (!scan_cursor_parse(c, 2, &cursor) || !ctx_read_type(c, &c->key, TYPE_HASH, &it))
        return;
    if (!it) {
        resp_array(c->out, 2);
        resp_bulk(c->out, SLICE("0"));
        resp_array(c->out, 0);
        return;
    }
    if (!scan_options_parse(c, 3, SCAN_NOVALUES, &l.options))
        return;
    resp_inner_open(&l.reply, c->out);
    cursor = hash_scan(it, cursor, l.options.count, list_field, &l);
    resp_array(c->out, 2);
    resp_bulkf(c->out, "%llu", (unsigned long long)cursor);
    resp_inner_close_array(&l.reply, l.count);
    scan_options_deinit(&l.options);
}

/* --- by chance -------------------------------------------------------------------------------------- */

/* The hash to draw from: `count` fields, of which `live` are not due. */
struct draw {
    struct cmd_ctx *c;
    const struct item *it;
    uint64_t count, live;
    int64_t now_ms;
    bool values;
};

static void reply_drawn(const struct draw *d, const struct hash_field *f)
{
    if (d->values && d->c->out->proto == 3)
        resp_array(d->c->out, 2);
    hash_reply(d->c->out, f->name);
    if (d->values)
        hash_reply(d->c->out, f->value);
}

static void draws_header(const struct draw *d, uint64_t n)
{
    resp_array(d->c->out, (size_t)(d->values && d->c->out->proto == 2 ? 2 * n : n));
}

/* Draws at most this often until a field is not due; then takes the next live field behind the last draw. */
#define DRAWS_MAX 100
static struct hash_field draw_one(const struct draw *d)
{
    struct hash_field f;
    uint64_t n = 0;
    for (int i = 0; i < DRAWS_MAX; i++) {
        n = rng_below(d->c->rng, d->count);
        f = hash_at(d->it, n);
        if (f.due_ms > d->now_ms)
            return f;
    }
    while (f.due_ms <= d->now_ms) {
        n = n + 1 < d->count ? n + 1 : 0;
        f = hash_at(d->it, n);
    }
    return f;
}

/* Replies k live fields, each choice of k as likely as any other: a walk takes each live field with the probability
 * (wanted still) / (still to come). */
static void draw_by_walk(const struct draw *d, uint64_t k)
{
    struct hash_walk w;
    struct hash_field f;
    uint64_t n = d->live;
    draws_header(d, k);
    hash_walk_init(&w, d->it, 0);
    while (k > 0 && hash_walk_next(&w, &f)) {
        if (f.due_ms <= d->now_ms || rng_below(d->c->rng, n--) >= k)
            continue;
        reply_drawn(d, &f);
        k--;
    }
}

/* The numbers drawn so far: a hash table with open addressing, where 0 is an empty place. */
struct drawn {
    uint64_t *at; /* number + 1 */
    size_t mask;
};

static bool drawn_add(struct drawn *d, uint64_t number)
{
    size_t i = (size_t)(number * 0x9e3779b97f4a7c15u >> 20) & d->mask;
    for (; d->at[i]; i = (i + 1) & d->mask)
        if (d->at[i] == number + 1)
            return false;
    d->at[i] = number + 1;
    return true;
}

/* Replies k fields like draw_by_walk, for few of many of which none is due: draws numbers until k are different. */
static void draw_by_number(const struct draw *d, uint64_t k)
{
    size_t places = 4;
    while (places < 2 * k)
        places *= 2;
    struct drawn drawn = {mem_try_zalloc(places * sizeof(drawn.at[0])), places - 1};
    if (!drawn.at) {
        ctx_reply_nomem(d->c);
        return;
    }
    draws_header(d, k);
    while (k > 0) {
        uint64_t n = rng_below(d->c->rng, d->count);
        if (!drawn_add(&drawn, n))
            continue;
        struct hash_field f = hash_at(d->it, n);
        reply_drawn(d, &f);
        k--;
    }
    mem_free(drawn.at);
}

/* Where more than one in so many fields is wanted, a walk is cheaper than draws. */
#define WALK_SHARE 4
static void draw_many(const struct draw *d, int64_t wanted)
{
    if (wanted < 0) {
        uint64_t n = (uint64_t)-wanted;
        draws_header(d, n);
        while (n-- > 0) {
            struct hash_field f = draw_one(d);
            reply_drawn(d, &f);
        }
        return;
    }
    uint64_t k = (uint64_t)wanted < d->live ? (uint64_t)wanted : d->live;
    if (k >= d->live / WALK_SHARE || d->live < d->count)
        draw_by_walk(d, k);
    else
        draw_by_number(d, k);
}

static bool draw_begin(struct cmd_ctx *c, struct draw *d)
{
    if (!ctx_read_type(c, &c->key, TYPE_HASH, &d->it))
        return false;
    d->c = c;
    d->now_ms = dues_now_ms(c->ks);
    d->count = d->it ? hash_count(d->it) : 0;
    d->live = d->it ? d->count - dues_count(d->it, d->now_ms) : 0;
    return true;
}

static void cmd_hrandfield(struct cmd_ctx *c)
{
    struct draw d = {.values = false};
    int64_t wanted;
    if (c->argc == 2) {
        if (!draw_begin(c, &d))
            return;
        if (d.live > 0) {
            struct hash_field f = draw_one(&d);
            hash_reply(c->out, f.name);
        } else {
            resp_null(c->out);
        }
        return;
    }
    if (!ctx_arg_range(c, 2, -INT64_MAX, INT64_MAX, &wanted, NULL))
        return;
    if (c->argc > 4 || (c->argc == 4 && !slice_is(c->argv[3], "withvalues"))) {
        ctx_reply_syntax(c);
        return;
    }
    d.values = c->argc == 4;
    if (wanted < -(INT64_MAX / 2) || wanted > INT64_MAX / 2) {
        resp_error(c->out, "value is out of range");
        return;
    }
    if (!draw_begin(c, &d))
        return;
    if (d.live > 0 && wanted != 0)
        draw_many(&d, wanted);
    else
        resp_array(c->out, 0);
}

/* --- rows ------------------------------------------------------------------------------------------- */

/* clang-format off */
#define ROW(name_, fn_, arity_, since_, complexity_, summary_, synopsis_, tips_) \
    {.name = (name_), .fn = (fn_), .arity = (arity_), .flags = CMD_READONLY, .acl = ACL_HASH, \
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)}, .group = "hash", .since = (since_), .complexity = (complexity_), \
     .summary = (summary_), .synopsis = (synopsis_), .tips = (tips_)}
/* clang-format on */
#define IN_PIECES "O(N) for N fields, sent in pieces where they are many"

const struct cmd_row cmd_rows_hash_all[] = {
    ROW("hgetall", cmd_hgetall, 2, "2.0.0", IN_PIECES, "Returns all fields and values of a hash.",
        "key", "nondeterministic_output_order"),
    ROW("hkeys", cmd_hkeys, 2, "2.0.0", IN_PIECES, "Returns all fields of a hash.", "key",
        "nondeterministic_output_order"),
    ROW("hvals", cmd_hvals, 2, "2.0.0", IN_PIECES, "Returns all values of a hash.", "key",
        "nondeterministic_output_order"),
    ROW("hscan", cmd_hscan, -3, "2.8.0",
        "O(1) for every call, O(N) for a whole iteration of N fields",
        "Iterates over the fields of a hash and their values.",
        "key cursor [MATCH pattern] [COUNT count] [NOVALUES]", "nondeterministic_output"),
    ROW("hrandfield", cmd_hrandfield, -2, "6.2.0", "O(log N), or O(M log N) for M of N fields",
        "Returns random fields of a hash.", "key [count [WITHVALUES]]", "nondeterministic_output"),
    {.name = NULL},
};
