/* Sorted sets as a row of value_ops. */
#include "store/digest.h"
#include "store/zset_impl.h"

static const char *encoding(const struct item *it)
{
    return it->flags & ITEM_GROWN ? "skiplist" : "listpack";
}

static bool is_empty(const struct item *it)
{
    return item_is_outside(it) ? btree_count(&zset_of(it)->order) == 0 : it->vlen == 0;
}

static void share(const struct item *it)
{
    zset_of(it)->refs++;
}

static bool free_some(struct item *it, size_t *left)
{
    return zset_tree_free_some(zset_of(it), left);
}

static size_t memory(const struct item *it)
{
    return zset_tree_bytes(zset_of(it));
}

static size_t memory_alone(const struct item *it)
{
    const struct zset *z = zset_of(it);
    return z->refs > 1 ? 0 : btree_bytes_alone(&z->order) + btree_bytes_alone(&z->index);
}

static size_t effort(const struct item *it)
{
    const struct zset *z = zset_of(it);
    return z->refs > 1 ? 1 : 1 + zset_tree_bytes(z) / VALUE_PAGE_BYTES;
}

static uint32_t sum(const struct item *it)
{
    return btree_ends_sum(&zset_of(it)->order);
}

static void digest(const struct item *it, struct digest *out)
{
    struct zset_walk w;
    struct zset_element el;
    zset_walk_init(&w, it, 0, UINT64_MAX, false);
    while (zset_walk_next(&w, &el)) {
        char text[VALUE_NUMBER_CHARS];
        struct digest one = {{0}};
        digest_add(&one, el.member);
        digest_add(&one, slice_of(text, (size_t)num_print_double(text, el.score)));
        digest_join(out, &one);
    }
}

/* ZADD k score member ..., repeated as needed, then PEXPIREAT k ms. c->at is the rank of the next member, and one more
 * once PEXPIREAT was given. */
static bool command(struct value_cursor *c, struct value_command *out)
{
    const struct item *it = c->item;
    struct zset_walk w;
    struct zset_element el;
    size_t bytes = 0;
    c->argv[1] = item_key(it);
    c->argv[0] = SLICE("ZADD");
    out->argc = 2;
    zset_walk_init(&w, it, c->at, VALUE_COMMAND_ARGS_MAX / 2 - 1, false);
    while (zset_walk_next(&w, &el)) {
        int i = out->argc;
        if (i > 2 && bytes + el.member.len > VALUE_COMMAND_BYTES_MAX)
            break;
        c->at++;
        bytes += el.member.len;
        c->argv[i] = slice_of(c->numbers[i], (size_t)num_print_double(c->numbers[i], el.score));
        struct slice member = el.member;
        static_assert(VALUE_NUMBER_CHARS >= ZSET_SCRATCH_BYTES, "a number's place will do");
        if (member.ptr == w.scratch)
            member.ptr = memcpy(c->numbers[i + 1], w.scratch, member.len);
        if (member.len > VALUE_COMMAND_BYTES_MAX) {
            out->in_runs = i + 1;
            member.ptr = NULL;
        }
        c->argv[i + 1] = member;
        out->argc += 2;
    }
    if (out->argc > 2)
        return true;
    if (!item_has_expiry(it) || c->at > zset_count(it))
        return false;
    c->at++;
    c->argv[0] = SLICE("PEXPIREAT");
    c->argv[2] = slice_of(c->numbers[0], (size_t)num_print_i64(c->numbers[0], item_expiry_ms(it)));
    out->argc = 3;
    return true;
}

/* The rest of the long member that the last command ends with. */
static struct slice run(const struct value_cursor *c)
{
    struct zset_walk w;
    struct zset_element el = {0};
    zset_walk_init(&w, c->item, c->at - 1, 1, false);
    zset_walk_next(&w, &el);
    return slice_of(el.member.ptr + c->run_at, el.member.len - c->run_at);
}

const struct value_ops value_ops_zset = {
    .name = "zset",
    .encoding = encoding,
    .is_empty = is_empty,
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
