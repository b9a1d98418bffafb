#pragma once
/* Snapshot jobs: each leads the data of one instant (snapshot_source.h) into a sink (log/sink.h), phase by phase.
 * Several may be under way, with sinks of any kind; they take turns.
 *
 *   PREPARING --sink ready--> GIVING --all given--> SAVING --safe--> PLACING --in its place--> over, well
 *       '------------------------'-------------------'-- fault, cancelled       '--fault--> over
 *
 * A job has no other state than its phase; a sink may have steps of its own within a phase. A job that is over is
 * gone: its owner is told how it ended. */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "log/sink.h"
#include "store/snapshot.h"

#define SNAPSHOT_JOBS_MAX KS_SNAPSHOTS_MAX

struct snapshot_job;
struct snapshot_jobs; /* of one keyspace */

enum snapshot_end { SNAPSHOT_DONE, SNAPSHOT_FAILED, SNAPSHOT_CANCELLED };
/* Called as a job's last act, behind sink_ops.close. It may begin another. */
typedef void (*snapshot_over_fn)(void *arg, enum snapshot_end end, int64_t took_us);

struct snapshot_jobs *snapshot_jobs_new(struct keyspace *ks); /* borrows it */
void snapshot_jobs_free(struct snapshot_jobs **jobs);         /* cancels them */

/* None can begin now. */
bool snapshot_jobs_busy(const struct snapshot_jobs *jobs);
/* Not while they are busy. Has the sink, which prepares itself already, until sink_ops.close. Monotonic times here and
 * below. */
struct snapshot_job *snapshot_job_new(struct snapshot_jobs *jobs, struct sink *sink, int64_t now_us,
                                      snapshot_over_fn over, void *arg);
/* Ends it, as SNAPSHOT_FAILED or SNAPSHOT_CANCELLED; its `over` is called within. False: it is PLACING, and goes on. */
bool snapshot_job_cancel(struct snapshot_job *job, enum snapshot_end end);
enum snapshot_phase snapshot_job_phase(const struct snapshot_job *job);
double snapshot_job_done(const struct snapshot_job *job); /* 0..1: of the keys */
/* Ends it even where it is PLACING, as its owner goes away, too. */
void snapshot_job_drop(struct snapshot_job *job);

/* Sinks moved on: leads jobs to their next phase, and takes the snapshots of prepared ones. Between units, with all
 * effects handed over. */
void snapshot_jobs_advance(struct snapshot_jobs *jobs, int64_t now_us, int64_t unix_s);
/* Some are PREPARING: an advance may take their snapshot. */
bool snapshot_jobs_preparing(const struct snapshot_jobs *jobs);
/* A slice of the next job that has something to give and a sink to take it. `key_rest_us`: for tests, each job then
 * rests after each key, SNAPSHOT_REST_US_MAX altogether. True: there is more to give now. */
#define SNAPSHOT_REST_US_MAX (5 * 1000 * 1000)
bool snapshot_jobs_slice(struct snapshot_jobs *jobs, int64_t now_us, int64_t key_rest_us);
/* There is more to give, as of the last time that was told. */
bool snapshot_jobs_giving(const struct snapshot_jobs *jobs, int64_t key_rest_us);
