#include "clients/describe.h"

#include "base/buf.h"
#include "base/num.h"
#include "clients/pubsub.h"
#include "engine/engine.h"
#include "engine/multi.h"
#include "engine/wait.h"

void client_flags(const struct session *s, char out[CLIENT_FLAGS_CHARS])
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
    char *at = out;
    if (session_is_subscribed(s))
        *at++ = 'P';
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (session_is(s, letters[i].flag))
            *at++ = letters[i].letter;
    if (at == out)
        *at++ = 'N';
    *at = '\0';
}

static size_t memory_of(const struct session *s, const struct session_transport_info *info)
{
    return session_memory(s) + multi_memory(s) + wait_memory(s) + pubsub_session_memory(s) +
           info->memory_bytes;
}

/* `text` NULL: no value. */
static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_append_cstr(out, name);
    if (text)
        buf_append_cstr(out, text);
}

static void put_int(struct buf *out, const char *name, int64_t v)
{
    char digits[NUM_I64_CHARS];
    buf_append_cstr(out, name);
    buf_append(out, digits, (size_t)num_print_i64(digits, v));
}

static void put_uint(struct buf *out, const char *name, uint64_t v)
{
    put_int(out, name, (int64_t)v);
}

void client_describe(const struct session *s, struct buf *out)
{
    struct session_transport_info info;
    size_t channels = 0, patterns = 0, shard_channels = 0;
    session_transport_info(s, &info);
    if (session_is_subscribed(s))
        pubsub_counts(s, &channels, &patterns, &shard_channels);

    /* CLIENT LIST may write thousands of lines in one turn: numbers are printed without printf, which is slower. */
    char flags[CLIENT_FLAGS_CHARS];
    bool running = session_runs(s);
    const struct cmd *cmd = session_cmd(s);
    client_flags(s, flags);
    put_uint(out, "id=", session_id(s));
    put_text(out, " addr=", info.addr);
    put_text(out, " laddr=", info.laddr);
    put_int(out, " fd=", info.fd);
    put_text(out, " name=", session_text(s, SESSION_NAME));
    put_int(out, " age=", session_age_us(s) / 1000000);
    put_int(out, " idle=", session_idle_us(s) / 1000000);
    put_text(out, " flags=", flags);
    put_int(out, " db=", session_db(s));
    put_uint(out, " sub=", channels);
    put_uint(out, " psub=", patterns);
    put_uint(out, " ssub=", shard_channels);
    put_int(out, " multi=", session_is(s, SESSION_MULTI) ? (int64_t)multi_count(s) : -1);
    put_uint(out, " qbuf=", info.query_bytes);
    put_uint(out, " qbuf-free=", info.query_free_bytes);
    put_uint(out, " argv-mem=", info.args_bytes);
    put_uint(out, " multi-mem=", multi_memory(s));
    /* Replies live in one queue: there is no fixed reply buffer, so rbs, rbp and obl are 0. While the session's own
     * request runs, the replies of its turn do not count as waiting. */
    put_uint(out, " rbs=0 rbp=0 obl=0 oll=", running ? 0 : (uint64_t)session_queue_chunks(s));
    put_uint(out, " omem=", running ? 0 : session_queue_memory(s));
    put_uint(out, " tot-mem=", memory_of(s, &info));
    put_text(out, " events=", info.reading ? "r" : "");
    put_text(out, info.writing ? "w cmd=" : " cmd=", cmd ? cmd->full_name : "NULL");
    put_int(out, " user=default redir=-1 resp=", session_proto(s));
    put_text(out, " lib-name=", session_text(s, SESSION_LIB_NAME));
    put_text(out, " lib-ver=", session_text(s, SESSION_LIB_VERSION));
}
