#include "sim/node.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "clients/clients.h"
#include "engine/check.h"
#include "engine/durable.h"
#include "engine/gate_impl.h"
#include "engine/replay.h"
#include "log/format.h"
#include "log/reader.h"
#include "log/stream.h"

#define BATCH_VECTORS 16

/* --- the stream and its consumer ------------------------------------------------------------------------ */

static void on_effect(void *arg, int db, int argc, const struct slice *argv)
{
    struct sim_node *n = arg;
    uint64_t i = n->effects++ % SIM_EFFECTS_MAX;
    n->effect_at[i] = stream_pos(n->engine->stream);
    stream_put(n->engine->stream, db, argc, argv);
    n->engine->promise.pos = n->effect_end[i] = stream_pos(n->engine->stream);
}

/* A batch as it stands in the file: behind the file's head where it is the first, and sealed. */
static void take(void *arg, struct batch *b)
{
    struct sim_node *n = arg;
    struct iovec iov[BATCH_VECTORS];
    struct buf bytes;
    char seal[SEAL_BYTES];
    buf_init(&bytes);
    if (sim_disk_file(n->disk).len == 0) {
        format_date(&bytes, b->unix_s);
        buf_append_cstr(&bytes, FORMAT_HEADER_LINE);
    }
    for (size_t done = 0; done < b->len;) {
        int count = batch_vectors(b, done, iov, BATCH_VECTORS);
        for (int i = 0; i < count; i++) {
            buf_append(&bytes, iov[i].iov_base, iov[i].iov_len);
            done += iov[i].iov_len;
        }
    }
    format_seal(seal, b->pos, crc32c(0, bytes.ptr, bytes.len));
    buf_append(&bytes, seal, sizeof(seal));
    sim_disk_put(n->disk, buf_slice(&bytes), b->pos);
    buf_deinit(&bytes);
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
            n->loaded_pos = b.end_pos;
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
    char text[SEAL_BYTES];
    size_t sealed_bytes;
    if (bytes.len == 0) {
        sim_disk_recover(n->disk, 0, SLICE(""), 0);
        return true;
    }
    int fd = as_file(bytes);
    enum err err = reader_open_fd(&r, fd);
    assert(err == ERR_OK);
    enum reader_status status = load_batches(n, r, &sealed_bytes);
    reader_report(r, &report);
    reader_close(&r);
    if (status != READER_END && status != READER_TORN) {
        if (!n->error[0])
            snprintf(n->error, sizeof(n->error), "%s", report.error);
        return false;
    }
    /* Commands behind the last seal were taken: they get one. */
    size_t good_bytes = n->loaded_pos ? report.good_bytes : 0;
    struct slice behind = SLICE("");
    if (good_bytes > sealed_bytes) {
        format_seal(text, n->loaded_pos,
                    crc32c(0, bytes.ptr + sealed_bytes, good_bytes - sealed_bytes));
        behind = slice_of(text, sizeof(text));
    }
    sim_disk_recover(n->disk, good_bytes, behind, n->loaded_pos);
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
    n->config = (struct engine_config){
        .notify = NOTIFY_KEYEVENT | NOTIFY_ALL,
        .slowlog_us = -1,
        .bulk_bytes_max = 1024 * 1024,
    };
    n->around = clients_new(&n->rng);
    clients_observe(n->around, &o.observers);
    n->engine = engine_new(&o, &n->config);
    clients_attach(n->around, n->engine);
}

/* From here on effects go to the stream, and the stream to the disk. */
static void follow(struct sim_node *n, engine_effect_fn effect)
{
    struct engine *e = n->engine;
    e->stream = stream_new(n->loaded_pos);
    n->consumer = (struct stream_consumer){.take = take, .arg = n};
    stream_attach(e->stream, &n->consumer);
    e->effect = effect;
    e->gate = gate_new();
    e->promise.pos = n->loaded_pos;
    sim_disk_promise(n->disk, &e->promise);
    engine_checks_update(e);
}

bool sim_node_start(struct sim_node *n, struct sim_disk *disk, uint64_t seed, int64_t now_us,
                    int64_t wall_ms)
{
    *n = (struct sim_node){.disk = disk};
    logger_init(&n->logger);
    n->logger.level = LOG_LEVEL_NOTHING;
    rng_seed(&n->rng, seed);
    outq_pool_init(&n->pool);
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
    follow(n, effect);
    return true;
}

void sim_node_stop(struct sim_node *n)
{
    struct engine *e = n->engine;
    if (e->stream) {
        stream_detach(e->stream, &n->consumer);
        stream_drop(&e->stream);
        gate_free(&e->gate);
    }
    engine_free(&n->engine);
    clients_free(&n->around);
    ks_free(&n->ks);
    cmd_table_free(&n->table);
    outq_pool_deinit(&n->pool);
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
    engine_checks_update(e);
    engine_promise_moved(e);
    engine_deadlines(e);
}

void sim_node_turn_end(struct sim_node *n, int64_t now_us)
{
    struct engine *e = n->engine;
    uint64_t wanted = e->gate->wants.synced;
    stream_clock(e->stream, e->wall_ms / 1000);
    stream_seal(e->stream);
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
    return n->engine->stream ? stream_pos(n->engine->stream) : n->loaded_pos;
}
