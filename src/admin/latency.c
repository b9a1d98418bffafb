#include "admin/latency.h"

#include <string.h>

#include "base/mem.h"

struct latency {
    struct latency_series *series[LATENCY_EVENTS_MAX]; /* owned, `count` of them */
    int count;
};

struct latency *latency_new(void)
{
    return mem_zalloc(sizeof(struct latency));
}

static void forget(struct latency *l, int i)
{
    mem_free(l->series[i]);
    l->count--;
    memmove(&l->series[i], &l->series[i + 1], (size_t)(l->count - i) * sizeof(l->series[0]));
}

int latency_forget_all(struct latency *l)
{
    int count = l->count;
    while (l->count > 0)
        forget(l, l->count - 1);
    return count;
}

void latency_free(struct latency **l)
{
    latency_forget_all(*l);
    mem_free(*l);
    *l = NULL;
}

static int index_of(const struct latency *l, struct slice event)
{
    for (int i = 0; i < l->count; i++)
        if (slice_equal(slice_from_cstr(l->series[i]->event), event))
            return i;
    return -1;
}

static struct latency_series *find_or_add(struct latency *l, const char *event)
{
    int i = index_of(l, slice_from_cstr(event));
    if (i >= 0)
        return l->series[i];
    if (l->count == LATENCY_EVENTS_MAX)
        return NULL;
    struct latency_series *s = mem_zalloc(sizeof(*s));
    s->event = event;
    l->series[l->count++] = s;
    return s;
}

static struct latency_sample *newest(struct latency_series *s)
{
    return &s->samples[(s->start + s->count - 1) % LATENCY_HISTORY_LEN];
}

void latency_add(struct latency *l, const char *event, int64_t duration_ms, int64_t threshold_ms,
                 int64_t wall_ms)
{
    if (threshold_ms <= 0 || duration_ms < threshold_ms)
        return;
    struct latency_series *s = find_or_add(l, event);
    if (!s)
        return;
    if (duration_ms > s->ms_max)
        s->ms_max = duration_ms;

    int64_t wall_s = wall_ms / 1000;
    if (s->count == 0 || newest(s)->wall_s != wall_s) {
        if (s->count == LATENCY_HISTORY_LEN)
            s->start = (s->start + 1) % LATENCY_HISTORY_LEN;
        else
            s->count++;
        *newest(s) = (struct latency_sample){wall_s, duration_ms};
    }
    if (duration_ms > newest(s)->ms)
        newest(s)->ms = duration_ms;
}

int latency_event_count(const struct latency *l)
{
    return l->count;
}

const struct latency_series *latency_event(const struct latency *l, int i)
{
    return l->series[i];
}

const struct latency_series *latency_find(const struct latency *l, struct slice event)
{
    int i = index_of(l, event);
    return i >= 0 ? l->series[i] : NULL;
}

bool latency_forget(struct latency *l, struct slice event)
{
    int i = index_of(l, event);
    if (i >= 0)
        forget(l, i);
    return i >= 0;
}
