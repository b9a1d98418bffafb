#pragma once
/* What the aof*.c files share. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "log/ahead.h"
#include "log/aof.h"
#include "log/aof_watch.h"
#include "log/files.h"
#include "log/format.h"
#include "log/manifest.h"
#include "log/positions.h"
#include "log/sink.h"
#include "log/stream.h"

/* Of appendfilename, so that file names stay below MANIFEST_NAME_BYTES_MAX. */
#define AOF_NAME_BYTES_MAX 200

#define AOF_HISTORY_FDS_MAX 64
/* Files that aof-disable-auto-gc keeps at most, so that the manifest has room for the files in use. */
#define AOF_HISTORY_FILES_MAX (MANIFEST_FILES_MAX / 2)

/* A batch of a base, see aof_mset.c. */
struct base_batch {
    struct buf bytes;
    int db; /* that its last command ran in; -1: unknown, a SELECT is due */
    size_t mset_at;
    int mset_pairs; /* of the MSET at the end; 0: no MSET there takes more */
};

/* The jobs of a rewrite on writer threads: 0 not done yet, 1 done, -1 failed. */
struct aof_rewrite_jobs {
    _Atomic int prepared; /* the base's file and the next increment */
    _Atomic int switched; /* to the next increment */
    _Atomic int placed;   /* the base */
    uint64_t base_pos;    /* log position of the instant: in every seal of the base */
    uint64_t base_seq, base_bytes;
    uint64_t first_incr_seq; /* set by the switch: increments below it are history after it */
    char temp_name[64];
    /* Removed files that are still open: closing them frees their blocks, which takes long. */
    int history[AOF_HISTORY_FDS_MAX], history_count;
};

/* A base in the making: the sink of a snapshot job. It outlives the job until its writer's threads have ended. */
struct aof_rewrite {
    struct sink sink; /* first */
    struct aof *aof;
    struct writer *writer;
    struct writer_state state;
    struct aof_rewrite_jobs jobs;
    struct base_batch batch;
    uint64_t sync_pos; /* of the log: synced ahead of the switch, which then has little to sync */
    uint64_t given;    /* bytes given to the writer: its own positions */
    uint64_t asked;    /* up to where a sync was asked for, as such a position */
    uint64_t batches;  /* of the base */
    int64_t started_us;
    bool switching; /* aof_job_switch was submitted: the log's writer refers to this struct */
    bool placing;   /* aof_job_place was submitted */
    bool closed;    /* the sink is: the writer ends */
    /* The command whose argument comes in runs: a batch of its own. */
    struct {
        size_t left; /* of the argument; 0: there is no such command */
        uint32_t crc;
        struct buf bytes, behind; /* not yet handed over; of the command, behind the argument */
    } open;
};

struct aof {
    char *dir, *filename; /* owned */
    char manifest_name[MANIFEST_NAME_BYTES_MAX];
    int dir_fd; /* locked */
    enum writer_policy policy;
    bool load_truncated;
    _Atomic bool timestamps, keep_history;
    _Atomic int64_t unix_s; /* the latest second that the loop was told: the date of new files */
    struct logger *logger;

    /* While serving, the writer threads of the log and of a rewrite change the fields below. A thread that holds the
     * lock may wait for the disk, so the loop never takes it. */
    pthread_mutex_t files_lock;
    struct manifest manifest;
    uint64_t made_seq; /* increments from this number on are this process' own */
    bool dropped;      /* no base can be placed any longer, see aof_drop_unplaced */
    bool unsure;       /* the manifest on disk may or may not be of these data */
    bool fresh;        /* the manifest on disk is of other data until a rewrite is done */
    bool unsettled;    /* the first rewrite is to do what aof_open did not wait for */
    uint64_t incr_seq; /* of the increment that is written to; only the log's writer changes it */
    char incr_name[MANIFEST_NAME_BYTES_MAX];
    uint64_t incr_ino; /* its inode; 0: there is none yet */
    uint64_t next_incr_seq;
    struct {
        int fd; /* -1: there is none */
        uint64_t seq;
    } prepared; /* an empty increment that the manifest names already, to go on in */

