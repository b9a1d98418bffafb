#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/collection.h"
#include "sim/world_impl.h"

#define BEGIN_US       1000000
#define BEGIN_MS       1700000000000
#define RUN_US         3000000
#define CRON_US        100000
#define CRASH_US_MAX   1500000
#define FAULT_ONE_IN   40 /* crons */
#define FAULT_US_MAX   400000
#define EXPIRE_MAX     4
#define ITEM_BYTES_MAX 512

void sim_fail(struct sim_world *w, const char *format, ...)
{
    va_list args;
    char text[SIM_FAILURE_CHARS - 64];
    if (w->out->failure[0])
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(w->out->failure, sizeof(w->out->failure), "at %lld us: %s", (long long)w->now_us,
             text);
}

/* --- the data ------------------------------------------------------------------------------------------- */

static void inspect(struct sim_world *w, struct session *s, struct buf *got, int argc,
                    const struct slice *argv)
{
    struct iovec iov;
    engine_run(w->node.engine, s, &(struct engine_request){.argv = argv, .argc = argc}, 1, NULL);
    buf_clear(got);
    while (outq_peek(session_queue(s), &iov, 1) > 0) {
        buf_append(got, iov.iov_base, iov.iov_len);
        outq_drain(session_queue(s), iov.iov_len);
    }
}

static void check_key(struct sim_world *w, struct session *s, int db, int key)
{
    struct buf got, whole;
    char want[ITEM_BYTES_MAX];
    struct slice argv[SIM_REQUEST_ARGS_MAX] = {SLICE("GET"), sim_key_name(key)};
    const struct sim_value *v = sim_model_get(&w->model, db, key);
    struct slice name = sim_key_name(key);
    buf_init(&got);
    buf_init(&whole);
    inspect(w, s, &got, sim_is_collection(key) ? sim_collection_read(key, argv) : 2, argv);
    if (sim_is_collection(key))
        sim_collection_say(v, key, &whole);
    else if (v)
        buf_printf(&whole, "$%d\r\n%.*s\r\n", v->len, v->len, v->bytes);
    else
        buf_append_cstr(&whole, "$-1\r\n");
    if (!slice_equal(buf_slice(&got), buf_slice(&whole)))
        sim_fail(w, "database %d, %.*s: %.300s where version %llu has %s", db, (int)name.len,
                 name.ptr, buf_cstr(&got), (unsigned long long)w->model.version, buf_cstr(&whole));
    buf_deinit(&whole);
    inspect(w, s, &got, 2, (struct slice[]){SLICE("PEXPIRETIME"), name});
    int n = snprintf(want, sizeof(want), ":%lld\r\n",
                     !v               ? -2
                     : v->deadline_ms ? (long long)v->deadline_ms
                                      : -1);
    if (!slice_equal(buf_slice(&got), slice_of(want, (size_t)n)))
        sim_fail(w, "database %d, %.*s: deadline %.40s, not %s", db, (int)name.len, name.ptr,
                 buf_cstr(&got), want);
    buf_deinit(&got);
}

static void no_op(struct session *s)
{
    (void)s;
}

/* All data are the model's. */
static void check_data(struct sim_world *w)
{
    static const struct session_ops ops = {.ready = no_op, .close = no_op, .resume = no_op};
    struct session *s = session_new(w->node.engine, &ops, w, &w->node.pool);
    struct buf got;
    char text[2];
    session_flags(s, SESSION_AUTHENTICATED | SESSION_INTERNAL, 0);
    session_set_durability(s, DURABILITY_NONE); /* whatever there is, safe or not */
    buf_init(&got);
    for (int db = 0; db < SIM_DATABASES; db++) {
        text[0] = (char)('0' + db);
        inspect(w, s, &got, 2, (struct slice[]){SLICE("SELECT"), {text, 1}});
        for (int key = 0; key < SIM_KEYS && !w->out->failure[0]; key++)
            check_key(w, s, db, key);
    }
    buf_deinit(&got);
    session_free(&s);
    sim_model_moved(&w->model, sim_node_pos(&w->node)); /* keys that were due are gone now */
}

/* --- crashes -------------------------------------------------------------------------------------------- */

static void start(struct sim_world *w)
{
    if (!sim_node_start(&w->node, w->disk, rng_next(&w->rng), w->now_us, w->wall_ms)) {
        sim_fail(w, "it does not start: %s", w->node.error);
        return;
    }
    for (int i = 0; i < SIM_CLIENTS; i++)
        sim_client_open(&w->clients[i]);
}

static void stop(struct sim_world *w)
{
    for (int i = 0; i < SIM_CLIENTS; i++)
        if (w->clients[i].session)
            sim_client_close(&w->clients[i]);
    sim_node_stop(&w->node);
}

