#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "engine/gate_impl.h"
#include "engine/session_impl.h"
#include "sim/world_impl.h"

#define ACT_US_MAX       20000
#define PIPELINE_MAX     4
#define APPEND_BYTES_MAX 120
#define ROUNDED_US       1000 /* a timeout in fractions of seconds is rounded up */
#define LIST_BYTES_MAX   60   /* of two lists, one may take the elements of the other one */

static void no_op(struct session *s)
{
    (void)s;
}

static void no_describe(const struct session *s, struct session_transport_info *out)
{
    (void)s;
    *out = (struct session_transport_info){.addr = "sim", .laddr = "sim", .fd = -1};
}

/* The world looks at every session in every turn: there is nothing to be told. */
static const struct session_ops ops = {
    .ready = no_op, .close = no_op, .resume = no_op, .describe = no_describe};

/* --- what is expected ------------------------------------------------------------------------------------- */

static struct sim_expected *expect(struct sim_client *c, size_t len, uint64_t version)
{
    struct sim_expected *x = mem_zalloc(sizeof(*x));
    x->len = len;
    x->version = version;
    *c->last = x;
    c->last = &x->next;
    return x;
}

static void expect_text(struct sim_client *c, const char *text)
{
    buf_append_cstr(&c->expect, text);
    expect(c, strlen(text), 0);
}

static void expect_done(struct sim_client *c)
{
    struct sim_expected *x = c->first;
    buf_consume(&c->expect, x->len);
    c->first = x->next;
    if (!c->first)
        c->last = &c->first;
    mem_free(x);
}

static void on_event(void *arg, int db, int key, const char *name)
{
    struct sim_world *w = arg;
    struct sim_client *c = &w->clients[SIM_CLIENTS - 1];
    char channel[64];
    struct slice k = sim_key_name(key);
    size_t before = c->expect.len;
    int n = snprintf(channel, sizeof(channel), "__keyevent@%d__:%s", db, name);
    buf_printf(&c->expect, "*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$%d\r\n%s\r\n$%zu\r\n%.*s\r\n",
               n, channel, k.len, (int)k.len, k.ptr);
    expect(c, c->expect.len - before, w->model.version + 1);
    w->out->events++;
}

/* Was it promised that a power cut takes nothing back that it is told? */
static bool is_strict(const struct sim_client *c)
{
    return c->level == DURABILITY_FSYNC ||
           (c->level == DURABILITY_POLICY && c->world->policy == SIM_ALWAYS);
}

/* --- sending ------------------------------------------------------------------------------------------------ */

static int offer(struct sim_client *c, int argc, const struct slice *argv)
{
    struct engine_request r = {.argv = argv, .argc = argc};
    return engine_run(c->world->node.engine, c->session, &r, 1, NULL);
}

void sim_client_open(struct sim_client *c)
{
    struct sim_world *w = c->world;
    static const enum durability levels[] = {DURABILITY_POLICY, DURABILITY_POLICY, DURABILITY_FSYNC,
                                             DURABILITY_WRITTEN, DURABILITY_NONE};
    c->session = session_new(w->node.engine, &ops, c, &w->node.pool);
    session_flags(c->session, SESSION_AUTHENTICATED, 0);
    c->db = 0;
    c->in_multi = c->broken = c->has_pending = false;
    c->queued = c->watched = 0;
    c->turn = 0;
    c->wrote = 0;
    while (c->first)
        expect_done(c);
    buf_clear(&c->expect);
    buf_clear(&c->got);
    c->last = &c->first;
    c->act_us = w->now_us + (int64_t)rng_below(&w->rng, ACT_US_MAX);
    c->level = c->listens ? DURABILITY_POLICY : levels[rng_below(&w->rng, 5)];
    session_set_durability(c->session, c->level);
    if (c->listens) {
        offer(c, 2, (struct slice[]){SLICE("PSUBSCRIBE"), SLICE("__key*")});
        expect_text(c, "*3\r\n$10\r\npsubscribe\r\n$6\r\n__key*\r\n:1\r\n");
    }
}

void sim_client_close(struct sim_client *c)
{
    session_free(&c->session);
}

void sim_client_free(struct sim_client *c)
{
    while (c->first)
        expect_done(c);
    buf_deinit(&c->expect);
    buf_deinit(&c->got);
}

