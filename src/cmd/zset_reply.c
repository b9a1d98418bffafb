/* What several commands of sorted sets reply and store. */
#include "cmd/zset.h"

void zset_reply_header(struct cmd_ctx *c, uint64_t n, bool with_scores)
{
    resp_array(c->out, with_scores && c->out->proto == 2 ? 2 * n : n);
}

void zset_reply_element(struct cmd_ctx *c, const struct zset_element *el, bool with_scores)
{
    if (with_scores && c->out->proto > 2)
        resp_array(c->out, 2);
    resp_bulk(c->out, el->member);
    if (with_scores)
        resp_double(c->out, el->score);
}

void zset_reply_run(struct cmd_ctx *c, const struct item *it, uint64_t from, uint64_t n,
                    bool reverse, bool with_scores)
{
    struct zset_walk w;
    struct zset_element el;
    zset_reply_header(c, n, with_scores);
    if (n == 0)
        return;
    zset_walk_init(&w, it, from, n, reverse);
    while (zset_walk_next(&w, &el))
        zset_reply_element(c, &el, with_scores);
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
