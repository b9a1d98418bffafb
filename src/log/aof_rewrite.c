/* Rewriting: the data as they are now replace the history of how they came to be.
 *
 *   prepare the files that it needs are made, while everything goes on as it was
 *   begin   appends go to a new increment from here on; the base is written aside, by a writer of its
 *           own
 *   add     the snapshot gives every key
 *   end     the base is sealed; once it is safe, one change of the manifest puts it in the place of
 *           the old base and all increments before the new one, which are then removed
 *
 *      the loop                        the log's writer thread      the base's writer thread
 *      prepare ------------------------------------------------->   job_prepare (files, manifest)
 *      begin (prepared) ------------>  job_switch
 *        '------------------------------------------------------>   batches, syncs
 *      end, base safe, switched --------------------------------->  job_finish (renames, manifest)
 *      finished -------------------------------------------------> end_base (frees what was removed)
 *      ended: forgets it
 *
 * Replies to writes wait for the log's writer thread, so whatever waits for the disk happens on the other one. All that is
 * left for the log's is job_switch: it writes a header of some 80 bytes to a file that is there already, and that is
 * the file from then on. A writer has all batches before a job synced ahead of it; so that this is next to
 * nothing, a sync beside the writing is asked for when preparing, and begin waits for it.
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
 * So every batch is in a file that the manifest on disk named before the batch was written: 3 comes before 5, and N stays
 * named until 8, when the base has what it held. Where a rewrite is given up between 3 and 5, N+1 stays prepared
 * and the next one takes it, or a fresh file after a failed sync does (aof_refresh), which may come between them, too: then
 * the switch finds none prepared, and makes one while it is waited for. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "log/aof_impl.h"

/* --- on the log's writer thread --------------------------------------------------------------- */

static void job_switch(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    char error[AOF_ERROR_CHARS];
    struct writer_mark from = {.pos = a->jobs.base_pos, .tag = -1};
    bool fine = aof_next_increment(a, &from, false, out, error);
    a->jobs.first_incr_seq = a->incr_seq;
    if (!fine)
        log_warning(a->logger, "Cannot begin to rewrite the append-only file: %s", error);
    atomic_store(&a->jobs.switched, fine ? 1 : -1);
}

/* --- on the base's writer thread -------------------------------------------------------------- */

static bool open_base(struct aof *a, struct writer_file *out, char error[AOF_ERROR_CHARS])
{
    const char *name = a->jobs.temp_name;
    out->fd = openat(a->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out->fd >= 0)
        return true;
    snprintf(error, AOF_ERROR_CHARS, "cannot create %s/%s: %s", a->dir, name, strerror(errno));
    return false;
}

static void job_prepare(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    char error[AOF_ERROR_CHARS];
    bool fine = aof_settle(a, error) && open_base(a, out, error) &&
                (a->base_only || aof_prepare_increment(a, error));
    if (!fine)
        log_warning(a->logger, "Cannot begin to rewrite the append-only file: %s", error);
    atomic_store(&a->jobs.prepared, fine ? 1 : -1);
}

static void copy_manifest(struct manifest *to, const struct manifest *from)
{
    manifest_init(to);
    for (size_t i = 0; i < from->count; i++) {
        enum err e = manifest_add(to, from->files[i].type, from->files[i].seq, from->files[i].name);
        assert(e == ERR_OK);
    }
}

static bool put_in_place(struct aof *a, char error[AOF_ERROR_CHARS])
{
    char name[MANIFEST_NAME_BYTES_MAX], why[MANIFEST_ERROR_CHARS] = "it is full";
    struct manifest next;
    aof_free_name(a, MANIFEST_BASE, &a->jobs.base_seq, name);
    if (renameat(a->dir_fd, a->jobs.temp_name, a->dir_fd, name) != 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot rename %s to %s: %s", a->jobs.temp_name, name,
                 strerror(errno));
        return false;
    }
    /* The manifest's own sync of the directory comes after its rename: the base must be there first. */
    if (fsync(a->dir_fd) != 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot sync %s: %s", a->dir, strerror(errno));
        unlinkat(a->dir_fd, name, 0);
        return false;
    }
    copy_manifest(&next, &a->manifest);
    enum err e = manifest_replace_base(&next, a->jobs.base_seq, name, a->jobs.first_incr_seq);
    if (e == ERR_OK)
        e = manifest_save(&next, a->dir, a->manifest_name, why);
    if (e == ERR_OK) {
        manifest_deinit(&a->manifest);
        a->manifest = next;
        return true;
    }
    snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s", a->dir, a->manifest_name, why);
    manifest_deinit(&next);
    if (e ==
        ERR_BUSY) /* either manifest may be what the next start finds: no file of both may go */
        manifest_add(&a->manifest, MANIFEST_HISTORY, a->jobs.base_seq, name);
    else
        unlinkat(a->dir_fd, name, 0);
    return false;
}

/* Nothing depends on the history any more; a crash from here on leaves files that the next start
 * removes. What takes long about removing a large file is left to end_base. */
