#include "store/set_impl.h"

#include "store/digest.h"
#include "store/hashtree_value_impl.h"

/* --- reading ---------------------------------------------------------------------------------------- */

uint64_t set_count(const struct item *it)
{
    if (item_enc(it) == ENC_TREE)
        return hashtree_count(set_tree(it));
    return item_enc(it) == ENC_INTS ? intset_count(set_run(it)) : pack_count(set_run(it));
}

bool set_has(const struct item *it, const struct pack_entry *member)
{
    struct hashtree_entry found;
    size_t n;
    if (item_enc(it) == ENC_TREE)
        return hashtree_find(set_tree(it), member, &found);
    if (item_enc(it) == ENC_INTS)
        return set_is_integer(member) && intset_find(set_run(it), member->number, &n);
    return pack_find(set_run(it), 1, member);
}

static struct slice print(int64_t v, char scratch[NUM_I64_CHARS])
{
    return slice_of(scratch, (size_t)num_print_i64(scratch, v));
}

struct slice set_at(const struct item *it, uint64_t n, char scratch[NUM_I64_CHARS])
{
    if (item_enc(it) == ENC_TREE)
        return pack_string(hashtree_at(set_tree(it), n).string, scratch);
    if (item_enc(it) == ENC_INTS)
        return print(intset_at(set_run(it), n), scratch);
    return pack_string(pack_at(set_run(it), n), scratch);
}

void set_walk_init(struct set_walk *w, const struct item *it, uint64_t at)
{
    w->item = it;
    w->at = at;
    if (item_enc(it) == ENC_TREE)
        hashtree_walk_init(&w->tree, set_tree(it), at);
}

uint64_t set_walk_at(const struct set_walk *w)
{
    return item_enc(w->item) == ENC_TREE ? w->tree.at : w->at;
}

bool set_walk_next(struct set_walk *w, struct slice *out)
{
    struct hashtree_entry entry;
    if (item_enc(w->item) == ENC_TREE) {
        if (!hashtree_walk_next(&w->tree, &entry))
            return false;
        *out = pack_string(entry.string, w->scratch);
        return true;
    }
    struct slice run = set_run(w->item);
    if (item_enc(w->item) == ENC_INTS) {
        if (w->at == intset_count(run))
            return false;
        *out = print(intset_at(run, w->at++), w->scratch);
        return true;
    }
    if (w->at == run.len)
        return false;
    const char *at = run.ptr + w->at;
    w->at += pack_bytes(at);
    *out = pack_string(at, w->scratch);
    return true;
}

struct scan {
    set_each_fn fn;
    void *arg;
};

static void scan_entry(const struct hashtree_entry *e, void *arg)
{
    const struct scan *s = arg;
    char scratch[NUM_I64_CHARS];
    s->fn(pack_string(e->string, scratch), s->arg);
}

uint64_t set_scan(const struct item *it, uint64_t cursor, uint64_t count, set_each_fn fn, void *arg)
{
    struct scan s = {fn, arg};
    if (item_enc(it) == ENC_TREE)
        return hashtree_scan(set_tree(it), cursor, count, scan_entry, &s);
    struct set_walk w;
    struct slice member;
    set_walk_init(&w, it, 0);
    while (set_walk_next(&w, &member))
        fn(member, arg);
    return 0;
}

/* --- the row of the type ---------------------------------------------------------------------------- */

static const char *encoding(const struct item *it)
{
    if (it->flags & ITEM_GROWN)
        return "hashtable";
    return item_enc(it) == ENC_INTS ? "intset" : "listpack";
}

static bool is_empty(const struct item *it)
{
    if (item_enc(it) == ENC_TREE)
        return hashtree_count(set_tree(it)) == 0;
    return it->vlen == (item_enc(it) == ENC_INTS ? INTSET_HEADER_BYTES : 0);
}

static void digest(const struct item *it, struct digest *out)
{
    struct set_walk w;
    struct slice member;
    set_walk_init(&w, it, 0);
    while (set_walk_next(&w, &member)) {
        struct digest one = {{0}};
        digest_add(&one, member);
        digest_join(out, &one);
    }
}

/* --- a set as commands ------------------------------------------------------------------------------ */

/* Positions of a cursor behind the last member. */
#define AT_DEADLINE (UINT64_MAX - 1)
#define AT_END      UINT64_MAX
/* Behind the arguments: the member in runs, all of it. */
#define ARG_IN_RUNS (VALUE_COMMAND_ARGS_MAX - 1)

/* PEXPIREAT k ms */
static bool command_deadline(struct value_cursor *c, struct value_command *out)
{
    c->at = AT_END;
    if (!item_has_expiry(c->item))
        return false;
    size_t len = (size_t)num_print_i64(c->numbers[0], item_expiry_ms(c->item));
    c->argv[0] = SLICE("PEXPIREAT");
    c->argv[1] = item_key(c->item);
    c->argv[2] = slice_of(c->numbers[0], len);
    out->argc = 3;
    return true;
}

/* SADD k member ..., and behind the last members the deadline */
static bool command(struct value_cursor *c, struct value_command *out)
{
    if (c->at >= AT_DEADLINE)
        return c->at == AT_DEADLINE && command_deadline(c, out);
    struct set_walk w;
    struct slice member;
    size_t bytes = 0;
    set_walk_init(&w, c->item, c->at);
    c->argv[0] = SLICE("SADD");
    c->argv[1] = item_key(c->item);
    out->argc = 2;
    while (out->argc < VALUE_COMMAND_ARGS_MAX - 1 && set_walk_next(&w, &member)) {
        bytes += member.len;
        if (bytes > VALUE_COMMAND_BYTES_MAX && out->argc > 2)
            break; /* the next command begins with it */
        c->at = set_walk_at(&w);
        char *text = c->numbers[out->argc - 2];
        if (member.ptr == w.scratch) {
            memcpy(text, w.scratch, member.len);
            member.ptr = text;
        }
        c->argv[out->argc++] = member;
        if (bytes > VALUE_COMMAND_BYTES_MAX) {
            c->argv[ARG_IN_RUNS] = member;
            c->argv[2].ptr = NULL;
            out->in_runs = 2;
            break;
        }
    }
    if (out->argc > 2)
        return true;
    return command_deadline(c, out);
}

static struct slice run(const struct value_cursor *c)
{
    struct slice member = c->argv[ARG_IN_RUNS];
    return slice_of(member.ptr + c->run_at, member.len - c->run_at);
}

const struct value_ops value_ops_set = {
    .name = "set",
    .encoding = encoding,
    .is_empty = is_empty,
    .share = hashtree_value_share,
    .free_some = hashtree_value_free_some,
    .memory = hashtree_value_memory,
    .memory_alone = hashtree_value_memory_alone,
    .effort = hashtree_value_effort,
    .sum = hashtree_value_sum,
    .fetch = hashtree_value_fetch,
    .digest = digest,
    .command = command,
    .run = run,
};
