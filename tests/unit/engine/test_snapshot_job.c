/* Snapshot jobs with sinks in memory, and with the base of an append-only file beside them. */
#include "memory_sink.h"

#include <ftw.h>
#include <unistd.h>

#include "base/rng.h"
#include "log/aof.h"

#define KEYS        600
#define UNIX_S      (MEMORY_NOW_MS / 1000)
#define LARGE_BYTES 200000

struct world {
    struct keyspace *ks;
    struct snapshot_jobs *jobs;
    struct rng rng;
    int64_t now_us;
};

static char text[LARGE_BYTES];

static void world_init(struct world *w, uint64_t seed)
{
    w->ks = memory_keyspace(3);
    w->jobs = snapshot_jobs_new(w->ks);
    w->now_us = 1000;
    rng_seed(&w->rng, seed);
}

static void world_deinit(struct world *w)
{
    snapshot_jobs_free(&w->jobs);
    ks_validate(w->ks);
    ks_free(&w->ks);
}

/* Lays bytes over the beginning: of a value that a job holds, perhaps. */
static void edit(struct world *w, int db, const struct key *k, size_t bytes)
{
    struct ks_edit e;
    if (!ks_edit(w->ks, db, k, &e))
        return;
    assert_int_equal(string_write(&e, 0, slice_of(text, bytes)), ERR_OK);
    ks_edit_end(&e);
}

static void change(struct world *w)
{
    char name[16];
    int db = (int)rng_below(&w->rng, MEMORY_DATABASES);
    int len = snprintf(name, sizeof(name), "k%d", (int)rng_below(&w->rng, KEYS));
    struct key k = ks_key(w->ks, slice_of(name, (size_t)len));
    int64_t expiry_ms = rng_below(&w->rng, 3)
                            ? ITEM_NO_EXPIRY
                            : MEMORY_NOW_MS + 1000 + (int64_t)rng_below(&w->rng, 99);
    size_t bytes =
        rng_below(&w->rng, 60) ? rng_below(&w->rng, 3000) : rng_below(&w->rng, LARGE_BYTES);
    memset(text, 'a' + (int)rng_below(&w->rng, 26), bytes);
    switch (rng_below(&w->rng, 40)) {
    case 0:
        if (rng_below(&w->rng, 30) == 0)
            ks_flush(w->ks, rng_below(&w->rng, 4) ? db : -1, rng_below(&w->rng, 2));
        break;
    case 1: ks_swap(w->ks, 0, db); break;
    case 2: (void)ks_set_shards(w->ks, 1 + (unsigned)rng_below(&w->rng, 9)); break;
    case 3:
    case 4:
    case 5: ks_work(w->ks); break;
    case 6:
    case 7:
    case 8:
    case 9: ks_delete(w->ks, db, &k); break;
    case 10:
    case 11:
    case 12: edit(w, db, &k, bytes); break;
    default: assert_non_null(ks_set_string(w->ks, db, &k, slice_of(text, bytes), expiry_ms));
    }
}

static void fill(struct world *w, int changes)
{
    while (changes-- > 0)
        change(w);
}

static struct snapshot_job *begin(struct world *w, struct memory_sink *m)
{
    memory_sink_init(m, w->ks);
    assert_false(snapshot_jobs_busy(w->jobs));
    return snapshot_job_new(w->jobs, &m->sink, w->now_us, memory_over, m);
}

static void advance(struct world *w)
{
    snapshot_jobs_advance(w->jobs, ++w->now_us, UNIX_S);
}

static bool slice(struct world *w)
{
    return snapshot_jobs_slice(w->jobs, ++w->now_us, 0);
}

/* --- one job -------------------------------------------------------------------------------------------- */

