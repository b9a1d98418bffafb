#include "log/aof.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "log/aof_impl.h"

/* --- following the stream ----------------------------------------------------------------------------------- */

/* Adds what the stream does not hold: a timestamp ahead of the batch. The writer adds the seal. */
static void on_batch(void *arg, struct batch *b)
{
    struct aof *a = arg;
    struct buf head;
    buf_init(&head);
    if (a->timestamps && b->unix_s != a->timestamp_s) {
        format_timestamp(&head, b->unix_s);
        a->timestamp_s = b->unix_s;
    }
    atomic_store_explicit(&a->unix_s, b->unix_s, memory_order_relaxed);
    writer_submit_batch(a->writer, b, &head, a->waiting);
    a->waiting = 0;
}

void aof_follow(struct aof *a, struct stream *st)
{
    assert(a->writer && !a->stream && !a->base_only && stream_pos(st) == a->load_pos);
    a->stream = stream_hold(st);
    a->consumer = (struct stream_consumer){.take = on_batch, .arg = a};
    stream_attach(st, &a->consumer);
}

bool aof_turn_end(struct aof *a)
{
    if (!a->stream || stream_open_bytes(a->stream) == 0)
        return false;
    writer_hush(a->writer);
    stream_seal(a->stream);
    return writer_look(a->writer, &a->state);
}

void aof_awaited(struct aof *a, unsigned clients)
{
    a->waiting += clients;
}

void aof_want_written(struct aof *a)
{
    if (!a->wants_written)
        writer_want_written(a->writer);
    a->wants_written = true;
}

uint64_t aof_pos(const struct aof *a)
{
    return a->stream ? stream_pos(a->stream) : a->load_pos;
}

uint64_t aof_written(const struct aof *a)
{
    return a->unplaced ? a->load_pos : a->state.written;
}

uint64_t aof_synced(const struct aof *a)
{
    return a->unplaced ? a->load_pos : a->state.synced;
}

bool aof_placed(const struct aof *a)
{
    return !a->unplaced && atomic_load(&a->gone) == AOF_THERE;
}

uint64_t aof_promised(const struct aof *a)
{
    return a->policy == WRITER_ALWAYS ? a->state.synced : a->state.written;
}

bool aof_syncs_always(const struct aof *a)
{
    return a->policy == WRITER_ALWAYS;
}

void aof_want_sync(struct aof *a, uint64_t pos)
{
    writer_want_sync(a->writer, pos);
}

static void set_policy(struct aof *a, enum writer_policy policy)
{
    if (policy == a->policy)
        return;
    a->policy = policy;
    if (a->writer)
        writer_set_policy(a->writer, policy);
}

static void set_keep_history(struct aof *a, bool on)
{
    bool was = atomic_exchange(&a->keep_history, on);
    if (was && !on && a->writer)
        aof_history_drop(a);
}

void aof_configure(struct aof *a, const struct aof_config *c)
{
    set_policy(a, (enum writer_policy)c->policy);
    set_keep_history(a, c->keep_history);
    a->timestamps = c->timestamps;
    a->load_truncated = c->load_truncated;
}

void aof_set_flush_sleep(struct aof *a, int64_t us)
{
    writer_set_rest(a->writer, us);
}

/* --- state -------------------------------------------------------------------------------------------------- */

int aof_event_fd(const struct aof *a)
{
    return writer_event_fd(a->writer);
}

void aof_poll(struct aof *a)
{
    writer_poll(a->writer, &a->state);
    const struct writer_state *s = &a->state;
    enum aof_gone gone = (enum aof_gone)atomic_load(&a->gone);
    a->fault[0] = 0;
    if (gone != AOF_THERE)
        snprintf(
            a->fault, sizeof(a->fault),
            "Errors writing to the AOF file: %s %s was removed, renamed or replaced. It is written anew, which the log "
            "tells of; BGREWRITEAOF does so at once",
            gone == AOF_GONE_DIRECTORY  ? "the directory"
            : gone == AOF_GONE_MANIFEST ? "the manifest in"
                                        : "a file in",
            a->dir);
    else if (s->write_errno)
        snprintf(a->fault, sizeof(a->fault), "Errors writing to the AOF file: %s",
                 strerror(s->write_errno));
    else if (s->sync_errno && a->policy != WRITER_NO) /* `no` promises no sync */
        snprintf(a->fault, sizeof(a->fault), "Errors syncing the AOF file: %s",
                 strerror(s->sync_errno));
    if (a->rewrite)
        aof_rewrite_poll(a);
    aof_history_poll(a);
}

const char *aof_fault(const struct aof *a)
{
    return a->fault[0] ? a->fault : NULL;
}

bool aof_full(const struct aof *a)
{
    return a->state.kept_bytes > WRITER_KEPT_BYTES_MAX;
}

bool aof_rewrite_due(const struct aof *a)
{
    return (a->state.lost || a->unplaced || atomic_load(&a->gone)) && !a->rewrite;
}

void aof_stats(const struct aof *a, struct aof_stats *out)
{
    uint64_t base = atomic_load(&a->base_bytes);
    const struct aof_rewrite *rw = a->rewrite;
    *out = (struct aof_stats){
        .base_bytes = base,
        .current_bytes = base + atomic_load(&a->older_bytes) + a->state.file_bytes,
        .buffer_bytes = a->state.kept_bytes + (a->stream ? stream_open_bytes(a->stream) : 0),
        .syncs = a->state.syncs,
        .slow_syncs = a->state.slow_syncs,
    };
    if (!rw || rw->closed)
        return;
    out->rewriting = true;
    out->rewrite_started_us = rw->started_us;
    out->rewrite_bytes = rw->given + rw->batch.bytes.len + rw->state.written + rw->state.synced;
}

