#include "cmd/reply_walk.h"

#include <string.h>

#include "base/mem.h"

/* The rest of a walk, in a client's output queue. */
struct walk_source {
    struct outq_source source;
    struct keyspace *ks;
    const struct item *held;
    reply_walk_fn write;
    int proto;
    size_t bytes; /* of the whole allocation */
    _Alignas(max_align_t) char state[];
};

static struct walk_source *of(struct outq_source *s)
{
    return (struct walk_source *)s; /* the source is its first member */
}

static bool produce(struct outq_source *s, struct outq *to, size_t bytes)
{
    struct walk_source *walk = of(s);
    struct resp_writer w;
    resp_writer_init(&w, to);
    w.proto = (uint8_t)walk->proto;
    return walk->write(walk->state, walk->held, &w, bytes);
}

static void free_source(struct outq_source *s)
{
    struct walk_source *walk = of(s);
    ks_let_go(walk->ks, walk->held);
    mem_free(walk);
}

static size_t memory(const struct outq_source *s)
{
    const struct walk_source *walk = (const struct walk_source *)s;
    return walk->bytes + value_memory_alone(walk->held);
}

static const struct outq_source_ops source_ops = {
    .produce = produce,
    .free = free_source,
    .memory = memory,
};

/* NULL: no memory. */
static struct walk_source *source_try_new(struct cmd_ctx *c, const struct item *it,
                                          const struct reply_walk *walk)
{
    size_t bytes = sizeof(struct walk_source) + walk->state_bytes;
    struct walk_source *s = mem_try_alloc(bytes);
    const struct item *held = s ? ks_hold(c->ks, it) : NULL;
    if (!held) {
        mem_free(s);
        return NULL;
    }
    *s = (struct walk_source){
        .source = {&source_ops},
        .ks = c->ks,
        .held = held,
        .write = walk->write,
        .proto = c->out->proto,
        .bytes = bytes,
    };
    memcpy(s->state, walk->state, walk->state_bytes);
    return s;
}

void ctx_reply_walk(struct cmd_ctx *c, const struct item *it, const struct reply_walk *walk)
{
    struct outq_mark before = outq_mark(c->out->out);
    walk->header(c->out, walk->count);
    if (!walk->write(walk->state, it, c->out, REPLY_WALK_AT_ONCE_BYTES))
        return;
    struct walk_source *s = source_try_new(c, it, walk);
    if (s) {
        resp_source(c->out, &s->source);
        return;
    }
    outq_rollback(c->out->out, before);
    ctx_reply_nomem(c);
}