static void test_phases(void **state)
{
    (void)state;
    struct world w;
    struct memory_sink m;
    world_init(&w, 1);
    fill(&w, 3000);
    struct snapshot_job *job = begin(&w, &m);
    for (int i = 0; i < 3; i++) {
        advance(&w);
        assert_false(slice(&w));
        assert_int_equal(snapshot_job_phase(job), SNAPSHOT_PREPARING);
        assert_true(snapshot_jobs_preparing(w.jobs));
        assert_true(snapshot_job_done(job) == 0);
        fill(&w, 100);
    }
    m.ready_below = SNAPSHOT_GIVING;
    advance(&w);
    assert_int_equal(m.begun, 1);
    assert_false(snapshot_jobs_preparing(w.jobs));
    m.full = true;
    assert_false(slice(&w));
    assert_int_equal(m.calls, 0);
    m.full = false;
    while (slice(&w)) {
        assert_int_equal(snapshot_job_phase(job), SNAPSHOT_GIVING);
        fill(&w, 5);
        advance(&w);
    }
    assert_true(snapshot_job_done(job) == 1);
    assert_int_equal(m.ended, 1);
    advance(&w);
    assert_int_equal(snapshot_job_phase(job), SNAPSHOT_SAVING);
    m.ready_below = SNAPSHOT_PLACING;
    advance(&w);
    advance(&w);
    assert_int_equal(snapshot_job_phase(job), SNAPSHOT_PLACING);
    assert_int_equal(m.placed, 1);
    assert_int_equal(m.overs, 0);
    m.ready_all = true;
    advance(&w);
    memory_judge(&m);
    assert_true(m.runs > 3);
    advance(&w);
    assert_false(slice(&w));
    memory_sink_deinit(&m);
    world_deinit(&w);
}

static void test_nothing_to_give(void **state)
{
    (void)state;
    struct world w;
    struct memory_sink m;
    world_init(&w, 2);
    begin(&w, &m);
    m.ready_all = true;
    advance(&w);
    assert_false(slice(&w));
    memory_judge(&m);
    assert_int_equal(m.keys, 0);
    memory_sink_deinit(&m);
    world_deinit(&w);
}

/* In each phase: it ends at once, but where it takes its place. */
static void test_cancel(void **state)
{
    (void)state;
    for (int phase = SNAPSHOT_PREPARING; phase <= SNAPSHOT_PLACING; phase++) {
        struct world w;
        struct memory_sink m, next;
        world_init(&w, 3);
        fill(&w, 2000);
        struct snapshot_job *job = begin(&w, &m);
        m.ready_below = (enum snapshot_phase)phase;
        for (int i = 0; i < 5 || phase > SNAPSHOT_GIVING; i++) {
            advance(&w);
            if (!slice(&w) && i > 5)
                break;
        }
        advance(&w);
        assert_int_equal(snapshot_job_phase(job), phase);
        bool placing = phase == SNAPSHOT_PLACING;
        assert_int_equal(snapshot_job_cancel(job, SNAPSHOT_CANCELLED), !placing);
        if (placing)
            snapshot_job_drop(job);
        assert_int_equal(m.overs, 1);
        assert_int_equal(m.end, placing ? SNAPSHOT_FAILED : SNAPSHOT_CANCELLED);
        assert_false(m.fine);
        unsigned calls = m.calls;
        fill(&w, 300);
        assert_false(slice(&w));
        assert_int_equal(m.calls, calls);
        begin(&w, &next);
        next.ready_all = true;
        while (next.overs == 0) {
            advance(&w);
            slice(&w);
        }
        memory_judge(&next);
        memory_sink_deinit(&next);
        memory_sink_deinit(&m);
        world_deinit(&w);
    }
}

/* Gives to the end, among changes; returns how it ended. */
static enum snapshot_end run_to_end(struct world *w, struct memory_sink *m)
{
    for (int i = 0; m->overs == 0; i++) {
        assert_true(i < 100000);
        change(w);
        advance(w);
        slice(w);
    }
    return m->end;
}

/* Whichever call lacks memory, be it within a change of a key: the job fails, and nothing else. */
static void test_sink_without_memory(void **state)
{
    (void)state;
    unsigned failed = 0;
    bool done = false;
    for (unsigned nth = 1; !done; nth += 1 + nth / 8) {
        struct world w;
        struct memory_sink m;
        world_init(&w, 4);
        fill(&w, 1500);
        begin(&w, &m);
        m.ready_all = true;
        m.fail_at = nth;
        done = run_to_end(&w, &m) == SNAPSHOT_DONE;
        assert_int_equal(m.fine, done);
        failed += !done;
        if (done)
            memory_judge(&m);
        else
            assert_int_equal(m.calls, nth);
        memory_sink_deinit(&m);
        world_deinit(&w);
    }
    assert_true(failed > 20);
}

