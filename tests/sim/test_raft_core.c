/* Raft's core: moments made by hand, lives by chance, and messages that no right peer sends.
 *
 *   SIM_SEEDS=100000 test_raft_core     that many lives; SIM_FIRST=1000001: from this one on
 *   SIM_SEED=42 test_raft_core          this one, with all that happens in it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/raft_chaos.h"
#include "sim/raft_scripts.h"

#ifdef __SANITIZE_ADDRESS__
#define SEEDS         60
#define STRANGE_SEEDS 50
#else
#define SEEDS         600
#define STRANGE_SEEDS 500
#endif
#define STRANGE_STEPS  400
#define FAILURES_SHOWN 10

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void test_scripts(void **state)
{
    uint32_t failed = 0;
    for (const struct raft_script *s = raft_scripts; s->name; s++) {
        struct group *g = malloc(sizeof(*g));
        group_init(g, s->voters, 1);
        s->run(g);
        group_check(g);
        if (g->failure[0] && ++failed)
            printf("# %s: %s\n", s->name, g->failure);
        group_deinit(g);
        free(g);
    }
    assert_int_equal(failed, 0);
}

static void test_lives(void **state)
{
    uint64_t only = number_from("SIM_SEED", 0);
    uint64_t first = only ? only : number_from("SIM_FIRST", 1);
    uint64_t count = only ? 1 : number_from("SIM_SEEDS", SEEDS), failed = 0;
    struct chaos_result sum = {.failure = ""}, r;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct chaos_options o = {.seed = seed, .log = only != 0};
        chaos_run(&o, &r);
        sum.committed += r.committed;
        sum.reads += r.reads;
        sum.terms += r.terms;
        sum.crashes += r.crashes;
        sum.changes += r.changes;
        sum.transfers += r.transfers;
        sum.bases += r.bases;
        if (r.failure[0] && ++failed <= FAILURES_SHOWN)
            printf("# SIM_SEED=%llu %s\n", (unsigned long long)seed, r.failure);
    }
    printf(
        "# %llu entries committed, %llu reads, %llu terms, %llu crashes, %llu changes of members, "
        "%llu transfers, %llu bases; %llu of %llu lives failed\n",
        (unsigned long long)sum.committed, (unsigned long long)sum.reads,
        (unsigned long long)sum.terms, (unsigned long long)sum.crashes,
        (unsigned long long)sum.changes, (unsigned long long)sum.transfers,
        (unsigned long long)sum.bases, (unsigned long long)failed, (unsigned long long)count);
    assert_int_equal(failed, 0);
    assert_true(only || (sum.crashes && sum.changes && sum.transfers && sum.bases));
}

static void test_a_seed_says_all(void **state)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct chaos_options o = {.seed = seed};
        struct chaos_result a, b;
        chaos_run(&o, &a);
        chaos_run(&o, &b);
        assert_memory_equal(&a, &b, sizeof(a));
    }
}

/* ---- a core alone, and peers that send anything ---- */

struct strange {
    struct rng rng;
    struct core *core;
    uint64_t ticket, term, vote; /* what the core asked for last */
};

static void strange_save(void *arg, uint64_t term, uint64_t vote)
{
    struct strange *s = arg;
    s->term = term;
    s->vote = vote;
}

static void strange_write(void *arg, uint64_t ticket, uint64_t index, uint32_t count,
                          const struct core_entry *entries)
{
    ((struct strange *)arg)->ticket = ticket;
}

static void strange_send(void *arg, const struct core_msg *m) {}

static uint32_t strange_fetch(void *arg, uint64_t index, uint64_t last, uint64_t bytes_max,
                              uint64_t *bytes)
{
    *bytes = 1;
    return 1;
}

static void strange_role(void *arg, enum core_role role, uint64_t term, uint64_t leader) {}

static void strange_commit(void *arg, uint64_t index) {}

