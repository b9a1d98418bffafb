#include "engine/plan.h"

#include "engine/check.h"
#include "engine/gate_impl.h"
#include "engine/plan_impl.h"

#define FOR_DATA (CMD_WRITE | CMD_READONLY)
#define FOR_MORE                                                                          \
    (CMD_ADMIN | CMD_PUBSUB | CMD_NOSCRIPT | CMD_BLOCKING | CMD_NO_MULTI | CMD_NO_QUEUE | \
     CMD_MAY_REPLICATE)

static uint32_t checks_of(const struct cmd *cmd, int argc)
{
    if (!cmd)
        return CHECK_UNKNOWN;
    uint32_t flags = cmd->row->flags;
    bool plain = (flags & FOR_DATA) && !(flags & FOR_MORE);
    return (cmd->row->fn && cmd_arity_ok(cmd, argc) ? 0 : CHECK_ARITY) |
           (plain ? 0 : CHECK_SPECIAL);
}

bool plan_key_argument(const struct cmd *cmd, int argc, int *index)
{
    const struct cmd_keys *keys = &cmd->row->keys[0];
    *index = keys->first;
    return keys->first > 0 && keys->numkeys == 0 && keys->first < argc;
}

static struct cmd *find_command(const struct engine *e, const struct engine_request *r)
{
    struct cmd *cmd = r->argc > 0 ? cmd_lookup(e->table, r->argv[0]) : NULL;
    if (cmd && cmd->subs && r->argc > 1)
        cmd = cmd_lookup_sub(cmd, r->argv[1]);
    return cmd;
}

/* Is it the command of the request ahead of it, with as many arguments? Most pipelines repeat one. */
static inline bool is_repeated(const struct engine_request *r, const struct cmd *before)
{
    return before && !before->parent && !before->subs && r->argc == r[-1].argc &&
           slice_equal(r->argv[0], r[-1].argv[0]);
}

static inline bool names_element(const struct cmd *cmd, const struct engine_request *r)
{
    return cmd->row->element > 0 && cmd->row->element < r->argc;
}

void plan_fetch(struct plan *plan, const struct engine *e, int db)
{
    if (plan->fetched)
        return;
    plan->fetched = true;
    int count = plan->count < PLAN_FETCH_AHEAD ? plan->count : PLAN_FETCH_AHEAD;
    for (int i = 0; i < count; i++)
        plan_fetch_item(&plan->of[i], e, db);
    for (int i = 0; i < count && i < PLAN_FETCH_AHEAD_AGAIN; i++)
        plan_fetch_item_again(&plan->of[i], e, db);
}

void plan_fetch_elements(const struct plan *plan, const struct engine *e, int db,
                         const struct engine_request *r, int from)
{
    const struct item *items[PLAN_ELEMENTS_GROUP], *it = NULL;
    struct prefetch_way ways[PLAN_ELEMENTS_GROUP];
    const struct key *key = NULL;
    int n = 0, left;
    for (int i = from; i < plan->count && i < from + PLAN_ELEMENTS_GROUP; i++) {
        const struct planned *p = &plan->of[i];
        if (!p->fetch || !names_element(p->cmd, &r[i]))
            continue;
        if (!key || key->hash != p->key.hash) /* many requests are for one value */
            it = ks_peek(e->ks, db, &p->key);
        key = &p->key;
        if (!it)
            continue;
        items[n] = it;
        ways[n++] = (struct prefetch_way){.name = r[i].argv[p->cmd->row->element]};
    }
    do {
        left = 0;
        for (int i = 0; i < n; i++)
            if (value_fetch(items[i], &ways[i])) {
                items[left] = items[i];
                ways[left++] = ways[i];
            }
        n = left;
    } while (n > 0);
}

void plan_make(struct plan *plan, const struct engine *e, int db, const struct engine_request *r,
               int n, bool fetch)
{
    struct cmd *cmd = NULL;
    uint32_t checks = 0;
    bool last = false, elements = false;
    int count = 0, key = 0; /* the index of the key; 0: there is none */
    for (; count < n && count < ENGINE_BATCH_MAX && !last; count++) {
        struct planned *one = &plan->of[count];
        if (count == 0 || !is_repeated(&r[count], cmd)) {
            cmd = find_command(e, &r[count]);
            checks = checks_of(cmd, r[count].argc);
            last = cmd && (cmd->row->flags & CMD_ADMIN);
            if (!cmd || !plan_key_argument(cmd, r[count].argc, &key))
                key = 0;
            elements = elements || (fetch && key > 0 && names_element(cmd, &r[count]));
        }
        one->cmd = cmd;
        one->checks = checks;
        one->again = false;
        one->fetch = fetch && key > 0;
        if (key > 0)
            one->key = ks_key(e->ks, r[count].argv[key]);
        if (one->fetch)
            ks_prefetch(e->ks, db, &one->key);
        if (one->fetch && e->gate)
            gate_prefetch(e, one->key.hash);
    }
    plan->count = count;
    plan->fetched = !fetch;
    plan->elements = elements;
}
