#pragma once
/* The append-only log of a server: a directory of files that a manifest names, the last of which is written to.
 *
 *   stream --batches--> timestamps, seals --> writer --> increment
 *   snapshot --aof_rewrite's sink--> batches --> a writer of its own --> next base
 *
 * Life: aof_open (locks the directory, reads the manifest) -> aof_load_next until READER_END -> aof_start ->
 * aof_follow, aof_turn_end, aof_poll ... -> aof_stop -> aof_close. Between aof_start and aof_close, file
 * operations happen on threads of the log's own: no call waits for a disk.
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
/* One MSET of a base sets so many strings at most, and takes no other once it has so many bytes. */
#define AOF_MSET_PAIRS_MAX 64
#define AOF_MSET_BYTES_MAX (16 * 1024)
/* The snapshot's walk rests while more than this waits to be written to the base. */
#define AOF_REWRITE_BACKLOG_MAX (4 * 1024 * 1024)
/* The memory that a rewrite needs to begin, for its threads and for what waits to be written. */
#define AOF_REWRITE_ROOM_BYTES (32 * 1024 * 1024)
#define AOF_REWRITE_SYNC_BYTES (32 * 1024 * 1024) /* the base is synced in pieces of this size */
/* A shutdown waits up to another second for replies: five seconds at most together. */
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
    /* aof_start will be told AOF_FRESH or AOF_BASE_ONLY. Work that waits for the disk is left to the threads of the
     * first rewrite: aof_open only locks the directory, reads the manifest and asks for the sizes of its files. */
    bool fresh;
    int64_t unix_s;        /* now */
    struct logger *logger; /* borrowed for life */
};
/* ERR_BUSY: another server holds the directory. ERR_SYNTAX: the manifest is wrong. ERR_IO. `error` says what, where and
 * what to do about it. */
enum err aof_open(struct aof **out, const struct aof_options *o, char error[AOF_ERROR_CHARS]);
/* Begins to close the log: has the rest written and synced, for at most AOF_CLOSE_PATIENCE_MS. A rewrite's sink must be
 * closed by then, or PLACING, which goes on. Between units only; afterwards nothing may be put into the stream.
 * aof_event_fd and aof_poll work as before, and replies may go on waiting for positions. */
void aof_stop(struct aof *a);
/* True, as of the last aof_poll: aof_close will not wait. */
bool aof_stopped(const struct aof *a);
/* Stops the log unless that was done before, and waits for the end (also for a system call that hangs).
 * False: something could not be written. */
bool aof_close(struct aof **a);

/* --- loading ------------------------------------------------------------------------------------------------ */

bool aof_is_empty(const struct aof *a); /* there is nothing to load */
/* The next batch of all files in order; batches that an earlier file already held are skipped. READER_LATER: the batch
 * did not come within AHEAD_WAIT_US; ask again. READER_END: everything is loaded. READER_DAMAGED, READER_IO: stop the
 * start; `error` says which file, why, and after damage where and which command to run. */
enum reader_status aof_load_next(struct aof *a, struct reader_batch *out,
                                 char error[AOF_ERROR_CHARS]);
/* The batch given out last cannot be applied: `error` names the file, the offset, the command, why not and what to do.
 * `what` begins the text, as tools look for Redis' words. The second one is for a command that this server does not
 * have. */
void aof_load_refuse(const struct aof *a, const char *what, const struct admit_fault *f,
                     char error[AOF_ERROR_CHARS]);
void aof_load_refuse_unknown(const struct aof *a, const struct admit_fault *f,
                             char error[AOF_ERROR_CHARS]);
void aof_load_progress(const struct aof *a, uint64_t *bytes, uint64_t *total);
/* How far the base is loaded. False: the file at hand is no base. */
bool aof_load_in_base(const struct aof *a, uint64_t *bytes, uint64_t *total);

/* --- appending ---------------------------------------------------------------------------------------------- */

