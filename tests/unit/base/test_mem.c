#include "base_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"

#ifdef CORSAC_LIBC_MALLOC
#define IS_JEMALLOC 0
#else
#define IS_JEMALLOC 1
#endif

static bool all_zero(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* Sizes around every power of two up to 1 MB. */
static size_t next_size(size_t bytes)
{
    bool below_power = ((bytes + 1) & bytes) == 0, at_power = (bytes & (bytes - 1)) == 0;
    return below_power || at_power ? bytes + 1 : (bytes - 1) * 2 - 1;
}
#define SIZES_END (1 << 20)

static void test_gives_what_was_asked_for(void **state)
{
    for (size_t bytes = 1; bytes < SIZES_END; bytes = next_size(bytes)) {
        char *p = mem_alloc(bytes);
        assert_true(mem_usable(p) >= bytes);
        memset(p, 0xff, bytes);
        mem_free(p);
        p = mem_zalloc(bytes); /* likely the block just freed */
        assert_true(all_zero(p, bytes));
        memset(p, 0xff, bytes);
        mem_free_sized(p, bytes);
        p = mem_try_zalloc(bytes);
        assert_true(all_zero(p, bytes));
        mem_free_sized(p, bytes);
    }
    mem_free(NULL);
    mem_free_sized(NULL, 10);
}

static void test_good_size_is_what_is_set_aside(void **state)
{
    for (size_t bytes = 1; bytes < SIZES_END; bytes = next_size(bytes)) {
        size_t good = mem_good_size(bytes);
        assert_true(good >= bytes);
        void *p = mem_alloc(bytes);
        if (IS_JEMALLOC)
            assert_int_equal(mem_usable(p), good);
        mem_free_sized(p, good);
        p = mem_alloc(good);
        assert_int_equal(mem_good_size(good), good);
        mem_free_sized(p, good);
    }
}

static void test_lines_are_aligned_and_zero(void **state)
{
    for (size_t bytes = 1; bytes < SIZES_END; bytes = next_size(bytes)) {
        for (int sized = 0; sized <= 1; sized++) {
            char *p = mem_alloc_line(bytes);
            assert_int_equal((uintptr_t)p % 64, 0);
            assert_true(all_zero(p, bytes));
            memset(p, 0xff, bytes);
            if (sized)
                mem_free_sized(p, (bytes + 63) / 64 * 64);
            else
                mem_free(p);
        }
    }
}

static void test_realloc_keeps_content(void **state)
{
    char *p = NULL;
    for (size_t bytes = 1; bytes < SIZES_END; bytes = bytes * 3 / 2 + 1) {
        p = mem_realloc(p, bytes);
        p[bytes - 1] = (char)bytes;
        if (bytes > 1)
            assert_int_equal(p[0], 1);
    }
    p = mem_try_realloc(p, 1);
    assert_int_equal(p[0], 1);
    mem_free(p);
}

static void test_copies_strings(void **state)
{
    char *s = mem_strdup("corsac");
    assert_string_equal(s, "corsac");
    mem_free(s);
    s = mem_strndup("corsac", 4);
    assert_string_equal(s, "cors");
    mem_free(s);
    s = mem_strndup(NULL, 0);
    assert_string_equal(s, "");
    mem_free(s);
}

static void test_the_nth_try_fails_and_no_other(void **state)
{
    mem_fail_after(3);
    void *a = mem_try_alloc(10), *b = mem_try_zalloc(10);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(mem_try_realloc(a, 20));
    a = mem_try_realloc(a, 20);
    assert_non_null(a);
    mem_fail_after(1);
    assert_null(mem_try_alloc(10));
    mem_fail_after(1);
    assert_null(mem_try_zalloc(10));
    mem_fail_after(1);
    mem_free(mem_alloc(10)); /* does not count: it may not fail */
    mem_fail_after(0);
    void *c = mem_try_alloc(10);
    assert_non_null(c);
    mem_free(a);
    mem_free(b);
    mem_free(c);
}

static void test_used_follows_every_call(void **state)
{
    enum { BLOCKS = 64, STEPS = 20000 };
    void *blocks[BLOCKS] = {0};
    struct rng rng;
    rng_seed(&rng, 3);
    size_t held = 0, before = mem_used();
    for (int step = 0; step < STEPS; step++) {
        void **p = &blocks[rng_below(&rng, BLOCKS)];
        if (*p)
            held -= mem_usable(*p);
        if (rng_below(&rng, 2)) {
            *p = mem_realloc(*p, 1 + rng_below(&rng, 1 << rng_below(&rng, 18)));
            held += mem_usable(*p);
        } else {
            mem_free(*p);
            *p = NULL;
        }
        assert_int_equal(mem_used() - before, held);
    }
    for (int i = 0; i < BLOCKS; i++)
        mem_free(blocks[i]);
    assert_int_equal(mem_used(), before);
}

#define ELSEWHERE_BYTES (10 << 20)

static void *allocate_elsewhere(void *arg)
{
    (void)arg;
    size_t before = mem_used();
    void *p = mem_alloc(ELSEWHERE_BYTES);
    assert_true(mem_used() - before >= ELSEWHERE_BYTES);
    return p;
}

static void *allocate_so_much(void *bytes)
{
    return mem_alloc(*(size_t *)bytes);
}

static void test_stats_see_other_threads(void **state)
{
    struct mem_stats stats;
    mem_stats(&stats);
    size_t before = mem_used();
    assert_int_equal(stats.allocated, before);
    pthread_t thread;
    void *p;
    assert_int_equal(pthread_create(&thread, NULL, allocate_elsewhere, NULL), 0);
    assert_int_equal(pthread_join(thread, &p), 0);
    mem_stats(&stats);
    assert_true(mem_used() - before >= ELSEWHERE_BYTES);
    assert_true(stats.allocated - before >= ELSEWHERE_BYTES);
    assert_true(stats.active >= stats.allocated);
    assert_true(stats.resident >= ELSEWHERE_BYTES);
    mem_free(p);
    mem_stats(&stats);
    assert_true(mem_used() - before < ELSEWHERE_BYTES);
}

/* More than is in use otherwise, taken by one thread and given back by another between two looks at the whole. */
static void test_used_is_never_below_nothing(void **state)
{
    struct mem_stats stats;
    for (size_t mib = 1; mib <= 64; mib *= 2) {
        size_t bytes = mib << 20;
        pthread_t thread;
        void *p;
        mem_stats(&stats);
        assert_int_equal(pthread_create(&thread, NULL, allocate_so_much, &bytes), 0);
        assert_int_equal(pthread_join(thread, &p), 0);
        mem_free(p);
        assert_true(mem_used() < (size_t)1 << 40);
    }
}

static void test_purge_gives_pages_back(void **state)
{
    enum { BYTES = 64 << 20 };
    char *p = mem_alloc(BYTES);
    memset(p, 1, BYTES);
    struct mem_stats full, empty;
    mem_stats(&full);
    mem_free(p);
    mem_purge();
    mem_stats(&empty);
    assert_true(empty.resident + BYTES / 2 < full.resident);
}

static void test_purges_in_the_background_when_told(void **state)
{
    if (!IS_JEMALLOC)
        skip();
    assert_true(mem_purge_in_background(true));
    assert_true(mem_purge_in_background(false));
}

static void test_names_the_allocator(void **state)
{
    const char *name = mem_allocator();
    assert_int_equal(strncmp(name, "jemalloc-5.", 11) == 0, IS_JEMALLOC);
}

/* A size that nothing can give; volatile, so that the compiler does not see that. */
static volatile size_t too_much = SIZE_MAX / 4;

static void test_a_try_for_too_much_is_refused(void **state)
{
    if (!IS_JEMALLOC)
        skip(); /* a sanitizer would take it for a mistake */
    assert_null(mem_try_alloc(too_much));
    assert_null(mem_try_zalloc(too_much));
    char *p = mem_alloc(10);
    p[0] = 'x';
    assert_null(mem_try_realloc(p, too_much));
    assert_int_equal(p[0], 'x');
    mem_free(p);
}

static void test_the_process_ends_when_a_must_is_refused(void **state)
{
    if (!IS_JEMALLOC)
        skip();
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        dup2(pipes[1], STDERR_FILENO);
        mem_alloc(too_much);
        _exit(0);
    }
    close(pipes[1]);
    char text[128] = {0};
    assert_true(read(pipes[0], text, sizeof(text) - 1) > 0);
    close(pipes[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "Out of memory: 4611686018427387903 bytes"));
}

