/* Removes history that is no longer kept, on threads of its own: unlinking files and saving the manifest may take long,
 * and replies wait for the log's writer. Never during a rewrite, whose switch would wait for files_lock. */
#include <errno.h>
#include <string.h>

#include "log/aof_impl.h"

static void forget(struct aof *a)
{
    char why[MANIFEST_ERROR_CHARS];
    /* The files of other data (AOF_FRESH) go when the first rewrite is done. */
    if (a->keep_history || a->fresh || manifest_live(&a->manifest) == a->manifest.count)
        return;
    /* Saved first: after a save that ended in ERR_BUSY, the manifest on disk may still need these files. */
    if (manifest_save(&a->manifest, a->dir, a->manifest_name, why) != ERR_OK) {
        log_warning(a->logger,
                    "The history of the append-only file stays until its next rewrite: %s", why);
        return;
    }
    aof_drop_history(a);
}

/* A writer_end_fn: all that this writer does. */
static void forget_history(void *aof)
{
    struct aof *a = aof;
    pthread_mutex_lock(&a->files_lock);
    forget(a);
    pthread_mutex_unlock(&a->files_lock);
}

static void begin(struct aof *a)
{
    struct writer_options o = {.policy = WRITER_NO,
                               .background = true,
                               .fd = -1,
                               .event_fd = writer_event_fd(a->writer),
                               .end = forget_history,
                               .arg = a};
    a->history.wanted = false;
    a->history.writer = writer_new(&o);
    if (a->history.writer)
        writer_stop(a->history.writer, AOF_CLOSE_PATIENCE_MS);
    else
        log_warning(a->logger,
                    "The history of the append-only file stays until its next rewrite: %s",
                    strerror(errno));
}

void aof_history_drop(struct aof *a)
{
    a->history.wanted = true;
    aof_history_poll(a);
}

void aof_history_poll(struct aof *a)
{
    struct writer_state state;
    if (a->history.writer) {
        writer_poll(a->history.writer, &state);
        if (state.ended)
            writer_free(&a->history.writer, AOF_CLOSE_PATIENCE_MS);
    }
    if (a->history.wanted && !a->history.writer && !a->rewrite && !a->state.ended)
        begin(a);
}

bool aof_history_busy(const struct aof *a)
{
    return a->history.writer != NULL;
}

void aof_history_end(struct aof *a)
{
    writer_free(&a->history.writer, AOF_CLOSE_PATIENCE_MS);
}
