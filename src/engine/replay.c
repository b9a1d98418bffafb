#include "engine/replay.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "resp/reply.h"

static void no_ready(struct session *s)
{
    (void)s;
}

static void no_describe(const struct session *s, struct session_transport_info *out)
{
    (void)s;
    *out = (struct session_transport_info){.addr = "log", .laddr = "log", .fd = -1};
}

static const struct session_ops replay_ops = {
    .ready = no_ready, .close = no_ready, .resume = no_ready, .describe = no_describe};

void replay_begin(struct replay *r, struct engine *e)
{
    *r = (struct replay){.engine = e, .forecast.db = -1};
    outq_pool_init(&r->pool);
    r->session = session_new(e, &replay_ops, r, &r->pool);
    r->session->flags |= SESSION_INTERNAL | SESSION_AUTHENTICATED;
    e->loading = true;
    ks_pause_expiry(e->ks, true);
}

void replay_end(struct replay *r)
{
    struct engine *e = r->engine;
    replay_forecast_end(r);
    session_free(&r->session);
    outq_pool_deinit(&r->pool);
    ks_pause_expiry(e->ks, false);
    e->loading = false;
    engine_reset_stats(e); /* what clients asked for is counted, not what was loaded */
    e->stats.dirty = 0;
}

/* A transaction's frame: batches are applied whole, so there is nothing to do for it. */
static bool is_frame(const struct reader_command *c)
{
    return c->argc == 1 && (slice_is(c->argv[0], "multi") || slice_is(c->argv[0], "exec"));
}

/* Writes the first error among the replies of what ran, as far as there is room. */
static void first_error(struct session *s, char out[REPLAY_ERROR_CHARS / 2])
{
    struct reply_parser p;
    struct reply_token t;
    struct iovec iov;
    bool ended = false;
    size_t len = 0;
    reply_parser_init(&p);
    while (!ended && outq_peek(&s->queue, &iov, 1) > 0) {
        struct slice in = slice_of(iov.iov_base, iov.iov_len);
        while (!ended && reply_next(&p, &in, &t) == REPLY_TOKEN) {
            if (t.type != REPLY_ERROR)
                continue;
            size_t room = REPLAY_ERROR_CHARS / 2 - 1 - len;
            size_t n = t.text.len < room ? t.text.len : room;
            memcpy(out + len, t.text.ptr, n);
            len += n;
            ended = !t.more;
        }
        outq_drain(&s->queue, iov.iov_len);
    }
    out[len] = '\0';
}

static bool run(struct replay *r, const struct engine_request *requests, int n)
{
    struct session *s = r->session;
    uint64_t errors = s->writer.errors;
    engine_run(r->engine, s, requests, n, NULL);
    if (s->writer.errors != errors) {
        char error[REPLAY_ERROR_CHARS / 2];
        first_error(s, error);
        snprintf(r->error, sizeof(r->error), "a command of the log failed: -%s", error);
        return false;
    }
    outq_drain(&s->queue, outq_bytes(&s->queue));
    r->commands += (uint64_t)n;
    return true;
}

bool replay_batch(struct replay *r, const struct reader_batch *batch)
{
    struct engine_request requests[ENGINE_BATCH_MAX];
    int n = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct reader_command *c = &batch->commands[i];
        if (is_frame(c))
            continue;
        requests[n++] = (struct engine_request){c->argv, c->argc};
        if (n == ENGINE_BATCH_MAX) {
            if (!run(r, requests, n))
                return false;
            n = 0;
        }
    }
    return n == 0 || run(r, requests, n);
}

void replay_forecast(struct replay *r, uint64_t bytes, uint64_t total)
{
    struct replay_forecast *f = &r->forecast;
    int db = r->session->db;
    uint64_t keys = ks_size(r->engine->ks, db);
    if (f->db != db)
        *f = (struct replay_forecast){
            .db = db, .count = f->count, .from_bytes = bytes, .from_keys = keys};
    uint64_t sample = bytes - f->from_bytes;
    if (f->made || f->count == REPLAY_FORECASTS_MAX || keys <= f->from_keys ||
        sample < REPLAY_SAMPLE_BYTES || total - bytes < sample)
        return;
    f->made = true;
    f->count++;
    double keys_per_byte = (double)(keys - f->from_keys) / (double)sample;
    ks_expect(r->engine->ks, db, keys + (uint64_t)(keys_per_byte * (double)(total - bytes)));
}

void replay_forecast_end(struct replay *r)
{
    ks_expect_end(r->engine->ks);
}
