#pragma once
/* What the writer's files share: writer.c is the loop's side, writer_thread.c writes, writer_sync.c
 * syncs, writer_gather.c decides how long `always` waits for more to write. */
#include <pthread.h>

#include "log/format.h"
#include "log/stream.h"
#include "log/writer.h"

#define WRITER_STALE_MAX 8 /* more are closed uncut: the loader skips batches that come twice */

/* A batch, or a job where fn is set. In the file:  bytes | the stream's batch | seal */
struct entry {
    struct entry *next;
    struct buf bytes; /* owned; where there is a batch, what stands in front of it */
    /* the loop holds it for the entry, and drops it; NULL: neither batch nor seal */
    struct batch *batch;
    bool sealed; /* the seal is made, which the writer thread does */
    char seal[SEAL_BYTES];
    size_t len;
    uint64_t ticket, pos;
    int tag;
    unsigned waiting; /* clients */
    writer_job_fn fn;
    void *arg;
};

struct entries {
    struct entry *first, **end;
};

/* See writer_gather.c. */
struct gather {
    int64_t sync_us;   /* average time of a sync */
    int64_t until_us;  /* monotonic: the end of waiting */
    unsigned group;    /* clients that wait for what is being written */
    unsigned expected; /* ... and for what is to be written next, if all come back */
    unsigned in_vain;  /* times in a row that not all came */
    unsigned skip;     /* groups that are not waited for */
};

struct writer {
    pthread_t thread, sync_thread;
    int event_fd;
    bool event_fd_owned;
    bool background, pass_over;
    writer_refresh_fn refresh;
    writer_end_fn end;
    void *arg;

    /* The writer thread's own. synced <= kept <= written, as positions and in the file:
     *
     *     file:  |....................|....................|..................|
     *                               synced               kept              written
     *                                |  dropped (`no`)    |  unsafe: kept to be written again */
    int fd;
    struct writer_mark synced, kept, written;
    struct entries unsafe;
    size_t partial;        /* bytes of the next batch that are in the file already */
    int64_t sync_began_us; /* the last one */
    bool fresh_failed;     /* no sync went well since the last fresh file */
    struct {
        int fd;
        uint64_t bytes;        /* to cut it back to */
    } stale[WRITER_STALE_MAX]; /* earlier files, until the fresh one holds their batches, too */
    int stale_count;
    uint64_t stale_pos; /* they are cut once this position is written */
    struct gather gather;

    /* The loop's own. */
    uint64_t ticket;       /* of the last entry submitted */
    uint64_t pos;          /* behind the last batch submitted */
    struct entries let_go; /* safe; their batches are still to be dropped */
    struct entries idle;   /* to be used again, with nothing in them */
    int idle_count;

    /* shared, under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t work;      /* for the writer thread: anything below changed */
    pthread_cond_t sync_work; /* for the sync thread */
    struct entries queue;     /* submitted, not yet taken */
    struct entries done;      /* batches of the stream that are safe: the loop lets them go */
    struct entries spare;     /* emptied buffers, to be used again */
    int spare_count;
    size_t spare_bytes;      /* their capacity */
    unsigned queued_waiting; /* clients, for what is in the queue */
    bool queued_job;
    /* the writer thread gathers, and is woken at so many clients; 0: it does not gather */
    unsigned enough;
    struct writer_state state;
    bool tell_written; /* also with `always` */
    bool told;         /* event_fd is readable, or about to be */
    bool hushed;       /* see writer_hush */
    bool hushed_some;  /* something was written since */
    enum writer_policy policy;
    uint64_t sync_wish; /* the ticket that writer_want_sync asked for */
    int64_t give_up_us; /* stopping: monotonic time at which retrying ends; 0: not stopping */
    bool discard;       /* stopping: nothing more is written or synced */
    bool gave_up;
    int64_t rest_us; /* see writer_set_rest */

    enum { SYNC_IDLE, SYNC_ASKED, SYNC_DONE, SYNC_END } sync; /* see writer_sync.c */
    int sync_fd, sync_result;                                 /* errno */
    struct writer_mark sync_mark;
    int64_t sync_took_us;
};

void entries_init(struct entries *l);
void entries_push(struct entries *l, struct entry *e);
struct entry *entries_pop(struct entries *l);             /* NULL: empty */
void entries_move(struct entries *l, struct entries *to); /* all of l behind what `to` holds */
void entries_free(struct entries *l);

/* The state changed: wakes the loop unless it is told already. Under `lock`. */
void writer_tell(struct writer *w);
/* Releases the kept batches up to `ticket`: their bytes no longer count. On the writer thread, without
 * `lock`, as there may be many. */
void writer_let_go(struct writer *w, uint64_t ticket);
/* An entry's bytes in the file, from `skip` on, as at most `max` vectors; returns how many. On the writer thread. */
int entry_vectors(struct entry *e, size_t skip, struct iovec *out, int max);

/* Under `lock`: something is in the queue; waits for more of it where that pays. */
void writer_gather(struct writer *w);
/* Takes note of what is in the queue as the next group. Under `lock`. */
void writer_gather_take(struct writer *w);
/* A group was synced. */
void writer_gather_synced(struct writer *w, int64_t ended_us, int64_t took_us);
/* Waits for `work` until that monotonic time; INT64_MAX: forever. Under `lock`. */
void writer_wait(struct writer *w, int64_t until_us);

void *writer_main(void *writer);
void *writer_sync_main(void *writer);
/* Syncs on this thread, after the sync thread. Returns errno. */
int writer_sync_now(struct writer *w);
/* After writing: syncs as the policy or writer_want_sync asks for. Returns errno of a sync that failed. */
int writer_sync_by_policy(struct writer *w);
/* Waits for a sync under way and ends the sync thread. */
void writer_sync_stop(struct writer *w);
/* The time at which writer_sync_by_policy is due; INT64_MAX: once the thread is woken, 0: now. Under
 * `lock`. */
int64_t writer_sync_due_us(const struct writer *w);
