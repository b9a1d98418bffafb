#include "engine/replay.h"

#include <stdio.h>
#include <string.h>

#include "engine/check.h"
#include "engine/engine_impl.h"
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

void replay_begin(struct replay *r, struct engine *e, enum replay_mode mode)
{
    *r = (struct replay){.engine = e, .mode = mode, .forecast.db = -1};
    outq_pool_init(&r->pool);
    r->session = session_new(e, &replay_ops, r, &r->pool);
    r->session->unchecked = CHECKS_OF_CLIENTS;
    session_flags(r->session, SESSION_INTERNAL | SESSION_AUTHENTICATED | SESSION_DENY_BLOCKING, 0);
    r->session->durability = DURABILITY_NONE; /* no client reads its replies */
    if (mode == REPLAY_LOADING)
        engine_loading(e, true);
}

void replay_end(struct replay *r)
{
    struct engine *e = r->engine;
    replay_forecast_end(r);
    session_free(&r->session);
    outq_pool_deinit(&r->pool);
    if (r->mode == REPLAY_APPLYING)
        return;
    engine_loading(e, false);
    engine_reset_stats(e); /* requests of clients count, loaded commands do not */
    e->stats.dirty = 0;
}

/* --- what may stand in a stream ----------------------------------------------------------------------------- */

/* Names come from a file: a question mark stands for each character that cannot be shown. */
static void name_command(const struct reader_command *c, const struct cmd *cmd,
                         struct admit_fault *out)
{
    struct slice name = cmd && cmd->parent ? slice_from_cstr(cmd->full_name) : c->argv[0];
    size_t n = name.len < ADMIT_NAME_CHARS - 1 ? name.len : ADMIT_NAME_CHARS - 1;
    for (size_t i = 0; i < n; i++)
        out->name[i] = (char)(name.ptr[i] > ' ' && name.ptr[i] <= '~' ? name.ptr[i] : '?');
    out->name[n] = '\0';
    out->at = out->unit_at = c->at;
}

static struct cmd *find_command(const struct cmd_table *table, const struct reader_command *c)
{
    struct cmd *cmd = cmd_lookup(table, c->argv[0]);
    return cmd && cmd->subs && c->argc > 1 ? cmd_lookup_sub(cmd, c->argv[1]) : cmd;
}

enum frame { FRAME_NONE, FRAME_MULTI, FRAME_EXEC };

static enum frame frame_of(const struct cmd *cmd)
{
    const char *name = cmd->full_name;
    return strcmp(name, "multi") == 0  ? FRAME_MULTI
           : strcmp(name, "exec") == 0 ? FRAME_EXEC
                                       : FRAME_NONE;
}

/* NULL, or why the command cannot stand here. *multi: the beginning of the transaction that is open; NULL for none. */
static const char *misplaced(const struct reader_command *c, const struct cmd *cmd,
                             const struct reader_command **multi)
{
    bool writes = cmd->row->flags & CMD_WRITE;
    if (!cmd->row->fn || !cmd_arity_ok(cmd, c->argc))
        return "a wrong number of arguments";
    if (writes || strcmp(cmd->full_name, "select") == 0)
        return NULL;
    enum frame frame = frame_of(cmd);
    if (frame == FRAME_NONE)
        return "a log holds changes of data, and this command is none";
    if (frame == FRAME_MULTI && *multi)
        return "a transaction within a transaction";
    if (frame == FRAME_EXEC && !*multi)
        return "the end of a transaction that did not begin";
    *multi = frame == FRAME_MULTI ? c : NULL;
    return NULL;
}

/* Commands repeat: the last one that was fine anywhere is not looked up again. */
static bool is_repeated(const struct reader_command *c, const struct reader_command *fine)
{
    return fine && fine->argc == c->argc && slice_equal(fine->argv[0], c->argv[0]);
}

static enum admit_verdict admit(const struct cmd_table *table, const struct reader_batch *batch,
                                struct admit_fault *out)
{
    const struct reader_command *fine = NULL, *multi = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        const struct reader_command *c = &batch->commands[i];
        if (is_repeated(c, fine))
            continue;
        struct cmd *cmd = find_command(table, c);
        const char *why = cmd ? misplaced(c, cmd, &multi) : "this server does not have it";
        if (why) {
            name_command(c, cmd, out);
            out->unit_at = multi ? multi->at : c->at;
            snprintf(out->why, sizeof(out->why), "%s", why);
            return cmd ? ADMIT_DAMAGE : ADMIT_UNKNOWN;
        }
        fine = cmd->row->flags & CMD_WRITE && !cmd->parent ? c : NULL;
    }
    if (!multi)
        return ADMIT_FINE;
    name_command(multi, NULL, out);
    snprintf(out->why, sizeof(out->why), "a transaction without an end");
    return ADMIT_DAMAGE;
}

