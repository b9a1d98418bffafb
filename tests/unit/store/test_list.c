/* Lists against arrays: random operations across the forms that a list has, while copies of it are held. */
#include "ks_fixture.h"

#include "store/list.h"

#define STRINGS_MAX 3000
#define STEPS       6000
#define HELD        3

struct model {
    struct slice string[STRINGS_MAX]; /* allocated */
    uint64_t len;
};

struct bench {
    struct keyspace *ks;
    struct rng rng;
    struct model now, held[HELD]; /* of "l" and "held:0" ... */
};

static struct slice draw(struct rng *rng)
{
    static const size_t lens[] = {0, 1, 5, 12, 60, 63, 64, 127, 128, 600, 1024, 1025, 5000};
    char text[5000];
    size_t len = lens[rng_below(rng, sizeof(lens) / sizeof(lens[0]))];
    unsigned dice = (unsigned)rng_below(rng, 10);
    memset(text, (int)('a' + rng_below(rng, 3)), sizeof(text));
    if (dice < 5)
        len = (size_t)num_print_i64(text, (int64_t)rng_next(rng) >> rng_below(rng, 64));
    else if (dice < 9)
        len = (size_t)snprintf(text, sizeof(text), "element:%u", (unsigned)rng_below(rng, 30));
    char *own = mem_alloc(len + 1);
    memcpy(own, text, len);
    return slice_of(own, len);
}

static struct slice again(struct slice s)
{
    char *own = mem_alloc(s.len + 1);
    memcpy(own, s.ptr, s.len);
    return slice_of(own, s.len);
}

static void model_remove(struct model *m, uint64_t at, uint64_t n)
{
    for (uint64_t i = at; i < at + n; i++)
        mem_free((char *)m->string[i].ptr);
    memmove(&m->string[at], &m->string[at + n], (m->len - at - n) * sizeof(m->string[0]));
    m->len -= n;
}

/* Takes the string. */
static void model_insert(struct model *m, uint64_t at, struct slice s)
{
    assert_true(m->len < STRINGS_MAX);
    memmove(&m->string[at + 1], &m->string[at], (m->len - at) * sizeof(m->string[0]));
    m->string[at] = s;
    m->len++;
}

static void model_copy(const struct model *from, struct model *to)
{
    model_remove(to, 0, to->len);
    for (uint64_t i = 0; i < from->len; i++)
        model_insert(to, i, again(from->string[i]));
}

static void check(const struct bench *b, const char *name, const struct model *m)
{
    struct key k = ks_key(b->ks, slice_from_cstr(name));
    const struct item *it = ks_find(b->ks, 0, &k, 0);
    struct list_cursor c;
    char scratch[NUM_I64_CHARS];
    if (m->len == 0) {
        assert_null(it);
        return;
    }
    assert_int_equal(list_len(it), m->len);
    const char *entry = list_at(it, 0, &c);
    for (uint64_t i = 0; i < m->len; i++) {
        assert_true(slice_equal(pack_string(entry, scratch), m->string[i]));
        entry = list_next(&c);
        assert_int_equal(entry != NULL, i + 1 < m->len);
    }
    for (uint64_t i = m->len; i-- > 0;) {
        assert_true(slice_equal(pack_string(c.entry, scratch), m->string[i]));
        assert_int_equal(list_prev(&c) != NULL, i > 0);
    }
    uint64_t at = m->len / 3;
    list_at(it, at, &c);
    while (c.entry) {
        struct slice run = list_run(&c);
        for (entry = run.ptr; entry < run.ptr + run.len; entry += pack_bytes(entry))
            assert_true(slice_equal(pack_string(entry, scratch), m->string[at++]));
    }
    assert_int_equal(at, m->len);
    assert_null(list_at(it, m->len, &c));
}

static bool edit(struct bench *b, struct ks_edit *e)
{
    struct key k = ks_key(b->ks, SLICE("l"));
    enum err err = ks_edit_or_new(b->ks, 0, &k, TYPE_LIST, e);
    return err == ERR_OK;
}

static enum err push(struct bench *b, struct ks_edit *e)
{
    struct slice strings[40];
    size_t n = rng_below(&b->rng, 8) ? 1 + rng_below(&b->rng, 3) : 1 + rng_below(&b->rng, 40);
    enum list_end end = rng_below(&b->rng, 2) ? LIST_HEAD : LIST_TAIL;
    for (size_t i = 0; i < n; i++)
        strings[i] = draw(&b->rng);
    enum err err = list_push(e, end, strings, n);
    for (size_t i = 0; i < n; i++) {
        if (err == ERR_OK)
            model_insert(&b->now, end == LIST_HEAD ? 0 : b->now.len, strings[i]);
        else
            mem_free((char *)strings[i].ptr);
    }
    return err;
}

