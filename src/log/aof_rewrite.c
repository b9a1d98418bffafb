/* Rewriting: the data as they are now replace the history of how they came to be.
 *
 *   prepare the files that it needs are made, while everything goes on as it was
 *   begin   appends go to a new increment from here on; the base is written aside, by a writer of its
 *           own
 *   put     the snapshot gives every key
 *   end     the base is sealed and made safe
 *   place   one change of the manifest puts it in the place of the old base and all increments before the new
 *           one, which are then removed
 *
 *      the loop: a sink                the log's writer thread      the base's writer thread
 *      aof_rewrite --------------------------------------------->   aof_job_prepare (files, manifest)
 *      begin (prepared) ------------>  aof_job_switch
 *        '------- put, open, run, end -------------------------->   batches, syncs
 *      place (safe, switched) ----------------------------------->  aof_job_place (renames, manifest)
 *      close (placed) ------------------------------------------->  aof_job_end (frees what was removed)
 *      ended: forgets it
 *
 * Replies to writes wait for the log's writer thread, so work that waits for the disk is done on the base's. The log's
 * has aof_job_switch only, which writes a short header to a file that exists already, and makes that the file in use. A
 * writer syncs all batches before it runs a job. So that little is left to sync then, preparing asks for a sync while
 * writing goes on, and begin waits for it.
 *
 * A crash at any moment leaves the old files or the new ones. Where N is the increment in use:
 *
 *   step                                      what a crash behind it leaves
 *   1  temp-rewriteaof-<pid>.aof is made      a leftover that the next start removes
 *   2  N+1 is made, empty; its name synced    a file that nothing names, which the next N+1 writes over
 *   3  the manifest that names it is saved    N, which is still written to, and N+1, empty: the end of N is the end of
 *                                             the log, be it torn (aof_load.c), and N+1 is gone on in. Redis leaves
 *                                             empty increments, too
 *   4  all of N is synced                     the same
 *   5  N+1 gets its header, not synced        N, whole, and N+1: empty, with half a header or a header; the first
 *                                             batch is written behind the header and synced with it, by policy
 *   6  the base is written and synced         the same, the base being a leftover
 *   7  the base gets its name, synced         the same, the base being a file that nothing names
 *   8  the manifest that names it is saved    the base and N+1; what came before is named as history, and removed by
 *                                             the next start
 *   9  the history is removed, the manifest   the base and N+1
 *      that does not name it saved; neither, where it is to be kept
 *
 * So every batch is in a file that the manifest on disk named before the batch was written: 3 comes before 5, and N
 * stays named until 8, when the base holds the same data. Where a rewrite is given up between 3 and 5, N+1 stays
 * prepared for the next one. After a failed sync aof_refresh takes N+1, also between 3 and 5: then the switch finds
 * none prepared, and makes one while replies wait. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "log/aof_impl.h"

static struct aof_rewrite *rewrite_of(struct sink *s)
{
    return (struct aof_rewrite *)s;
}

/* --- to the writer ---------------------------------------------------------------------------- */

/* As writer_submit, but a buffer that lacked memory is not handed over. */
static enum err submit(struct aof_rewrite *rw, struct buf *b, int tag)
{
    if (b->err != ERR_OK)
        return b->err;
    rw->given += b->len;
    writer_submit(rw->writer, b, rw->given, tag, 0);
    if (rw->given - rw->asked >= AOF_REWRITE_SYNC_BYTES) {
        rw->asked = rw->given;
        writer_want_sync(rw->writer, rw->asked);
    }
    return ERR_OK;
}

/* Seals what was put, and hands it over. */
static enum err seal(struct aof_rewrite *rw)
{
    if (rw->batch.bytes.len == 0)
        return rw->batch.bytes.err;
    enum err e = base_batch_seal(&rw->batch, rw->jobs.base_pos);
    rw->batches++;
    return e == ERR_OK ? submit(rw, &rw->batch.bytes, rw->batch.db) : e;
}

/* --- the sink --------------------------------------------------------------------------------- */

static enum sink_step step(struct sink *s, enum snapshot_phase phase)
{
    struct aof_rewrite *rw = rewrite_of(s);
    const struct aof *a = rw->aof;
    int prepared = atomic_load(&rw->jobs.prepared), switched = atomic_load(&rw->jobs.switched);
    int placed = atomic_load(&rw->jobs.placed);
    bool faulty = prepared < 0 || switched < 0 || rw->state.write_errno || rw->state.sync_errno;
    bool ready = false;
    switch (phase) {
    case SNAPSHOT_PREPARING:
        ready = prepared && (a->state.synced >= rw->sync_pos || a->state.lost || a->base_only);
        break;
    case SNAPSHOT_GIVING: break;
    case SNAPSHOT_SAVING: ready = switched && rw->state.synced >= rw->given; break;
    case SNAPSHOT_PLACING:
        faulty = placed < 0 || (!placed && rw->state.ended);
        ready = placed > 0;
        break;
    }
    return faulty ? SINK_FAILED : ready ? SINK_READY : SINK_WAIT;
}

