/* What a table costs: nanoseconds of each operation, bytes of each key, and the longest insert.
 *   bench_table [millions of keys ...]   (default: 1 10)
 * Look-ups are made one after the other: each is asked for only when the last has been answered. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "ds/table.h"

#define LOOKUPS 4000000
#define FILLS   3

/* As long as a small item with its key. */
struct thing {
    uint64_t key;
    uint64_t payload[3];
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return x ^ x >> 31;
}

static uint32_t hash_of(uint64_t key)
{
    return (uint32_t)mix(key * 0x9e3779b97f4a7c15ULL);
}

static uint32_t rehash(const void *p, void *arg)
{
    (void)arg;
    return hash_of(((const struct thing *)p)->key);
}

static bool same(const void *p, const void *key)
{
    return ((const struct thing *)p)->key == *(const uint64_t *)key;
}

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void insert(struct table *t, struct thing *thing)
{
    if (table_insert(t, hash_of(thing->key), thing))
        abort();
}

/* The longest time of one insert, and bytes per key on average while the table grows from n/2 to n.
 * What the machine does beside it hits another insert each time, so the best of FILLS times of each
 * counts. */
static double fill(struct thing *things, uint64_t n, double *bytes_per_key)
{
    uint32_t *best_ns = malloc(n * sizeof(*best_ns));
    uint32_t longest_ns = 0;
    double bytes = 0;
    for (int round = 0; round < FILLS; round++) {
        struct table t;
        table_init(&t, rehash, NULL);
        int64_t before_ns = now_ns();
        for (uint64_t i = 0; i < n; i++) {
            insert(&t, &things[i]);
            int64_t after_ns = now_ns();
            uint32_t took_ns = (uint32_t)(after_ns - before_ns);
            before_ns = after_ns;
            if (round == 0 || took_ns < best_ns[i])
                best_ns[i] = took_ns;
            if (i >= n / 2)
                bytes += (double)table_memory(&t) / (double)(i + 1);
        }
        table_deinit(&t);
    }
    for (uint64_t i = 0; i < n; i++)
        if (best_ns[i] > longest_ns)
            longest_ns = best_ns[i];
    free(best_ns);
    uint64_t samples = (n - n / 2) * FILLS;
    *bytes_per_key = bytes / (double)samples;
    return longest_ns;
}

/* Nanoseconds of one look-up; keys from `first` on, n of them, in a random order. */
static double time_finds(const struct table *t, uint64_t first, uint64_t n, bool expect_found)
{
    uint64_t found = 0;
    int64_t start_ns = now_ns();
    for (uint64_t i = 0; i < LOOKUPS; i++) {
        uint64_t key = first + mix(i + found) % n;
        found += table_find(t, hash_of(key), same, &key).bucket != NULL;
    }
    if (found != (expect_found ? LOOKUPS : 0))
        abort();
    return (double)(now_ns() - start_ns) / LOOKUPS;
}

static void bench(uint64_t n)
{
    struct thing *things = malloc(n * sizeof(*things));
    if (!things)
        abort();
    for (uint64_t i = 0; i < n; i++)
        things[i].key = i;

    double bytes_per_key;
    double longest_ns = fill(things, n, &bytes_per_key);

    struct table t;
    table_init(&t, rehash, NULL);
    int64_t start_ns = now_ns();
    for (uint64_t i = 0; i < n; i++)
        insert(&t, &things[i]);
    double insert_ns = (double)(now_ns() - start_ns) / (double)n;
    double hit_ns = time_finds(&t, 0, n, true), miss_ns = time_finds(&t, n, n, false);

    start_ns = now_ns();
    for (uint64_t i = 0; i < n; i++)
        table_remove(&t, table_find(&t, hash_of(i), same, &i), hash_of(i));
    double remove_ns = (double)(now_ns() - start_ns) / (double)n;
    printf("%6.1f M keys: hit %.0f ns, miss %.0f ns, insert %.0f ns (longest %.0f us), find and "
           "remove %.0f ns, %.2f bytes a key\n",
           (double)n / 1e6, hit_ns, miss_ns, insert_ns, longest_ns / 1e3, remove_ns, bytes_per_key);
    table_deinit(&t);
    free(things);
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        bench(1000000);
        bench(10000000);
    }
    for (int i = 1; i < argc; i++)
        bench((uint64_t)(atof(argv[i]) * 1e6));
    return 0;
}
