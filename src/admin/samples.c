#include "admin/samples.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

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

static void rate_add(struct rate *r, uint64_t value, int64_t now_us)
{
    int64_t passed_us = now_us - r->last_us;
    if (r->last_us && passed_us > 0 && value >= r->last_value) {
        r->samples[r->next] = (double)(value - r->last_value) * 1e6 / (double)passed_us;
        r->next = (r->next + 1) % SAMPLES_OF_A_RATE;
    }
    r->last_value = value;
    r->last_us = now_us;
}

void samples_take(struct samples *s, const uint64_t values[RATE_COUNT], int64_t now_us)
{
    for (int i = 0; i < RATE_COUNT; i++)
        rate_add(&s->rates[i], values[i], now_us);
    samples_memory(s);
    s->rss_bytes = read_rss();
}

double samples_rate(const struct samples *s, enum rate_kind kind)
{
    double sum = 0;
    for (int i = 0; i < SAMPLES_OF_A_RATE; i++)
        sum += s->rates[kind].samples[i];
    return sum / SAMPLES_OF_A_RATE;
}

size_t samples_memory(struct samples *s)
{
    size_t used = mem_used();
    if (used > s->peak_bytes)
        s->peak_bytes = used;
    return used;
}

void samples_reset(struct samples *s)
{
    for (int i = 0; i < RATE_COUNT; i++)
        s->rates[i] = (struct rate){0};
    s->peak_bytes = mem_used();
}