static void begin(struct sink *s, int64_t unix_s)
{
    struct aof_rewrite *rw = rewrite_of(s);
    struct aof *a = rw->aof;
    /* The date of the next increment, too. */
    atomic_store(&a->unix_s, unix_s);
    aof_begin_file(a, AOF_BASE, unix_s, &rw->batch.bytes);
    /* With AOF_BASE_ONLY all increments become history. */
    if (a->base_only) {
        rw->jobs.base_pos = aof_pos(a);
        rw->jobs.first_incr_seq = UINT64_MAX;
        atomic_store(&rw->jobs.switched, 1);
        return;
    }
    if (a->stream)
        stream_cut(a->stream);
    rw->jobs.base_pos = aof_pos(a);
    /* The new increment gets a timestamp with its first batch. */
    a->timestamp_s = 0;
    rw->switching = true;
    writer_submit_job(a->writer, aof_job_switch, rw);
}

static bool full(const struct sink *s)
{
    const struct aof_rewrite *rw = (const struct aof_rewrite *)s;
    return rw->given - rw->state.written > AOF_REWRITE_BACKLOG_MAX;
}

static enum err put(struct sink *s, int db, int argc, const struct slice *argv)
{
    struct aof_rewrite *rw = rewrite_of(s);
    enum err e = base_batch_put(&rw->batch, db, argc, argv);
    bool is_open = rw->open.left > 0; /* then what is put waits until that command is whole */
    if (e == ERR_OK && rw->batch.bytes.len >= AOF_REWRITE_BATCH_BYTES && !is_open)
        e = seal(rw);
    return e;
}

static enum err end(struct sink *s)
{
    struct aof_rewrite *rw = rewrite_of(s);
    assert(rw->open.left == 0);
    base_batch_end_mset(&rw->batch);
    format_end(&rw->batch.bytes, rw->batches + 1);
    enum err e = seal(rw);
    writer_want_sync(rw->writer, rw->given);
    return e;
}

static void place(struct sink *s)
{
    struct aof_rewrite *rw = rewrite_of(s);
    rw->jobs.base_bytes = rw->state.file_bytes;
    rw->placing = true;
    writer_submit_job(rw->writer, aof_job_place, rw);
}

static void close_base(struct sink *s, bool fine)
{
    struct aof_rewrite *rw = rewrite_of(s);
    int error = rw->state.write_errno ? rw->state.write_errno : rw->state.sync_errno;
    /* Jobs log their own faults. */
    if (!fine && error)
        log_warning(rw->aof->logger, "Rewriting the append-only file failed: writing the base: %s",
                    strerror(error));
    if (fine)
        rw->aof->unplaced = false;
    else if (!rw->placing)
        atomic_store(&rw->jobs.placed, -1);
    rw->closed = true;
    writer_stop(rw->writer, rw->placing && !fine ? AOF_CLOSE_PATIENCE_MS : -1);
}

/* --- an argument in runs ---------------------------------------------------------------------- */

/*     put:            |- small keys, sealed -|                            |- small keys -|
 *     to the writer:  |- small keys, sealed -| SET k $n | run | ... | run, seal |
 *
 * A command with an argument in runs is a batch of its own, as the runs must follow each other in the file. Commands
 * that are put meanwhile wait until it is sealed. */
static enum err open_command(struct sink *s, int db, int argc, const struct slice *argv,
                             int in_runs)
{
    struct aof_rewrite *rw = rewrite_of(s);
    assert(rw->open.left == 0 && argv[in_runs].len > 0);
    enum err e = seal(rw);
    if (e != ERR_OK)
        return e;
    /* The next batch comes behind the open command in the file, and needs a SELECT of its own. */
    rw->batch.db = -1;
    struct base_batch head = {.bytes = rw->open.bytes, .db = -1};
    base_batch_select(&head, db);
    buf_printf(&head.bytes, "*%d\r\n", argc);
    format_bulks(&head.bytes, in_runs, argv);
    buf_printf(&head.bytes, "$%zu\r\n", argv[in_runs].len);
    rw->open.bytes = head.bytes;
    buf_clear(&rw->open.behind);
    buf_append_cstr(&rw->open.behind, "\r\n");
    format_bulks(&rw->open.behind, argc - in_runs - 1, argv + in_runs + 1);
    rw->open.left = argv[in_runs].len;
    rw->open.crc = 0;
    return head.bytes.err != ERR_OK ? head.bytes.err : rw->open.behind.err;
}