/* Somebody changed one of the keys, were it by writing what it held. */
static bool watch_is_dirty(const struct sim_client *c)
{
    for (int i = 0; i < c->watched; i++) {
        const struct sim_watch *w = &c->watches[i];
        if (c->world->model.at[w->db][w->key].version != w->version)
            return true;
    }
    return false;
}

static void apply(struct sim_client *c, const struct sim_request *r, struct sim_effect *out)
{
    sim_request_apply(r, &c->world->model, c->db, out);
}

static void end_transaction(struct sim_client *c)
{
    c->in_multi = c->broken = false;
    c->queued = c->watched = 0;
}

static void run_exec(struct sim_client *c, struct sim_effect *out)
{
    if (watch_is_dirty(c)) {
        buf_append_cstr(out->reply, "*-1\r\n");
    } else {
        buf_printf(out->reply, "*%d\r\n", c->queued);
        out->in_multi = true;
        for (int i = 0; i < c->queued; i++)
            apply(c, &c->queue[i], out);
    }
    end_transaction(c);
}

/* What the model says to a request that was taken; what it changed has the version behind the model's. */
static void run_in_model(struct sim_client *c, const struct sim_request *r, struct sim_effect *out)
{
    const char *ok = "+OK\r\n";
    if (c->in_multi && r->op != SIM_EXEC && r->op != SIM_DISCARD) {
        c->queue[c->queued++] = *r;
        ok = "+QUEUED\r\n";
    } else if (r->op == SIM_EXEC) {
        run_exec(c, out);
        return;
    } else if (r->op == SIM_DISCARD) {
        end_transaction(c);
    } else if (r->op == SIM_MULTI) {
        c->in_multi = true;
    } else if (r->op == SIM_SELECT) {
        c->db = r->number;
    } else if (r->op == SIM_WATCH) {
        c->watches[c->watched++] =
            (struct sim_watch){c->db, r->keys[0], c->world->model.at[c->db][r->keys[0]].version};
    } else {
        apply(c, r, out);
        return;
    }
    buf_append_cstr(out->reply, ok);
}

/* The server refused it: it has a fault and would write, or tell what is not safe where that was promised; or the
 * transaction was broken by one. */
static void refused(struct sim_client *c, const struct sim_request *r)
{
    struct sim_world *w = c->world;
    bool on_data = r->op <= SIM_FLUSHALL || r->op == SIM_EXEC;
    bool writes = on_data && r->op >= SIM_SET;
    bool explained = w->node.engine->promise.fault && (writes || (on_data && is_strict(c)));
    if (!explained && !(c->broken && r->op == SIM_EXEC))
        sim_fail(w, "client %d: an error that nothing explains, op %d", c->id, r->op);
    if (c->in_multi)
        c->broken = true;
    if (r->op == SIM_EXEC)
        end_transaction(c);
    expect(c, 0, 0)->any_error = true;
}

/* --- waiting for keys --------------------------------------------------------------------------------------- */

/* Where the effect begins that is the nth from the end. */
static uint64_t effect_at(const struct sim_world *w, int nth)
{
    return w->node.effect_at[(w->node.effects - (uint64_t)nth) % SIM_EFFECTS_MAX];
}

static uint64_t effect_end(const struct sim_world *w, int nth)
{
    return w->node.effect_end[(w->node.effects - (uint64_t)nth) % SIM_EFFECTS_MAX];
}

static void wait_for_key(struct sim_client *c, const struct sim_request *r)
{
    struct sim_world *w = c->world;
    if (!session_is(c->session, SESSION_BLOCKED))
        sim_fail(w, "client %d does not wait, though there is nothing to be had", c->id);
    c->waits = *r;
    c->turn = ++w->turns;
    c->waits_until_us = w->now_us + r->number * INT64_C(1000);
    expect(c, 0, 0)->later = true;
}

/* Clients that the server has just served: their sessions no longer wait. */
static int count_served(const struct sim_world *w)
{
    int count = 0;
    for (int i = 0; i < SIM_CLIENTS; i++) {
        const struct sim_client *c = &w->clients[i];
        count += c->turn > 0 && !session_is(c->session, SESSION_BLOCKED);
    }
    return count;
}