static enum err remove_equal(struct bench *b, struct ks_edit *e)
{
    struct slice s = again(b->now.string[rng_below(&b->rng, b->now.len)]);
    enum list_end from = rng_below(&b->rng, 2) ? LIST_HEAD : LIST_TAIL;
    uint64_t count = rng_below(&b->rng, 2) ? UINT64_MAX : 1 + rng_below(&b->rng, 3), removed, n = 0;
    enum err err = list_remove_equal(e, from, count, s, &removed);
    for (uint64_t i = 0; err == ERR_OK && i < b->now.len && n < count;) {
        uint64_t at = from == LIST_HEAD ? i : b->now.len - 1 - i;
        if (slice_equal(b->now.string[at], s)) {
            model_remove(&b->now, at, 1);
            n++;
        } else {
            i++;
        }
    }
    assert_int_equal(removed, n);
    mem_free((char *)s.ptr);
    return err;
}

static enum err rotate(struct bench *b, struct ks_edit *e)
{
    struct list_rotation r = {
        .from = rng_below(&b->rng, 2) ? LIST_HEAD : LIST_TAIL,
        .to = rng_below(&b->rng, 2) ? LIST_HEAD : LIST_TAIL,
        .n = 1 + rng_below(&b->rng, b->now.len),
        .as_they_are = rng_below(&b->rng, 2),
    };
    enum err err = list_rotate(e, &r);
    if (err != ERR_OK)
        return err;
    struct model taken = {.len = 0};
    for (uint64_t i = 0; i < r.n; i++) {
        uint64_t at = r.from == LIST_HEAD ? 0 : b->now.len - 1;
        model_insert(&taken, taken.len, again(b->now.string[at]));
        model_remove(&b->now, at, 1);
    }
    bool backward = r.as_they_are && r.from == r.to;
    for (uint64_t i = 0; i < r.n; i++) {
        struct slice s = taken.string[backward ? r.n - 1 - i : i];
        model_insert(&b->now, r.to == LIST_HEAD ? 0 : b->now.len, s);
    }
    return ERR_OK;
}

/* Takes some, looks at what it took, and gives it back or not. */
static enum err take(struct bench *b, struct ks_edit *e)
{
    struct list_taken taken;
    struct list_cursor c;
    char scratch[NUM_I64_CHARS];
    enum list_end end = rng_below(&b->rng, 2) ? LIST_HEAD : LIST_TAIL;
    uint64_t n = 1 + rng_below(&b->rng, b->now.len), at = end == LIST_HEAD ? 0 : b->now.len - n;
    const char *entry = list_at(e->item, at, &c);
    enum err err = list_take(e, end, n, &taken);
    if (err != ERR_OK)
        return err;
    assert_int_equal(list_len(e->item), b->now.len - n);
    assert_true(slice_equal(pack_string(entry, scratch), b->now.string[at]));
    if (rng_below(&b->rng, 2)) {
        list_taken_back(e, &taken);
    } else {
        list_taken_end(e, &taken);
        model_remove(&b->now, at, n);
    }
    return ERR_OK;
}

static enum err change(struct bench *b, struct ks_edit *e)
{
    uint64_t len = b->now.len, at = len > 0 ? rng_below(&b->rng, len) : 0;
    unsigned what = (unsigned)rng_below(&b->rng, len < 20 ? 12 : len > 2500 ? 300 : 24);
    if (len == 0 || what < 9)
        return len > 2900 ? ERR_OK : push(b, e);
    if (what < 12) {
        struct slice s = draw(&b->rng);
        enum err err = what == 9 ? list_set(e, at, s) : list_insert(e, at, s);
        if (err != ERR_OK) {
            mem_free((char *)s.ptr);
        } else {
            if (what == 9)
                model_remove(&b->now, at, 1);
            model_insert(&b->now, at, s);
        }
        return err;
    }
    if (what < 14)
        return remove_equal(b, e);
    if (what < 16)
        return rotate(b, e);
    if (what < 17)
        return take(b, e);
    uint64_t n = rng_below(&b->rng, 3) ? 1 : 1 + rng_below(&b->rng, len - at);
    if (what < 18) {
        enum err err = list_keep(e, at, n);
        if (err == ERR_OK) {
            model_remove(&b->now, at + n, len - at - n);
            model_remove(&b->now, 0, at);
        }
        return err;
    }
    if (what < 21)
        at = what == 18 ? 0 : len - n;
    enum err err = list_remove(e, at, n);
    if (err == ERR_OK)
        model_remove(&b->now, at, n);
    return err;
}

