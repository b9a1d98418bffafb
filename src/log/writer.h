#pragma once
/* The threads that write and sync, so that the loop never waits for a disk.
 *
 *   loop --submit--> queue --> [writer thread] --write--> file        written: survives the process
 *                                    |  `always`: fdatasync           synced: survives a power cut
 *                                    v
 *                              [sync thread]   `everysec`, and whoever asks: fdatasync while writing goes on
 *
 * Batches are written whole and in order, as many at once as are there (group commit). Jobs (a new file, a new manifest)
 * stand in the same queue, so that they happen exactly between the batches they were submitted between.
 *
 * Faults. A write that fails or is short is cut back to the last whole batch and tried again every WRITER_RETRY_MS, so that
 * serving resumes by itself once there is space. A sync that failed is never tried again on the same file: the kernel may
 * have dropped the pages that it could not write, and would report success. Batches are therefore kept until they are synced;
 * after a failed sync a fresh file is asked for (writer_refresh_fn), and all that was not synced is written to it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define WRITER_KEPT_BYTES_MAX \
    (256ull * 1024 * 1024) /* submitted and not yet safe: above it, writers wait */
#define WRITER_RETRY_MS    100
#define WRITER_SYNC_MS     1000 /* everysec */
#define WRITER_VECTORS_MAX 64

enum writer_policy { WRITER_NO, WRITER_EVERYSEC, WRITER_ALWAYS };

/* A file to go on with, opened by the owner on the writer thread. */
struct writer_file {
    int fd;         /* -1: none */
    uint64_t bytes; /* that it holds, and are safe */
};
/* Runs on the writer thread after a failed sync: opens a fresh file and makes it part of the log, which is safe up to
 * position `pos`, the first `good_bytes` of the file before. False: errno says why not; it is tried again. */
typedef bool (*writer_refresh_fn)(void *arg, uint64_t pos, uint64_t good_bytes,
                                  struct writer_file *out);
/* Runs on the writer thread between two batches; says by itself how it went. What is written from then on goes to *out, if it
 * opened one (the writer syncs and closes the one before). */
typedef void (*writer_job_fn)(void *arg, struct writer_file *out);

struct writer_options {
    enum writer_policy policy;
    int fd;            /* takes; appended to */
    uint64_t fd_bytes; /* that it holds */
    uint64_t pos;      /* log position that is safe already */
    writer_refresh_fn refresh;
    void *refresh_arg;
};

struct writer;
struct writer *
writer_new(const struct writer_options *o); /* starts the threads; NULL: none to be had (errno) */
/* Writes and syncs what is queued, for at most `patience_ms` when that fails; joins. False: something was given up. */
bool writer_free(struct writer **w, int64_t patience_ms);

/* Hands over a batch: takes the buffer's memory (b is empty afterwards). `pos`: the log position behind it. */
void writer_submit(struct writer *w, struct buf *b, uint64_t pos);
void writer_submit_job(struct writer *w, writer_job_fn fn, void *arg);
void writer_set_policy(struct writer *w, enum writer_policy policy);
/* Somebody waits for `pos` to be synced, whatever the policy. */
void writer_want_sync(struct writer *w, uint64_t pos);

/* Readable (poll, libevent) when something in the state below changed since the last writer_poll. */
int writer_event_fd(const struct writer *w);
struct writer_state {
    uint64_t written, synced;   /* positions */
    uint64_t kept_bytes;        /* submitted and not yet safe */
    int write_errno;            /* 0: the last write went well */
    int sync_errno;             /* 0: the last sync went well */
    uint64_t file_bytes;        /* of the current file */
    uint64_t syncs, slow_syncs; /* so far; those that took longer than a second */
};
void writer_poll(struct writer *w, struct writer_state *out);
