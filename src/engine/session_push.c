/* Messages to a session outside its own request. */
#include "engine/engine_impl.h"

struct resp_writer *session_push_open(struct session *s)
{
    struct engine *e = s->engine;
    if (s->flags & (SESSION_CLOSE_AFTER_REPLY | SESSION_CLOSE_NOW))
        return NULL;
    if (e->current != s) {
        unit_tells(e, s);
        return &s->writer;
    }
    /* Within its own request, perhaps within a reply: the message waits until the reply is whole. */
    if (outq_empty(&e->pushes))
        outq_init(&e->pushes, s->queue.pool);
    resp_writer_init(&e->push_writer, &e->pushes);
    e->push_writer.proto = s->writer.proto;
    return &e->push_writer;
}

void session_push_close(struct session *s)
{
    if (s->engine->current != s)
        s->ops->ready(s);
}
