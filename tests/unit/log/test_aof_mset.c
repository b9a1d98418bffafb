/* Strings of a base in commands of many: random ones, and what is between them, read back. */
#include "log_test.h"

#include "base/num.h"
#include "log/aof_impl.h"

#define KEYS     20000
#define LONG_MAX (3 * AOF_MSET_BYTES_MAX)

/* The nth thing that is added: a string, or now and then another command. */
struct given {
    int db;
    bool other;
    char key[16];
    int key_len;
    size_t value_len;
};

static char value[LONG_MAX];

static void give(struct base_batch *b, const struct given *g)
{
    struct slice key = {g->key, (size_t)g->key_len}, text = {value, g->value_len};
    if (g->other)
        base_batch_put(
            b, g->db, 5,
            (struct slice[]){SLICE("SET"), key, text, SLICE("PXAT"), SLICE("9999999999999")});
    else
        base_batch_put(b, g->db, 3, (struct slice[]){SLICE("SET"), key, text});
}

struct seen {
    const struct given *next;
    int db;
    size_t commands, most_pairs;
};

static void see_pair(struct seen *s, const struct slice *pair, bool other)
{
    const struct given *g = s->next++;
    assert_int_equal(g->other, other);
    assert_int_equal(g->db, s->db);
    assert_true(slice_equal(pair[0], slice_of(g->key, (size_t)g->key_len)));
    assert_true(slice_equal(pair[1], slice_of(value, g->value_len)));
}

/* Every command is well-formed, and within its limits: it takes no more once it has so many pairs or bytes. */
static void see_command(struct seen *s, const struct slice *argv, int argc)
{
    int64_t db;
    size_t bytes = 0;
    if (slice_is(argv[0], "SELECT")) {
        assert_true(num_parse_i64(argv[1], &db));
        s->db = (int)db;
        return;
    }
    s->commands++;
    if (slice_is(argv[0], "SET")) {
        see_pair(s, argv + 1, true);
        return;
    }
    assert_true(slice_is(argv[0], "MSET"));
    assert_true(argc >= 3 && argc % 2 == 1 && argc <= 1 + 2 * AOF_MSET_PAIRS_MAX);
    for (int i = 1; i < argc; i += 2) {
        assert_true(bytes < AOF_MSET_BYTES_MAX);
        bytes += argv[i].len + argv[i + 1].len;
        see_pair(s, argv + i, false);
    }
    if ((size_t)argc / 2 > s->most_pairs)
        s->most_pairs = (size_t)argc / 2;
}

/* Reads a sealed batch. */
static void see_batch(struct seen *s, struct slice in)
{
    struct format_args args;
    struct format_record r;
    enum format_kind kind;
    format_args_init(&args);
    s->db = -1;
    s->commands = s->most_pairs = 0;
    while ((kind = format_read(in, &args, &r)) == FORMAT_COMMAND) {
        see_command(s, args.at + r.first, r.argc);
        in = slice_of(in.ptr + r.bytes, in.len - r.bytes);
    }
    assert_int_equal(kind, FORMAT_SEAL);
    assert_int_equal(r.bytes, in.len);
    format_args_deinit(&args);
}

static void batch_init(struct base_batch *b)
{
    *b = (struct base_batch){.db = -1};
    buf_init(&b->bytes);
}

static void test_random(void **state)
{
    struct rng rng;
    struct base_batch b;
    struct given *all = calloc(KEYS, sizeof(*all));
    rng_seed(&rng, 7);
    for (size_t i = 0; i < sizeof(value); i++)
        value[i] = (char)rng_next(&rng);
    for (size_t first = 0, n; first < KEYS; first += n) { /* batches of one to many */
        n = 1 + rng_below(&rng, rng_below(&rng, 2) ? 3 : 300);
        n = n < KEYS - first ? n : KEYS - first;
        batch_init(&b);
        for (size_t i = first; i < first + n; i++) {
            struct given *g = &all[i];
            g->db = rng_below(&rng, 50) || i == first ? (i > first ? g[-1].db : 0)
                                                      : (int)rng_below(&rng, 16);
            g->other = rng_below(&rng, 40) == 0;
            g->key_len = snprintf(g->key, sizeof(g->key), "k%zu", i);
            g->value_len = rng_below(&rng, rng_below(&rng, 30) ? 200 : LONG_MAX);
            give(&b, g);
        }
        base_batch_seal(&b, first + n);
        struct seen s = {.next = all + first};
        see_batch(&s, buf_slice(&b.bytes));
        assert_ptr_equal(s.next, all + first + n);
        buf_deinit(&b.bytes);
    }
    free(all);
}

/* As many to a command as may be: that is what they are for. */
static void test_commands_are_full(void **state)
{
    struct base_batch b;
    struct given all[3 * AOF_MSET_PAIRS_MAX + 2] = {0};
    size_t n = sizeof(all) / sizeof(all[0]);
    batch_init(&b);
    for (size_t i = 0; i < n; i++) {
        all[i].key_len = 1;
        all[i].value_len = 64;
        give(&b, &all[i]);
    }
    base_batch_seal(&b, 1);
    struct seen s = {.next = all};
    see_batch(&s, buf_slice(&b.bytes));
    assert_int_equal(s.commands, 4);
    assert_int_equal(s.most_pairs, AOF_MSET_PAIRS_MAX);
    buf_deinit(&b.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_commands_are_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
