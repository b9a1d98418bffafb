/* Rewriting: the data as they are now replace the history of how they came to be.
 *
 *   begin   appends go to a new increment from here on; the base is written aside, by a writer of its
 *           own
 *   add     the snapshot gives every key
 *   end     the base is sealed; once it is safe, one change of the manifest puts it in the place of
 *           the old base and all increments before the new one, which are then removed
 *
 * A crash at any moment leaves the old files or the new ones: the manifest names either.
 *
 *      the loop                     the log's writer thread        the base's writer thread
 *      begin ---------------------> job_switch (new increment)
 *        '----------------------------------------------------->   job_open_base, batches, syncs
 *      end, base safe, switched --> job_finish (rename, manifest)
 *      finished ----------------------------------------------->   end_base (frees what was removed)
 *      ended: forgets it */
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
    bool fine = aof_next_increment(a, &from, out, error);
    if (fine)
        a->jobs.first_incr_seq = manifest_last_seq(&a->manifest, MANIFEST_INCR);
    else
        log_warning(a->logger, "Cannot begin to rewrite the append-only file: %s", error);
    atomic_store(&a->jobs.switched, fine ? 1 : -1);
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
    aof_file_name(a, MANIFEST_BASE, a->jobs.base_seq, name);
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
    char why[MANIFEST_ERROR_CHARS];
    for (size_t i = 0; i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        if (f->type != MANIFEST_HISTORY || a->jobs.history_count == AOF_HISTORY_FDS_MAX)
            continue;
        int fd = openat(a->dir_fd, f->name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            a->jobs.history[a->jobs.history_count++] = fd;
    }
    aof_remove_history(a);
    if (manifest_save(&a->manifest, a->dir, a->manifest_name, why) != ERR_OK)
        log_warning(a->logger, "The manifest still names files that are gone: %s", why);
}

static void job_finish(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    char error[AOF_ERROR_CHARS] = "";
    (void)out;
    if (!put_in_place(a, error)) {
        log_warning(a->logger, "Rewriting the append-only file failed: %s", error);
        atomic_store(&a->jobs.finished, -1);
        return;
    }
    a->fresh = false;
    writer_healed(a->writer, a->jobs.base_pos);
    remove_history(a);
    atomic_store(&a->base_bytes, a->jobs.base_bytes);
    aof_count_older(a);
    atomic_store(&a->jobs.finished, 1);
}

/* --- on the base's writer thread -------------------------------------------------------------- */

