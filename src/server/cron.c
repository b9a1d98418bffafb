/* Housekeeping, `hz` times a second: samples for INFO, and limits of clients. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/server.h"

/* The second number of /proc/self/statm: pages in memory. */
static size_t read_rss(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    unsigned long long pages = 0;
    if (sscanf(text, "%*u %llu", &pages) != 1)
        return 0;
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

size_t server_memory(struct server *s)
{
    size_t used = mem_used();
    if (used > s->peak_bytes)
        s->peak_bytes = used;
    return used;
}

static void metric_add(struct metric *m, uint64_t value, int64_t now_us)
{
    int64_t passed_us = now_us - m->last_us;
    if (m->last_us && passed_us > 0 && value >= m->last_value) {
        m->samples[m->next] = (double)(value - m->last_value) * 1e6 / (double)passed_us;
        m->next = (m->next + 1) % SERVER_METRIC_SAMPLES;
    }
    m->last_value = value;
    m->last_us = now_us;
}

double server_rate(const struct server *s, enum metric_kind kind)
{
    double sum = 0;
    for (int i = 0; i < SERVER_METRIC_SAMPLES; i++)
        sum += s->metrics[kind].samples[i];
    return sum / SERVER_METRIC_SAMPLES;
}

void server_reset_stats(struct server *s)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        s->metrics[i] = (struct metric){0};
    s->peak_bytes = mem_used();
    s->cycles = s->busy_us = 0;
}

void server_cron(struct server *s, int64_t now_us)
{
    const struct engine_stats *st = engine_stats(s->engine);
    metric_add(&s->metrics[METRIC_COMMANDS], st->commands, now_us);
    metric_add(&s->metrics[METRIC_IN_BYTES], st->in_bytes, now_us);
    metric_add(&s->metrics[METRIC_OUT_BYTES], st->out_bytes, now_us);
    metric_add(&s->metrics[METRIC_CYCLES], s->cycles, now_us);
    metric_add(&s->metrics[METRIC_BUSY_US], s->busy_us, now_us);
    server_memory(s);
    s->rss_bytes = read_rss();
    net_cron(s->net);
    persist_cron(s, now_us);
}
