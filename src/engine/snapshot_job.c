#include "engine/snapshot_job.h"

#include <assert.h>

#include "base/mem.h"
#include "engine/snapshot_source.h"

#define SLICE_KEYS 64

struct snapshot_job {
    struct snapshot_jobs *jobs;
    enum snapshot_phase phase;
    struct sink *sink;
    struct snapshot_source source; /* begun with GIVING, ended with SAVING */
    int64_t began_us;
    int64_t rests_until_us, rested_us;
    snapshot_over_fn over;
    void *arg;
};

struct snapshot_jobs {
    struct keyspace *ks;
    struct snapshot_job *at[SNAPSHOT_JOBS_MAX]; /* NULL: free */
    unsigned next;                              /* place of the job that gives next */
    int64_t now_us;                             /* of the latest advance or slice */
};

/* --- life ----------------------------------------------------------------------------------------------- */

struct snapshot_jobs *snapshot_jobs_new(struct keyspace *ks)
{
    struct snapshot_jobs *jobs = mem_zalloc(sizeof(*jobs));
    jobs->ks = ks;
    return jobs;
}

void snapshot_jobs_free(struct snapshot_jobs **jobs)
{
    if (!*jobs)
        return;
    for (int i = 0; i < SNAPSHOT_JOBS_MAX; i++) {
        if ((*jobs)->at[i])
            snapshot_job_drop((*jobs)->at[i]);
    }
    mem_free(*jobs);
    *jobs = NULL;
}

/* A free place; NULL: there are as many jobs as may be. */
static struct snapshot_job **find_free(struct snapshot_jobs *jobs)
{
    for (int i = 0; i < SNAPSHOT_JOBS_MAX; i++) {
        if (!jobs->at[i])
            return &jobs->at[i];
    }
    return NULL;
}

bool snapshot_jobs_busy(const struct snapshot_jobs *jobs)
{
    for (int i = 0; i < SNAPSHOT_JOBS_MAX; i++) {
        if (!jobs->at[i])
            return false;
    }
    return true;
}

struct snapshot_job *snapshot_job_new(struct snapshot_jobs *jobs, struct sink *sink, int64_t now_us,
                                      snapshot_over_fn over, void *arg)
{
    struct snapshot_job **place = find_free(jobs), *job = mem_zalloc(sizeof(*job));
    assert(place);
    *job = (struct snapshot_job){.jobs = jobs,
                                 .phase = SNAPSHOT_PREPARING,
                                 .sink = sink,
                                 .began_us = now_us,
                                 .over = over,
                                 .arg = arg};
    jobs->now_us = now_us;
    *place = job;
    return job;
}

static void end(struct snapshot_job *job, enum snapshot_end how)
{
    struct snapshot_jobs *jobs = job->jobs;
    for (int i = 0; i < SNAPSHOT_JOBS_MAX; i++) {
        if (jobs->at[i] == job)
            jobs->at[i] = NULL;
    }
    source_end(&job->source);
    job->sink->ops->close(job->sink, how == SNAPSHOT_DONE);
    job->over(job->arg, how, jobs->now_us - job->began_us);
    mem_free(job);
}

bool snapshot_job_cancel(struct snapshot_job *job, enum snapshot_end how)
{
    assert(how != SNAPSHOT_DONE);
    if (job->phase == SNAPSHOT_PLACING)
        return false;
    end(job, how);
    return true;
}

void snapshot_job_drop(struct snapshot_job *job)
{
    end(job, SNAPSHOT_FAILED);
}

enum snapshot_phase snapshot_job_phase(const struct snapshot_job *job)
{
    return job->phase;
}

double snapshot_job_done(const struct snapshot_job *job)
{
    if (job->phase == SNAPSHOT_PREPARING)
        return 0;
    return job->phase == SNAPSHOT_GIVING ? source_done(&job->source) : 1;
}

/* --- from phase to phase -------------------------------------------------------------------------------- */

/* False: too many snapshots are under way, or are being tidied up; later. */
static bool take_snapshot(struct snapshot_job *job, int64_t unix_s)
{
    if (ks_snapshot_busy(job->jobs->ks))
        return false;
    job->sink->ops->begin(job->sink, unix_s);
    enum err e = source_begin(&job->source, job->jobs->ks, job->sink);
    assert(e == ERR_OK);
    job->phase = SNAPSHOT_GIVING;
    return true;
}