    struct aof_watch *watch; /* NULL: none runs */
    _Atomic int gone;        /* enum aof_gone: set by the watch, until a rewrite has mended it */

    int refresh_errno; /* of the last try to go on with a fresh file, so that an error is logged once */
    bool unplaced;     /* `fresh` as the loop knows it */
    bool base_only; /* there is no increment, and will be none */

    /* loading */
    struct ahead *reader;
    size_t load_index;
    uint64_t load_pos;          /* everything up to here is applied; 0: unknown (files of Redis) */
    struct positions positions; /* of what was loaded */
    uint64_t load_bytes, load_total;
    uint64_t load_tail_at; /* of the file at hand: where its last seal ended */
    bool load_plain;       /* the last file held no seal */

    /* appending */
    struct writer *writer;
    struct writer_state state;
    struct stream *stream; /* held; NULL: none yet */
    struct stream_consumer consumer;
    int64_t timestamp_s; /* last one written */
    bool wants_written;
    unsigned waiting; /* clients, for the batch to be synced */
    char fault[AOF_ERROR_CHARS];

    /* sizes: changed by jobs, read by the loop */
    _Atomic uint64_t base_bytes, older_bytes;

    struct aof_rewrite *rewrite; /* NULL: none under way */
    struct {
        struct writer *writer; /* removes it; NULL: none does */
        bool wanted;           /* once no rewrite is under way */
    } history;
    uint64_t next_base_seq;
};

/* --- aof_mset.c: batches of a base ---------------------------------------------------------------- */

/* Adds a command, with the SELECT that it needs. ERR_NOMEM, from then on for good: the batch is incomplete. */
enum err base_batch_put(struct base_batch *b, int db, int argc, const struct slice *argv);
/* Adds a SELECT, if `db` needs one. */
void base_batch_select(struct base_batch *b, int db);
/* Ends an MSET that could take more: what is put next is no command. */
void base_batch_end_mset(struct base_batch *b);
enum err base_batch_seal(struct base_batch *b, uint64_t pos);

/* --- aof_files.c ------------------------------------------------------------------------------ */

/* Makes, opens and locks the directory; `durably`: syncs the directory's own name, too. */
enum err aof_lock_directory(struct aof *a, bool durably, char error[AOF_ERROR_CHARS]);
/* Does what aof_open left to the first rewrite (aof_options.fresh). */
bool aof_settle(struct aof *a, char error[AOF_ERROR_CHARS]);
/* Where the directory has lost its name: makes a new one, and has the log begin anew in it, so that the rewrite under
 * way makes all of its files. False: `error` says why not. Takes files_lock. */
bool aof_rehouse(struct aof *a, char error[AOF_ERROR_CHARS]);
/* "PREFIX.<seq>.<base|incr>.aof" */
void aof_file_name(const struct aof *a, enum manifest_type type, uint64_t seq,
                   char out[MANIFEST_NAME_BYTES_MAX]);
/* The same for the first number from *seq on whose name is free, as history that is kept has names, too. Under
 * files_lock. */
void aof_free_name(const struct aof *a, enum manifest_type type, uint64_t *seq,
                   char out[MANIFEST_NAME_BYTES_MAX]);
enum aof_file_kind {
    AOF_INCREMENT,
    AOF_BASE,       /* whose end is still to come */
    AOF_EMPTY_BASE, /* whole */
};
/* Appends the first lines of a file: date, header and, of a base, its kind and its timestamp. */
void aof_begin_file(const struct aof *a, enum aof_file_kind kind, int64_t unix_s, struct buf *out);
/* aof_remove_history, also in the manifest on disk. Under files_lock. */
void aof_drop_history(struct aof *a);
/* Makes the empty base of a log that begins with nothing, as Redis does; the next save of the manifest
 * names it on disk. */
