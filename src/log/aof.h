#pragma once
/* The append-only log of a server: a directory of files that a manifest names, the last of which is written to.
 *
 *   stream --batches--> timestamps, seals --> writer --> increment
 *   snapshot --aof_rewrite's sink--> batches --> a writer of its own --> next base
 *
 * Life: aof_open (locks the directory, reads the manifest) -> aof_load_next until READER_END -> aof_start ->
 * aof_follow, aof_turn_end, aof_poll ... -> aof_close. From aof_start on every file operation happens on writer
 * threads: nothing here waits for a disk.
 *
 * Files, as Redis 7 names them, PREFIX being appendfilename:
 *     PREFIX.manifest   PREFIX.1.base.aof   PREFIX.1.incr.aof   PREFIX.2.incr.aof   temp-rewriteaof-<pid>.aof */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/logger.h"
#include "base/slice.h"
#include "log/admit.h"
#include "log/reader.h"
#include "log/writer.h"

#define AOF_ERROR_CHARS         2048
#define AOF_REWRITE_BATCH_BYTES (64 * 1024)
/* Strings of a base that are set by one command: so many, and none is added to so many bytes of it. */
#define AOF_MSET_PAIRS_MAX 64
#define AOF_MSET_BYTES_MAX (16 * 1024)
/* the walk rests while more waits to be written to the base */
#define AOF_REWRITE_BACKLOG_MAX (4 * 1024 * 1024)
/* What must be there for its threads and what waits to be written, or it does not begin. */
#define AOF_REWRITE_ROOM_BYTES (32 * 1024 * 1024)
#define AOF_REWRITE_SYNC_BYTES (32 * 1024 * 1024) /* the base is synced in pieces of this size */
/* With the second that replies are waited for, an end takes five. */
#define AOF_CLOSE_PATIENCE_MS 4000

struct aof;
struct stream;
/* What the configuration decides, and may change while the log is open: aof_configure. */
struct aof_config {
    int policy; /* appendfsync: enum writer_policy */
    /* aof-load-truncated: a torn tail of the last file is cut and reported; else it stops the start */
    bool load_truncated;
    bool timestamps;   /* aof-timestamp-enabled */
    bool keep_history; /* aof-disable-auto-gc: files that are no longer needed stay */
};

struct aof_options {
    struct aof_config config; /* copied, as the log's threads look at it */
    const char *dir;          /* appenddirname; created when missing. Copied, like the next */
    const char *filename;     /* appendfilename */
    /* where Redis before 7 wrote its one file, which is taken over; NULL: none. Borrowed for the call */
    const char *old_dir;
    /* It will be begun with AOF_FRESH or AOF_BASE_ONLY. What would wait for the disk is left to the threads of the
     * first rewrite: this opens and locks the directory, reads the manifest and the first bytes of what it names. */
    bool fresh;
    int64_t unix_s;        /* now */
    struct logger *logger; /* borrowed for life */
};
/* ERR_BUSY: another server holds the directory. ERR_SYNTAX: the manifest is wrong. ERR_IO. `error` says what, where and
 * what to do about it. */
enum err aof_open(struct aof **out, const struct aof_options *o, char error[AOF_ERROR_CHARS]);
/* Begins to end it: has what is left written and synced, for at most AOF_CLOSE_PATIENCE_MS. A rewrite
 * under way is given up. Between units only; nothing may be put into the stream any more. aof_event_fd tells, and
 * aof_poll moves, how far it is; replies may go on waiting for positions. */
void aof_stop(struct aof *a);
/* As of the last aof_poll: aof_close will not wait. */
bool aof_stopped(const struct aof *a);
/* Stops it unless that was done before, and waits for the end (also for a system call that hangs).
 * False: something could not be written. */
bool aof_close(struct aof **a);

/* --- loading ------------------------------------------------------------------------------------------------ */

bool aof_is_empty(const struct aof *a); /* there is nothing to load */
/* The next batch of all files in order; batches that an earlier file already held are passed over. READER_LATER: the
 * disk has not given it within a millisecond; ask again. READER_END: everything is loaded. READER_DAMAGED, READER_IO:
 * stop the start; `error` names the file, the offset and the command to run. */
enum reader_status aof_load_next(struct aof *a, struct reader_batch *out,
                                 char error[AOF_ERROR_CHARS]);
/* The batch given out last cannot be applied: `error` names the file, the offset, the command, why not and what to do.
 * `what` stands in front of Redis' words for it. Or: the command is one that this server does not have. */
void aof_load_refuse(const struct aof *a, const char *what, const struct admit_fault *f,
                     char error[AOF_ERROR_CHARS]);