static void crash(struct sim_world *w)
{
    enum sim_crash how = rng_below(&w->rng, 2) ? SIM_POWER_CUT : SIM_PROCESS_DIES;
    uint64_t safe = w->safe[SIM_POWER_CUT];
    if (how == SIM_PROCESS_DIES && w->safe[how] > safe)
        safe = w->safe[how];
    uint64_t safe_pos = safe > w->model.first ? w->model.pos[safe - w->model.first] : 0;
    stop(w);
    sim_disk_crash(w->disk, how);
    w->out->crashes++;
    start(w);
    uint64_t pos = sim_node_pos(&w->node);
    sim_log(w, "%10lld %s: position %llu is left, %llu was promised\n", (long long)w->now_us,
            how == SIM_POWER_CUT ? "power cut" : "process dies", (unsigned long long)pos,
            (unsigned long long)safe_pos);
    if (pos < safe_pos ||
        pos < w->model.pos[0] * (how == SIM_PROCESS_DIES || w->policy == SIM_ALWAYS))
        sim_fail(w, "after a crash the log ends at %llu, and %llu was promised",
                 (unsigned long long)pos, (unsigned long long)safe_pos);
    sim_model_rewind(&w->model, pos);
    w->safe[0] = w->safe[1] = w->model.version;
    check_data(w);
    w->crash_us = w->now_us + (int64_t)rng_below(&w->rng, CRASH_US_MAX);
}

/* --- time ----------------------------------------------------------------------------------------------- */

static void cron(struct sim_world *w)
{
    w->cron_us += CRON_US;
    sim_node_expire(&w->node, 1 + rng_below(&w->rng, EXPIRE_MAX));
    sim_model_moved(&w->model, sim_node_pos(&w->node));
    if (rng_below(&w->rng, FAULT_ONE_IN) == 0) {
        w->out->faults++;
        sim_disk_fail_until(w->disk, w->now_us + (int64_t)rng_below(&w->rng, FAULT_US_MAX));
    }
}

static void receive_all(struct sim_world *w)
{
    for (int i = 0; i < SIM_CLIENTS; i++)
        sim_client_receive(&w->clients[i]);
}

/* One turn of the server's loop. */
static void turn(struct sim_world *w)
{
    sim_node_turn(&w->node, w->now_us, w->wall_ms);
    w->model.now_ms = w->wall_ms;
    for (int i = 0; i < SIM_CLIENTS; i++)
        sim_client_look(&w->clients[i]);
    if (w->now_us >= w->cron_us)
        cron(w);
    for (int i = 0; i < SIM_CLIENTS; i++)
        if (w->now_us >= w->clients[i].act_us)
            sim_client_act(&w->clients[i]);
    if (w->now_us >= w->crash_us && rng_below(&w->rng, 2)) {
        crash(w); /* ahead of the turn's end: its batch is on no disk */
        return;
    }
    sim_node_turn_end(&w->node, w->now_us);
    receive_all(w);
    if (w->now_us >= w->crash_us)
        crash(w);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void pass_time(struct sim_world *w)
{
    int64_t next_us = earlier(sim_disk_due_us(w->disk), earlier(w->cron_us, w->crash_us));
    for (int i = 0; i < SIM_CLIENTS; i++)
        next_us = earlier(next_us, w->clients[i].act_us);
    next_us = earlier(next_us, engine_next_deadline_us(w->node.engine));
    if (next_us > w->now_us)
        w->now_us = next_us;
    w->wall_ms = BEGIN_MS + w->now_us / 1000;
}

void sim_run(uint64_t seed, bool log, struct sim_result *out)
{
    struct sim_world *w = mem_zalloc(sizeof(*w));
    *out = (struct sim_result){0};
    w->out = out;
    w->log = log;
    w->seed = seed;
    rng_seed(&w->rng, seed);
    w->policy = (enum sim_policy)rng_below(&w->rng, 3);
    w->disk = sim_disk_new(rng_next(&w->rng), w->policy);
    w->now_us = BEGIN_US;
    w->wall_ms = BEGIN_MS + BEGIN_US / 1000;
    w->cron_us = BEGIN_US + CRON_US;
    w->crash_us = BEGIN_US + (int64_t)rng_below(&w->rng, CRASH_US_MAX);
    sim_model_init(&w->model);
    w->model.now_ms = w->wall_ms;
    for (int i = 0; i < SIM_CLIENTS; i++) {
        struct sim_client *c = &w->clients[i];
        *c = (struct sim_client){.world = w, .id = i, .listens = i == SIM_CLIENTS - 1};
        c->last = &c->first;
        buf_init(&c->expect);
        buf_init(&c->got);
    }
    start(w);
    while (!out->failure[0] && w->now_us < BEGIN_US + RUN_US) {
        pass_time(w);
        turn(w);
    }
    if (!out->failure[0])
        check_data(w);
    stop(w);
    for (int i = 0; i < SIM_CLIENTS; i++)
        sim_client_free(&w->clients[i]);
    sim_model_deinit(&w->model);
    sim_disk_free(&w->disk);
    mem_free(w);
}
