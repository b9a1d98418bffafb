#include "sim/disk.h"

#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"

#define RETRY_US        10000
#define EVERYSEC_US     1000000
#define WRITE_US_MAX    300
#define STALL_ONE_IN    50 /* calls */
#define WRITE_BYTES_MAX 4096
#define HOLE_BYTES      64
#define QUEUE_BYTES_FEW 300 /* the log of some disks is full with so few that wait to be written */

struct mark { /* a batch ends here */
    size_t end;
    uint64_t pos;
};

struct sim_disk {
    struct rng rng;
    enum sim_policy policy;
    struct buf file;
    struct mark *marks; /* owned, ascending */
    size_t mark_count, mark_cap;
    size_t synced, written, writing; /* bytes; writing > written: a write is under way */
    size_t syncing;                  /* 0: no sync is under way */
    int64_t write_due_us, sync_due_us, last_sync_us, fail_until_us;
    uint64_t sync_wanted;
    size_t queue_bytes_max;
    bool faulty;
};

struct sim_disk *sim_disk_new(uint64_t seed, enum sim_policy policy)
{
    struct sim_disk *d = mem_zalloc(sizeof(*d));
    rng_seed(&d->rng, seed);
    d->policy = policy;
    d->queue_bytes_max = rng_below(&d->rng, 2) ? SIZE_MAX : QUEUE_BYTES_FEW;
    buf_init(&d->file);
    return d;
}

void sim_disk_free(struct sim_disk **disk)
{
    struct sim_disk *d = *disk;
    buf_deinit(&d->file);
    mem_free(d->marks);
    mem_free(d);
    *disk = NULL;
}

static void add_mark(struct sim_disk *d, size_t end, uint64_t pos)
{
    if (d->mark_count == d->mark_cap) {
        d->mark_cap = d->mark_cap ? 2 * d->mark_cap : 64;
        d->marks = mem_realloc(d->marks, d->mark_cap * sizeof(*d->marks));
    }
    d->marks[d->mark_count++] = (struct mark){end, pos};
}

/* The position of the last batch that ends within so many bytes. */
static uint64_t pos_at(const struct sim_disk *d, size_t bytes)
{
    for (size_t i = d->mark_count; i-- > 0;) {
        if (d->marks[i].end <= bytes)
            return d->marks[i].pos;
    }
    return 0;
}

void sim_disk_put(struct sim_disk *d, struct slice bytes, uint64_t pos)
{
    buf_append_slice(&d->file, bytes);
    add_mark(d, d->file.len, pos);
}

void sim_disk_want_synced(struct sim_disk *d, uint64_t pos)
{
    if (pos > d->sync_wanted)
        d->sync_wanted = pos;
}

void sim_disk_fail_until(struct sim_disk *d, int64_t until_us)
{
    d->fail_until_us = until_us;
}

static int64_t draw_us(struct sim_disk *d, int64_t most_us)
{
    if (rng_below(&d->rng, STALL_ONE_IN) == 0)
        most_us = SIM_STALL_US_MAX;
    return 1 + (int64_t)rng_below(&d->rng, (uint64_t)most_us);
}

static bool wants_sync(const struct sim_disk *d, int64_t now_us)
{
    if (d->synced == d->written)
        return false;
    return d->policy == SIM_ALWAYS || pos_at(d, d->synced) < d->sync_wanted ||
           (d->policy == SIM_EVERYSEC && now_us - d->last_sync_us >= EVERYSEC_US);
}

static void end_write(struct sim_disk *d, int64_t now_us)
{
    d->faulty = now_us < d->fail_until_us;
    if (d->faulty)
        d->write_due_us = now_us + RETRY_US; /* part of it is in the file, and written again */
    else
        d->written = d->writing;
}

static void end_sync(struct sim_disk *d, int64_t now_us)
{
    d->faulty = now_us < d->fail_until_us;
    if (!d->faulty)
        d->synced = d->syncing;
    d->last_sync_us = now_us;
    d->syncing = 0;
}

void sim_disk_advance(struct sim_disk *d, int64_t now_us)
{
    if (d->writing > d->written && now_us >= d->write_due_us)
        end_write(d, now_us);
    if (d->syncing && now_us >= d->sync_due_us)
        end_sync(d, now_us);
    if (d->writing <= d->written && d->file.len > d->written) {
        size_t left = d->file.len - d->written;
        d->writing = d->written + (left < WRITE_BYTES_MAX ? left : WRITE_BYTES_MAX);
        d->write_due_us = now_us + draw_us(d, WRITE_US_MAX);
    }
    if (!d->syncing && wants_sync(d, now_us)) {
        d->syncing = d->written;
        d->sync_due_us = now_us + draw_us(d, SIM_SYNC_US_MAX);
    }
}

int64_t sim_disk_due_us(const struct sim_disk *d)
{
    int64_t due_us = INT64_MAX;
    if (d->writing > d->written)
        due_us = d->write_due_us;
    if (d->syncing && d->sync_due_us < due_us)
        due_us = d->sync_due_us;
    if (!d->syncing && d->policy == SIM_EVERYSEC && d->synced < d->written &&
        d->last_sync_us + EVERYSEC_US < due_us)
        due_us = d->last_sync_us + EVERYSEC_US;
    return due_us;
}

void sim_disk_promise(const struct sim_disk *d, struct promise *out)
{
    out->written = pos_at(d, d->written);
    out->synced = pos_at(d, d->synced);
    out->policy = d->policy == SIM_ALWAYS ? out->synced : out->written;
    out->strict = d->policy == SIM_ALWAYS;
    out->placed = true;
    out->full = d->file.len - d->written > d->queue_bytes_max;
    out->fault = d->faulty ? "a simulated fault" : NULL;
}

uint64_t sim_disk_survives(const struct sim_disk *d, enum sim_crash how)
{
    return pos_at(d, how == SIM_POWER_CUT ? d->synced : d->written);
}

void sim_disk_crash(struct sim_disk *d, enum sim_crash how)
{
    size_t sure = how == SIM_POWER_CUT ? d->synced : d->written;
    size_t most = d->writing > d->written ? d->writing : d->written;
    size_t kept = sure;
    switch (rng_below(&d->rng, 4)) {
    case 0: break;
    case 1: kept = most; break;
    default: kept += rng_below(&d->rng, most - sure + 1); break;
    }
    size_t hole = kept;
    if (how == SIM_POWER_CUT && kept > sure && rng_below(&d->rng, 4) == 0)
        hole = kept - rng_below(&d->rng, kept - sure < HOLE_BYTES ? kept - sure : HOLE_BYTES);
    memset(d->file.ptr + hole, 0, kept - hole);
    d->file.len = kept;
    while (d->mark_count > 0 && d->marks[d->mark_count - 1].end > kept)
        d->mark_count--;
}

struct slice sim_disk_file(const struct sim_disk *d)
{
    return buf_slice(&d->file);
}

void sim_disk_recover(struct sim_disk *d, size_t good_bytes, struct slice seal, uint64_t pos)
{
    assert(good_bytes <= d->file.len);
    d->file.len = good_bytes;
    buf_append_slice(&d->file, seal);
    while (d->mark_count > 0 && d->marks[d->mark_count - 1].end > good_bytes)
        d->mark_count--;
    add_mark(d, d->file.len, pos);
    d->synced = d->written = d->writing = d->file.len;
    d->syncing = 0;
    d->fail_until_us = 0;
    d->sync_wanted = 0;
    d->faulty = false;
}
