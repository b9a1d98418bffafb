#include "raft/terms.h"

#include <assert.h>

#include "base/mem.h"

#define TERMS_ROOM_MIN 8

void terms_init(struct terms *t, uint64_t base, uint64_t base_term)
{
    *t = (struct terms){.base = base, .base_term = base_term, .last = base};
}

void terms_deinit(struct terms *t)
{
    mem_free(t->runs);
    *t = (struct terms){.runs = NULL};
}

void terms_append(struct terms *t, uint64_t term, uint64_t count)
{
    assert(term >= terms_last_term(t));
    if (count == 0)
        return;
    if (t->count == 0 || t->runs[t->count - 1].term != term) {
        if (t->count == t->room) {
            t->room = t->room ? 2 * t->room : TERMS_ROOM_MIN;
            t->runs = mem_realloc(t->runs, t->room * sizeof(*t->runs));
        }
        t->runs[t->count++] = (struct term_run){.first = t->last + 1, .term = term};
    }
    t->last += count;
}

void terms_cut(struct terms *t, uint64_t index)
{
    assert(index > t->base);
    if (index > t->last)
        return;
    while (t->count > 0 && t->runs[t->count - 1].first >= index)
        t->count--;
    t->last = index - 1;
}

/* The run that holds the entry; base < index <= last. */
static uint32_t run_of(const struct terms *t, uint64_t index)
{
    uint32_t low = 0, high = t->count - 1;
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        if (t->runs[middle].first <= index)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

void terms_drop(struct terms *t, uint64_t index)
{
    assert(index >= t->base && index <= t->last);
    if (index == t->base)
        return;
    uint32_t run = run_of(t, index), kept = 0;
    t->base = index;
    t->base_term = t->runs[run].term;
    for (uint32_t i = run; i < t->count; i++) {
        uint64_t end = i + 1 < t->count ? t->runs[i + 1].first - 1 : t->last;
        if (end <= index)
            continue;
        t->runs[kept] = t->runs[i];
        if (t->runs[kept].first <= index)
            t->runs[kept].first = index + 1;
        kept++;
    }
    t->count = kept;
}

bool terms_at(const struct terms *t, uint64_t index, uint64_t *term)
{
    if (index < t->base || index > t->last)
        return false;
    *term = index == t->base ? t->base_term : t->runs[run_of(t, index)].term;
    return true;
}

uint64_t terms_run_first(const struct terms *t, uint64_t index)
{
    assert(index > t->base && index <= t->last);
    return t->runs[run_of(t, index)].first;
}

uint64_t terms_last_term(const struct terms *t)
{
    return t->count ? t->runs[t->count - 1].term : t->base_term;
}
