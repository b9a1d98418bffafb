/* SORT and SORT_RO. */
#include <stdlib.h>

#include "base/mem.h"
#include "cmd/sort_source.h"
#include "store/list.h"

#define GETS_AT_HAND 16
struct sort {
    bool descending, alpha;
    bool in_order;   /* in the value's own order: BY a pattern without a star */
    struct slice by; /* ptr is NULL: by the elements themselves */
    int store;       /* the argument that is the destination; 0: the result is replied */
    int64_t offset, count;
    bool limited;
    size_t gets; /* number of GET patterns */
    int *get;    /* the arguments that are GET patterns */
    int get_at_hand[GETS_AT_HAND];

    struct sort_element *elements;
    struct sort_range range; /* the wanted elements: of the value, after load() of `elements` */
    struct sort_texts *texts;
};

/* --- arguments -------------------------------------------------------------------------------- */

static bool add_get(struct sort *s, int i, int argc)
{
    if (s->gets == GETS_AT_HAND && s->get == s->get_at_hand) {
        /* Room for every argument, so that one allocation is enough. */
        s->get = mem_try_alloc((size_t)argc * sizeof(s->get[0]));
        if (!s->get) {
            s->get = s->get_at_hand;
            return false;
        }
        memcpy(s->get, s->get_at_hand, sizeof(s->get_at_hand));
    }
    s->get[s->gets++] = i;
    return true;
}

/* Reads the option in argument *i, and moves *i to its last argument. False: the error is replied. */
static bool parse_option(struct cmd_ctx *c, struct sort *s, int *i, bool may_store)
{
    struct slice word = c->argv[*i];
    int left = c->argc - *i - 1;
    if (slice_is(word, "asc") || slice_is(word, "desc")) {
        s->descending = slice_is(word, "desc");
    } else if (slice_is(word, "alpha")) {
        s->alpha = true;
    } else if (slice_is(word, "limit") && left >= 2) {
        if (!ctx_arg_i64(c, *i + 1, &s->offset) || !ctx_arg_i64(c, *i + 2, &s->count))
            return false;
        s->limited = true;
        *i += 2;
    } else if (slice_is(word, "store") && left >= 1 && may_store) {
        s->store = ++*i;
    } else if (slice_is(word, "by") && left >= 1) {
        s->by = c->argv[++*i];
        s->in_order = s->by.len == 0 || !memchr(s->by.ptr, '*', s->by.len);
    } else if (slice_is(word, "get") && left >= 1) {
        if (!add_get(s, ++*i, c->argc)) {
            ctx_reply_nomem(c);
            return false;
        }
    } else {
        ctx_reply_syntax(c);
        return false;
    }
    return true;
}

static void sort_deinit(struct sort *s)
{
    if (s->get != s->get_at_hand)
        mem_free(s->get);
    mem_free(s->elements);
    sort_texts_free(&s->texts);
}

/* --- loading ---------------------------------------------------------------------------------- */

static struct sort_range wanted(const struct sort *s, uint64_t count)
{
    uint64_t from = s->limited && s->offset > 0 ? (uint64_t)s->offset : 0;
    uint64_t left = from < count ? count - from : 0;
    if (s->limited && s->count >= 0 && (uint64_t)s->count < left)
        left = (uint64_t)s->count;
    return (struct sort_range){from, left, s->descending};
}

/* Sets the weight and the score by which an element is compared. False: the error is replied. */
static bool weigh(struct cmd_ctx *c, struct sort *s, struct sort_element *e)
{
    e->weight = e->text;
    if (s->by.ptr) {
        enum sort_found found = sort_look_up(c, s->by, e->text, &s->texts, &e->weight);
        if (found == SORT_NOMEM) {
            ctx_reply_nomem(c);
            return false;
        }
        if (found == SORT_MISSING)
            e->weight = slice_of(NULL, 0);
        else if (e->weight.len == 0)
            e->weight = SLICE("");
    }
    /* A missing weight and an empty string count as 0. */
    e->score = 0;
    if (s->alpha || e->weight.len == 0 || num_parse_double(e->weight, &e->score))
        return true;
    resp_error(c->out, "One or more scores can't be converted into double");
    return false;
}

static int by_score(const void *a, const void *b)
{
    const struct sort_element *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return slice_compare(x->text, y->text);
}

/* Elements without a weight come first. */
static int by_weight(const void *a, const void *b)
{
    const struct sort_element *x = a, *y = b;
    if (!x->weight.ptr || !y->weight.ptr) {
        if (x->weight.ptr || y->weight.ptr)
            return x->weight.ptr ? 1 : -1;
    } else {
        int order = slice_compare(x->weight, y->weight);
        if (order != 0)
            return order;
    }
    return slice_compare(x->text, y->text);
}

