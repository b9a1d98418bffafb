/* The jobs of a rewrite, which work on files, on writer threads: see aof_rewrite.c. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log/aof_impl.h"

/* --- on the log's writer thread --------------------------------------------------------------- */

void aof_job_switch(void *rewrite, struct writer_file *out)
{
    struct aof_rewrite *rw = rewrite;
    struct aof *a = rw->aof;
    char error[AOF_ERROR_CHARS];
    struct writer_mark from = {.pos = rw->jobs.base_pos, .tag = -1};
    bool fine = aof_next_increment(a, &from, false, out, error);
    rw->jobs.first_incr_seq = a->incr_seq;
    if (!fine)
        log_warning(a->logger, "Cannot begin to rewrite the append-only file: %s", error);
    atomic_store(&rw->jobs.switched, fine ? 1 : -1);
}

/* --- on the base's writer thread -------------------------------------------------------------- */

static bool open_base(const struct aof_rewrite *rw, struct writer_file *out,
                      char error[AOF_ERROR_CHARS])
{
    const struct aof *a = rw->aof;
    const char *name = rw->jobs.temp_name;
    /* A file of that name may be left by a failed rewrite, or by a process that had the same ID. */
    if (unlinkat(a->dir_fd, name, 0) == 0 || errno == ENOENT)
        out->fd = files_open(a->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL);
    if (out->fd >= 0)
        return true;
    snprintf(error, AOF_ERROR_CHARS, "cannot create %s/%s: %s", a->dir, name, strerror(errno));
    return false;
}

void aof_job_prepare(void *rewrite, struct writer_file *out)
{
    struct aof_rewrite *rw = rewrite;
    struct aof *a = rw->aof;
    char error[AOF_ERROR_CHARS];
    bool fine = aof_rehouse(a, error) && aof_settle(a, error) && open_base(rw, out, error) &&
                (a->base_only || aof_prepare_increment(a, error));
    if (!fine)
        log_warning(a->logger, "Cannot begin to rewrite the append-only file: %s", error);
    atomic_store(&rw->jobs.prepared, fine ? 1 : -1);
}

static void copy_manifest(struct manifest *to, const struct manifest *from)
{
    manifest_init(to);
    for (size_t i = 0; i < from->count; i++) {
        enum err e = manifest_add(to, from->files[i].type, from->files[i].seq, from->files[i].name);
        assert(e == ERR_OK);
    }
}

static bool has_place(const struct aof *a, char error[AOF_ERROR_CHARS])
{
    if (a->dropped)
        snprintf(error, AOF_ERROR_CHARS, "the log was closed meanwhile");
    else if (!aof_is_there(a))
        snprintf(error, AOF_ERROR_CHARS, "%s was removed or renamed meanwhile", a->dir);
    else
        return true;
    return false;
}

static bool put_in_place(struct aof_rewrite *rw, char error[AOF_ERROR_CHARS])
{
    char name[MANIFEST_NAME_BYTES_MAX], why[MANIFEST_ERROR_CHARS] = "it can name no further file";
    struct manifest next;
    struct aof *a = rw->aof;
    if (!has_place(a, error))
        return false;
    aof_free_name(a, MANIFEST_BASE, &rw->jobs.base_seq, name);
    if (renameat(a->dir_fd, rw->jobs.temp_name, a->dir_fd, name) != 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot rename %s to %s: %s", rw->jobs.temp_name, name,
                 strerror(errno));
        return false;
    }
    /* The base's name must be durable first: manifest_save syncs the directory only after its own rename. */
    if (fsync(a->dir_fd) != 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot sync %s: %s", a->dir, strerror(errno));
        unlinkat(a->dir_fd, name, 0);
        return false;
    }
    copy_manifest(&next, &a->manifest);
    enum err e = manifest_replace_base(&next, rw->jobs.base_seq, name, rw->jobs.first_incr_seq);
    if (e == ERR_OK)
        e = manifest_save(&next, a->dir, a->manifest_name, why);
    if (e == ERR_OK) {
        manifest_deinit(&a->manifest);
        a->manifest = next;
        return true;
    }
    snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s", a->dir, a->manifest_name, why);
    manifest_deinit(&next);
    a->unsure = e == ERR_BUSY;
    /* The next start may find either manifest: the files of both must stay. */
    if (a->unsure)
        manifest_add(&a->manifest, MANIFEST_HISTORY, rw->jobs.base_seq, name);
    else
        unlinkat(a->dir_fd, name, 0);
    return false;
}

/* No manifest depends on the history; after a crash from here on, the next start removes the files.
 * Freeing the blocks of large files takes long, and is left to aof_job_end. */
static void remove_history(struct aof_rewrite *rw)
{
    struct aof *a = rw->aof;
    for (size_t i = 0; i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        if (f->type != MANIFEST_HISTORY || rw->jobs.history_count == AOF_HISTORY_FDS_MAX)
            continue;
        int fd = files_open(a->dir_fd, f->name, O_RDONLY);
        if (fd >= 0)
            rw->jobs.history[rw->jobs.history_count++] = fd;
    }
    aof_drop_history(a);
}

static bool place(struct aof_rewrite *rw, char error[AOF_ERROR_CHARS])
{
    struct aof *a = rw->aof;
    if (!put_in_place(rw, error))
        return false;
    a->fresh = false;
    if (atomic_exchange(&a->gone, AOF_THERE) != AOF_THERE)
        log_notice(a->logger, "The append-only file in %s is complete again: writes are taken",
                   a->dir);
    writer_healed(a->writer, rw->jobs.base_pos);
    size_t history = a->manifest.count - manifest_live(&a->manifest);
    if (a->keep_history && history > AOF_HISTORY_FILES_MAX)
        log_warning(a->logger, "Removing what is kept of the append-only file's history: %zu files",
                    history);
    if (!a->keep_history || history > AOF_HISTORY_FILES_MAX)
        remove_history(rw);
    atomic_store(&a->base_bytes, rw->jobs.base_bytes);
    aof_count_older(a);
    return true;
}

void aof_job_place(void *rewrite, struct writer_file *out)
{
    struct aof_rewrite *rw = rewrite;
    struct aof *a = rw->aof;
    char error[AOF_ERROR_CHARS] = "";
    (void)out;
    pthread_mutex_lock(&a->files_lock);
    bool fine = place(rw, error);
    pthread_mutex_unlock(&a->files_lock);
    if (!fine)
        log_warning(a->logger, "Rewriting the append-only file failed: %s", error);
    atomic_store(&rw->jobs.placed, fine ? 1 : -1);
}

void aof_job_end(void *rewrite)
{
    struct aof_rewrite *rw = rewrite;
    struct aof *a = rw->aof;
    int placed = atomic_load(&rw->jobs.placed);
    while (placed && rw->jobs.history_count)
        close(rw->jobs.history[--rw->jobs.history_count]);
    if (placed < 0)
        unlinkat(a->dir_fd, rw->jobs.temp_name, 0);
}
