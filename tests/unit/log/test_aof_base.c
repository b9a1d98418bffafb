/* The base in the making, as a sink: arguments in runs, and what lacks memory. */
#include "aof_world.h"

#include "base/mem.h"
#include "base/num.h"

/* --- large values in a rewrite ---------------------------------------------------------------- */

#define LARGE_BYTES 1000003

static void put_small(struct world *w, int db, const char *key)
{
    struct slice argv[3] = {SLICE("SET"), slice_from_cstr(key), SLICE("small")};
    assert_int_equal(w->sink->ops->put(w->sink, db, 3, argv), ERR_OK);
}

static void open_large(struct world *w, int db, const char *key)
{
    struct slice argv[5] = {SLICE("SET"),
                            slice_from_cstr(key),
                            {NULL, LARGE_BYTES},
                            SLICE("PXAT"),
                            SLICE("99999999999999")};
    assert_int_equal(w->sink->ops->open(w->sink, db, db == 2 ? 5 : 3, argv, 2), ERR_OK);
}

/* Gives the value in runs of 64 KiB, or less than all of it. */
static void give_runs(struct world *w, const char *value, size_t bytes)
{
    for (size_t at = 0, n; at < bytes; at += n) {
        n = bytes - at < SINK_RUN_BYTES_MAX ? bytes - at : SINK_RUN_BYTES_MAX;
        assert_int_equal(w->sink->ops->run(w->sink, slice_of(value + at, n)), ERR_OK);
        if (at == 5 * (size_t)SINK_RUN_BYTES_MAX && w->data.db == 1) /* within the first */
            put_small(w, 1, "c");
    }
}

struct judged {
    const char *value;
    int64_t db;
    unsigned seen, found;
};

/* "SET key value", or a pair of an MSET. */
static void judge_pair(struct judged *j, struct slice key, struct slice value, int argc)
{
    static const struct {
        const char *key;
        int db, argc; /* 0: within an MSET */
    } expected[] = {{"a", 1, 0}, {"b", 1, 0}, {"x", 0, 3}, {"y", 2, 5}, {"c", 1, 0}, {"d", 0, 0}};
    for (unsigned e = 0; e < 6; e++) {
        if (!slice_is(key, expected[e].key))
            continue;
        bool large = expected[e].key[0] >= 'x';
        assert_int_equal(j->db, expected[e].db);
        assert_int_equal(argc, expected[e].argc);
        assert_int_equal(value.len, large ? LARGE_BYTES : 5);
        assert_memory_equal(value.ptr, large ? j->value : "small", value.len);
        j->seen |= 1u << e;
        j->found++;
    }
}

static void judge_command(struct judged *j, const struct slice *argv, int argc)
{
    if (slice_is(argv[0], "SELECT"))
        assert_true(num_parse_i64(argv[1], &j->db));
    else if (slice_is(argv[0], "SET"))
        judge_pair(j, argv[1], argv[2], argc);
    for (int i = 1; i + 1 < argc && slice_is(argv[0], "MSET"); i += 2)
        judge_pair(j, argv[i], argv[i + 1], 0);
}

/* Every key is where it belongs, however small keys and runs of large ones follow each other. */
static void judge_large(const char *value)
{
    char error[AOF_ERROR_CHARS];
    struct world w;
    struct reader_batch b;
    struct judged j = {.value = value, .db = -1};
    world_init(&w, 0);
    struct aof *a = world_open(&w, "log", WRITER_NO);
    enum reader_status status;
    while ((status = aof_load_next(a, &b, error)) == READER_BATCH || status == READER_LATER) {
        for (size_t i = 0; status == READER_BATCH && i < b.count; i++)
            judge_command(&j, b.commands[i].argv, b.commands[i].argc);
    }
    assert_int_equal(status, READER_END);
    assert_int_equal(j.found, 6);
    assert_int_equal(j.seen, 63);
    aof_close(&a);
    world_deinit(&w);
}

