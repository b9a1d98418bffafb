/* A request's commands: into the engine, and their replies back as tokens, as the gate lets them go. */
#include <assert.h>

#include "engine/gate.h"
#include "http/http_impl.h"

/* --- the commands ------------------------------------------------------------------------------------------- */

static bool grow(struct http_request *r, void **array, size_t cap, size_t each)
{
    void *p = mem_try_realloc(*array, cap * each);
    if (!p) {
        r->no_memory = true;
        return false;
    }
    *array = p;
    return true;
}

bool http_command(struct http_request *r, int argc, const struct slice *argv)
{
    size_t need = r->argc + (size_t)argc;
    if (need > r->arg_cap) {
        size_t cap = r->arg_cap * 2 > need ? r->arg_cap * 2 : need + 8;
        if (!grow(r, (void **)&r->argv, cap, sizeof(*r->argv)))
            return false;
        r->arg_cap = cap;
    }
    if (r->command_count == r->command_cap) {
        size_t cap = (size_t)r->command_cap * 2 + 8;
        if (!grow(r, (void **)&r->commands, cap, sizeof(*r->commands)) ||
            !grow(r, (void **)&r->requests, cap, sizeof(*r->requests)))
            return false;
        r->command_cap = (int)cap;
    }
    r->commands[r->command_count++] = (struct http_commands){r->argc, argc};
    memcpy(r->argv + r->argc, argv, (size_t)argc * sizeof(*argv));
    r->argc += (size_t)argc;
    return true;
}

int http_command_count(const struct http_request *r)
{
    return r->command_count;
}

void http_speak_resp2(struct http_request *r)
{
    session_set_proto(r->conn->session, 2);
}

bool http_select(struct http_request *r, struct slice number)
{
    int64_t db;
    if (!num_parse_i64(number, &db) || db < 0 ||
        db >= ks_databases(engine_keyspace(http_engine(r)))) {
        http_reply_error(r, 400, "ERR DB index is out of range");
        return false;
    }
    session_select(r->conn->session, (int)db);
    return true;
}

/* --- into the engine ---------------------------------------------------------------------------------------- */

/* So much waits for the client that no more commands may run. */
static bool is_full(const struct http_conn *c)
{
    return outq_memory(session_queue(c->session)) > HTTP_QUEUE_BYTES_MAX ||
           outq_bytes(&c->out) > HTTP_OUT_BYTES_MAX;
}

void http_run_more(struct http_request *r)
{
    struct http_conn *c = r->conn;
    int left = r->command_count - r->ran;
    http_list_add(c, HTTP_LIST_SEND);
    if (left > 0 && session_is(c->session, SESSION_CLOSE_AFTER_REPLY)) {
        http_conn_close_soon(c); /* no answer would be whole */
        return;
    }
    if (left == 0 || session_is(c->session, SESSION_STOPPED) || is_full(c))
        return;
    int n = left < HTTP_COMMANDS_A_TURN ? left : HTTP_COMMANDS_A_TURN;
    r->ran += engine_run(http_engine(r), c->session, r->requests + r->ran, n, NULL);
    if (r->ran < r->command_count && !session_is(c->session, SESSION_STOPPED))
        http_list_add(c, HTTP_LIST_RESUME);
}

void http_run(struct http_request *r, const struct http_reader *reader, void *arg)
{
    if (r->no_memory) {
        http_reply_error(r, 503, "OOM command not allowed: there is no memory for the request");
        return;
    }
    r->reader = reader;
    r->arg = arg;
    r->ran = r->answered = 0;
    r->running = true;
    r->in_push = false;
    reply_parser_init(&r->replies);
    for (int i = 0; i < r->command_count; i++)
        r->requests[i] = (struct engine_request){.argv = r->argv + r->commands[i].first,
                                                 .argc = r->commands[i].argc};
    engine_stats(http_engine(r))->reads_processed++;
    http_run_more(r);
}

/* --- and back ----------------------------------------------------------------------------------------------- */

/* Every reply has come: the reader may answer, or run more. */
static void finish(struct http_request *r)
{
    const struct http_reader *reader = r->reader;
    r->running = false;
    r->command_count = 0;
    r->argc = 0;
    if (!r->ended)
        reader->done(r, r->arg);
}

bool http_whole(const struct http_request *r, const struct reply_token *t, struct slice *whole)
{
    if (!t->more) {
        *whole = t->text;
        return t->first;
    }
    *whole = slice_of(t->text.ptr, (size_t)t->bytes);
    return t->first && t->text.len > 0 && t->bytes <= (uint64_t)(r->there_until - t->text.ptr);
}

static void take_token(struct http_request *r, const struct reply_token *t)
{
    if (t->depth == 0 && t->type == REPLY_PUSH)
        r->in_push = true;
    if (!r->ended)
        r->reader->token(r, r->arg, r->in_push ? -1 : r->answered, t);
    if (!t->last)
        return;
    if (!r->in_push)
        r->answered++;
    r->in_push = false;
}

/* Reads the tokens of one piece. The answer's bytes leave where it is events, has left in part, or is too long to
 * keep back. */
static void take_piece(struct http_request *r, struct slice in)
{
    struct reply_token t;
    enum reply_status status;
    while ((status = reply_next(&r->replies, &in, &t)) == REPLY_TOKEN)
        take_token(r, &t);
    assert(status == REPLY_MORE); /* the engine's own replies */
    if (r->begun && !r->ended && (r->events || r->sent_head || r->out.len > HTTP_WHOLE_BYTES_MAX))
        http_flush(r);
}

void http_run_read(struct http_request *r)
{
    struct http_conn *c = r->conn;
    struct outq *q = session_queue(c->session);
    uint64_t until = gate_open_until(c->session);
    struct iovec iov[1];
    while (outq_bytes(&c->out) < HTTP_OUT_BYTES_MAX && outq_peek_until(q, until, iov, 1) == 1) {
        size_t len = iov->iov_len < HTTP_PIECE_BYTES ? iov->iov_len : HTTP_PIECE_BYTES;
        r->there_until = (const char *)iov->iov_base + iov->iov_len;
        take_piece(r, slice_of(iov->iov_base, len));
        outq_drain(q, len);
    }
    outq_drain(q, 0); /* drops a chunk that was reserved and not used */
    if (r->running && !r->events && r->answered == r->command_count)
        finish(r);
    else if (r->running && r->ran < r->command_count && !session_is(c->session, SESSION_STOPPED) &&
             !is_full(c))
        http_list_add(c, HTTP_LIST_RESUME);
}