static bool waits_for(const struct sim_client *c, int db, int key)
{
    int count = c->waits.op == SIM_BLMOVE ? 1 : c->waits.key_count;
    for (int i = 0; i < count; i++)
        if (c->turn > 0 && c->db == db && c->waits.keys[i] == key)
            return true;
    return false;
}

/* Who is next among those that wait for the key; NULL: nobody. */
static struct sim_client *next_waiting(struct sim_world *w, int db, int key)
{
    struct sim_client *first = NULL;
    for (int i = 0; i < SIM_CLIENTS; i++) {
        struct sim_client *c = &w->clients[i];
        if (waits_for(c, db, key) && (!first || c->turn < first->turn))
            first = c;
    }
    return first;
}

/* What was said to it: `text` from `before` on is what it has been waiting for. */
static void waited(struct sim_client *c, size_t before, uint64_t version)
{
    struct sim_expected *x = c->first;
    while (x->next)
        x = x->next;
    x->later = false;
    x->len = c->expect.len - before;
    x->version = version;
    x->own = version > 0;
    c->turn = 0;
}

/* Its request runs again, as a unit of its own with one effect: the nth from the end. */
static void serve_one(struct sim_world *w, struct sim_client *c, int nth)
{
    struct sim_effect out = {.reply = &c->expect, .event = on_event, .arg = w};
    size_t before = c->expect.len;
    sim_request_apply(&c->waits, &w->model, c->db, &out);
    sim_model_moved(&w->model, effect_end(w, nth));
    if (out.nothing || out.version != w->model.version)
        sim_fail(w, "client %d is served, and the log has no change of it", c->id);
    sim_log(w, "%10lld client %d served -> version %llu\n", (long long)w->now_us, c->id,
            (unsigned long long)w->model.version);
    c->wrote = w->model.version;
    waited(c, before, out.version);
    w->out->served++;
}

/* The keys became ready in the order in which they were made; of each, whoever waited first is served first, until
 * nothing is left. What is moved may make another key ready. */
static void serve(struct sim_world *w, int count)
{
    struct sim_model *m = &w->model;
    struct sim_client *c;
    for (int i = 0; i < m->made_count && !w->out->failure[0]; i++) {
        const struct sim_made made = m->made[i];
        while (sim_model_get(m, made.db, made.key) && (c = next_waiting(w, made.db, made.key)) &&
               !w->out->failure[0]) {
            if (session_is(c->session, SESSION_BLOCKED))
                sim_fail(w, "client %d is passed over", c->id);
            serve_one(w, c, count--);
        }
    }
    m->made_count = 0;
    if (count != 0)
        sim_fail(w, "%d clients more were served than there was something for", count);
}

void sim_client_look(struct sim_client *c)
{
    struct sim_world *w = c->world;
    size_t before = c->expect.len;
    bool closing = session_is(c->session, SESSION_CLOSE_NOW);
    if (c->turn == 0 || closing || session_is(c->session, SESSION_BLOCKED)) {
        if (c->turn > 0 && !closing && w->now_us > c->waits_until_us + ROUNDED_US)
            sim_fail(w, "client %d waits for longer than it said", c->id);
        return;
    }
    if (w->now_us < c->waits_until_us)
        sim_fail(w, "client %d no longer waits, and its time has not come", c->id);
    buf_append_cstr(&c->expect, "*-1\r\n");
    waited(c, before, 0);
    w->out->timeouts++;
}

/* --- what was taken ----------------------------------------------------------------------------------------- */

static void taken(struct sim_client *c, const struct sim_request *r, bool error)
{
    struct sim_world *w = c->world;
    size_t before = c->expect.len;
    uint64_t version = w->model.version, pos = sim_node_pos(&w->node);
    struct sim_effect out = {.reply = &c->expect, .event = on_event, .arg = w};
    if (error)
        refused(c, r);
    else
        run_in_model(c, r, &out);
    int served = count_served(w);
    sim_model_moved(&w->model, served > 0 ? effect_at(w, served) : pos);
    if (w->model.version != version)
        c->wrote = w->model.version;
    if (out.version > w->model.version)
        sim_fail(w, "client %d: a change is not in the log", c->id);
    if (out.nothing)
        wait_for_key(c, r);
    else if (!error)
        expect(c, c->expect.len - before, out.version)->own = w->model.version != version;
    serve(w, served);
    w->out->requests++;
    sim_log(w,
            "%10lld client %d db %d: op %d key %d -> version %llu, depends on %llu, pos %llu%s\n",
            (long long)w->now_us, c->id, c->db, r->op, r->key_count ? r->keys[0] : -1,
            (unsigned long long)w->model.version, (unsigned long long)out.version,
            (unsigned long long)pos,
            error                         ? ", refused"
            : w->model.version != version ? ", changes"
                                          : "");
}

