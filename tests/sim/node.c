#include "sim/node.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/num.h"
#include "clients/clients.h"
#include "engine/gate.h"
#include "engine/replay.h"
#include "log/format.h"
#include "log/reader.h"

/* --- the stream's bytes --------------------------------------------------------------------------------- */

static void put(struct sim_node *n, int argc, const struct slice *argv)
{
    n->pos += format_command_bytes(argc, argv);
    format_command(&n->batch, argc, argv);
}

static void on_effect(void *arg, int db, int argc, const struct slice *argv)
{
    struct sim_node *n = arg;
    if (db != n->db) {
        char text[NUM_I64_CHARS];
        struct slice select[2] = {SLICE("SELECT"), {text, (size_t)num_print_i64(text, db)}};
        put(n, 2, select);
        n->db = db;
    }
    put(n, argc, argv);
    n->engine->promise.pos = n->pos;
}

static void seal(struct sim_node *n, int64_t wall_ms)
{
    struct buf *b = &n->batch;
    char text[SEAL_BYTES];
    if (b->len == 0)
        return;
    if (sim_disk_file(n->disk).len == 0) {
        struct buf head;
        buf_init(&head);
        format_date(&head, wall_ms / 1000);
        buf_append_cstr(&head, FORMAT_HEADER_LINE);
        buf_append_slice(&head, buf_slice(b));
        buf_deinit(b);
        *b = head;
    }
    format_seal(text, n->pos, crc32c(0, b->ptr, b->len));
    buf_append(b, text, sizeof(text));
    sim_disk_put(n->disk, buf_slice(b), n->pos);
    buf_clear(b);
}

/* --- loading -------------------------------------------------------------------------------------------- */

/* The file as one that a reader can open. */
static int as_file(struct slice bytes)
{
    int fd = memfd_create("sim", 0);
    assert(fd >= 0);
    for (size_t done = 0; done < bytes.len;) {
        ssize_t wrote = write(fd, bytes.ptr + done, bytes.len - done);
        assert(wrote > 0);
        done += (size_t)wrote;
    }
    return fd;
}

/* All batches, then what counts behind the last seal. */
static enum reader_status load_batches(struct sim_node *n, struct reader *r, size_t *sealed_bytes)
{
    struct replay replay;
    struct reader_batch b;
    struct reader_report report;
    enum reader_status status;
    bool fine = true, tail = false;
    *sealed_bytes = 0;
    replay_begin(&replay, n->engine, REPLAY_LOADING);
    do {
        while (fine && (status = reader_next(r, &b)) == READER_BATCH) {
            fine = replay_batch(&replay, &b) == REPLAY_FINE;
            n->pos = b.end_pos;
            reader_report(r, &report);
            if (!tail)
                *sealed_bytes = report.good_bytes;
        }
    } while (fine && !tail && status == READER_TORN && (tail = reader_read_tail(r)));
    if (!fine)
        snprintf(n->error, sizeof(n->error), "%s: %s", replay.fault.name, replay.fault.why);
    replay_end(&replay);
    return fine ? status : READER_DAMAGED;
}

static bool load(struct sim_node *n)
{
    struct slice bytes = sim_disk_file(n->disk);
    struct reader *r;
    struct reader_report report;
    char path[64], text[SEAL_BYTES];
    size_t sealed_bytes;
    if (bytes.len == 0) {
        sim_disk_recover(n->disk, 0, SLICE(""), 0);
        return true;
    }
    int fd = as_file(bytes);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    assert(reader_open(&r, path) == ERR_OK);
    enum reader_status status = load_batches(n, r, &sealed_bytes);
    reader_report(r, &report);
    reader_close(&r);
    close(fd);
    if (status != READER_END && status != READER_TORN) {
        if (!n->error[0])
            snprintf(n->error, sizeof(n->error), "%s", report.error);
        return false;
    }
    /* Commands behind the last seal were taken: they get one. */
    size_t good_bytes = n->pos ? report.good_bytes : 0;
    struct slice behind = SLICE("");
    if (good_bytes > sealed_bytes) {
        format_seal(text, n->pos, crc32c(0, bytes.ptr + sealed_bytes, good_bytes - sealed_bytes));
        behind = slice_of(text, sizeof(text));
    }
    sim_disk_recover(n->disk, good_bytes, behind, n->pos);
    return true;
}

