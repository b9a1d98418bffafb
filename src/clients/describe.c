#include "clients/describe.h"

#include "base/buf.h"
#include "clients/pubsub.h"
#include "engine/engine.h"
#include "engine/multi.h"

static void append_flags(const struct session *s, struct buf *out)
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = {
        {SESSION_MONITOR, 'O'},
        {SESSION_MULTI, 'x'},
        {SESSION_BLOCKED | SESSION_PAUSED, 'b'},
        {SESSION_DIRTY_CAS, 'd'},
        {SESSION_CLOSE_AFTER_REPLY, 'c'},
        {SESSION_CLOSE_NOW, 'A'},
        {SESSION_UNIX_SOCKET, 'U'},
        {SESSION_NO_EVICT, 'e'},
        {SESSION_NO_TOUCH, 'T'},
    };
    size_t before = out->len;
    if (s->pubsub)
        buf_append_char(out, 'P');
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (s->flags & letters[i].flag)
            buf_append_char(out, letters[i].letter);
    if (out->len == before)
        buf_append_char(out, 'N');
}

size_t client_memory(const struct session *s)
{
    struct session_transport_info info;
    s->ops->describe(s, &info);
    return sizeof(*s) + outq_memory(&s->queue) + multi_memory(s) + pubsub_session_memory(s) +
           info.memory_bytes;
}

void client_describe(const struct session *s, struct buf *out)
{
    const struct engine *e = s->engine;
    struct session_transport_info info;
    size_t channels = 0, patterns = 0, shard_channels = 0;
    s->ops->describe(s, &info);
    if (s->pubsub)
        pubsub_counts(s, &channels, &patterns, &shard_channels);

    buf_printf(out, "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=",
               (unsigned long long)s->id, info.addr, info.laddr, info.fd, s->name ? s->name : "",
               (long long)((e->now_us - s->created_us) / 1000000),
               (long long)((e->now_us - s->active_us) / 1000000));
    append_flags(s, out);
    buf_printf(out, " db=%d sub=%zu psub=%zu ssub=%zu multi=%lld", s->db, channels, patterns,
               shard_channels, s->flags & SESSION_MULTI ? (long long)multi_count(s) : -1LL);
    buf_printf(out, " qbuf=%zu qbuf-free=%zu argv-mem=%zu multi-mem=%zu", info.query_bytes,
               info.query_free_bytes, info.args_bytes, multi_memory(s));
    /* Replies live in one queue: there is no fixed reply buffer, so rbs, rbp and obl are 0. While the session's own
     * request runs, the replies of its turn do not count as waiting. */
    bool running = e->current == s;
    buf_printf(out, " rbs=0 rbp=0 obl=0 oll=%d omem=%zu tot-mem=%zu events=%s%s",
               running ? 0 : outq_chunks(&s->queue), running ? 0 : outq_memory(&s->queue),
               client_memory(s), info.reading ? "r" : "", info.writing ? "w" : "");
    const struct cmd *cmd = e->running && running ? e->running->cmd : s->last_cmd;
    buf_printf(out, " cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s",
               cmd ? cmd->full_name : "NULL", s->writer.proto, s->lib_name ? s->lib_name : "",
               s->lib_version ? s->lib_version : "");
}
