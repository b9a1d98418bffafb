/* A change that goes past ks_edit ends the process, in builds that look for it. */
#include "ks_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/item_impl.h"

typedef void (*change_fn)(struct item *it);

static void change_value(struct item *it)
{
    *(char *)item_value_place(it) ^= 1;
}
static void change_deadline(struct item *it)
{
    it->body[0] ^= 1;
}
static void change_flags(struct item *it)
{
    it->flags ^= ITEM_EDITED;
}
static void change_blob(struct item *it)
{
    item_blob(it)->data[0] ^= 1;
}
static void lengthen_blob(struct item *it)
{
    item_blob(it)->len--;
}
static void touch(struct item *it)
{
    item_touch(it, 5000000);
}

typedef void (*look_fn)(struct keyspace *ks, const struct key *k);

static void look_up(struct keyspace *ks, const struct key *k)
{
    ks_find(ks, 0, k, 0);
}
static void replace(struct keyspace *ks, const struct key *k)
{
    ks_set_int(ks, 0, k, 1, ITEM_NO_EXPIRY);
}
static void ignore(const struct item *it, void *arg)
{
    (void)it, (void)arg;
}
static void walk(struct keyspace *ks, const struct key *k)
{
    (void)k;
    ks_each(ks, 0, ignore, NULL);
}
static void validate(struct keyspace *ks, const struct key *k)
{
    (void)k;
    ks_validate(ks);
}

/* True: the process ends when the item is looked at behind the change. */
static bool is_caught(struct slice value, change_fn change, look_fn look)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct keyspace *ks = fixture_new(1, NULL, NULL);
        struct key k = ks_key(ks, SLICE("k"));
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        signal(SIGABRT, SIG_DFL);
        change((struct item *)ks_set_string(ks, 0, &k, value, FIXTURE_NOW_MS + 1000));
        look(ks, &k);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_change_outside_an_edit_is_caught(void **state)
{
    (void)state;
    static const look_fn looks[] = {look_up, replace, walk, validate};
    static char large[3000];
    struct slice small = SLICE("value"), blob = slice_of(large, sizeof(large));
#ifdef CORSAC_CHECK_EDITS
    bool looked_for = true;
#else
    bool looked_for = false;
#endif
    for (size_t i = 0; looked_for && i < 4; i++) {
        assert_true(is_caught(small, change_value, looks[i]));
        assert_true(is_caught(small, change_deadline, looks[i]));
        assert_true(is_caught(small, change_flags, looks[i]));
        assert_true(is_caught(blob, change_blob, looks[i]));
        assert_true(is_caught(blob, lengthen_blob, looks[i]));
        assert_false(is_caught(small, touch, looks[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_outside_an_edit_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
