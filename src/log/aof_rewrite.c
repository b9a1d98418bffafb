/* Rewriting: the data as they are now replace the history of how they came to be.
 *
 *   begin   appends go to a new increment from here on; the base is written aside, by a writer of its own
 *   add     the snapshot gives every key
 *   end     the base is sealed; once it is safe, one change of the manifest puts it in the place of the old base and all
 *           increments before the new one, which are then removed
 *
 * A crash at any moment leaves the old files or the new ones: the manifest names either. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "log/aof_impl.h"

/* --- on the writer thread ------------------------------------------------------------------------------------ */

static void job_switch(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    char error[AOF_ERROR_CHARS];
    bool fine = aof_next_increment(a, a->jobs.base_pos, out, error);
    if (fine)
        a->jobs.first_incr_seq = manifest_last_seq(&a->manifest, MANIFEST_INCR);
    else
        log_warning(a->logger, "Cannot begin to rewrite the append-only file: %s", error);
    atomic_store(&a->jobs.switched, fine ? 1 : -1);
}

/* On the base's own writer thread. Where there is no file every write fails, which the loop sees and gives up. */
static void job_open_base(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    out->fd = aof_create_file(a, a->jobs.temp_name, a->jobs.base_pos, &out->bytes);
    if (out->fd < 0)
        log_warning(a->logger, "Cannot create %s/%s: %s", a->dir, a->jobs.temp_name,
                    strerror(errno));
}

/* Bytes of the increments that stay beside the one that is written to. */
static uint64_t older_increments(const struct aof *a)
{
    uint64_t bytes = 0;
    struct stat st;
    for (size_t i = 0; i + 1 < a->manifest.count; i++)
        if (a->manifest.files[i].type == MANIFEST_INCR &&
            fstatat(a->dir_fd, a->manifest.files[i].name, &st, 0) == 0)
            bytes += (uint64_t)st.st_size;
    return bytes;
}

static bool put_in_place(struct aof *a, char error[AOF_ERROR_CHARS])
{
    char name[MANIFEST_NAME_BYTES_MAX], why[MANIFEST_ERROR_CHARS];
    aof_file_name(a, MANIFEST_BASE, a->jobs.base_seq, name);
    if (renameat(a->dir_fd, a->jobs.temp_name, a->dir_fd, name) != 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot rename %s to %s: %s", a->jobs.temp_name, name,
                 strerror(errno));
        return false;
    }
    if (manifest_replace_base(&a->manifest, a->jobs.base_seq, name, a->jobs.first_incr_seq) !=
            ERR_OK ||
        manifest_save(&a->manifest, a->dir, a->manifest_name, why) != ERR_OK) {
        /* The manifest on disk is the old one, and so are its files: what was added to them stays. */
        snprintf(error, AOF_ERROR_CHARS, "%s", why);
        manifest_load(&a->manifest, a->dir, a->manifest_name, why);
        unlinkat(a->dir_fd, name, 0);
        return false;
    }
    return true;
}

static void job_finish(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    char error[AOF_ERROR_CHARS] = "", why[MANIFEST_ERROR_CHARS];
    (void)out;
    writer_free(&a->jobs.base_writer, 0);
    if (!put_in_place(a, error)) {
        log_warning(a->logger, "Rewriting the append-only file failed: %s", error);
        unlinkat(a->dir_fd, a->jobs.temp_name, 0);
        atomic_store(&a->jobs.finished, -1);
        return;
    }
    a->fresh = false;
    /* Nothing depends on the history any more; a crash from here on leaves files that the next start removes. */
    aof_remove_history(a);
    manifest_save(&a->manifest, a->dir, a->manifest_name, why);
    atomic_store(&a->base_bytes, a->jobs.base_bytes);
    atomic_store(&a->older_bytes, older_increments(a));
    atomic_store(&a->jobs.finished, 1);
}

static void job_remove_temp(void *arg, struct writer_file *out)
{
    struct aof *a = arg;
    (void)out;
    writer_free(&a->jobs.base_writer, 0);
    unlinkat(a->dir_fd, a->jobs.temp_name, 0);
    atomic_store(&a->jobs.finished, -1);
}

