#pragma once
/* What the files of the log's owner share. */
#include <stdatomic.h>

#include "base/buf.h"
#include "log/aof.h"
#include "log/files.h"
#include "log/format.h"
#include "log/manifest.h"

#define AOF_NAME_BYTES_MAX \
    200 /* of appendfilename: file names stay below MANIFEST_NAME_BYTES_MAX */

/* A batch in the making. */
struct aof_batch {
    struct buf bytes;
    int db; /* that the last command ran in; -1: unknown, a SELECT is due */
};

/* What a rewrite asks of the writer thread: part of the owner, as a job may outlive the rewrite that asked for it. */
struct aof_rewrite_jobs {
    uint64_t base_pos; /* log position of the instant: in every seal of the base */
    uint64_t base_seq, base_bytes;
    uint64_t
        first_incr_seq; /* set by the switch: increments below it are history once the base is in place */
    char temp_name[64];
    struct writer *base_writer; /* to be ended by the last job */
    _Atomic int switched;       /* to the new increment: 0 not yet, 1 done, -1 failed */
    _Atomic int finished;       /* the base is in place: likewise */
};

struct aof_rewrite {
    struct writer *writer;
    struct aof_batch batch;
    struct writer_state state;
    uint64_t given; /* bytes given to the writer: its own positions */
    int64_t started_us;
    bool ended, cancelled, finishing;
};

struct aof {
    char *dir, *filename; /* owned */
    char manifest_name[MANIFEST_NAME_BYTES_MAX];
    int dir_fd; /* locked */
    enum writer_policy policy;
    bool load_truncated, timestamps;
    struct logger *logger;

    /* While serving the writer thread's alone: jobs change it. */
    struct manifest manifest;
    bool fresh; /* the manifest on disk is of other data until a rewrite is done */

    /* loading */
    struct reader *reader;
    size_t load_index;
    uint64_t load_pos; /* everything up to here is applied; 0: unknown (files of Redis) */
    uint64_t load_bytes, load_total;

    /* appending */
    struct writer *writer;
    struct writer_state state;
    struct aof_batch batch;
    uint64_t pos;
    int64_t timestamp_s; /* last one written */
    int group;
    char fault[AOF_ERROR_CHARS];

    /* sizes: changed by jobs, read by the loop */
    _Atomic uint64_t base_bytes, older_bytes;

    struct aof_rewrite *rewrite; /* NULL: none under way */
    struct aof_rewrite_jobs jobs;
    int64_t last_rewrite_us;
    bool last_rewrite_ok;
    uint64_t rewrites;
    uint64_t next_incr_seq, next_base_seq;
};

/* Appends a command to a batch, with the SELECT that it needs; returns the bytes of commands added. */
size_t aof_batch_add(struct aof_batch *b, int db, int argc, const struct slice *argv);
/* Ends a batch with a seal. */
void aof_batch_seal(struct aof_batch *b, uint64_t pos);
void aof_batch_reset(struct aof_batch *b); /* at the start of a file: the database is unknown */

/* "PREFIX.<seq>.<base|incr>.aof" */
void aof_file_name(const struct aof *a, enum manifest_type type, uint64_t seq,
                   char out[MANIFEST_NAME_BYTES_MAX]);
/* Creates a file with the header, sealed at `pos`, and makes it durable. -1: errno. */
int aof_create_file(const struct aof *a, const char *name, uint64_t pos, uint64_t *bytes);
/* Checks what the manifest names: sizes, kinds, leftovers of a crash. */
enum err aof_load_prepare(struct aof *a, char error[AOF_ERROR_CHARS]);
/* Removes the files that the manifest no longer needs, and forgets them. */
void aof_remove_history(struct aof *a);
void aof_rewrite_poll(struct aof *a);
/* Gives up a rewrite, at the end of the log's life. */
void aof_rewrite_drop(struct aof *a);
/* On the writer thread: the next increment, at `pos`, becomes part of the log and goes to *out. */
bool aof_next_increment(struct aof *a, uint64_t pos, struct writer_file *out,
                        char error[AOF_ERROR_CHARS]);