enum admit_verdict replay_admit(void *table, const struct reader_batch *batch,
                                struct admit_fault *out)
{
    cmd_table_use_real_names(table, true);
    enum admit_verdict verdict = admit(table, batch, out);
    cmd_table_use_real_names(table, false);
    return verdict;
}

/* --- applying ----------------------------------------------------------------------------------------------- */

/* Commands of a batch on their way through the engine. */
struct run {
    struct engine_request requests[ENGINE_BATCH_MAX];
    const struct reader_command *commands[ENGINE_BATCH_MAX];
    int count;
};

/* Copies the first error among the replies; returns to which command it was. */
static int first_error(struct session *s, char out[ADMIT_ERROR_CHARS])
{
    struct reply_parser p;
    struct reply_token t;
    struct iovec iov;
    bool found = false;
    int index = 0;
    size_t len = 0;
    reply_parser_init(&p);
    while (!found && outq_peek(&s->queue, &iov, 1) > 0) {
        struct slice in = slice_of(iov.iov_base, iov.iov_len);
        while (!found && reply_next(&p, &in, &t) == REPLY_TOKEN) {
            index += t.last && t.type != REPLY_ERROR;
            if (t.type != REPLY_ERROR)
                continue;
            size_t room = ADMIT_ERROR_CHARS - 1 - len;
            size_t n = t.text.len < room ? t.text.len : room;
            memcpy(out + len, t.text.ptr, n);
            len += n;
            found = !t.more;
        }
        outq_drain(&s->queue, iov.iov_len);
    }
    out[len] = '\0';
    return index;
}

static enum replay_verdict failed(struct replay *r, const struct reader_command *c)
{
    name_command(c, NULL, &r->fault);
    outq_deinit(&r->session->queue);
    return REPLAY_FAILED;
}

static enum replay_verdict run(struct replay *r, struct run *run)
{
    struct session *s = r->session;
    uint64_t errors = s->writer.errors;
    int n = run->count, taken = engine_run(r->engine, s, run->requests, n, NULL);
    run->count = 0;
    if (s->writer.errors != errors)
        return failed(r, run->commands[first_error(s, r->fault.why)]);
    if (taken < n || (s->flags & SESSION_STOPPED)) {
        snprintf(r->fault.why, sizeof(r->fault.why), "it was not taken whole");
        return failed(r, run->commands[taken < n ? taken : n - 1]);
    }
    outq_deinit(&s->queue);
    r->commands += (uint64_t)n;
    return REPLAY_FINE;
}

/* Transactions need no frame: a batch is applied whole. */
static enum replay_verdict run_all(struct replay *r, const struct reader_batch *batch)
{
    struct run at = {.count = 0};
    enum replay_verdict verdict = REPLAY_FINE;
    for (size_t i = 0; i < batch->count && verdict == REPLAY_FINE; i++) {
        const struct reader_command *c = &batch->commands[i];
        if (c->argc == 1 && (slice_is(c->argv[0], "multi") || slice_is(c->argv[0], "exec")))
            continue;
        at.commands[at.count] = c;
        at.requests[at.count++] = (struct engine_request){c->argv, c->argc};
        if (at.count == ENGINE_BATCH_MAX)
            verdict = run(r, &at);
    }
    return verdict == REPLAY_FINE && at.count > 0 ? run(r, &at) : verdict;
}

enum replay_verdict replay_batch(struct replay *r, const struct reader_batch *batch)
{
    struct engine *e = r->engine;
    switch (replay_admit(e->table, batch, &r->fault)) {
    case ADMIT_UNKNOWN: return REPLAY_UNKNOWN;
    case ADMIT_DAMAGE: return REPLAY_DAMAGE;
    case ADMIT_FINE: break;
    }
    engine_effect_fn effect = e->effect;
    e->effect = NULL;
    e->replaying = true;
    cmd_table_use_real_names(e->table, true);
    enum ks_expiry_mode expiry = ks_expiry_mode(e->ks);
    ks_set_expiry_mode(e->ks, KS_EXPIRY_IGNORE);
    enum replay_verdict verdict = run_all(r, batch);
    ks_set_expiry_mode(e->ks, expiry);
    e->replaying = false;
    cmd_table_use_real_names(e->table, false);
    e->effect = effect;
    return verdict;
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
