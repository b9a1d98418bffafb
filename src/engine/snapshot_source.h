#pragma once
/* The data of one instant as commands, given to a sink slice by slice while they change.
 *
 *     keyspace --walk, or ahead of a change--> small value  -----------------put---> sink
 *                                              large value --> held --open, run, run-'
 *
 * A large value is held as it is, and given in runs and in several commands: at once it would hold the loop up, and
 * take its memory twice. */
#include <stdbool.h>

#include "base/err.h"
#include "log/sink.h"

#define SOURCE_HELD_BYTES_MIN SINK_RUN_BYTES_MAX /* a key with more is held */

struct held_value;
struct keyspace;
struct ks_snapshot;

struct snapshot_source {
    struct ks_snapshot *snapshot;        /* owned; NULL: all of it was given */
    struct sink *sink;                   /* borrowed */
    struct keyspace *ks;                 /* borrowed */
    struct held_value *held, **held_end; /* owned: large values, the first perhaps given in part */
    bool opened;                         /* it is */
    enum err err;                        /* ERR_OK, or why it gave up */
};

/* The data as they are now. ERR_BUSY: as many snapshots as may be are under way (ks_snapshot_busy). */
enum err source_begin(struct snapshot_source *s, struct keyspace *ks, struct sink *sink);
enum source_step { SOURCE_MORE, SOURCE_ALL, SOURCE_FAILED };
/* Gives about `keys` keys, or a run or command of a large value. SOURCE_ALL: that was all. SOURCE_FAILED: memory lacks,
 * and nothing more is given. */
enum source_step source_slice(struct snapshot_source *s, unsigned keys);
/* Stops giving, and frees what it holds. A zeroed source, never begun, may be ended. */
void source_end(struct snapshot_source *s);
double source_done(const struct snapshot_source *s); /* 0..1: of the keys */