/* True: the job has come to another phase, whose step may be ready, too. */
static bool advance(struct snapshot_job *job, int64_t unix_s)
{
    enum sink_step step = job->sink->ops->step(job->sink, job->phase);
    if (step == SINK_FAILED) {
        end(job, SNAPSHOT_FAILED);
        return false;
    }
    if (step == SINK_WAIT)
        return false;
    switch (job->phase) {
    case SNAPSHOT_PREPARING: return take_snapshot(job, unix_s);
    case SNAPSHOT_GIVING: break; /* goes on until all was given: see slice */
    case SNAPSHOT_SAVING:
        job->phase = SNAPSHOT_PLACING;
        job->sink->ops->place(job->sink);
        return true;
    case SNAPSHOT_PLACING: end(job, SNAPSHOT_DONE); break;
    }
    return false;
}

void snapshot_jobs_advance(struct snapshot_jobs *jobs, int64_t now_us, int64_t unix_s)
{
    jobs->now_us = now_us;
    for (int i = 0; i < SNAPSHOT_JOBS_MAX; i++) {
        struct snapshot_job *job = jobs->at[i];
        while (job && jobs->at[i] == job && advance(job, unix_s))
            ;
    }
}

bool snapshot_jobs_preparing(const struct snapshot_jobs *jobs)
{
    for (int i = 0; i < SNAPSHOT_JOBS_MAX; i++) {
        if (jobs->at[i] && jobs->at[i]->phase == SNAPSHOT_PREPARING)
            return true;
    }
    return false;
}

/* --- giving --------------------------------------------------------------------------------------------- */

static bool can_give(const struct snapshot_job *job, int64_t key_rest_us)
{
    if (!job || job->phase != SNAPSHOT_GIVING || job->sink->ops->full(job->sink))
        return false;
    return key_rest_us <= 0 || job->jobs->now_us >= job->rests_until_us;
}

/* A key at a time, where it is to rest after each, until it has rested enough. */
static unsigned slice_keys(struct snapshot_job *job, int64_t key_rest_us)
{
    int64_t left_us = SNAPSHOT_REST_US_MAX - job->rested_us;
    int64_t rest_us = key_rest_us < left_us ? key_rest_us : left_us;
    if (rest_us <= 0)
        return SLICE_KEYS;
    job->rests_until_us = job->jobs->now_us + rest_us;
    job->rested_us += rest_us;
    return 1;
}

static void slice(struct snapshot_job *job, int64_t key_rest_us)
{
    switch (source_slice(&job->source, slice_keys(job, key_rest_us))) {
    case SOURCE_MORE: break;
    case SOURCE_FAILED: end(job, SNAPSHOT_FAILED); break;
    case SOURCE_ALL:
        source_end(&job->source);
        if (job->sink->ops->end(job->sink) != ERR_OK) {
            end(job, SNAPSHOT_FAILED);
            break;
        }
        job->phase = SNAPSHOT_SAVING;
        while (advance(job, 0))
            ;
        break;
    }
}

/* The next job, by turns, that has data to give and a sink that takes them; NULL: none. */
static struct snapshot_job *find_giving(const struct snapshot_jobs *jobs, int64_t key_rest_us)
{
    for (unsigned n = 0; n < SNAPSHOT_JOBS_MAX; n++) {
        struct snapshot_job *job = jobs->at[(jobs->next + n) % SNAPSHOT_JOBS_MAX];
        if (can_give(job, key_rest_us))
            return job;
    }
    return NULL;
}

bool snapshot_jobs_giving(const struct snapshot_jobs *jobs, int64_t key_rest_us)
{
    return find_giving(jobs, key_rest_us) != NULL;
}

bool snapshot_jobs_slice(struct snapshot_jobs *jobs, int64_t now_us, int64_t key_rest_us)
{
    jobs->now_us = now_us;
    struct snapshot_job *job = find_giving(jobs, key_rest_us);
    if (!job)
        return false;
    while (jobs->at[jobs->next % SNAPSHOT_JOBS_MAX] != job)
        jobs->next++;
    jobs->next++;
    slice(job, key_rest_us);
    return find_giving(jobs, key_rest_us) != NULL;
}