static void remove_history(struct aof *a)
{
    for (size_t i = 0; i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        if (f->type != MANIFEST_HISTORY || a->jobs.history_count == AOF_HISTORY_FDS_MAX)
            continue;
        int fd = openat(a->dir_fd, f->name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            a->jobs.history[a->jobs.history_count++] = fd;
    }
    aof_drop_history(a);
}

static bool finish(struct aof *a, char error[AOF_ERROR_CHARS])
{
    if (!put_in_place(a, error))
        return false;
    a->fresh = false;
    writer_healed(a->writer, a->jobs.base_pos);
    size_t history = a->manifest.count - manifest_live(&a->manifest);
    if (a->keep_history && history > AOF_HISTORY_FILES_MAX)
        log_warning(a->logger, "Removing what is kept of the append-only file's history: %zu files",
                    history);
    if (!a->keep_history || history > AOF_HISTORY_FILES_MAX)
        remove_history(a);
    atomic_store(&a->base_bytes, a->jobs.base_bytes);
    aof_count_older(a);
    return true;
}

static void job_finish(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    char error[AOF_ERROR_CHARS] = "";
    (void)out;
    pthread_mutex_lock(&a->files_lock);
    bool fine = finish(a, error);
    pthread_mutex_unlock(&a->files_lock);
    if (!fine)
        log_warning(a->logger, "Rewriting the append-only file failed: %s", error);
    atomic_store(&a->jobs.finished, fine ? 1 : -1);
}

static void end_base(void *arg)
{
    struct aof *a = arg;
    int finished = atomic_load(&a->jobs.finished);
    while (finished && a->jobs.history_count)
        close(a->jobs.history[--a->jobs.history_count]);
    if (finished < 0)
        unlinkat(a->dir_fd, a->jobs.temp_name, 0);
}

/* --- on the loop ------------------------------------------------------------------------------ */

bool aof_rewriting(const struct aof *a)
{
    return a->rewrite && a->rewrite->phase != REWRITE_CLOSING;
}

enum err aof_rewrite_prepare(struct aof *a, int64_t now_us, char error[AOF_ERROR_CHARS])
{
    assert(a->writer);
    if (a->rewrite) {
        snprintf(error, AOF_ERROR_CHARS, "%s",
                 aof_rewriting(a) ? "the append-only file is being rewritten already"
                                  : "the last rewrite is still being cleaned up");
        return ERR_BUSY;
    }
    struct writer_options o = {.policy = WRITER_NO,
                               .background = true,
                               .fd = -1,
                               .event_fd = writer_event_fd(a->writer),
                               .end = end_base,
                               .arg = a};
    a->jobs = (struct aof_rewrite_jobs){.base_seq = a->next_base_seq++};
    snprintf(a->jobs.temp_name, sizeof(a->jobs.temp_name), "temp-rewriteaof-%d.aof", (int)getpid());
    struct writer *writer = writer_new(&o);
    if (!writer) {
        snprintf(error, AOF_ERROR_CHARS, "cannot start a thread: %s", strerror(errno));
        return ERR_IO;
    }
    struct aof_rewrite *rw = mem_zalloc(sizeof(*rw));
    rw->writer = writer;
    rw->started_us = now_us;
    rw->sync_pos = aof_pos(a);
    rw->large_end = &rw->large;
    buf_init(&rw->batch.bytes);
    buf_init(&rw->piece);
    a->rewrite = rw;
    writer_submit_job(writer, job_prepare, a);
    writer_want_sync(a->writer, rw->sync_pos);
    return ERR_OK;
}

bool aof_rewrite_prepared(const struct aof *a)
{
    const struct aof_rewrite *rw = a->rewrite;
    return rw && rw->phase == REWRITE_PREPARING && atomic_load(&a->jobs.prepared) > 0 &&
           (a->state.synced >= rw->sync_pos || a->state.lost || a->base_only);
}

void aof_rewrite_begin(struct aof *a, int64_t unix_s)
{
    struct aof_rewrite *rw = a->rewrite;
    assert(aof_rewrite_prepared(a));
    rw->phase = REWRITE_COLLECTING;
    atomic_store(&a->unix_s, unix_s); /* the next increment's date, too */
    aof_begin_file(a, AOF_BASE, unix_s, &rw->batch.bytes);
    aof_batch_reset(&rw->batch);
    if (a->base_only) { /* whatever increments there are go */
        a->jobs.base_pos = aof_pos(a);
        a->jobs.first_incr_seq = UINT64_MAX;
        atomic_store(&a->jobs.switched, 1);
        return;
    }
    if (a->stream)
        stream_cut(a->stream);
    a->jobs.base_pos = aof_pos(a);
    a->timestamp_s = 0; /* a file says by itself what time it is */
    rw->switching = true;
    writer_submit_job(a->writer, job_switch, a);
}

/* Over, well or not: what is left is to end the base's writer. */
static void close_rewrite(struct aof *a, bool fine)
{
    struct aof_rewrite *rw = a->rewrite;
    if (!fine)
        atomic_store(&a->jobs.finished, -1);
    rw->phase = REWRITE_CLOSING;
    a->last_rewrite_us = clock_mono_us() - rw->started_us;
    a->last_rewrite_ok = fine;
    a->rewrites += fine;
    aof_rewrite_drop_large(rw);
    writer_stop(rw->writer, -1);
}

static void forget(struct aof *a)
{
    writer_free(&a->rewrite->writer, -1);
    aof_rewrite_drop_large(a->rewrite);
    buf_deinit(&a->rewrite->batch.bytes);
    buf_deinit(&a->rewrite->piece);
    mem_free(a->rewrite);
    a->rewrite = NULL;
}

void aof_rewrite_submit(struct aof_rewrite *rw, struct buf *b, int tag)
{
    rw->given += b->len;
    writer_submit(rw->writer, b, rw->given, tag, 0);
    if (rw->given - rw->asked >= AOF_REWRITE_SYNC_BYTES) {
        rw->asked = rw->given;
        writer_want_sync(rw->writer, rw->asked);
    }
}

void aof_rewrite_seal(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    if (rw->batch.bytes.len == 0)
        return;
    aof_batch_seal(&rw->batch, a->jobs.base_pos);
    rw->batches++;
    aof_rewrite_submit(rw, &rw->batch.bytes, rw->batch.db);
}

/* Small keys wait while a large one is under way. */
static void seal_if_full(struct aof *a)
{
    const struct aof_rewrite *rw = a->rewrite;
    if (rw->batch.bytes.len >= AOF_REWRITE_BATCH_BYTES && !rw->in_large)
        aof_rewrite_seal(a);
}

void aof_rewrite_add(struct aof *a, int db, int argc, const struct slice *argv)
{
    if (!aof_rewrite_collecting(a))
        return;
    aof_batch_add(&a->rewrite->batch, db, argc, argv);
    seal_if_full(a);
}

void aof_rewrite_add_string(struct aof *a, int db, struct slice key, struct slice value)
{
    if (!aof_rewrite_collecting(a))
        return;
    aof_batch_add_string(&a->rewrite->batch, db, key, value);
    seal_if_full(a);
}

bool aof_rewrite_collecting(const struct aof *a)
{
    return a->rewrite && a->rewrite->phase == REWRITE_COLLECTING;
}

bool aof_rewrite_full(const struct aof *a)
{
    const struct aof_rewrite *rw = a->rewrite;
    return rw && rw->phase == REWRITE_COLLECTING &&
           rw->given - rw->state.written > AOF_REWRITE_BACKLOG_MAX;
}

void aof_rewrite_end(struct aof *a)
{
    if (!aof_rewrite_collecting(a))
        return;
    assert(!a->rewrite->large);
    aof_batch_end_mset(&a->rewrite->batch);
    format_end(&a->rewrite->batch.bytes, a->rewrite->batches + 1);
    aof_rewrite_seal(a);
    a->rewrite->phase = REWRITE_ENDED;
    writer_want_sync(a->rewrite->writer, a->rewrite->given);
    aof_rewrite_poll(a);
}

void aof_rewrite_cancel(struct aof *a)
{
    if (a->rewrite && a->rewrite->phase < REWRITE_PLACING)
        close_rewrite(a, false);
}

void aof_rewrite_poll(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    writer_poll(rw->writer, &rw->state); /* first: what it has ended with is told below */
    int prepared = atomic_load(&a->jobs.prepared), switched = atomic_load(&a->jobs.switched);
    int finished = atomic_load(&a->jobs.finished);
    switch (rw->phase) {
    case REWRITE_PREPARING:
    case REWRITE_COLLECTING:
    case REWRITE_ENDED:
        if (prepared < 0 || switched < 0 || rw->state.write_errno || rw->state.sync_errno) {
            close_rewrite(a, false);
        } else if (rw->phase == REWRITE_ENDED && switched && rw->state.synced >= rw->given) {
            a->jobs.base_bytes = rw->state.file_bytes;
            rw->phase = REWRITE_PLACING;
            writer_submit_job(rw->writer, job_finish, a);
        }
        break;
    case REWRITE_PLACING:
        if (finished > 0)
            a->unplaced = false;
        if (finished || rw->state.ended)
            close_rewrite(a, finished > 0);
        break;
    case REWRITE_CLOSING:
        if (rw->state.ended && (switched || !rw->switching)) /* no job of it is left anywhere */
            forget(a);
        break;
    }
}

void aof_rewrite_stop(struct aof *a)
{
    /* One that takes its place just now does, and its writer then frees what was removed. */
    if (a->rewrite->phase < REWRITE_PLACING)
        close_rewrite(a, false);
    else
        writer_stop(a->rewrite->writer, AOF_CLOSE_PATIENCE_MS);
}

void aof_rewrite_drop(struct aof *a)
{
    while (a->jobs.history_count)
        close(a->jobs.history[--a->jobs.history_count]);
    if (atomic_load(&a->jobs.finished) <= 0)
        unlinkat(a->dir_fd, a->jobs.temp_name, 0);
    forget(a);
}
