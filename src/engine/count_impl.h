#pragma once
/* Statistics of a request that has run: by command, by session and in all. */
#include "base/histogram.h"
#include "base/mem.h"
#include "engine/engine_impl.h"
#include "engine/errors.h"

_Static_assert(CMD_HISTOGRAM_BUCKETS == HISTOGRAM_BUCKETS, "both count by the same buckets");

/* Nearly all requests take less than a microsecond, and skip the division. */
static inline void count_duration(const struct engine *e, struct cmd *cmd, uint64_t ticks)
{
    struct cmd_stats *st = &cmd->stats;
    int bucket = 0;
    if (!st->histogram)
        st->histogram = mem_zalloc(CMD_HISTOGRAM_BUCKETS * sizeof(*st->histogram));
    if (ticks >= e->us_ticks)
        bucket = histogram_bucket(ticks / e->us_ticks);
    st->histogram[bucket]++;
}

/* `failed`: the request replied an error of its own, the last one of the session's writer. */
static inline __attribute__((always_inline)) void
count_call(struct engine *e, struct session *s, struct cmd *cmd, uint64_t ticks, bool failed)
{
    cmd->stats.calls++;
    cmd->stats.ticks += ticks;
    e->stats.commands++;
    s->commands++;
    s->last_cmd = cmd;
    if (failed) {
        cmd->stats.failed_calls++;
        engine_count_error(e, &s->writer);
    }
    if (e->config->latency_tracking)
        count_duration(e, cmd, ticks);
}

/* Reports a request that took at least slow_ticks_min. */
static inline void count_slow(struct engine *e, const struct cmd_ctx *c, uint64_t ticks)
{
    int64_t us = (int64_t)((double)ticks / e->ticks_per_us);
    if (e->observers.slow)
        e->observers.slow(e->observers.admin, c, us);
    if (us >= ENGINE_CLOCK_STALE_US && e->unit.depth == 0 && e->late)
        e->late(e);
}