/* --- on the loop --------------------------------------------------------------------------------------------- */

bool aof_rewriting(const struct aof *a)
{
    return a->rewrite != NULL;
}

enum err aof_rewrite_begin(struct aof *a, int64_t now_us, char error[AOF_ERROR_CHARS])
{
    if (a->rewrite)
        return ERR_BUSY;
    struct writer_options o = {.policy = WRITER_NO, .fd = -1};
    struct writer *writer = writer_new(&o);
    if (!writer) {
        snprintf(error, AOF_ERROR_CHARS, "cannot start a thread: %s", strerror(errno));
        return ERR_IO;
    }
    struct aof_rewrite *rw = mem_zalloc(sizeof(*rw));
    rw->writer = writer;
    rw->started_us = now_us;
    buf_init(&rw->batch.bytes);
    aof_batch_reset(&rw->batch);
    a->jobs.base_pos = a->pos;
    a->jobs.base_seq = a->next_base_seq++;
    a->jobs.base_bytes = 0;
    snprintf(a->jobs.temp_name, sizeof(a->jobs.temp_name), "temp-rewriteaof-%d.aof", (int)getpid());
    atomic_store(&a->jobs.switched, 0);
    atomic_store(&a->jobs.finished, 0);
    writer_submit_job(writer, job_open_base, a);
    a->rewrite = rw;

    aof_seal(a);
    aof_batch_reset(&a->batch);
    writer_submit_job(a->writer, job_switch, a);
    return ERR_OK;
}

static void seal_base(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    if (rw->batch.bytes.len == 0)
        return;
    aof_batch_seal(&rw->batch, a->jobs.base_pos);
    rw->given += rw->batch.bytes.len;
    a->jobs.base_bytes += rw->batch.bytes.len;
    writer_submit(rw->writer, &rw->batch.bytes, rw->given);
}

void aof_rewrite_add(struct aof *a, int db, int argc, const struct slice *argv)
{
    aof_batch_add(&a->rewrite->batch, db, argc, argv);
    if (a->rewrite->batch.bytes.len >= AOF_REWRITE_BATCH_BYTES)
        seal_base(a);
}

bool aof_rewrite_full(const struct aof *a)
{
    return a->rewrite->given - a->rewrite->state.written > AOF_REWRITE_BACKLOG_MAX;
}

void aof_rewrite_end(struct aof *a)
{
    seal_base(a);
    a->rewrite->ended = true;
    writer_want_sync(a->rewrite->writer, a->rewrite->given);
}

void aof_rewrite_cancel(struct aof *a)
{
    if (a->rewrite)
        a->rewrite->cancelled = true;
}

static void forget(struct aof *a, bool fine)
{
    struct aof_rewrite *rw = a->rewrite;
    buf_deinit(&rw->batch.bytes);
    a->last_rewrite_us = clock_mono_us() - rw->started_us;
    a->last_rewrite_ok = fine;
    a->rewrites += fine;
    mem_free(rw);
    a->rewrite = NULL;
}

/* The base's writer is ended there too: that may wait for the disk. */
static void submit_last_job(struct aof *a, writer_job_fn job)
{
    a->jobs.base_writer = a->rewrite->writer;
    a->rewrite->writer = NULL;
    a->rewrite->finishing = true;
    writer_submit_job(a->writer, job, a);
}

void aof_rewrite_poll(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    int switched = atomic_load(&a->jobs.switched), finished = atomic_load(&a->jobs.finished);
    if (rw->finishing) {
        if (finished)
            forget(a, finished > 0);
        return;
    }
    writer_poll(rw->writer, &rw->state);
    if (switched < 0 || rw->state.write_errno || rw->state.sync_errno)
        rw->cancelled = true;
    if (rw->cancelled)
        submit_last_job(a, job_remove_temp);
    else if (rw->ended && switched > 0 && rw->state.synced >= rw->given)
        submit_last_job(a, job_finish);
}

void aof_rewrite_drop(struct aof *a)
{
    if (a->rewrite->writer)
        writer_free(&a->rewrite->writer, 0);
    if (!a->rewrite->finishing)
        unlinkat(a->dir_fd, a->jobs.temp_name, 0);
    forget(a, false);
}
