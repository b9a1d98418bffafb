/* Deadlines that pass while no request comes: of blocked sessions, of a pause, of a log whose fault lasts. */
#include "engine/block.h"
#include "engine/durable.h"
#include "engine/engine_impl.h"
#include "engine/gate_impl.h"
#include "engine/interest.h"

/* When sessions stop waiting for a log with a fault. */
static int64_t fault_due_us(const struct engine *e)
{
    bool waiting = e->promise.fault && e->gate && (e->gate->first || e->sync_waits.count > 0);
    return waiting ? e->promise.fault_since_us + GATE_FAULT_US : INT64_MAX;
}

void engine_deadlines(struct engine *e)
{
    struct heap_node *first;
    if (e->pause != PAUSE_NONE && e->now_us >= e->pause_until_us)
        engine_pause(e, PAUSE_NONE, 0);
    if (e->now_us >= fault_due_us(e))
        engine_log_failed(e);
    while ((first = heap_first(&e->deadlines)) && first->key <= e->now_us)
        block_end(heap_owner(first, struct session, deadline), UNBLOCK_TIMEOUT);
    if (e->keys_ready)
        interest_serve(e->interest);
}

int64_t engine_next_deadline_us(const struct engine *e)
{
    const struct heap_node *first = heap_first(&e->deadlines);
    int64_t due_us = first ? first->key : INT64_MAX;
    if (e->promise.fault && fault_due_us(e) < due_us)
        due_us = fault_due_us(e);
    return e->pause != PAUSE_NONE && e->pause_until_us < due_us ? e->pause_until_us : due_us;
}