/* The end is the last call that may lack it. */
static void test_end_without_memory(void **state)
{
    (void)state;
    struct world w;
    struct memory_sink m;
    world_init(&w, 5);
    begin(&w, &m);
    m.ready_all = true;
    m.fail_at = 1;
    assert_int_equal(run_to_end(&w, &m), SNAPSHOT_FAILED);
    assert_int_equal(m.ended, 0);
    memory_sink_deinit(&m);
    world_deinit(&w);
}

static void test_faulty_in_each_phase(void **state)
{
    (void)state;
    for (int phase = SNAPSHOT_PREPARING; phase <= SNAPSHOT_PLACING; phase++) {
        struct world w;
        struct memory_sink m;
        world_init(&w, 6);
        fill(&w, 1500);
        struct snapshot_job *job = begin(&w, &m);
        m.ready_below = (enum snapshot_phase)phase;
        for (int i = 0; i < 1000 && snapshot_job_phase(job) < (enum snapshot_phase)phase; i++) {
            advance(&w);
            slice(&w);
        }
        m.faulty = true;
        advance(&w);
        assert_int_equal(m.overs, 1);
        assert_int_equal(m.end, SNAPSHOT_FAILED);
        fill(&w, 100);
        memory_sink_deinit(&m);
        world_deinit(&w);
    }
}

/* What is held of large values lacks memory, too. */
static void test_source_without_memory(void **state)
{
    (void)state;
    struct world w;
    struct memory_sink m;
    world_init(&w, 7);
    struct key k = ks_key(w.ks, SLICE("large"));
    assert_non_null(ks_set_string(w.ks, 0, &k, slice_of(text, LARGE_BYTES), ITEM_NO_EXPIRY));
    begin(&w, &m);
    m.ready_all = true;
    advance(&w);
    mem_fail_after(1);
    assert_false(slice(&w));
    mem_fail_after(0);
    assert_int_equal(m.end, SNAPSHOT_FAILED);
    memory_sink_deinit(&m);
    world_deinit(&w);
}

/* A key at a time, for so long altogether. */
static void test_rests_after_keys(void **state)
{
    (void)state;
    struct world w;
    struct memory_sink m;
    world_init(&w, 8);
    fill(&w, 2000);
    begin(&w, &m);
    m.ready_all = true;
    advance(&w);
    int64_t began_us = w.now_us, rest_us = SNAPSHOT_REST_US_MAX / 20;
    while (m.overs == 0) {
        unsigned keys = m.keys;
        (void)snapshot_jobs_slice(w.jobs, w.now_us, rest_us);
        assert_true(w.now_us - began_us >= SNAPSHOT_REST_US_MAX || m.keys <= keys + 8);
        w.now_us += rest_us / 2;
    }
    memory_judge(&m);
    assert_true(w.now_us - began_us < 10 * SNAPSHOT_REST_US_MAX);
    memory_sink_deinit(&m);
    world_deinit(&w);
}

/* --- several -------------------------------------------------------------------------------------------- */

