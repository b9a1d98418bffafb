#include "engine/session.h"

#include <assert.h>

#include "base/mem.h"
#include "engine/check.h"
#include "engine/engine_impl.h"

/* --- all of them ---------------------------------------------------------------------------------------- */

/* Each session that leaves adds so many to the shrinking of the table. */
#define TABLE_WORK_BUCKETS 4

/* Ids are consecutive; the table wants hashes that are spread. */
static uint32_t hash_id(uint64_t id)
{
    return (uint32_t)(id * 0x9e3779b97f4a7c15u >> 32);
}

static uint32_t rehash_session(const void *session, void *arg)
{
    (void)arg;
    return hash_id(((const struct session *)session)->id);
}

static bool has_id(const void *session, const void *id)
{
    return ((const struct session *)session)->id == *(const uint64_t *)id;
}

void sessions_init(struct engine *e)
{
    table_init(&e->sessions, rehash_session, NULL);
}

struct session *session_next(const struct session *s)
{
    return s->next;
}

struct session *engine_session_by_id(const struct engine *e, uint64_t id)
{
    struct table_pos pos = table_find(&e->sessions, hash_id(id), has_id, &id);
    return pos.bucket ? table_at(pos) : NULL;
}

static void link_last(struct engine *e, struct session *s)
{
    s->prev = e->last;
    if (e->last)
        e->last->next = s;
    else
        e->first = s;
    e->last = s;
    e->session_count++;
}

void session_unlink(struct engine *e, struct session *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        e->first = s->next;
    if (s->next)
        s->next->prev = s->prev;
    else
        e->last = s->prev;
    e->session_count--;
    struct table_pos pos = table_find(&e->sessions, hash_id(s->id), has_id, &s->id);
    table_remove(&e->sessions, pos, hash_id(s->id));
    table_work(&e->sessions, TABLE_WORK_BUCKETS);
}

/* --- life ----------------------------------------------------------------------------------------------- */

struct session *session_new(struct engine *e, const struct session_ops *ops, void *transport,
                            struct outq_pool *pool)
{
    struct session *s = mem_try_zalloc(sizeof(*s));
    if (!s)
        return NULL;
    outq_init(&s->queue, pool);
    resp_writer_init(&s->writer, &s->queue);
    s->engine = e;
    s->ops = ops;
    s->transport = transport;
    s->id = e->next_session_id;
    if (table_insert(&e->sessions, hash_id(s->id), s) != ERR_OK) {
        mem_free(s);
        return NULL;
    }
    e->next_session_id++;
    s->created_us = s->active_us = e->now_us;
    s->block_deadline_us = INT64_MAX;
    session_flags(s, e->config->password.len == 0 ? SESSION_AUTHENTICATED : 0, 0);
    link_last(e, s);
    return s;
}

uint32_t session_checks(const struct session *s)
{
    uint32_t mask = 0;
    if (!(s->flags & SESSION_AUTHENTICATED))
        mask |= CHECK_AUTH;
    if (s->flags & SESSION_MULTI)
        mask |= CHECK_MULTI | CHECK_QUEUE;
    if (s->pubsub)
        mask |= CHECK_SUBSCRIBED;
    if (s->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT))
        mask |= CHECK_REPLY;
    return mask;
}

void session_flags(struct session *s, uint32_t set, uint32_t clear)
{
    s->flags = (s->flags & ~clear) | set;
    s->checks = session_checks(s);
}

void session_hold(struct session *s, const struct cmd *cmd)
{
    s->flags |= SESSION_PAUSED;
    s->last_cmd = cmd;
    s->engine->paused_count++;
}

void session_kill(struct session *s, bool after_reply)
{
    s->flags |= after_reply ? SESSION_CLOSE_AFTER_REPLY : SESSION_CLOSE_NOW;
    s->ops->close(s);
}

bool session_text_is_valid(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '!' || text.ptr[i] > '~')
            return false;
    return true;
}

