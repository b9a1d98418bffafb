/* A shutdown while the first file of a log that was switched on is not done: no file holds the data in memory yet, and
 * a start might load an older log. SHUTDOWN is refused then. A signal waits until the file is done, as its sender waits
 * for the end and not for a reply. */
#include "base/clock.h"
#include "log/aof.h"
#include "server/persist.h"
#include "server/server_impl.h"

/* A first file that did not grow for so long is given up: the disk hangs. */
#define FINISH_STALL_US (30 * 1000 * 1000)

bool persist_begins(const struct server *s)
{
    const struct persist *p = &s->persist;
    if (!s->config.aof || p->reload || p->loading)
        return false;
    return p->state != PERSIST_ON || !aof_placed(p->aof);
}

static uint64_t keys_in_memory(const struct server *s)
{
    uint64_t keys = 0;
    for (int db = 0; db < (int)s->config.databases; db++)
        keys += ks_size(s->ks, db);
    return keys;
}

static void say_lost(struct server *s, const char *why)
{
    log_warning(&s->logger,
                "%s: the %llu keys in memory are lost, as the first append-only file is not done; "
                "a start loads what %s/%s held before",
                why, (unsigned long long)keys_in_memory(s), s->config.dir, s->config.aof_dirname);
}

void persist_forsake(struct server *s)
{
    if (persist_begins(s))
        say_lost(s, "Writing initial AOF. Exit anyway");
}

void persist_finish_begin(struct server *s)
{
    struct persist *p = &s->persist;
    log_notice(&s->logger, "Writing initial AOF: the end waits until that is done");
    p->finish_failures = p->failures;
    p->finish_bytes = 0;
    p->finish_moved_us = clock_mono_us();
    p->retry_us = p->rewrite_retry_us = 0; /* the next try must not wait */
}

/* Has the file grown, or the log's state changed, since the last look? */
static bool moves(struct persist *p)
{
    struct aof_stats st = {0};
    if (p->aof)
        aof_stats(p->aof, &st);
    uint64_t bytes = st.rewrite_bytes + st.base_bytes + (uint64_t)p->state;
    bool moved = bytes != p->finish_bytes;
    p->finish_bytes = bytes;
    return moved;
}

void persist_finish(struct server *s)
{
    struct persist *p = &s->persist;
    int64_t now_us = clock_mono_us();
    if (!persist_begins(s)) {
        server_stop(s, s->stop_signal);
        return;
    }
    if (moves(p))
        p->finish_moved_us = now_us;
    bool hangs = now_us - p->finish_moved_us > FINISH_STALL_US;
    if (p->failures == p->finish_failures && !hangs)
        return;
    say_lost(s, hangs ? "The disk hangs" : "The disk fails");
    s->failed = true;
    server_stop(s, s->stop_signal);
}

void server_stop_finished(struct server *s, int signal)
{
    if (!persist_begins(s)) {
        server_stop(s, signal);
    } else if (s->stop == STOP_NO) {
        s->stop = STOP_FINISHING;
        s->stop_signal = signal;
        persist_finish_begin(s);
    }
}