static void job_open_base(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    struct writer_mark from = {.pos = a->jobs.base_pos, .tag = -1};
    out->fd = aof_create_file(a, a->jobs.temp_name, AOF_BASE, &from, &out->bytes);
    if (out->fd < 0)
        log_warning(a->logger, "Cannot create %s/%s: %s", a->dir, a->jobs.temp_name,
                    strerror(errno));
    atomic_store(&a->jobs.opened, out->fd >= 0 ? 1 : -1);
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

enum err aof_rewrite_begin(struct aof *a, int64_t now_us, char error[AOF_ERROR_CHARS])
{
    assert(a->writer && a->group == 0);
    if (a->rewrite) {
        snprintf(error, AOF_ERROR_CHARS, "%s",
                 aof_rewriting(a) ? "the append-only file is being rewritten already"
                                  : "the last rewrite is still being cleaned up");
        return ERR_BUSY;
    }
    struct writer_options o = {.policy = WRITER_NO,
                               .fd = -1,
                               .event_fd = writer_event_fd(a->writer),
                               .end = end_base,
                               .arg = a};
    a->jobs = (struct aof_rewrite_jobs){.base_pos = a->pos, .base_seq = a->next_base_seq++};
    snprintf(a->jobs.temp_name, sizeof(a->jobs.temp_name), "temp-rewriteaof-%d.aof", (int)getpid());
    struct writer *writer = writer_new(&o);
    if (!writer) {
        snprintf(error, AOF_ERROR_CHARS, "cannot start a thread: %s", strerror(errno));
        return ERR_IO;
    }
    struct aof_rewrite *rw = mem_zalloc(sizeof(*rw));
    rw->writer = writer;
    rw->batches = 1;
    rw->started_us = now_us;
    buf_init(&rw->batch.bytes);
    aof_batch_reset(&rw->batch);
    a->rewrite = rw;
    writer_submit_job(writer, job_open_base, a);

    if (a->base_only) { /* whatever increments there are go */
        a->jobs.first_incr_seq = UINT64_MAX;
        atomic_store(&a->jobs.switched, 1);
        return ERR_OK;
    }
    aof_seal(a);
    aof_batch_reset(&a->batch);
    a->timestamp_s = 0; /* a file says by itself what time it is */
    writer_submit_job(a->writer, job_switch, a);
    return ERR_OK;
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
    writer_stop(rw->writer, -1);
}

static void forget(struct aof *a)
{
    writer_free(&a->rewrite->writer, -1);
    buf_deinit(&a->rewrite->batch.bytes);
    mem_free(a->rewrite);
    a->rewrite = NULL;
}

static void seal_base(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    if (rw->batch.bytes.len == 0)
        return;
    aof_batch_seal(&rw->batch, a->jobs.base_pos);
    rw->batches++;
    rw->given += rw->batch.bytes.len;
    writer_submit(rw->writer, &rw->batch.bytes, rw->given, rw->batch.db, 0);
    if (rw->given - rw->asked >= AOF_REWRITE_SYNC_BYTES) {
        rw->asked = rw->given;
        writer_want_sync(rw->writer, rw->asked);
    }
}

void aof_rewrite_add(struct aof *a, int db, int argc, const struct slice *argv)
{
    if (!a->rewrite || a->rewrite->phase != REWRITE_COLLECTING)
        return;
    aof_batch_add(&a->rewrite->batch, db, argc, argv);
    if (a->rewrite->batch.bytes.len >= AOF_REWRITE_BATCH_BYTES)
        seal_base(a);
}

void aof_rewrite_add_string(struct aof *a, int db, struct slice key, struct slice value)
{
    if (!a->rewrite || a->rewrite->phase != REWRITE_COLLECTING)
        return;
    aof_batch_add_string(&a->rewrite->batch, db, key, value);
    if (a->rewrite->batch.bytes.len >= AOF_REWRITE_BATCH_BYTES)
        seal_base(a);
}

bool aof_rewrite_full(const struct aof *a)
{
    const struct aof_rewrite *rw = a->rewrite;
    return rw && rw->phase == REWRITE_COLLECTING &&
           rw->given - rw->state.written > AOF_REWRITE_BACKLOG_MAX;
}

void aof_rewrite_end(struct aof *a)
{
    if (!a->rewrite || a->rewrite->phase != REWRITE_COLLECTING)
        return;
    aof_batch_end_mset(&a->rewrite->batch);
    format_end(&a->rewrite->batch.bytes, a->rewrite->batches + 1);
    seal_base(a);
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
    int opened = atomic_load(&a->jobs.opened), switched = atomic_load(&a->jobs.switched);
    int finished = atomic_load(&a->jobs.finished);
    writer_poll(rw->writer, &rw->state);
    switch (rw->phase) {
    case REWRITE_COLLECTING:
    case REWRITE_ENDED:
        if (opened < 0 || switched < 0 || rw->state.write_errno || rw->state.sync_errno) {
            close_rewrite(a, false);
        } else if (rw->phase == REWRITE_ENDED && opened && switched &&
                   rw->state.synced >= rw->given) {
            a->jobs.base_bytes = rw->state.file_bytes;
            rw->phase = REWRITE_PLACING;
            writer_submit_job(a->writer, job_finish, a);
        }
        break;
    case REWRITE_PLACING:
        if (finished > 0)
            a->unplaced = false;
        if (finished)
            close_rewrite(a, finished > 0);
        break;
    case REWRITE_CLOSING:
        if (rw->state.ended && switched) /* no job of it is left anywhere */
            forget(a);
        break;
    }
}

void aof_rewrite_stop(struct aof *a)
{
    /* One that takes its place just now does, and its writer then frees what was removed. */
    if (a->rewrite->phase < REWRITE_PLACING)
        close_rewrite(a, false);
}

void aof_rewrite_drop(struct aof *a)
{
    while (a->jobs.history_count)
        close(a->jobs.history[--a->jobs.history_count]);
    if (atomic_load(&a->jobs.finished) <= 0)
        unlinkat(a->dir_fd, a->jobs.temp_name, 0);
    forget(a);
}