/* --- life ----------------------------------------------------------------------------------------------- */

static void make_engine(struct sim_node *n, int64_t now_us, int64_t wall_ms)
{
    struct engine_options o = {
        .ks = n->ks,
        .table = n->table,
        .logger = &n->logger,
        .rng = &n->rng,
        .effect = on_effect,
        .effect_arg = n,
        .now_us = now_us,
        .wall_ms = wall_ms,
    };
    struct engine_config c = {
        .notify = NOTIFY_KEYEVENT | NOTIFY_ALL,
        .slowlog_us = -1,
        .bulk_bytes_max = 1024 * 1024,
    };
    n->around = clients_new(&n->rng);
    clients_observe(n->around, &o.observers);
    n->engine = engine_new(&o, &c);
    clients_attach(n->around, n->engine);
}

bool sim_node_start(struct sim_node *n, struct sim_disk *disk, uint64_t seed, int64_t now_us,
                    int64_t wall_ms)
{
    *n = (struct sim_node){.disk = disk, .db = -1};
    logger_init(&n->logger);
    n->logger.level = LOG_LEVEL_NOTHING;
    rng_seed(&n->rng, seed);
    outq_pool_init(&n->pool);
    buf_init(&n->batch);
    n->table = cmd_table_new();
    cmd_add_rows(n->table);
    n->ks = ks_new(&(struct ks_options){.databases = SIM_DATABASES,
                                        .shards = 1 + (unsigned)rng_below(&n->rng, 4),
                                        .now_ms = wall_ms});
    assert(n->ks);
    make_engine(n, now_us, wall_ms);
    engine_turn(n->engine, now_us, wall_ms);
    engine_effect_fn effect = n->engine->effect;
    n->engine->effect = NULL; /* what is loaded is in the log already */
    if (!load(n))
        return false;
    n->engine->effect = effect;
    n->engine->gate = gate_new();
    n->engine->promise.pos = n->pos;
    sim_disk_promise(disk, &n->engine->promise);
    return true;
}

void sim_node_stop(struct sim_node *n)
{
    if (n->engine->gate)
        gate_free(&n->engine->gate);
    engine_free(&n->engine);
    clients_free(&n->around);
    ks_free(&n->ks);
    cmd_table_free(&n->table);
    outq_pool_deinit(&n->pool);
    buf_deinit(&n->batch);
    logger_deinit(&n->logger);
}

void sim_node_turn(struct sim_node *n, int64_t now_us, int64_t wall_ms)
{
    struct engine *e = n->engine;
    engine_turn(e, now_us, wall_ms);
    sim_disk_advance(n->disk, now_us);
    bool faulty = e->promise.fault != NULL;
    sim_disk_promise(n->disk, &e->promise);
    if (e->promise.fault && !faulty)
        e->promise.fault_since_us = now_us;
    gate_advance(e);
    engine_deadlines(e);
}

void sim_node_turn_end(struct sim_node *n, int64_t now_us)
{
    struct engine *e = n->engine;
    uint64_t wanted = e->gate->wants.synced;
    seal(n, e->wall_ms);
    gate_sealed(e);
    if (wanted)
        sim_disk_want_synced(n->disk, wanted);
    sim_disk_advance(n->disk, now_us);
}

void sim_node_expire(struct sim_node *n, size_t keys)
{
    bool more;
    ks_expire_some(n->ks, (unsigned)keys, &more);
}

uint64_t sim_node_pos(const struct sim_node *n)
{
    return n->pos;
}
