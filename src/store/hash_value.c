#include "store/digest.h"
#include "store/hash_impl.h"
#include "store/hashtree_value_impl.h"

/* --- the row of the type ---------------------------------------------------------------------------- */

static const char *encoding(const struct item *it)
{
    if (it->flags & ITEM_GROWN)
        return "hashtable";
    return it->flags & ITEM_DUES ? "listpackex" : "listpack";
}

static bool is_empty(const struct item *it)
{
    return item_enc(it) == ENC_TREE ? hashtree_count(hash_tree(it)) == 0 : it->vlen == 0;
}

static void digest(const struct item *it, struct digest *out)
{
    struct hash_walk w;
    struct hash_field f;
    char scratch[NUM_I64_CHARS];
    hash_walk_init(&w, it, 0);
    while (hash_walk_next(&w, &f)) {
        struct digest one = {{0}};
        digest_add(&one, pack_string(f.name, scratch));
        digest_add(&one, pack_string(f.value, scratch));
        if (f.due_ms != DUES_NONE)
            digest_add(&one, slice_of(scratch, (size_t)num_print_i64(scratch, f.due_ms)));
        digest_join(out, &one);
    }
}

/* --- a hash as commands ------------------------------------------------------------------------------- */

enum phase { PHASE_FIELDS, PHASE_DUES, PHASE_DEADLINE, PHASE_END };

static struct slice add_arg(struct value_cursor *c, struct value_command *out, const char *entry)
{
    struct slice s = pack_string(entry, c->numbers[out->argc]);
    c->argv[out->argc++] = s;
    return s;
}

/* HSET k field value ... */
static bool command_fields(struct value_cursor *c, struct value_command *out)
{
    struct hash_walk w;
    struct hash_field f;
    size_t bytes = 0;
    hash_walk_init(&w, c->item, c->at);
    c->argv[0] = SLICE("HSET");
    out->argc = 2;
    while (out->argc + 2 < VALUE_COMMAND_ARGS_MAX && hash_walk_next(&w, &f)) {
        size_t name = pack_string_len(f.name), value = pack_string_len(f.value);
        bytes += name + value;
        if (bytes > VALUE_COMMAND_BYTES_MAX && out->argc > 2)
            break; /* this field begins the next command */
        c->at = hash_walk_at(&w);
        add_arg(c, out, f.name);
        add_arg(c, out, f.value);
        if (bytes > VALUE_COMMAND_BYTES_MAX) {
            out->in_runs = name > value ? 2 : 3;
            c->argv[DUES_ARG_IN_RUNS] = c->argv[out->in_runs];
            c->argv[out->in_runs].ptr = NULL;
            break;
        }
    }
    return out->argc > 2;
}

/* PEXPIREAT k ms */
static bool command_deadline(struct value_cursor *c, struct value_command *out)
{
    if (!item_has_expiry(c->item))
        return false;
    size_t len = (size_t)num_print_i64(c->numbers[2], item_expiry_ms(c->item));
    c->argv[0] = SLICE("PEXPIREAT");
    c->argv[2] = slice_of(c->numbers[2], len);
    out->argc = 3;
    return true;
}

static bool command(struct value_cursor *c, struct value_command *out)
{
    c->argv[1] = item_key(c->item);
    if (c->phase == PHASE_FIELDS) {
        if (command_fields(c, out))
            return true;
        c->phase = PHASE_DUES;
        c->at = 0;
    }
    if (c->phase == PHASE_DUES) {
        if (dues_command(c, out))
            return true;
        c->phase = PHASE_DEADLINE;
    }
    if (c->phase != PHASE_DEADLINE)
        return false;
    c->phase = PHASE_END;
    return command_deadline(c, out);
}

static struct slice run(const struct value_cursor *c)
{
    struct slice arg = c->argv[DUES_ARG_IN_RUNS];
    return slice_of(arg.ptr + c->run_at, arg.len - c->run_at);
}

const struct value_ops value_ops_hash = {
    .name = "hash",
    .encoding = encoding,
    .is_empty = is_empty,
    .share = hashtree_value_share,
    .free_some = hashtree_value_free_some,
    .memory = hashtree_value_memory,
    .memory_alone = hashtree_value_memory_alone,
    .effort = hashtree_value_effort,
    .sum = hashtree_value_sum,
    .keep = hashtree_value_keep,
    .keep_end = hashtree_value_keep_end,
    .due_ms = dues_least_ms,
    .due = dues_find,
    .fetch = hashtree_value_fetch,
    .remove = hash_remove,
    .digest = digest,
    .command = command,
    .run = run,
};