static void waits(struct sim_client *c)
{
    struct sim_expected *x = expect(c, 0, 0);
    x->waitaof = true;
    x->synced = c->wrote;
    c->world->out->waits++;
}

/* Values stay small, and RENAME has something to rename. */
static void fit(const struct sim_client *c, struct sim_request *r)
{
    const struct sim_model *m = &c->world->model;
    const struct sim_value *v = r->key_count ? &m->at[c->db][r->keys[0]] : NULL;
    if (r->op == SIM_APPEND && v->len > APPEND_BYTES_MAX)
        r->op = SIM_SET;
    if (r->op == SIM_ADD && v->there && v->len > LIST_BYTES_MAX && r->keys[0] < SIM_ZSET)
        r->op = SIM_TAKE;
    if (r->op == SIM_RENAME && (c->in_multi || !sim_model_get(m, c->db, r->keys[0])))
        r->op = SIM_LMOVE;
}

/* False: it was not taken, and is offered again. */
static bool send_one(struct sim_client *c)
{
    struct sim_world *w = c->world;
    struct sim_request *r = &c->pending;
    struct slice argv[SIM_REQUEST_ARGS_MAX];
    char text[48];
    if (!c->has_pending) {
        sim_request_draw(r, &w->rng, c->db, c->in_multi);
        if (c->in_multi && c->queued == SIM_QUEUE_MAX)
            *r = (struct sim_request){.op = SIM_EXEC};
        if (c->watched == SIM_WATCHES_MAX && r->op == SIM_WATCH)
            *r = (struct sim_request){.op = SIM_MULTI};
    }
    fit(c, r); /* also what was held meanwhile */
    uint64_t errors = c->session->writer.errors;
    c->has_pending = offer(c, sim_request_args(r, argv, text), argv) == 0;
    w->out->held += session_is(c->session, SESSION_PAUSED);
    if (!c->has_pending && r->op == SIM_WAITAOF && !c->in_multi)
        waits(c);
    else if (!c->has_pending)
        taken(c, r, c->session->writer.errors != errors);
    return !c->has_pending;
}

void sim_client_act(struct sim_client *c)
{
    struct sim_world *w = c->world;
    uint64_t count = c->listens ? 0 : 1 + rng_below(&w->rng, PIPELINE_MAX);
    c->act_us = w->now_us + 1 + (int64_t)rng_below(&w->rng, ACT_US_MAX);
    while (count-- > 0 && send_one(c)) {
    }
}

/* --- receiving ---------------------------------------------------------------------------------------------- */

/* The client is told something: is what that depends on as safe as it was promised? */
static void told(struct sim_client *c, struct sim_expected *x)
{
    struct sim_world *w = c->world;
    bool power =
        c->level == DURABILITY_FSYNC || (c->level == DURABILITY_POLICY && w->policy == SIM_ALWAYS);
    enum sim_crash how = power ? SIM_POWER_CUT : SIM_PROCESS_DIES;
    x->told = true;
    if (c->level == DURABILITY_NONE || x->version <= w->model.first)
        return;
    uint64_t need = w->model.pos[x->version - w->model.first];
    if (sim_disk_survives(w->disk, how) < need)
        sim_fail(w, "client %d was told of position %llu, and %s keeps %llu", c->id,
                 (unsigned long long)need, power ? "a power cut" : "the death of the process",
                 (unsigned long long)sim_disk_survives(w->disk, how));
    if (x->version > w->safe[how])
        w->safe[how] = x->version;
}

static void mismatch(struct sim_client *c)
{
    struct buf text;
    buf_init(&text);
    buf_append_quoted(&text, buf_slice(&c->got));
    buf_append_cstr(&text, " instead of ");
    buf_append_quoted(&text, buf_slice(&c->expect));
    sim_fail(c->world, "client %d got %.400s", c->id, buf_cstr(&text));
    buf_deinit(&text);
}

