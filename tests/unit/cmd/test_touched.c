/* What a request tells the gate: every key that its reply depends on or that it changed, and no other. Requests are
 * made up from what the rows say of their arguments, so that no command can be forgotten. */
#include "cmd/synopsis.h"
#include "unit/cmd/cmd_test.h"

#define TRIES     2000 /* requests of a command, until one has worked that names all of its keys */
#define NAMED_MAX 64
#define SAME_MAX  3 /* most repetitions of an argument */

static struct cmd_test t;
static struct rng r;

/* --- data --------------------------------------------------------------------------------------------- */

/* Keys are a letter and a number: three of each type. */
static const struct {
    char letter;
    const char *command, *lines[3];
} data[] = {
    {'s', "set", {"set s1 5", "set s2 6", "set s3 7"}},
    {'l', "rpush", {"rpush l1 a b a", "rpush l2 a b", "rpush l3 a"}},
    {'h', "hset", {"hset h1 a 1 b 2", "hset h2 a 1", "hset h3 a 1"}},
    {'e', "sadd", {"sadd e1 a b 1", "sadd e2 a b 1", "sadd e3 a b 1"}},
    {'z', "zadd", {"zadd z1 1 a 2 b", "zadd z2 1 a 2 b", "zadd z3 1 a 2 b"}},
    {'n', NULL, {NULL}}, /* none */
};

static void fill(void)
{
    ks_flush(t.ks, -1, true);
    t.db = 0;
    for (size_t i = 0; i < COUNT_OF(data); i++) {
        if (!data[i].command || !cmd_lookup(t.table, slice_from_cstr(data[i].command)))
            continue;
        for (int k = 0; k < 3; k++)
            assert_true(cmd_test_run(&t, data[i].lines[k])[0] != '-');
    }
}

/* --- requests ----------------------------------------------------------------------------------------- */

struct request {
    struct words words; /* owns the text of `line` */
    char line[1024];
    size_t len;
    const struct synopsis *synopsis;
    unsigned same; /* how often what may be repeated is, and what counts it says */
    char letters[2];
    unsigned keys;
};

static void put(struct request *q, struct slice word)
{
    if (q->len + word.len + 3 < sizeof(q->line))
        q->len += (size_t)snprintf(q->line + q->len, sizeof(q->line) - q->len, " \"%.*s\"",
                                   (int)word.len, word.ptr);
}

static struct slice one_of(const char *const *words, size_t count)
{
    return slice_from_cstr(words[rng_below(&r, count)]);
}

static void put_value(struct request *q, const struct synopsis_arg *a)
{
    static const char *const integers[] = {"1", "2", "0", "-1", "100"};
    static const char *const strings[] = {"a", "1", "+", "-", "[a", "(1", "b", "9ec9f7918d7dfc40"};
    static const char *const doubles[] = {"1", "0", "0.5", "2"};
    static const char *const times[] = {"1800000000", "1800000000000"};
    char text[16];
    switch (a->type) {
    case ARG_KEY:
        snprintf(text, sizeof(text), "%c%u", q->letters[q->keys > 0], q->keys % 3 + 1);
        q->keys++;
        put(q, slice_from_cstr(text));
        break;
    case ARG_INTEGER:
        snprintf(text, sizeof(text), "%u", q->same);
        put(q, a->name.len > 3 && memcmp(a->name.ptr, "num", 3) == 0
                   ? slice_from_cstr(text)
                   : one_of(integers, COUNT_OF(integers)));
        break;
    case ARG_DOUBLE: put(q, one_of(doubles, COUNT_OF(doubles))); break;
    case ARG_UNIX_TIME: put(q, one_of(times, COUNT_OF(times))); break;
    case ARG_PATTERN: put(q, SLICE("*")); break;
    case ARG_STRING: put(q, one_of(strings, COUNT_OF(strings))); break;
    default: break;
    }
}

static void put_argument(struct request *q, const struct synopsis_arg *a);

/* One of the children, or all of them. */
static void put_children(struct request *q, const struct synopsis_arg *a)
{
    const struct synopsis_arg *args = q->synopsis->args;
    unsigned count = 0, chosen;
    for (int i = a->child; i >= 0; i = args[i].next)
        count++;
    chosen = a->type == ARG_ONEOF ? (unsigned)rng_below(&r, count) : count;
    for (int i = a->child; i >= 0; i = args[i].next, chosen--)
        if (a->type == ARG_BLOCK || chosen == 0)
            put_argument(q, &args[i]);
}