static enum err run(struct sink *s, struct slice bytes)
{
    struct aof_rewrite *rw = rewrite_of(s);
    struct buf *b = &rw->open.bytes;
    char seal[SEAL_BYTES];
    assert(bytes.len > 0 && bytes.len <= rw->open.left);
    rw->open.left -= bytes.len;
    buf_append_slice(b, bytes);
    if (rw->open.left == 0)
        buf_append_slice(b, buf_slice(&rw->open.behind));
    rw->open.crc = crc32c(rw->open.crc, b->ptr, b->len);
    if (rw->open.left == 0) {
        format_seal(seal, rw->jobs.base_pos, rw->open.crc);
        buf_append(b, seal, sizeof(seal));
        rw->batches++;
    }
    return submit(rw, b, -1);
}

static const struct sink_ops base_ops = {
    .step = step,
    .begin = begin,
    .full = full,
    .put = put,
    .open = open_command,
    .run = run,
    .end = end,
    .place = place,
    .close = close_base,
};

/* --- life ------------------------------------------------------------------------------------- */

bool aof_rewriting(const struct aof *a)
{
    return a->rewrite && !a->rewrite->closed;
}

enum err aof_rewrite(struct aof *a, int64_t now_us, struct sink **out, char error[AOF_ERROR_CHARS])
{
    assert(a->writer);
    if (a->rewrite || aof_history_busy(a)) {
        snprintf(error, AOF_ERROR_CHARS, "%s",
                 aof_rewriting(a) ? "the append-only file is being rewritten already"
                                  : "the last rewrite is still being cleaned up");
        return ERR_BUSY;
    }
    /* A new thread that finds no memory for jemalloc itself ends the process, so there must be room. */
    if (!mem_has_room(AOF_REWRITE_ROOM_BYTES)) {
        snprintf(error, AOF_ERROR_CHARS, "there is not enough memory: it needs %d MiB",
                 AOF_REWRITE_ROOM_BYTES >> 20);
        return ERR_NOMEM;
    }
    struct aof_rewrite *rw = mem_zalloc(sizeof(*rw));
    struct writer_options o = {.policy = WRITER_NO,
                               .background = true,
                               .fd = -1,
                               .event_fd = writer_event_fd(a->writer),
                               .end = aof_job_end,
                               .arg = rw};
    rw->sink.ops = &base_ops;
    rw->aof = a;
    rw->writer = writer_new(&o);
    if (!rw->writer) {
        snprintf(error, AOF_ERROR_CHARS, "cannot start a thread: %s", strerror(errno));
        mem_free(rw);
        return ERR_IO;
    }
    rw->jobs.base_seq = a->next_base_seq++;
    snprintf(rw->jobs.temp_name, sizeof(rw->jobs.temp_name), MANIFEST_REWRITE_START "%d.aof",
             (int)getpid());
    rw->started_us = now_us;
    rw->sync_pos = aof_pos(a);
    rw->batch.db = -1;
    buf_init(&rw->batch.bytes);
    buf_init(&rw->open.bytes);
    buf_init(&rw->open.behind);
    a->rewrite = rw;
    writer_submit_job(rw->writer, aof_job_prepare, rw);
    writer_want_sync(a->writer, rw->sync_pos);
    *out = &rw->sink;
    return ERR_OK;
}

static void forget(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    writer_free(&rw->writer, -1);
    buf_deinit(&rw->batch.bytes);
    buf_deinit(&rw->open.bytes);
    buf_deinit(&rw->open.behind);
    mem_free(rw);
    a->rewrite = NULL;
}

void aof_rewrite_poll(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    /* Ahead of the jobs' results: once the writer has ended, these are final. */
    writer_poll(rw->writer, &rw->state);
    /* No job of the rewrite is left on any thread. */
    if (rw->closed && rw->state.ended && (!rw->switching || atomic_load(&rw->jobs.switched)))
        forget(a);
}

void aof_rewrite_stop(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    assert(rw->closed || rw->placing);
    /* A base that is being put in place gets there; its writer then frees what was removed. */
    if (!rw->closed)
        writer_stop(rw->writer, AOF_CLOSE_PATIENCE_MS);
}

void aof_rewrite_drop(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    assert(rw->closed);
    while (rw->jobs.history_count)
        close(rw->jobs.history[--rw->jobs.history_count]);
    if (atomic_load(&rw->jobs.placed) <= 0)
        unlinkat(a->dir_fd, rw->jobs.temp_name, 0);
    forget(a);
}
