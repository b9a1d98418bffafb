#include "store/digest.h"
#include "store/hashtree_value_impl.h"
#include "store/set_impl.h"

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
    char ms[NUM_I64_CHARS];
    set_walk_init(&w, it, 0, DUES_NOTHING);
    while (set_walk_next(&w, &member)) {
        struct digest one = {{0}};
        digest_add(&one, member);
        if (w.due_ms != DUES_NONE)
            digest_add(&one, slice_of(ms, (size_t)num_print_i64(ms, w.due_ms)));
        digest_join(out, &one);
    }
}

/* --- a set as commands ------------------------------------------------------------------------------ */

enum phase { PHASE_MEMBERS, PHASE_DUES, PHASE_DEADLINE, PHASE_END };

/* PEXPIREAT k ms */
static bool command_deadline(struct value_cursor *c, struct value_command *out)
{
    if (!item_has_expiry(c->item))
        return false;
    size_t len = (size_t)num_print_i64(c->numbers[0], item_expiry_ms(c->item));
    c->argv[0] = SLICE("PEXPIREAT");
    c->argv[2] = slice_of(c->numbers[0], len);
    out->argc = 3;
    return true;
}

/* SADD k member ... */
static bool command_members(struct value_cursor *c, struct value_command *out)
{
    struct set_walk w;
    struct slice member;
    size_t bytes = 0;
    set_walk_init(&w, c->item, c->at, DUES_NOTHING);
    c->argv[0] = SLICE("SADD");
    out->argc = 2;
    while (out->argc < VALUE_COMMAND_ARGS_MAX - 1 && set_walk_next(&w, &member)) {
        bytes += member.len;
        if (bytes > VALUE_COMMAND_BYTES_MAX && out->argc > 2)
            break; /* this member begins the next command */
        c->at = set_walk_at(&w);
        char *text = c->numbers[out->argc - 2];
        if (member.ptr == w.scratch) {
            memcpy(text, w.scratch, member.len);
            member.ptr = text;
        }
        c->argv[out->argc++] = member;
        if (bytes > VALUE_COMMAND_BYTES_MAX) {
            c->argv[DUES_ARG_IN_RUNS] = member;
            c->argv[2].ptr = NULL;
            out->in_runs = 2;
            break;
        }
    }
    return out->argc > 2;
}

static bool command(struct value_cursor *c, struct value_command *out)
{
    c->argv[1] = item_key(c->item);
    if (c->phase == PHASE_MEMBERS) {
        if (command_members(c, out))
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
    struct slice member = c->argv[DUES_ARG_IN_RUNS];
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
    .keep = hashtree_value_keep,
    .keep_end = hashtree_value_keep_end,
    .due_ms = dues_least_ms,
    .due = dues_find,
    .remove = set_remove,
    .digest = digest,
    .command = command,
    .run = run,
};
