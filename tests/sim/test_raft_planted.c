/* Are the tests of Raft's core worth anything? The core is built here with faults that can be switched on, one at a
 * time: the script that is named for each must find it, and without a fault find nothing. */
#define CORE_PLANTED
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "../../src/raft/core.c"
#include "../../src/raft/core_copy.c"
#include "../../src/raft/core_log.c"
#include "../../src/raft/core_state.c"
#include "../../src/raft/core_vote.c"
#include "raft_chaos.c"
#include "raft_group.c"
#include "raft_scripts.c"
/* NOLINTEND(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

#define LIVES_MAX 40

static const struct {
    int planted;
    const char *name, *script;
    bool by_chance; /* some of LIVES_MAX lives find it, too */
} planted_faults[] = {
    {PLANTED_ACK_BEFORE_SYNC, "acknowledge before fsync", "follower acknowledges its disk", true},
    {PLANTED_LEADER_COUNTS_UNSYNCED, "leader counts unsynced self", "leader counts its disk", true},
    {PLANTED_VOTE_BEFORE_SAVED, "vote before saved", "vote is saved first", true},
    {PLANTED_VOTE_TWICE, "vote twice", "one vote a term", true},
    {PLANTED_NO_UP_TO_DATE_CHECK, "no up-to-date check", "shorter log is refused", true},
    {PLANTED_NO_MATCH_CHECK, "no match check", "entries behind a stranger", false},
    {PLANTED_COMMIT_OLD_TERM, "commit of old terms by counting", "figure 8", false},
    {PLANTED_SKIP_ROUND, "skip the round", "read needs its own round", false},
    {PLANTED_SERVE_BEFORE_NOOP, "serve before the no-op", "read waits for the term", true},
    {PLANTED_CHANGE_BEFORE_NOOP, "change before the no-op", "change waits for its term", false},
    {PLANTED_SAME_TERM, "self-election in the same term", "lone voter raises its term", false},
    {PLANTED_TICKET_BY_TERM, "ticket by (index, term)", "written, cut, written again", false},
};

static const struct raft_script *script_named(const char *name)
{
    const struct raft_script *s = raft_scripts;
    while (s->name && strcmp(s->name, name) != 0)
        s++;
    assert_non_null(s->name);
    return s;
}

static bool script_finds(const struct raft_script *s, int planted)
{
    struct group *g = malloc(sizeof(*g));
    group_init(g, s->voters, 1);
    g->planted = planted;
    for (uint32_t i = 0; i < s->voters; i++) {
        group_crash(&g->nodes[i], false);
        group_start(&g->nodes[i]);
    }
    s->run(g);
    bool found = g->failure[0];
    group_deinit(g);
    free(g);
    return found;
}

static bool chance_finds(int planted)
{
    struct chaos_result r = {.failure = ""};
    for (uint64_t seed = 1; seed <= LIVES_MAX && !r.failure[0]; seed++)
        chaos_run(&(struct chaos_options){.seed = seed, .planted = planted}, &r);
    return r.failure[0];
}

static void test_each_fault_is_found(void **state)
{
    assert_int_equal(sizeof(planted_faults) / sizeof(*planted_faults), PLANTED_COUNT - 1);
    for (size_t i = 0; i < sizeof(planted_faults) / sizeof(*planted_faults); i++) {
        const struct raft_script *s = script_named(planted_faults[i].script);
        assert_false(script_finds(s, PLANTED_NONE));
        if (!script_finds(s, planted_faults[i].planted))
            fail_msg("\"%s\" is not found by \"%s\"", planted_faults[i].name, s->name);
        if (planted_faults[i].by_chance && !chance_finds(planted_faults[i].planted))
            fail_msg("\"%s\" is not found by %d lives", planted_faults[i].name, LIVES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_fault_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