static size_t resident_bytes(void)
{
    unsigned long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
    fclose(f);
    return resident * 4096;
}

/* Many at once, of which some are too small for that. */
static void test_large_ones_are_freed_on_a_thread(void **state)
{
    (void)state;
    enum { COUNT = 12 };
    char *blocks[COUNT];
    size_t bytes[COUNT], before = resident_bytes(), large = 0;
    for (size_t i = 0; i < COUNT; i++) {
        bytes[i] = i % 4 ? MEM_LARGE_BYTES_MIN * (i % 3 + 1) + i : MEM_LARGE_BYTES_MIN - 1;
        blocks[i] = mem_alloc(bytes[i]);
        memset(blocks[i], 'x', bytes[i]);
        large += i % 4 ? bytes[i] : 0;
    }
    assert_true(resident_bytes() >= before + large);
    for (size_t i = 0; i < COUNT; i++)
        mem_free_large(blocks[i], bytes[i]);
    mem_free_large(NULL, 0);
    for (int ms = 0; resident_bytes() > before + large / 4; ms++) {
        assert_true(ms < 20000);
        usleep(1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_what_was_asked_for),
        cmocka_unit_test(test_good_size_is_what_is_set_aside),
        cmocka_unit_test(test_lines_are_aligned_and_zero),
        cmocka_unit_test(test_realloc_keeps_content),
        cmocka_unit_test(test_copies_strings),
        cmocka_unit_test(test_the_nth_try_fails_and_no_other),
        cmocka_unit_test(test_used_follows_every_call),
        cmocka_unit_test(test_stats_see_other_threads),
        cmocka_unit_test(test_used_is_never_below_nothing),
        cmocka_unit_test(test_purge_gives_pages_back),
        cmocka_unit_test(test_purges_in_the_background_when_told),
        cmocka_unit_test(test_large_ones_are_freed_on_a_thread),
        cmocka_unit_test(test_names_the_allocator),
        cmocka_unit_test(test_a_try_for_too_much_is_refused),
        cmocka_unit_test(test_the_process_ends_when_a_must_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