enum err aof_empty_base(struct aof *a, char error[AOF_ERROR_CHARS]);
/* Makes what was loaded durable and opens the last increment for appending. One that Redis wrote gets a
 * header behind its commands, and is sealed from there on. ERR_NOTFOUND: there is no increment that can
 * be appended to. ERR_IO: `error` says why. */
enum err aof_last_increment(struct aof *a, const struct writer_mark *from, struct writer_file *out,
                            char error[AOF_ERROR_CHARS]);
/* Makes the next increment, empty, and has the manifest on disk name it, unless one is prepared already. False: errno
 * is set, and `error` says what failed. On any thread: takes files_lock, as the next two do. */
bool aof_prepare_increment(struct aof *a, char error[AOF_ERROR_CHARS]);
/* Begins the next increment at `from`, prepared unless that was done before, and gives it in *out. `durably`: syncs its
 * header. On the log's writer thread, once there is one. False: as above. */
bool aof_next_increment(struct aof *a, const struct writer_mark *from, bool durably,
                        struct writer_file *out, char error[AOF_ERROR_CHARS]);
/* A writer_refresh_fn. */
bool aof_refresh(void *aof, const struct writer_mark *from, struct writer_file *out);
/* A writer_end_fn: removes the increments of a first rewrite that was given up, which nothing would load. */
void aof_drop_unplaced(void *aof);
/* Measures the increments beside the one that is written to. Under files_lock. */
void aof_count_older(struct aof *a);

/* --- aof_history.c ---------------------------------------------------------------------------- */

/* Has history removed soon, unless it is to be kept by then. On the loop, as is the next. */
void aof_history_drop(struct aof *a);
void aof_history_poll(struct aof *a);
/* A thread is removing history. */
bool aof_history_busy(const struct aof *a);
/* Waits for that thread. */
void aof_history_end(struct aof *a);

/* --- aof_upgrade.c ---------------------------------------------------------------------------- */

/* Takes a file over that Redis wrote into `old_dir` before version 7, if there is one and no log yet. */
enum err aof_upgrade(struct aof *a, const char *old_dir, char error[AOF_ERROR_CHARS]);

/* --- aof_load.c ------------------------------------------------------------------------------- */

/* Refuses files of a log that lost its manifest: no log may begin beside them. */
enum err aof_refuse_strays(const struct aof *a, char error[AOF_ERROR_CHARS]);
/* Checks what the manifest names: sizes, kinds, leftovers of a crash. */
enum err aof_load_prepare(struct aof *a, char error[AOF_ERROR_CHARS]);
/* By its first bytes: Redis before 7 wrote them into files of any name. */
bool aof_is_rdb(int fd);
/* Says in the log which files of a log lie there that the manifest does not name. */
void aof_tell_strays(const struct aof *a);
/* Removes the files that the manifest no longer needs, and forgets them. Under files_lock. */
void aof_remove_history(struct aof *a);
/* Removes temporary files of a rewrite or a manifest that a crash cut off. */
void aof_remove_leftovers(const struct aof *a);

/* --- aof_rewrite.c ---------------------------------------------------------------------------- */

/* Takes note of the writer's state; frees the rewrite once it is closed and its threads have ended. */
void aof_rewrite_poll(struct aof *a);
/* At the end of the log, of a rewrite that is closed or PLACING. _stop has its writer end, and does not wait; _drop
 * frees the rewrite, after the log's own writer. */
void aof_rewrite_stop(struct aof *a);
void aof_rewrite_drop(struct aof *a);

/* --- aof_rewrite_files.c: jobs of writer threads -------------------------------------------------------- */

/* On the base's writer thread: makes the base's file, and the next increment. */
void aof_job_prepare(void *rewrite, struct writer_file *out);
/* On the log's writer thread: goes on in the next increment. */
void aof_job_switch(void *rewrite, struct writer_file *out);
/* On the base's writer thread: puts the base in place. */
void aof_job_place(void *rewrite, struct writer_file *out);
/* A writer_end_fn of the base's: frees what was removed, or removes a base that was given up. */
void aof_job_end(void *rewrite);