bool session_set_text(struct session *s, enum session_text which, struct slice text)
{
    if (!session_text_is_valid(text))
        return false;
    mem_free(s->texts[which]);
    s->texts[which] = text.len ? mem_strndup(text.ptr, text.len) : NULL;
    return true;
}

void session_set_pubsub(struct session *s, struct session_pubsub *p)
{
    s->pubsub = p;
    session_flags(s, 0, 0);
}

void session_select(struct session *s, int db)
{
    s->db = db;
}

void session_set_durability(struct session *s, enum durability level)
{
    s->durability = level;
}

/* --- its transport -------------------------------------------------------------------------------------- */

void *session_transport(const struct session *s)
{
    return s->transport;
}

struct outq *session_queue(struct session *s)
{
    return &s->queue;
}

void session_received(struct session *s, size_t bytes)
{
    s->active_us = s->engine->now_us;
    s->in_bytes += bytes;
    s->engine->stats.in_bytes += bytes;
}

void session_sent(struct session *s, size_t bytes)
{
    if (bytes > 0)
        s->active_us = s->engine->now_us;
    s->out_bytes += bytes;
    s->engine->stats.out_bytes += bytes;
}

void session_fail(struct session *s, const char *error)
{
    resp_error(&s->writer, error);
    session_kill(s, true);
}

void session_transport_info(const struct session *s, struct session_transport_info *out)
{
    s->ops->describe(s, out);
}

/* --- what it is ----------------------------------------------------------------------------------------- */

bool session_is(const struct session *s, uint32_t flags)
{
    return (s->flags & flags) != 0;
}

bool session_drops_reply(const struct session *s)
{
    return session_is(s, SESSION_REPLY_OFF | SESSION_REPLY_SKIP);
}

bool session_runs(const struct session *s)
{
    return s->engine->current == s;
}

bool session_is_subscribed(const struct session *s)
{
    return s->pubsub != NULL;
}

bool session_in_pubsub_mode(const struct session *s)
{
    return s->writer.proto == 2 && s->pubsub;
}

bool session_is_silent(const struct session *s)
{
    return s->pubsub || session_is(s, SESSION_BLOCKED | SESSION_PAUSED | SESSION_MONITOR);
}

bool session_has_deadline(const struct session *s)
{
    return session_is(s, SESSION_BLOCKED) && s->block_deadline_us != INT64_MAX;
}

bool session_is_local(const struct session *s)
{
    struct session_transport_info info;
    if (session_is(s, SESSION_UNIX_SOCKET | SESSION_INTERNAL))
        return true;
    session_transport_info(s, &info);
    return strncmp(info.addr, "127.", 4) == 0 || strncmp(info.addr, "[::1]:", 6) == 0;
}

struct engine *session_engine(const struct session *s)
{
    return s->engine;
}

uint64_t session_id(const struct session *s)
{
    return s->id;
}

int session_db(const struct session *s)
{
    return s->db;
}

int session_proto(const struct session *s)
{
    return s->writer.proto;
}

void session_set_proto(struct session *s, int proto)
{
    s->writer.proto = (uint8_t)proto;
}

int64_t session_age_us(const struct session *s)
{
    return s->engine->now_us - s->created_us;
}

int64_t session_idle_us(const struct session *s)
{
    return s->engine->now_us - s->active_us;
}

const struct cmd *session_cmd(const struct session *s)
{
    const struct cmd_ctx *running = session_runs(s) ? s->engine->running : NULL;
    return running ? running->cmd : s->last_cmd;
}

struct session_pubsub *session_pubsub(const struct session *s)
{
    return s->pubsub;
}

const char *session_text(const struct session *s, enum session_text which)
{
    return s->texts[which];
}

size_t session_queue_memory(const struct session *s)
{
    return outq_memory(&s->queue);
}

size_t session_memory(const struct session *s)
{
    return sizeof(*s) + outq_memory(&s->queue);
}

int session_queue_chunks(const struct session *s)
{
    return outq_chunks(&s->queue);
}

void session_describe(const struct session *s, struct buf *out)
{
    const struct engine_observers *o = &s->engine->observers;
    if (o->describe)
        o->describe(o->clients, s, out);
}