/* Reverses the elements, so that only one order of comparing them is needed. */
static void turn(struct sort_element *e, uint64_t count)
{
    for (uint64_t i = 0; i < count / 2; i++) {
        struct sort_element first = e[i];
        e[i] = e[count - 1 - i];
        e[count - 1 - i] = first;
    }
}

/* Loads and sorts: the wanted elements then are s->range of s->elements. False: the error is replied. */
static bool load(struct cmd_ctx *c, struct sort *s, const struct item *it)
{
    /* A stored list must not depend on the order that a set happens to have. */
    if (s->in_order && s->store && item_type(it) == TYPE_SET) {
        s->in_order = false;
        s->alpha = true;
        s->by.ptr = NULL;
    }
    uint64_t count = sort_count(it);
    struct sort_range all = {0, count, false};
    s->range = wanted(s, count);
    const struct sort_range *loaded = s->in_order ? &s->range : &all;
    s->elements = mem_try_alloc((loaded->count + 1) * sizeof(s->elements[0]));
    if (!s->elements || !sort_load(it, loaded, s->elements, &s->texts)) {
        ctx_reply_nomem(c);
        return false;
    }
    if (s->in_order) {
        s->range.from = 0;
        return true;
    }
    for (uint64_t i = 0; i < count; i++)
        if (!weigh(c, s, &s->elements[i]))
            return false;
    qsort(s->elements, count, sizeof(s->elements[0]), s->alpha ? by_weight : by_score);
    if (s->descending)
        turn(s->elements, count);
    return true;
}

/* --- results ---------------------------------------------------------------------------------- */

/* Result n of an element: the string that its nth GET names, or the element. */
static enum sort_found result_of(struct cmd_ctx *c, struct sort *s, uint64_t i, size_t n,
                                 struct slice *out)
{
    struct slice text = s->elements[s->range.from + i].text;
    if (s->gets > 0)
        return sort_look_up(c, c->argv[s->get[n]], text, &s->texts, out);
    *out = text;
    return SORT_FOUND;
}

static void reply(struct cmd_ctx *c, struct sort *s)
{
    size_t each = s->gets > 0 ? s->gets : 1;
    struct outq_mark before = outq_mark(c->out->out);
    resp_array(c->out, s->range.count * each);
    for (uint64_t i = 0; i < s->range.count; i++) {
        for (size_t n = 0; n < each; n++) {
            struct slice text;
            enum sort_found found = result_of(c, s, i, n, &text);
            if (found == SORT_NOMEM) {
                outq_rollback(c->out->out, before);
                ctx_reply_nomem(c);
                return;
            }
            if (found == SORT_FOUND)
                resp_bulk(c->out, text);
            else
                resp_null(c->out);
        }
    }
}

/* The most elements of an effect, and of their bytes, which the last element may exceed. */
#define EFFECT_ELEMENTS_MAX 128
#define EFFECT_BYTES_MAX    (64 * 1024)

/* The results of a SORT ... STORE, some at a time. */
struct run {
    struct slice argv[2 + EFFECT_ELEMENTS_MAX];
    int count;
    size_t bytes;
};

/* Collects the next results, from *at on, and moves *at behind them; r->count is 0 when all were given. A missing
 * result is stored as an empty string. False: no memory. */
static bool next_run(struct cmd_ctx *c, struct sort *s, uint64_t *at, struct run *r)
{
    size_t each = s->gets > 0 ? s->gets : 1;
    r->count = 0;
    r->bytes = 0;
    while (*at < s->range.count * each && r->count < EFFECT_ELEMENTS_MAX) {
        struct slice text;
        enum sort_found found = result_of(c, s, *at / each, (size_t)(*at % each), &text);
        if (found == SORT_NOMEM)
            return false;
        if (found == SORT_MISSING)
            text = SLICE("");
        if (r->count > 0 && r->bytes + text.len > EFFECT_BYTES_MAX)
            return true;
        r->argv[2 + r->count++] = text;
        r->bytes += text.len;
        ++*at;
    }
    return true;
}

static bool make_list(struct cmd_ctx *c, struct sort *s, struct ks_edit *e)
{
    struct run r;
    for (uint64_t at = 0;;) {
        if (!next_run(c, s, &at, &r))
            return false;
        if (r.count == 0)
            return true;
        if (list_push(e, LIST_TAIL, r.argv + 2, (size_t)r.count) != ERR_OK)
            return false;
    }
}

/* Logs DEL k where there was a key, then RPUSH k element ... The elements are read from the new list: storing it may
 * have freed the strings that they came from. */
