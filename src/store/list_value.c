/* Lists as a row of value_ops. */
#include "store/digest.h"
#include "store/list_impl.h"

static const char *encoding(const struct item *it)
{
    return it->flags & ITEM_GROWN ? "quicklist" : "listpack";
}

static bool is_empty(const struct item *it)
{
    return list_is_tree(it) ? btree_count(&list_tree(it)->tree) == 0 : it->vlen == 0;
}

static void share(const struct item *it)
{
    list_tree_hold(list_tree(it));
}

static bool free_some(struct item *it, size_t *left)
{
    return list_tree_free_some(list_tree(it), left);
}

static size_t memory(const struct item *it)
{
    return sizeof(struct list_tree) + btree_bytes(&list_tree(it)->tree);
}

static size_t memory_alone(const struct item *it)
{
    const struct list_tree *t = list_tree(it);
    return t->refs > 1 ? 0 : sizeof(*t) + btree_bytes_alone(&t->tree);
}

static size_t effort(const struct item *it)
{
    const struct list_tree *t = list_tree(it);
    return t->refs > 1 ? 1 : 1 + btree_bytes(&t->tree) / VALUE_PAGE_BYTES;
}

static uint32_t sum(const struct item *it)
{
    return btree_ends_sum(&list_tree(it)->tree);
}

static void digest(const struct item *it, struct digest *out)
{
    char scratch[NUM_I64_CHARS];
    struct list_cursor c;
    for (const char *entry = list_at(it, 0, &c); entry; entry = list_next(&c))
        digest_add(out, pack_string(entry, scratch));
}

/* RPUSH k element ..., repeated as needed, then PEXPIREAT k ms. c->at counts the elements given so far, and one more
 * once PEXPIREAT was given. */
static bool command(struct value_cursor *c, struct value_command *out)
{
    const struct item *it = c->item;
    struct list_cursor list;
    const char *entry = list_at(it, c->at, &list);
    out->argc = 0;
    c->argv[1] = item_key(it);
    if (!entry) {
        if (!item_has_expiry(it) || c->at > list_len(it))
            return false;
        c->at++;
        c->argv[0] = SLICE("PEXPIREAT");
        c->argv[2] =
            slice_of(c->numbers[0], (size_t)num_print_i64(c->numbers[0], item_expiry_ms(it)));
        out->argc = 3;
        return true;
    }
    size_t bytes = 0;
    c->argv[0] = SLICE("RPUSH");
    for (out->argc = 2; entry && out->argc < VALUE_COMMAND_ARGS_MAX; entry = list_next(&list)) {
        struct slice s = pack_string(entry, c->numbers[out->argc]);
        if (out->argc > 2 && bytes + s.len > VALUE_COMMAND_BYTES_MAX)
            break;
        c->at++;
        bytes += s.len;
        if (s.len > VALUE_COMMAND_BYTES_MAX) {
            out->in_runs = out->argc;
            s.ptr = NULL;
        }
        c->argv[out->argc++] = s;
    }
    return true;
}

/* The rest of the long element that the last command ends with. */
static struct slice run(const struct value_cursor *c)
{
    /* Stays unused: an element this long is no integer. */
    char scratch[NUM_I64_CHARS];
    struct list_cursor list;
    struct slice s = pack_string(list_at(c->item, c->at - 1, &list), scratch);
    return slice_of(s.ptr + c->run_at, s.len - c->run_at);
}

const struct value_ops value_ops_list = {
    .name = "list",
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