enum aof_start {
    AOF_GO_ON, /* what was loaded goes on: in its last increment, or in a new one */
    /* The files in the directory belong to other data: until the first rewrite is done they are what would be
     * loaded, then they are removed. Batches appended ahead of that rewrite's snapshot are in no file: the
     * snapshot has them. */
    AOF_FRESH,
    AOF_BASE_ONLY, /* as AOF_FRESH, but nothing may be appended: for one rewrite, which leaves a base */
};
/* After loading: with AOF_GO_ON makes durable what was loaded, which waits for the disk; starts the writer. ERR_IO:
 * `error` says why. */
enum err aof_start(struct aof *a, enum aof_start how, char error[AOF_ERROR_CHARS]);

/* From here on appends what is put into the stream, whose position must be the log's. Holds it until aof_close. */
void aof_follow(struct aof *a, struct stream *st);
/* The end of a turn: seals the stream's batch. True: the writer has written meanwhile, and aof_written tells. */
bool aof_turn_end(struct aof *a);

/* So many more clients wait until the batch of this turn is synced: with `always` the writer gathers by that. */
void aof_awaited(struct aof *a, unsigned clients);
/* From now on aof_event_fd tells of written positions, too, whatever the policy: a client waits for these. */
void aof_want_written(struct aof *a);

uint64_t aof_pos(const struct aof *a); /* behind everything appended */
/* As of the last aof_poll. Nothing yet where aof_start was told AOF_FRESH and the first rewrite is not
 * done: no start would load it. */
uint64_t aof_written(const struct aof *a);
uint64_t aof_synced(const struct aof *a);
/* A start would load what this log has written: false where aof_start was told AOF_FRESH and the first rewrite
 * is not done, and where the files have lost their names (log/aof_watch.h). */
bool aof_placed(const struct aof *a);
/* The position whose replies may go by the policy: written, or synced with `always`. A change of
 * policy counts at once for all replies that still wait. With AOF_FRESH clients do not wait for the first
 * rewrite, unless they ask for more than the policy. */
uint64_t aof_promised(const struct aof *a);
bool aof_syncs_always(const struct aof *a); /* the policy is `always` */
void aof_want_sync(struct aof *a, uint64_t pos);
/* Puts a changed configuration into force; where history is no longer kept, removes it. */
void aof_configure(struct aof *a, const struct aof_config *c);
/* For tests: the writer waits so long before each write. */
void aof_set_flush_sleep(struct aof *a, int64_t us);

/* Readable when something changed: call aof_poll then. */
int aof_event_fd(const struct aof *a);
void aof_poll(struct aof *a);
/* NULL: writing works; else why it does not, for -MISCONF. Good until the next aof_poll. */
const char *aof_fault(const struct aof *a);
/* Too much is queued: clients that write must wait. */
bool aof_full(const struct aof *a);

struct aof_stats {
    uint64_t base_bytes, current_bytes; /* of the base; of base and increments together */
    uint64_t buffer_bytes;              /* submitted and not yet safe */
    uint64_t syncs, slow_syncs;
    bool rewriting;
    /* given, written and synced together: grows while the rewrite makes progress */
    uint64_t rewrite_bytes;
    int64_t rewrite_started_us;
};
void aof_stats(const struct aof *a, struct aof_stats *out);

/* --- rewriting ------------------------------------------------------------------------------ */

/* Begins to rewrite: has the files made that are needed, on threads of the rewrite's own. *out is the base in the
 * making, for a snapshot job to fill (log/sink.h). From the sink's `begin` on appends go to a new increment; once
 * placed, the base replaces the old base and the increments before. The sink must be closed, or PLACING, when the log
 * is stopped, and closed when the log is closed. ERR_BUSY: a rewrite is under way, or the last one is being cleaned up.
 * ERR_NOMEM. ERR_IO: a thread cannot be started. `error` says why the rewrite cannot begin. */
struct sink;
enum err aof_rewrite(struct aof *a, int64_t now_us, struct sink **out, char error[AOF_ERROR_CHARS]);
/* A rewrite is under way: its sink is not closed. */
bool aof_rewriting(const struct aof *a);
/* A rewrite is needed, and none is under way: a sync failed over writes that were not kept (appendfsync no), the first
 * rewrite of an AOF_FRESH log is not done, or files have lost their names (log/aof_watch.h). In the first two cases no
 * later position is reported as synced until a rewrite is done. */
bool aof_rewrite_due(const struct aof *a);
