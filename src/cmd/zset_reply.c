/* How sorted set commands reply members and store results. */
#include "cmd/reply_walk.h"
#include "cmd/zset.h"

static void write_element(struct resp_writer *w, const struct zset_element *el, enum zset_form form)
{
    if (form == ZSET_PAIRS || (form == ZSET_WITH_SCORES && w->proto > 2))
        resp_array(w, 2);
    resp_bulk(w, el->member);
    if (form != ZSET_MEMBERS)
        resp_double(w, el->score);
}

void zset_reply_header(struct cmd_ctx *c, uint64_t n, bool with_scores)
{
    resp_array(c->out, with_scores && c->out->proto == 2 ? 2 * n : n);
}

void zset_reply_element(struct cmd_ctx *c, const struct zset_element *el, bool with_scores)
{
    write_element(c->out, el, with_scores ? ZSET_WITH_SCORES : ZSET_MEMBERS);
}

/* About how many bytes of a reply frame a member, and hold a score. */
#define MEMBER_EXTRA_BYTES 8
#define SCORE_BYTES        16

/* `state` is the rest of the run. */
static bool write_members(void *state, const struct item *it, struct resp_writer *w, size_t bytes)
{
    struct zset_reply_run *run = state;
    struct zset_walk walk;
    struct zset_element el;
    zset_walk_init(&walk, it, run->from, run->n, run->reverse);
    for (size_t written = 0; written < bytes && zset_walk_next(&walk, &el);) {
        write_element(w, &el, run->form);
        written += el.member.len + MEMBER_EXTRA_BYTES + (run->form ? SCORE_BYTES : 0);
        run->from++;
        run->n--;
    }
    return run->n > 0;
}

static void header_of_pairs(struct resp_writer *w, size_t n)
{
    resp_array(w, w->proto == 2 ? 2 * n : n);
}

void zset_reply_run(struct cmd_ctx *c, const struct item *it, const struct zset_reply_run *run)
{
    if (run->n == 0) {
        resp_array(c->out, 0);
        return;
    }
    struct zset_reply_run left = *run;
    ctx_reply_walk(
        c, it,
        &(struct reply_walk){.header = run->form == ZSET_WITH_SCORES ? header_of_pairs : resp_array,
                             .count = run->n,
                             .write = write_members,
                             .state = &left,
                             .state_bytes = sizeof(left)});
}

void zset_store_aside(struct cmd_ctx *c, const struct key *k, struct ks_edit *e, const char *event)
{
    uint64_t n = zset_count(e->item);
    if (n == 0) {
        ks_edit_drop(e);
        if (ctx_delete(c, k))
            ctx_effect(c, 2, (struct slice[]){SLICE("DEL"), k->name});
        resp_int(c->out, 0);
        return;
    }
    bool is_new = c->tell_new && !ctx_write(c, k);
    if (ks_edit_put(e, c->db, k) != ERR_OK) {
        ks_edit_drop(e);
        ctx_reply_nomem(c);
        return;
    }
    if (is_new)
        ctx_added(c, k->name);
    ctx_changed(c, k, NOTIFY_ZSET, event);
    ctx_effect_as_is(c);
    resp_int(c->out, (int64_t)n);
}