static void test_large_values(void **state)
{
    (void)state;
    struct world w;
    char *value = malloc(LARGE_BYTES);
    assert_non_null(value);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        value[i] = (char)(i * i >> 8);
    for (int cancel = 0; cancel <= 1; cancel++) {
        world_init(&w, 12);
        remove_dir("log");
        struct aof *a = world_restart(&w, "log", WRITER_EVERYSEC, 0);
        assert_true(world_rewrite_begin(&w, a));
        await_prepared(&w, a);
        world_rewrite_advance(&w);
        put_small(&w, 1, "a");
        open_large(&w, 0, "x");
        put_small(&w, 1, "b");
        w.data.db = 1;
        give_runs(&w, value, cancel ? LARGE_BYTES / 2 : LARGE_BYTES);
        w.data.db = 0;
        if (cancel) {
            world_rewrite_cancel(&w);
        } else {
            open_large(&w, 2, "y");
            give_runs(&w, value, LARGE_BYTES);
            put_small(&w, 0, "d");
            world_rewrite_end(&w);
        }
        await_rewrite(&w, a);
        assert_int_equal(w.rewrite_ok, !cancel);
        assert_true(aof_close(&a));
        world_deinit(&w);
        if (!cancel)
            judge_large(value);
    }
    free(value);
}

/* --- lack of memory --------------------------------------------------------------------------- */

/* Gives keys and runs of a large one; ERR_NOMEM: one of the calls said so. */
static enum err give_all(struct world *w)
{
    const struct sink_ops *ops = w->sink->ops;
    static char value[SINK_RUN_BYTES_MAX];
    char key[16];
    enum err e = ERR_OK;
    for (int i = 0; e == ERR_OK && i < 300; i++) {
        struct slice argv[5] = {SLICE("SET"),
                                slice_of(key, (size_t)snprintf(key, sizeof(key), "k%d", i)),
                                slice_of(value, 1000), SLICE("PXAT"), SLICE("9999999999999")};
        e = ops->put(w->sink, i / 50, i % 5 ? 3 : 5, argv);
        if (e != ERR_OK || i % 100 != 99)
            continue;
        argv[2] = (struct slice){NULL, 3 * sizeof(value)};
        e = ops->open(w->sink, 0, 5, argv, 2);
        for (int n = 0; e == ERR_OK && n < 3; n++)
            e = ops->run(w->sink, slice_of(value, sizeof(value)));
    }
    return e == ERR_OK ? ops->end(w->sink) : e;
}

/* A rewrite whose nth allocation is refused fails by itself, or does without it; the log goes on, and so does the
 * next. */
static void test_without_memory(void **state)
{
    (void)state;
    unsigned refused = 0;
    struct world w;
    world_init(&w, 3);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_EVERYSEC, 0);
    for (size_t nth = 1; nth < 300; nth += 1 + nth / 8) {
        world_turn(&w, a);
        assert_true(world_rewrite_begin(&w, a));
        await_prepared(&w, a);
        world_rewrite_advance(&w);
        mem_fail_after(nth);
        enum err e = give_all(&w);
        mem_fail_after(0);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
        refused += e == ERR_NOMEM;
        world_rewrite_cancel(&w); /* its keys are none of the model's */
        await_rewrite(&w, a);
    }
    assert_true(refused > 3);
    world_turn(&w, a);
    assert_true(aof_close(&a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

/* None begins where there is no memory for it, and one does as soon as there is. */
static void test_no_room(void **state)
{
    (void)state;
    struct world w;
    char error[AOF_ERROR_CHARS] = "";
    world_init(&w, 4);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_EVERYSEC, 0);
    mem_fail_after(1);
    assert_int_equal(aof_rewrite(a, 0, &w.sink, error), ERR_NOMEM);
    mem_fail_after(0);
    assert_non_null(strstr(error, "memory"));
    assert_false(aof_rewriting(a));
    assert_true(world_rewrite_begin(&w, a));
    while (w.sink)
        world_rewrite_slice(&w, a);
    assert_true(w.rewrite_ok);
    await_rewrite(&w, a);
    assert_true(aof_close(&a));
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_values),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