void aof_load_refuse_unknown(const struct aof *a, const struct admit_fault *f,
                             char error[AOF_ERROR_CHARS]);
void aof_load_progress(const struct aof *a, uint64_t *bytes, uint64_t *total);
/* The last batch was of the base: how far that has come. False: it was not. */
bool aof_load_in_base(const struct aof *a, uint64_t *bytes, uint64_t *total);

/* --- appending ---------------------------------------------------------------------------------------------- */

enum aof_start {
    AOF_GO_ON, /* what was loaded goes on: in its last increment, or in a new one */
    /* What is in the directory belongs to other data: it stays what would be loaded until the first
     * rewrite is done, then it goes. What is appended ahead of that rewrite's snapshot is in no file: the
     * snapshot has it. */
    AOF_FRESH,
    AOF_BASE_ONLY, /* likewise, and nothing may be appended: for one rewrite, which leaves a base */
};
/* After loading: with AOF_GO_ON makes durable what was loaded, which waits for the disk; starts the writer. ERR_IO:
 * `error` says why. */
enum err aof_start(struct aof *a, enum aof_start how, char error[AOF_ERROR_CHARS]);

/* From here on what is put into the stream is appended: it begins where the log is. Holds it until aof_close. */
void aof_follow(struct aof *a, struct stream *st);
/* The end of a turn: seals the stream's batch. True: the writer has written meanwhile, and aof_written tells. */
bool aof_turn_end(struct aof *a);

/* So many more clients wait until the batch of this turn is synced: with `always` the writer goes by that. */
void aof_awaited(struct aof *a, unsigned clients);
/* Somebody waits for positions to be written and no more, whatever the policy. */
void aof_want_written(struct aof *a);

uint64_t aof_pos(const struct aof *a); /* behind everything appended */
/* As of the last aof_poll. Nothing yet where aof_start was told AOF_FRESH and the first rewrite is not
 * done: nobody would load it. */
uint64_t aof_written(const struct aof *a);
uint64_t aof_synced(const struct aof *a);
/* What is on disk is what would be loaded: false where aof_start was told AOF_FRESH and the first rewrite is
 * not done, and where the files have lost their names (log/aof_watch.h). */
bool aof_placed(const struct aof *a);
/* The position whose replies may go by the policy: written, or synced with `always`. A change of
 * policy counts at once for all replies that still wait. With AOF_FRESH clients do not wait for the first
 * rewrite, unless they ask for more than the policy. */
uint64_t aof_promised(const struct aof *a);
bool aof_syncs_always(const struct aof *a); /* the policy is `always` */
void aof_want_sync(struct aof *a, uint64_t pos);
/* Puts a changed configuration into force; files that were kept and are no longer to be go. */
void aof_configure(struct aof *a, const struct aof_config *c);
/* For tests: the writer rests so long ahead of each write. */
void aof_set_flush_sleep(struct aof *a, int64_t us);

/* Readable when something changed; then aof_poll. */
int aof_event_fd(const struct aof *a);
void aof_poll(struct aof *a);
/* NULL: writing works; else why it does not, for -MISCONF. Good until the next aof_poll. */
const char *aof_fault(const struct aof *a);
/* As much is queued as may be: writers must wait. */
bool aof_full(const struct aof *a);

struct aof_stats {
    uint64_t base_bytes, current_bytes; /* of the base; of base and increments together */
    uint64_t buffer_bytes;              /* submitted and not yet safe */
    uint64_t syncs, slow_syncs;
    bool rewriting;
    uint64_t rewrite_bytes; /* given, written and synced of it: moves as long as it does */
    int64_t rewrite_started_us;
};
void aof_stats(const struct aof *a, struct aof_stats *out);

/* --- rewriting ------------------------------------------------------------------------------ */

/* Begins to rewrite: has the files made that it needs, on threads of its own. *out is the base in the making, for a
 * snapshot job to fill (log/sink.h). From its `begin` on appends go to a new increment; in its place it replaces the
 * base and the increments before. It must be closed, or PLACING, when the log is stopped, and closed when that is
 * closed. ERR_BUSY: one is under way, or the last one is not quite cleaned up yet. ERR_NOMEM; ERR_IO: no thread to
 * be had. `error` says why it cannot begin. */
struct sink;
enum err aof_rewrite(struct aof *a, int64_t now_us, struct sink **out, char error[AOF_ERROR_CHARS]);
/* One is under way: begun, and its sink not closed. */
bool aof_rewriting(const struct aof *a);
/* A sync failed over writes that were not kept (appendfsync no), or the first rewrite of a AOF_FRESH log
 * failed: only a rewrite makes what was written safe, and until then nothing later is reported as
 * synced. */
bool aof_rewrite_due(const struct aof *a);
