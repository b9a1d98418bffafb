#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raft/members.h"

#define VOTER(n)                      \
    {                                 \
        .id = n, .role = MEMBER_VOTER \
    }
#define LEARNER(n)                      \
    {                                   \
        .id = n, .role = MEMBER_LEARNER \
    }

static void test_who_votes(void **state)
{
    const struct members m = {.count = 3, .list = {VOTER(1), LEARNER(2), VOTER(3)}};
    assert_true(members_votes(&m, 1));
    assert_false(members_votes(&m, 2));
    assert_false(members_votes(&m, 4));
    assert_int_equal(members_voters(&m), 2);
    assert_ptr_equal(members_find(&m, 2), &m.list[1]);
    assert_null(members_find(&m, 4));
}

static void test_what_is_valid(void **state)
{
    const struct members fine = {.count = 2, .list = {VOTER(1), LEARNER(2)}}, nobody = {.count = 0},
                         no_voter = {.count = 1, .list = {LEARNER(1)}},
                         twice = {.count = 2, .list = {VOTER(1), LEARNER(1)}},
                         zero = {.count = 2, .list = {VOTER(1), VOTER(0)}},
                         too_many = {.count = MEMBERS_MAX + 1};
    struct members voters = {.count = MEMBERS_VOTERS_MAX + 1};
    for (uint32_t i = 0; i < voters.count; i++)
        voters.list[i] = (struct member)VOTER(i + 1);
    assert_true(members_valid(&fine));
    assert_false(members_valid(&nobody));
    assert_false(members_valid(&no_voter));
    assert_false(members_valid(&twice));
    assert_false(members_valid(&zero));
    assert_false(members_valid(&too_many));
    assert_false(members_valid(&voters));
    voters.count--;
    assert_true(members_valid(&voters));
}

static void test_what_changed(void **state)
{
    const struct members a = {.count = 3, .list = {VOTER(1), VOTER(2), LEARNER(3)}};
    const struct members more = {.count = 3, .list = {VOTER(1), VOTER(2), VOTER(3)}};
    const struct members other = {.count = 2, .list = {VOTER(1), VOTER(4)}};
    const struct members learners = {.count = 3, .list = {VOTER(2), LEARNER(7), VOTER(1)}};
    assert_int_equal(members_voters_changed(&a, &a), 0);
    assert_int_equal(members_voters_changed(&a, &more), 1);
    assert_int_equal(members_voters_changed(&more, &a), 1);
    assert_int_equal(members_voters_changed(&a, &other), 2);
    assert_int_equal(members_voters_changed(&a, &learners), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_votes),
        cmocka_unit_test(test_what_is_valid),
        cmocka_unit_test(test_what_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
