#pragma once
/* The threads that write and sync, so that the loop never waits for a disk.
 *
 *   loop --submit--> queue --> [writer thread] --write--> file       written: survives the process
 *                                    |  `always`: fdatasync          synced: survives a power cut
 *                                    v
 *                              [sync thread]   `everysec`, and writer_want_sync: fdatasync
 *                                              while writing goes on
 *
 * Batches are written whole and in order, as many at once as are there (group commit); `always` waits a
 * little for more of them where that pays (writer_gather.c). Jobs (a new file, a new manifest) stand in
 * the same queue: they run exactly between the batches that they were submitted between, once everything
 * before them is written and synced.
 *
 * Faults. A write that fails is cut back to the last whole batch and tried again every
 * WRITER_RETRY_MS, so that serving resumes by itself once there is space. A sync that failed is never
 * tried again on the same file: the kernel may have dropped the pages that it could not write, and
 * would report success. Batches are therefore kept until they are synced; after a failed sync a fresh
 * file is asked for (writer_refresh_fn), and what was kept is written to it. With WRITER_NO nothing is
 * kept: what a failed sync covered is then in the page cache or nowhere, and `synced` stays where it
 * is (writer_state.lost) until its owner has made the same data safe elsewhere (writer_healed). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct batch;

/* Bytes submitted and not yet safe: above this, clients that write wait. */
#define WRITER_KEPT_BYTES_MAX (256ull * 1024 * 1024)
#define WRITER_RETRY_MS       100
#define WRITER_SYNC_MS        1000 /* `everysec` syncs after so long, */
/* or once so many bytes are not synced: batches are kept until then, and their memory should stay in the cache. */
#define WRITER_SYNC_BYTES      (8 * 1024 * 1024)
#define WRITER_VECTORS_MAX     128
#define WRITER_SPARE_MAX       64           /* buffers, and entries, kept to be used again */
#define WRITER_SPARE_BYTES_MAX (512 * 1024) /* a larger buffer is not kept */
/* Capacity of all spare buffers together; under load as much as one sync releases. */
#define WRITER_SPARE_BYTES (1024 * 1024)

enum writer_policy { WRITER_NO, WRITER_EVERYSEC, WRITER_ALWAYS };

/* A place between two batches. Tickets number what was submitted and never go back; positions do where a log is cut. */
struct writer_mark {
    uint64_t ticket;
    uint64_t pos;   /* log position */
    uint64_t bytes; /* of the file in use */
    int tag;        /* what the owner gave with the batch before it */
};
/* A file to go on with, opened by the owner on the writer thread. */
struct writer_file {
    int fd;         /* -1: none */
    uint64_t bytes; /* that the file holds; they are safe, or nothing is lost with them */
};
/* Runs on the writer thread after a failed sync: opens a fresh file and makes it part of the log, to
 * go on at `from`. What the file before holds beyond it is written again to the new one, and cut off
 * the old one after that. False: errno says why not; it is tried again. */
typedef bool (*writer_refresh_fn)(void *arg, const struct writer_mark *from,
                                  struct writer_file *out);
/* Runs on the writer thread between two batches; says by itself how it went. What is written from
 * then on goes to *out, if it opened one (the writer closes the one before). */
typedef void (*writer_job_fn)(void *arg, struct writer_file *out);
/* Runs on the writer thread as its last act: everything else has ended, the file is closed. */
typedef void (*writer_end_fn)(void *arg);

struct writer_options {
    enum writer_policy policy;
    int fd;          /* takes; written to behind start.bytes. -1: a job will open one */
    bool background; /* its threads have low priority: no reply waits for what it writes */
    bool pass_over;  /* without a file, batches count as synced and go nowhere; else they fail */
    struct writer_mark start; /* safe already */
    int event_fd; /* 0: a new one; else another writer's, which is told, too. Borrowed */
    writer_refresh_fn refresh; /* NULL: after a failed sync nothing more is written */
    writer_end_fn end;         /* may be NULL */
    void *arg;                 /* of both */
};

struct writer;
/* Starts the threads. NULL: they cannot be started (errno); the file is still the caller's. */
struct writer *writer_new(const struct writer_options *o);
/* Has what is queued written and synced, and ends the threads; when that fails, for at most
 * `patience_ms` (a system call under way is waited for); negative: drops what is queued. Does not wait:
 * state.ended tells. */
void writer_stop(struct writer *w, int64_t patience_ms);
/* Stops the writer unless that was done before, and waits for the end. False: something was given up. */
bool writer_free(struct writer **w, int64_t patience_ms);

/* Hands over a batch: takes the buffer's memory (b is empty afterwards; it may have got other memory
 * to fill). `pos`: the log position behind it; `waiting`: how many clients wait until it is synced. Returns its
 * ticket. */
uint64_t writer_submit(struct writer *w, struct buf *b, uint64_t pos, int tag, unsigned waiting);
/* Hands over a batch of the stream, which it holds until it is safe. In the file it stands behind `head`, which is
 * taken, and ends in a seal over both. */
uint64_t writer_submit_batch(struct writer *w, struct batch *b, struct buf *head, unsigned waiting);
uint64_t writer_submit_job(struct writer *w, writer_job_fn fn, void *arg);
void writer_set_policy(struct writer *w, enum writer_policy policy);
/* For tests: the writer thread waits so long before each write. */
void writer_set_rest(struct writer *w, int64_t us);
/* Has `pos` synced, whatever the policy. `pos` is submitted already, or will be with the next batch. */
void writer_want_sync(struct writer *w, uint64_t pos);
/* From now on event_fd tells of written positions with `always`, too: a caller waits for these and not for the sync. */
void writer_want_written(struct writer *w);
/* For jobs: everything up to `pos` is safe, whatever became of the files that it was written to. */
void writer_healed(struct writer *w, uint64_t pos);

/* Readable (poll, libevent) when something in the state below changed since the last writer_poll; with
 * `always` not for what is only written yet (writer_want_written). */
int writer_event_fd(const struct writer *w);
struct writer_state {
    uint64_t written, synced; /* positions */
    uint64_t tickets_written, tickets_synced;
    uint64_t kept_bytes;        /* submitted and not yet safe */
    uint64_t lost;              /* 0, or the position behind what a failed sync may have lost */
    int write_errno;            /* 0: the last write went well */
    int sync_errno;             /* 0: the last sync went well, and nothing is lost */
    uint64_t file_bytes;        /* of the current file */
    uint64_t syncs, slow_syncs; /* so far; those that took longer than a second */
    bool ended;                 /* stopped: writer_free will not wait */
};
void writer_poll(struct writer *w, struct writer_state *out);
/* To be called before and after the submissions at the end of a turn. In between, written batches do not make event_fd
 * readable; writer_look says whether there were any, and *out is then as writer_poll's. On one processor the writer
 * thread has often written by then, and the loop need not be woken for it. */
void writer_hush(struct writer *w);
bool writer_look(struct writer *w, struct writer_state *out);