/* WAITAOF says that the client's writes survive a power cut, or that it could not wait for that. */
static bool take_waitaof(struct sim_client *c, const struct sim_expected *x)
{
    static const char yes[] = "*2\r\n:1\r\n:0\r\n", no[] = "*2\r\n:0\r\n:0\r\n";
    struct sim_world *w = c->world;
    size_t len = sizeof(yes) - 1;
    if (c->got.len < len)
        return false;
    uint64_t need = x->synced > w->model.first ? w->model.pos[x->synced - w->model.first] : 0;
    bool says = memcmp(c->got.ptr, yes, len) == 0;
    if (!says && memcmp(c->got.ptr, no, len) != 0)
        mismatch(c);
    if (says && sim_disk_survives(w->disk, SIM_POWER_CUT) < need)
        sim_fail(w, "client %d was told that position %llu is synced", c->id,
                 (unsigned long long)need);
    if (says && x->synced > w->safe[SIM_POWER_CUT])
        w->safe[SIM_POWER_CUT] = x->synced;
    buf_consume(&c->got, len);
    expect_done(c);
    return true;
}

/* An event of the server's own: a key whose time had come. True: it was one, and is taken. */
static bool take_expired(struct sim_client *c)
{
    static const char name[] = "__:expired\r\n$2\r\n";
    const char *at = c->got.len ? memmem(c->got.ptr, c->got.len, name, sizeof(name) - 1) : NULL;
    size_t end = at ? (size_t)(at - c->got.ptr) + sizeof(name) - 1 + 4 : 0;
    size_t next = c->first ? c->first->len : 0;
    if (!at || end > c->got.len || (next && next < (size_t)(at - c->got.ptr)))
        return false;
    buf_consume(&c->got, end);
    return true;
}

/* The next of what is expected, as far as it is there. False: no more for now. */
static bool take_next(struct sim_client *c)
{
    struct sim_expected *x = c->first;
    if (c->got.len == 0)
        return false;
    if (x && x->any_error) {
        const char *end = memchr(c->got.ptr, '\n', c->got.len);
        if (c->got.ptr[0] != '-')
            mismatch(c);
        if (!end)
            return false;
        buf_consume(&c->got, (size_t)(end - c->got.ptr) + 1);
        expect_done(c);
        return true;
    }
    if (x && x->waitaof)
        return take_waitaof(c, x);
    if (x && x->later)
        sim_fail(c->world, "client %d is told something while it waits for a key", c->id);
    size_t len = x && x->len < c->got.len ? x->len : c->got.len;
    if (!x || memcmp(c->got.ptr, c->expect.ptr, len) != 0) {
        if (c->listens && take_expired(c))
            return true;
        mismatch(c);
        return false;
    }
    if (!x->told)
        told(c, x);
    if (c->got.len < x->len)
        return false;
    buf_consume(&c->got, x->len);
    expect_done(c);
    return true;
}

/* While there is a fault, what others changed is told from memory, unless a sync was promised. */
static void excuse(struct sim_client *c)
{
    if (!c->world->node.engine->promise.fault || is_strict(c))
        return;
    for (struct sim_expected *x = c->first; x; x = x->next)
        if (!x->own)
            x->version = 0;
}

void sim_client_receive(struct sim_client *c)
{
    struct sim_world *w = c->world;
    struct session *s = c->session;
    struct iovec iov;
    excuse(c);
    /* What it was to be told may never be true: the connection ends instead. */
    if (session_is(s, SESSION_CLOSE_NOW)) {
        if (!w->node.engine->promise.fault)
            sim_fail(w, "client %d: closed without a fault", c->id);
        sim_client_close(c);
        sim_client_open(c);
        return;
    }
    uint64_t until = gate_open_until(s);
    while (outq_peek_until(session_queue(s), until, &iov, 1) > 0) {
        size_t n = iov.iov_len;
        uint64_t head[2] = {(uint64_t)c->id, (uint64_t)w->now_us};
        w->out->trace = crc32c(crc32c(w->out->trace, head, sizeof(head)), iov.iov_base, n);
        buf_append(&c->got, iov.iov_base, n);
        outq_drain(session_queue(s), n);
        session_sent(s, n);
    }
    while (!w->out->failure[0] && take_next(c)) {
    }
}
