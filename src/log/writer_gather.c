/* Gathering: with `always`, how long to wait for more to write and sync at once.
 *
 * Clients that send their next write once they have a reply fall into two groups if the writer does not
 * wait: one is being synced while the other one's writes arrive, and each sync serves half of them.
 *
 *     no waiting:   |--- sync A ---|--- sync B ---|--- sync A ---|--- sync B ---|
 *     waiting:      |- A and B -|....|- A and B -|....|- A and B -|....|
 *
 * So after a sync the writer waits for the clients that it answered, for less time than a sync takes: at
 * worst that time is lost, at best every sync serves all clients. Where they do not come back in time (a
 * fast disk, clients that think), the writer waits less and less often. */
#include "base/clock.h"
#include "log/writer_impl.h"

#define GATHER_SYNC_US_MIN 100   /* with a faster disk waiting does not pay */
#define GATHER_US_MAX      10000 /* the longest wait */
#define GATHER_SHARE       3 / 4 /* ... of what a sync takes */
#define GATHER_SMOOTHING   8     /* the average is over about so many syncs */
#define GATHER_IN_VAIN_MAX 6     /* at most 2^6 groups are not waited for */

void writer_gather_synced(struct writer *w, int64_t ended_us, int64_t took_us)
{
    struct gather *g = &w->gather;
    g->sync_us += (took_us - g->sync_us) / GATHER_SMOOTHING;
    int64_t most_us = g->sync_us * GATHER_SHARE;
    g->until_us = ended_us + (most_us < GATHER_US_MAX ? most_us : GATHER_US_MAX);
    pthread_mutex_lock(&w->lock);
    g->expected = g->group + w->queued_waiting;
    pthread_mutex_unlock(&w->lock);
}

void writer_gather_take(struct writer *w)
{
    w->gather.group = w->queued_waiting;
    w->queued_waiting = 0;
    w->queued_job = false;
}

static bool is_missing_some(const struct writer *w)
{
    return w->policy == WRITER_ALWAYS && !w->give_up_us && !w->queued_job &&
           w->queued_waiting < w->gather.expected;
}

void writer_gather(struct writer *w)
{
    struct gather *g = &w->gather;
    if (!is_missing_some(w) || g->sync_us < GATHER_SYNC_US_MIN)
        return;
    if (g->skip > 0) {
        g->skip--;
        return;
    }
    /* Too late to wait: the first client came back after `until_us`. */
    if (clock_mono_us() >= g->until_us)
        return;
    w->enough = g->expected;
    while (is_missing_some(w) && clock_mono_us() < g->until_us)
        writer_wait(w, g->until_us);
    w->enough = 0;
    if (w->queued_waiting >= g->expected) {
        g->in_vain = 0;
        return;
    }
    g->skip = 1u << g->in_vain;
    if (g->in_vain < GATHER_IN_VAIN_MAX)
        g->in_vain++;
}
