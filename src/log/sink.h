#pragma once
/* A sink takes a snapshot of the data: the base of an append-only file; an RDB file, a replica's socket, a Raft
 * snapshot.
 *
 * A snapshot job (engine/snapshot_job.h) leads a sink from one phase to the next. In each the sink does on its own
 * what takes time, and sink_ops.step says how far that is:
 *
 *   phase       is begun by    the sink                                      is ready when
 *   PREPARING   its maker      makes files, threads, a handshake             the snapshot may be taken
 *   GIVING      begin          takes what put, open and run hand it          never: end is called when all is given
 *   SAVING      end            makes the snapshot safe                       the snapshot may take its place
 *   PLACING     place          puts it in place; cannot be called off        the snapshot is in its place
 *
 * In any of them it may fail, or be closed. Nothing here waits for a disk or a peer. */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum snapshot_phase { SNAPSHOT_PREPARING, SNAPSHOT_GIVING, SNAPSHOT_SAVING, SNAPSHOT_PLACING };
enum sink_step { SINK_WAIT, SINK_READY, SINK_FAILED };

struct sink;
struct sink_ops {
    enum sink_step (*step)(struct sink *s, enum snapshot_phase phase);
    /* The snapshot is of the data as they are now, in the second `unix_s`. Between units. */
    void (*begin)(struct sink *s, int64_t unix_s);
    /* The sink holds enough that it has yet to pass on: nothing more is to be given for now. */
    bool (*full)(const struct sink *s);
    /* One of the commands that make the data, in canonical form; copies it. ERR_NOMEM, as in all of these: the snapshot
     * is incomplete. */
    enum err (*put)(struct sink *s, int db, int argc, const struct slice *argv);
    /* A command whose argument `in_runs` follows in runs: argv has its length only, above 0. Other commands may be put
     * meanwhile, but none opened. Runs are at most SINK_RUN_BYTES_MAX long. */
    enum err (*open)(struct sink *s, int db, int argc, const struct slice *argv, int in_runs);
    enum err (*run)(struct sink *s, struct slice bytes);
    enum err (*end)(struct sink *s);
    void (*place)(struct sink *s);
    /* The job is over, in any phase; `fine` where the sink was PLACING and ready. The sink is its maker's again. */
    void (*close)(struct sink *s, bool fine);
};
#define SINK_RUN_BYTES_MAX (64 * 1024)

struct sink {
    const struct sink_ops *ops;
};