static const struct core_ops strange_ops = {
    .save = strange_save,
    .write = strange_write,
    .send = strange_send,
    .fetch = strange_fetch,
    .role = strange_role,
    .commit = strange_commit,
};

static uint64_t strange_number(struct rng *r)
{
    static const uint64_t edges[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2, 1u << 20};
    bool edge = rng_below(r, 6) == 0;
    return edge ? edges[rng_below(r, sizeof(edges) / sizeof(*edges))] : rng_below(r, 12);
}

static void receive_strange(struct strange *s, int64_t now_ms)
{
    struct rng *r = &s->rng;
    struct members members = {.count = (uint32_t)rng_below(r, 5)};
    for (uint32_t i = 0; i < members.count; i++)
        members.list[i] =
            (struct member){.id = rng_below(r, 8), .role = (enum member_role)rng_below(r, 2)};
    struct core_entry entries[4];
    for (uint32_t i = 0; i < 4; i++)
        entries[i] = (struct core_entry){.term = strange_number(r),
                                         .type = (enum core_entry_type)rng_below(r, 3),
                                         .members = &members};
    struct core_msg m = {
        .type = (enum core_msg_type)rng_below(r, 8),
        .from = rng_below(r, 5),
        .to = 1,
        .term = rng_below(r, 3) ? core_term(s->core) + rng_below(r, 3) : strange_number(r),
        .index = strange_number(r),
        .index_term = strange_number(r),
        .pre = rng_below(r, 2),
        .transfer = rng_below(r, 2),
        .granted = rng_below(r, 2),
        .commit = strange_number(r),
        .round = strange_number(r),
        .match = strange_number(r),
        .accepted = strange_number(r),
        .next = strange_number(r),
        .count = (uint32_t)rng_below(r, 5),
        .entries = entries,
    };
    core_receive(s->core, &m, now_ms);
}

static void strange_step(struct strange *s, int64_t now_ms)
{
    struct core_entry e = {.type = CORE_EFFECTS};
    struct members next = *core_members(s->core);
    switch (rng_below(&s->rng, 12)) {
    case 0: core_tick(s->core, now_ms); break;
    case 1: core_saved(s->core, s->term, s->vote); break;
    case 2: core_written(s->core, s->ticket); break;
    case 3: core_append(s->core, &e); break;
    case 4: core_probe(s->core); break;
    case 5: core_transfer(s->core, rng_below(&s->rng, 5)); break;
    case 6: core_snapshot_failed(s->core, rng_below(&s->rng, 5)); break;
    case 7:
        next.count -= next.count > 0;
        core_change(s->core, &next);
        break;
    case 8: core_compacted(s->core, core_committed(s->core)); break;
    default: receive_strange(s, now_ms); break;
    }
    core_flush(s->core);
    core_validate(s->core);
}

/* What comes may be false, and the group's data with it; the core goes on. */
static void test_strange_messages(void **state)
{
    const struct core_configuration three = {
        .members = {.count = 3,
                    .list = {{.id = 1, .role = MEMBER_VOTER},
                             {.id = 2, .role = MEMBER_VOTER},
                             {.id = 3, .role = MEMBER_VOTER}}}};
    for (uint64_t seed = 1; seed <= STRANGE_SEEDS; seed++) {
        struct strange s = {.ticket = 0};
        struct terms terms;
        rng_seed(&s.rng, seed);
        terms_init(&terms, 0, 0);
        struct core_options o = {
            .id = 1, .election_ms = 400, .seed = seed, .ops = &strange_ops, .arg = &s};
        struct core_restored r = {
            .terms = &terms, .configurations = &three, .configurations_count = 1};
        int64_t now_ms = 0;
        s.core = core_new(&o, &r, now_ms);
        for (int i = 0; i < STRANGE_STEPS; i++) {
            now_ms += (int64_t)rng_below(&s.rng, 100);
            strange_step(&s, now_ms);
        }
        core_free(&s.core);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_a_seed_says_all),
        cmocka_unit_test(test_strange_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
