#pragma once
/* Reads one append-only file ahead of the loop, which applies it, on a thread of its own: the disk may be
 * slow, and checksums and finding the commands are a good part of the work of loading.
 *
 *     thread: reader_next, copies the batch --> ring of AHEAD_BATCHES --> loop: ahead_next, applies it
 *
 * The batches are the reader's, in the same order and with the same end. Memory is bounded: a batch of
 * more than AHEAD_COPY_BYTES_MAX is not copied but lent, and the thread waits until it has been applied.
 * A file below AHEAD_FILE_BYTES_MIN is read without a thread. */
#include "base/err.h"
#include "log/reader.h"

#define AHEAD_BATCHES        16
#define AHEAD_COPY_BYTES_MAX (256 * 1024)
#define AHEAD_FILE_BYTES_MIN (1024 * 1024)
#define AHEAD_WAIT_US        1000

struct ahead;
/* Errors as reader_open. */
enum err ahead_open(struct ahead **out, const char *path);
void ahead_close(struct ahead **a); /* waits for what the thread is doing: one batch at most */
/* As reader_next; the batch is good until the next call. READER_LATER: none came within AHEAD_WAIT_US.
 * Anything else but READER_BATCH is the end, and comes again when asked again. */
enum reader_status ahead_next(struct ahead *a, struct reader_batch *out);
/* As reader_report would have said it after the batch given out last. */
void ahead_report(const struct ahead *a, struct reader_report *out);
/* The reader itself; NULL until the end was given out, as the reader is the thread's until then. After
 * that, ahead_next gives out its batches directly. */
struct reader *ahead_reader(const struct ahead *a);