static void hold(struct bench *b)
{
    static const char *const names[HELD] = {"held:0", "held:1", "held:2"};
    size_t i = rng_below(&b->rng, HELD);
    struct key from = ks_key(b->ks, SLICE("l")), to = ks_key(b->ks, slice_from_cstr(names[i]));
    if (b->now.len > 0) {
        assert_int_equal(ks_copy(b->ks, (struct ks_name){0, &from}, (struct ks_name){0, &to}),
                         ERR_OK);
        model_copy(&b->now, &b->held[i]);
    }
    for (i = 0; i < HELD; i++)
        check(b, names[i], &b->held[i]);
}

static void run(uint64_t seed, bool memory_fails)
{
    static struct bench b;
    memset(&b, 0, sizeof(b));
    b.ks = fixture_new(1, NULL, NULL);
    rng_seed(&b.rng, seed);
    for (int step = 0; step < STEPS; step++) {
        struct ks_edit e;
        if (memory_fails)
            mem_fail_after(1 + rng_below(&b.rng, 6));
        if (edit(&b, &e)) {
            enum err err = change(&b, &e);
            assert_true(err == ERR_OK || memory_fails);
            ks_edit_end(&e);
        }
        mem_fail_after(0);
        if (step % 8 == 0 || b.now.len < 30)
            check(&b, "l", &b.now);
        if (step % 50 == 0) {
            hold(&b);
            ks_validate(b.ks);
        }
    }
    model_remove(&b.now, 0, b.now.len);
    for (size_t i = 0; i < HELD; i++)
        model_remove(&b.held[i], 0, b.held[i].len);
    ks_free(&b.ks);
}

static void a_list_is_what_was_done_to_it_and_copies_stay(void **state)
{
    (void)state;
    run(21, false);
    run(22, false);
}

static void what_finds_no_memory_changes_nothing(void **state)
{
    (void)state;
    run(23, true);
}

/* The commands of the cursor make the same list. */
static void a_list_goes_out_as_commands(void **state)
{
    (void)state;
    static struct bench b;
    static struct value_cursor c;
    static char text[200000];
    memset(&b, 0, sizeof(b));
    b.ks = fixture_new(1, NULL, NULL);
    rng_seed(&b.rng, 24);
    memset(text, 'r', sizeof(text));
    struct ks_edit e;
    assert_true(edit(&b, &e));
    for (int i = 0; i < 30; i++)
        assert_int_equal(push(&b, &e), ERR_OK);
    struct slice large = slice_of(text, sizeof(text));
    assert_int_equal(list_insert(&e, 7, large), ERR_OK);
    model_insert(&b.now, 7, again(large));
    const struct item *it = ks_edit_end(&e);
    struct key k = ks_key(b.ks, SLICE("l"));
    assert_int_equal(ks_set_expiry(b.ks, 0, &k, &it, FIXTURE_NOW_MS + 9), ERR_OK);
    struct value_command command;
    uint64_t at = 0;
    bool expires = false;
    value_cursor_init(&c, it);
    while (value_cursor_next(&c, &command)) {
        expires = slice_equal(command.argv[0], SLICE("PEXPIREAT"));
        for (int i = 2; i < command.argc && !expires; i++, at++) {
            assert_int_equal(command.argv[i].len, b.now.string[at].len);
            if (command.in_runs != i) {
                assert_true(slice_equal(command.argv[i], b.now.string[at]));
                continue;
            }
            size_t len = 0;
            for (struct slice run = value_cursor_run(&c); run.len > 0; run = value_cursor_run(&c)) {
                assert_memory_equal(run.ptr, text + len, run.len);
                len += run.len;
            }
            assert_int_equal(len, sizeof(text));
        }
    }
    assert_true(expires);
    assert_int_equal(at, b.now.len);
    value_cursor_deinit(&c);
    model_remove(&b.now, 0, b.now.len);
    ks_free(&b.ks);
}

/* A part that is too large to be freed at once is freed later, as a list without a key. */
static void a_large_part_of_a_list_is_freed_later(void **state)
{
    (void)state;
    enum { MANY = 20000, LEFT = 100 };
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = ks_key(ks, SLICE("l"));
    struct ks_edit e;
    assert_int_equal(ks_edit_or_new(ks, 0, &k, TYPE_LIST, &e), ERR_OK);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(list_insert(&e, (uint64_t)i, SLICE("an element of the list")), ERR_OK);
    const struct item *it = ks_edit_end(&e);
    assert_int_equal(list_len(it), MANY);
    assert_int_equal(ks_edit_or_new(ks, 0, &k, TYPE_LIST, &e), ERR_OK);
    assert_int_equal(list_remove(&e, LEFT, MANY - LEFT), ERR_OK);
    it = ks_edit_end(&e);
    assert_int_equal(list_len(it), LEFT);
    ks_validate(ks);
    ks_free(&ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_what_was_done_to_it_and_copies_stay),
        cmocka_unit_test(what_finds_no_memory_changes_nothing),
        cmocka_unit_test(a_list_goes_out_as_commands),
        cmocka_unit_test(a_large_part_of_a_list_is_freed_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