static void test_several_at_once(void **state)
{
    (void)state;
    struct world w;
    struct memory_sink m[SNAPSHOT_JOBS_MAX];
    bool used[SNAPSHOT_JOBS_MAX] = {false};
    unsigned done = 0, cancelled = 0, most = 0;
    world_init(&w, 9);
    fill(&w, 3000);
    for (int i = 0; i < 60000; i++) {
        unsigned n = (unsigned)rng_below(&w.rng, SNAPSHOT_JOBS_MAX), active = 0;
        if (used[n] && m[n].overs) {
            if (m[n].end == SNAPSHOT_DONE)
                memory_judge(&m[n]);
            done += m[n].end == SNAPSHOT_DONE;
            cancelled += m[n].end == SNAPSHOT_CANCELLED;
            memory_sink_deinit(&m[n]);
            used[n] = false;
        } else if (!used[n] && rng_below(&w.rng, 50) == 0) {
            struct snapshot_job *job = begin(&w, &m[n]);
            used[n] = true;
            if (rng_below(&w.rng, 10) == 0)
                (void)snapshot_job_cancel(job, SNAPSHOT_CANCELLED);
        } else if (used[n]) {
            m[n].full = rng_below(&w.rng, 3) == 0;
            m[n].ready_all = rng_below(&w.rng, 2);
        }
        change(&w);
        if (rng_below(&w.rng, 3) == 0)
            advance(&w);
        if (rng_below(&w.rng, 4) == 0)
            slice(&w);
        for (unsigned j = 0; j < SNAPSHOT_JOBS_MAX; j++)
            active += used[j];
        assert_true(snapshot_jobs_busy(w.jobs) ? active == SNAPSHOT_JOBS_MAX : true);
        most = active > most ? active : most;
    }
    assert_int_equal(most, SNAPSHOT_JOBS_MAX);
    assert_true(done > 20 && cancelled > 3);
    snapshot_jobs_free(&w.jobs); /* with those under way */
    for (unsigned j = 0; j < SNAPSHOT_JOBS_MAX; j++) {
        if (used[j]) {
            assert_int_equal(m[j].overs, 1);
            memory_sink_deinit(&m[j]);
        }
    }
    world_deinit(&w);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void load_pair(struct memory_sink *m, int db, struct slice key, struct slice value,
                      int64_t expiry_ms)
{
    memory_set(m, db, key, value, expiry_ms);
}

/* What the base holds, into the sink's own. */
static void load_base(struct memory_sink *m, struct aof *a)
{
    char error[AOF_ERROR_CHARS];
    struct reader_batch b;
    enum reader_status status;
    int64_t db = 0;
    while ((status = aof_load_next(a, &b, error)) == READER_BATCH || status == READER_LATER) {
        for (size_t i = 0; status == READER_BATCH && i < b.count; i++) {
            const struct slice *argv = b.commands[i].argv;
            int argc = b.commands[i].argc;
            if (slice_is(argv[0], "SELECT"))
                assert_true(num_parse_i64(argv[1], &db));
            else if (slice_is(argv[0], "SET"))
                load_pair(m, (int)db, argv[1], argv[2], memory_deadline(argc, argv));
            else
                for (int j = 1; j + 1 < argc; j += 2)
                    load_pair(m, (int)db, argv[j], argv[j + 1], ITEM_NO_EXPIRY);
        }
    }
    assert_int_equal(status, READER_END);
}

static struct aof *open_log(struct logger *logger)
{
    char error[AOF_ERROR_CHARS];
    struct aof *a = NULL;
    struct aof_options o = {
        .dir = "log", .filename = "log.aof", .unix_s = UNIX_S, .logger = logger};
    assert_int_equal(aof_open(&a, &o, error), ERR_OK);
    return a;
}

/* A base of the append-only file and one in memory, of two instants. */
static void test_a_base_beside_another(void **state)
{
    (void)state;
    struct world w;
    struct memory_sink m, base;
    struct logger logger;
    char error[AOF_ERROR_CHARS];
    struct sink *sink;
    logger_init(&logger);
    nftw("log", remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    world_init(&w, 10);
    fill(&w, 3000);
    struct aof *a = open_log(&logger);
    assert_int_equal(aof_start(a, AOF_BASE_ONLY, error), ERR_OK);
    assert_int_equal(aof_rewrite(a, w.now_us, &sink, error), ERR_OK);
    memory_sink_init(&base, w.ks); /* the model, and the base's owner */
    snapshot_job_new(w.jobs, sink, w.now_us, memory_over, &base);
    base.closed = 1; /* the base is closed, not this */
    begin(&w, &m);
    while (m.overs == 0 || base.overs == 0) {
        aof_poll(a);
        bool preparing = snapshot_jobs_preparing(w.jobs);
        if (preparing && base.begun == 0 && sink->ops->step(sink, SNAPSHOT_PREPARING) == SINK_READY)
            memory_begin(&base.sink, UNIX_S); /* its instant is within the next advance */
        advance(&w);
        m.ready_all = m.ready_all || base.begun;
        change(&w);
        slice(&w);
        if (base.ended == 0 && rng_below(&w.rng, 30) == 0)
            usleep(50);
    }
    memory_judge(&m);
    assert_int_equal(base.end, SNAPSHOT_DONE);
    assert_true(aof_close(&a));
    a = open_log(&logger);
    load_base(&base, a);
    aof_close(&a);
    base.fine = true;
    memory_judge(&base);
    memory_sink_deinit(&base);
    memory_sink_deinit(&m);
    world_deinit(&w);
    logger_deinit(&logger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_nothing_to_give),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_sink_without_memory),
        cmocka_unit_test(test_end_without_memory),
        cmocka_unit_test(test_faulty_in_each_phase),
        cmocka_unit_test(test_source_without_memory),
        cmocka_unit_test(test_rests_after_keys),
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_a_base_beside_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