static void put_argument(struct request *q, const struct synopsis_arg *a)
{
    if (a->optional && rng_below(&r, 3) > 0)
        return;
    unsigned times = a->multiple ? q->same : 1;
    for (unsigned i = 0; i < times; i++) {
        if (a->token.len && (i == 0 || a->multiple_token))
            put(q, a->token);
        if (a->child >= 0)
            put_children(q, a);
        else
            put_value(q, a);
    }
}

/* Keys are of one type, or all but the first of another one. */
static void make_request(struct request *q, const struct cmd *c, const struct synopsis *synopsis)
{
    q->synopsis = synopsis;
    q->len = 0;
    q->keys = 0;
    q->same = 1 + (unsigned)rng_below(&r, SAME_MAX);
    q->letters[0] = data[rng_below(&r, COUNT_OF(data))].letter;
    q->letters[1] = rng_below(&r, 2) ? 'n' : q->letters[0];
    if (c->parent)
        put(q, slice_from_cstr(c->parent->row->name));
    put(q, slice_from_cstr(c->row->name));
    for (int i = synopsis->first; i >= 0; i = synopsis->args[i].next)
        put_argument(q, &synopsis->args[i]);
    assert_int_equal(words_split(&q->words, slice_of(q->line, q->len)), ERR_OK);
}

/* --- what they tell ----------------------------------------------------------------------------------- */

struct named { /* hashes of the keys that a request names */
    uint32_t hash[NAMED_MAX];
    unsigned count;
    const struct words *words;
};

static void name_key(int index, uint16_t key_flags, void *arg)
{
    struct named *n = arg;
    if (!(key_flags & KEY_NOT_KEY) && n->count < NAMED_MAX)
        n->hash[n->count++] = ks_key(t.ks, n->words->at[index]).hash;
}

static bool is_among(uint32_t hash, const uint32_t *of, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (of[i] == hash)
            return true;
    return false;
}

/* More keys than the row can say. */
static bool is_incomplete(const struct cmd *c)
{
    for (int i = 0; i < CMD_KEYS_MAX; i++)
        if (c->row->keys[i].flags & KEY_INCOMPLETE)
            return true;
    return false;
}

/* True: it noted every key that it named. */
static bool check_noted(const struct cmd *c, const struct request *q)
{
    struct named n = {.words = &q->words};
    const struct touched *noted = &t.touched;
    if (!cmd_each_key(c, q->words.at, q->words.count, name_key, &n))
        fail_msg("%s works, though its keys are not to be found", q->line);
    if (!noted->all && noted->count == 0)
        fail_msg("%s tells of no key", q->line);
    for (unsigned i = 0; i < noted->count; i++)
        if (!is_among(noted->hash[i], n.hash, n.count) && !is_incomplete(c))
            fail_msg("%s tells of a key that it does not name", q->line);
    for (unsigned i = 0; i < n.count; i++)
        if (!noted->all && !is_among(n.hash[i], noted->hash, noted->count))
            return false;
    return true;
}

static void every_key_is_noted(void **state)
{
    (void)state;
    struct synopsis synopsis;
    struct request q;
    unsigned commands = 0;
    words_init(&q.words);
    for (size_t i = 0; i < cmd_table_count(t.table); i++) {
        const struct cmd *c = cmd_table_at(t.table, i);
        bool complete = false, fixed = c->row->keys[0].first > 0;
        if (!c->row->fn || !fixed || !(c->row->flags & (CMD_WRITE | CMD_READONLY)))
            continue;
        assert_int_equal(synopsis_parse(c->row->synopsis, &synopsis), ERR_OK);
        for (int n = 0; n < TRIES && !complete; n++) {
            fill();
            make_request(&q, c, &synopsis);
            bool works = cmd_test_run_words(&t, q.words.count, q.words.at)[0] != '-';
            complete = works && check_noted(c, &q);
        }
        if (!complete)
            fail_msg("no request of %s tells of all of its keys, the last one being%s",
                     c->full_name, q.line);
        commands++;
    }
    assert_true(commands > 40);
    words_deinit(&q.words);
}

/* A change is one by the key's name, which watchers and the gate hear of alike. */
static void all_keys_are_noted_by_walks(void **state)
{
    static const char *const walks[] = {"dbsize",    "keys *",  "scan 0",
                                        "randomkey", "flushdb", "swapdb 0 1"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(walks); i++) {
        fill();
        cmd_test_run(&t, walks[i]);
        assert_true(t.touched.all);
    }
}

static int start(void **state)
{
    (void)state;
    rng_seed(&r, 1);
    cmd_test_init(&t, 1);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cmd_test_deinit(&t);
    return 0;
}

#define fresh(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(every_key_is_noted),
        fresh(all_keys_are_noted_by_walks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
