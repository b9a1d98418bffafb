/* Tells in the server's log that the append-only file cannot be written: one line when the fault begins, one now and
 * then while it lasts, one when it is over. Faults that come and go are told no more often. */
#include "log/aof.h"
#include "server/persist.h"
#include "server/server_impl.h"

#define FAULT_TOLD_EVERY_US (10 * 1000 * 1000)

static void tell_over(struct server *s, int64_t now_us)
{
    struct persist *p = &s->persist;
    if (p->fault_told) /* in the words that tools look for */
        log_notice(&s->logger,
                   "AOF write error looks solved. The server can write again, after %.1f seconds",
                   (double)(now_us - p->fault_since_us) / 1e6);
    p->fault_since_us = 0;
    p->fault_told = false;
}

void persist_watch_fault(struct server *s, int64_t now_us)
{
    struct persist *p = &s->persist;
    const char *fault = p->aof && p->state != PERSIST_ONCE ? aof_fault(p->aof) : NULL;
    if (!fault) {
        if (p->fault_since_us)
            tell_over(s, now_us);
        return;
    }
    if (!p->fault_since_us)
        p->fault_since_us = now_us;
    if (p->fault_told_us && now_us - p->fault_told_us < FAULT_TOLD_EVERY_US)
        return;
    struct aof_stats st;
    aof_stats(p->aof, &st);
    log_warning(&s->logger,
                "%s. Writes are refused until it works again; %llu bytes wait to be written, for "
                "%.1f seconds",
                fault, (unsigned long long)st.buffer_bytes,
                (double)(now_us - p->fault_since_us) / 1e6);
    p->fault_told_us = now_us;
    p->fault_told = true;
}