/* --- life ----------------------------------------------------------------------------------- */

enum err aof_open(struct aof **out, const struct aof_options *o, char error[AOF_ERROR_CHARS])
{
    struct aof *a = mem_zalloc(sizeof(*a));
    a->dir = mem_strdup(o->dir);
    a->filename = mem_strdup(o->filename);
    a->policy = (enum writer_policy)o->config.policy;
    a->load_truncated = o->config.load_truncated;
    a->timestamps = o->config.timestamps;
    a->keep_history = o->config.keep_history;
    a->unix_s = o->unix_s;
    a->logger = o->logger;
    a->dir_fd = a->prepared.fd = -1;
    a->unsettled = o->fresh;
    pthread_mutex_init(&a->files_lock, NULL);
    manifest_init(&a->manifest);
    snprintf(a->manifest_name, sizeof(a->manifest_name), "%s.manifest", a->filename);

    enum err e = aof_lock_directory(a, !o->fresh, error);
    if (e == ERR_OK) {
        char why[MANIFEST_ERROR_CHARS];
        e = manifest_load(&a->manifest, a->dir, a->manifest_name, why);
        if (e == ERR_NOTFOUND)
            e = ERR_OK;
        else if (e != ERR_OK)
            snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s", a->dir, a->manifest_name, why);
    }
    if (e == ERR_OK && !o->fresh)
        e = aof_refuse_strays(a, error);
    if (e == ERR_OK && o->old_dir)
        e = aof_upgrade(a, o->old_dir, error);
    if (e == ERR_OK)
        e = aof_load_prepare(a, error);
    if (e != ERR_OK) {
        aof_close(&a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

void aof_stop(struct aof *a)
{
    if (!a->writer)
        return;
    if (a->stream)
        stream_seal(a->stream);
    if (a->rewrite)
        aof_rewrite_stop(a);
    writer_stop(a->writer, AOF_CLOSE_PATIENCE_MS);
}

bool aof_stopped(const struct aof *a)
{
    const struct aof_rewrite *rw = a->rewrite;
    if (!a->writer)
        return true;
    return a->state.ended && (!rw || rw->state.ended) && !aof_history_busy(a);
}

bool aof_close(struct aof **aof)
{
    struct aof *a = *aof;
    bool fine = true;
    if (!a)
        return true;
    aof_stop(a);
    aof_watch_free(&a->watch);
    /* The threads of a rewrite and of history use event_fd and the log's writer, which ends last. */
    if (a->rewrite)
        writer_free(&a->rewrite->writer, -1);
    aof_history_end(a);
    fine = writer_free(&a->writer, AOF_CLOSE_PATIENCE_MS);
    if (a->rewrite)
        aof_rewrite_drop(a);
    if (a->stream)
        stream_detach(a->stream, &a->consumer);
    stream_drop(&a->stream);
    ahead_close(&a->reader);
    manifest_deinit(&a->manifest);
    if (a->prepared.fd >= 0)
        close(a->prepared.fd);
    if (a->dir_fd >= 0)
        close(a->dir_fd);
    pthread_mutex_destroy(&a->files_lock);
    mem_free(a->dir);
    mem_free(a->filename);
    mem_free(a);
    *aof = NULL;
    return fine;
}

/* Opens the file that appends go to: the last increment, or a new one. */
static enum err first_file(struct aof *a, const struct writer_mark *from, struct writer_file *out,
                           char error[AOF_ERROR_CHARS])
{
    bool empty = aof_is_empty(a);
    enum err e = empty ? aof_empty_base(a, error) : aof_last_increment(a, from, out, error);
    if (e == ERR_NOTFOUND || (e == ERR_OK && empty))
        e = aof_next_increment(a, from, true, out, error) ? ERR_OK : ERR_IO;
    return e;
}

enum err aof_start(struct aof *a, enum aof_start how, char error[AOF_ERROR_CHARS])
{
    struct writer_options o = {
        .policy = a->policy, .start = {.pos = a->load_pos, .tag = -1}, .arg = a};
    struct writer_file file = {.fd = -1};
    assert(!a->writer && (how != AOF_GO_ON || !a->unsettled));
    ahead_close(&a->reader);
    a->fresh = how != AOF_GO_ON;
    a->unplaced = how == AOF_FRESH;
    a->base_only = how == AOF_BASE_ONLY;
    o.end = aof_drop_unplaced;
    a->made_seq = a->next_incr_seq = manifest_last_seq(&a->manifest, MANIFEST_INCR) + 1;
    /* Otherwise the first rewrite makes the files, and until then there is nothing to keep. */
    if (how == AOF_GO_ON) {
        enum err e = first_file(a, &o.start, &file, error);
        if (e != ERR_OK)
            return e;
    }
    a->next_base_seq = manifest_last_seq(&a->manifest, MANIFEST_BASE) + 1;
    aof_count_older(a);
    o.fd = file.fd;
    o.start.bytes = file.bytes;
    /* Up to the snapshot, which holds the changes of earlier batches. */
    o.pass_over = a->unplaced;
    o.refresh = a->base_only ? NULL : aof_refresh;
    a->writer = writer_new(&o);
    if (!a->writer) {
        snprintf(error, AOF_ERROR_CHARS,
                 "cannot start the threads that write the append-only file: %s", strerror(errno));
        if (file.fd >= 0)
            close(file.fd);
        return ERR_IO;
    }
    a->watch = a->base_only ? NULL : aof_watch_new(a);
    if (!a->watch && !a->base_only)
        log_warning(a->logger, "No thread to be had that would notice when %s is removed: %s",
                    a->dir, strerror(errno));
    aof_poll(a);
    return ERR_OK;
}