static void store_effects(struct cmd_ctx *c, const struct key *dst, bool was_there)
{
    struct slice argv[2 + EFFECT_ELEMENTS_MAX] = {SLICE("DEL"), dst->name};
    char texts[EFFECT_ELEMENTS_MAX][NUM_I64_CHARS];
    struct list_cursor cursor;
    if (!c->effects)
        return;
    if (was_there)
        ctx_effect(c, 2, argv);
    argv[0] = SLICE("RPUSH");
    const char *at = list_at(ks_find(c->ks, c->db, dst, KS_NO_TOUCH), 0, &cursor);
    while (at) {
        size_t bytes = 0;
        int n = 0;
        while (at && n < EFFECT_ELEMENTS_MAX && bytes <= EFFECT_BYTES_MAX) {
            argv[2 + n] = pack_string(at, texts[n]);
            bytes += argv[2 + n++].len;
            at = list_next(&cursor);
        }
        ctx_effect(c, 2 + n, argv);
    }
}

static void store(struct cmd_ctx *c, struct sort *s)
{
    struct key dst = ctx_key(c, s->store);
    struct ks_edit e;
    uint64_t count = s->range.count * (s->gets > 0 ? s->gets : 1);
    if (count == 0) {
        if (ks_find(c->ks, c->db, &dst, KS_NO_TOUCH))
            ctx_delete_effect(c, &dst);
        resp_int(c->out, 0);
        return;
    }
    if (!ks_edit_aside(c->ks, &dst, TYPE_LIST, &e)) {
        ctx_reply_nomem(c);
        return;
    }
    bool made = make_list(c, s, &e);
    bool was_there = ctx_write(c, &dst);
    if (!made || ks_edit_put(&e, c->db, &dst) != ERR_OK) {
        ks_edit_drop(&e);
        ctx_reply_nomem(c);
        return;
    }
    if (!was_there)
        ctx_added(c, dst.name);
    ctx_changed(c, &dst, NOTIFY_LIST, "sortstore");
    store_effects(c, &dst, was_there);
    resp_int(c->out, (int64_t)count);
}

/* --- the commands ----------------------------------------------------------------------------- */

static void sort(struct cmd_ctx *c, bool may_store)
{
    struct sort s = {.get = s.get_at_hand};
    const struct item *it = NULL;
    bool ok = true;
    for (int i = 2; i < c->argc && ok; i++)
        ok = parse_option(c, &s, &i, may_store);
    if (ok)
        ok = ctx_read_whole(c, &c->key, &it);
    if (ok) {
        ok = !it || sort_takes(item_type(it));
        if (!ok)
            resp_error(c->out, ERR_TEXT_WRONGTYPE);
    }
    if (ok && it)
        ok = load(c, &s, it);
    if (ok && s.store)
        store(c, &s);
    else if (ok)
        reply(c, &s);
    sort_deinit(&s);
}

static void cmd_sort(struct cmd_ctx *c)
{
    sort(c, true);
}

static void cmd_sort_ro(struct cmd_ctx *c)
{
    sort(c, false);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* The argument that is the destination; of several STOREs the last one counts. */
static int store_key(const struct slice *argv, int argc)
{
    int at = 0;
    for (int i = 2; i + 1 < argc; i++) {
        if (slice_is(argv[i], "limit"))
            i += 2;
        else if (slice_is(argv[i], "store"))
            at = ++i;
        else if (slice_is(argv[i], "by") || slice_is(argv[i], "get"))
            i++;
    }
    return at;
}

#define SORT_SYNOPSIS \
    "key [BY by-pattern] [LIMIT offset count] [GET get-pattern [GET get-pattern ...]] [ASC | DESC] [ALPHA]"
#define SORT_COMPLEXITY "O(N log N) for the N elements, O(M) for M that are returned as they are"

const struct cmd_row cmd_rows_sort[] = {
    {.name = "sort",
     .fn = cmd_sort,
     .arity = -2,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS,
     .acl = ACL_SET | ACL_SORTEDSET | ACL_LIST | ACL_DANGEROUS,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .key_by_word = store_key,
     .group = "generic",
     .since = "1.0.0",
     .complexity = SORT_COMPLEXITY,
     .summary = "Returns or stores the elements of a list, a set or a sorted set in an order.",
     .synopsis = SORT_SYNOPSIS " [STORE destination]"},
    {.name = "sort_ro",
     .fn = cmd_sort_ro,
     .arity = -2,
     .flags = CMD_READONLY | CMD_MOVABLE_KEYS,
     .acl = ACL_SET | ACL_SORTEDSET | ACL_LIST | ACL_DANGEROUS,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "generic",
     .since = "7.0.0",
     .complexity = SORT_COMPLEXITY,
     .summary = "Returns the elements of a list, a set or a sorted set in an order.",
     .synopsis = SORT_SYNOPSIS},
    {.name = NULL},
};
