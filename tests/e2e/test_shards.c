/* CONFIG SET shards while clients work: nothing is lost or doubled, no more moves than must, and SCAN keeps its
 * promise. Only Corsac has shards. */
#include "e2e/server.h"
#include "e2e/talk.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/rng.h"

enum { SLOTS = 16384, STATIC_KEYS = SRV_SCALED(30000) };

static void set_shards(redisContext *c, int shards)
{
    char command[64];
    snprintf(command, sizeof(command), "CONFIG SET shards %d", shards);
    talk_check(c, command, "+OK");
}

/* Waits until no keys move any more. */
static void settle(redisContext *c, int shards)
{
    char expected[64];
    snprintf(expected, sizeof(expected), "*shards:%d\\r*resharding:0\\r*", shards);
    talk_check_soon(c, "INFO shards", expected);
}

static void fill(redisContext *c, const char *prefix, int count)
{
    for (int i = 0; i < count; i++)
        redisAppendCommand(c, "SET %s:%d %d", prefix, i, i);
    for (int i = 0; i < count; i++)
        talk_check_next(c, "+OK");
}

/* --- what INFO shards tells ------------------------------------------------------------------------- */

struct shard_info {
    int slots;
    long long keys, expires, bytes;
};

static struct shard_info shard_info(redisContext *c, int shard)
{
    char field[32], text[128];
    struct shard_info i = {0};
    snprintf(field, sizeof(field), "shard%d", shard);
    if (!talk_info(c, "shards", field, text, sizeof(text)))
        fail_msg("INFO shards has no %s", field);
    assert_int_equal(sscanf(text, "slots=%d,keys=%lld,expires=%lld,bytes=%lld", &i.slots, &i.keys,
                            &i.expires, &i.bytes),
                     4);
    return i;
}

/* All slots and all keys are on some shard, the slots evenly. */
static void check_shards(redisContext *c, int shards)
{
    int slots = 0;
    long long keys = 0;
    for (int i = 0; i < shards; i++) {
        struct shard_info info = shard_info(c, i);
        assert_in_range(info.slots, SLOTS * 0.9 / shards, SLOTS * 1.1 / shards + 1);
        assert_true(info.keys == 0 || info.bytes > 0);
        slots += info.slots;
        keys += info.keys;
    }
    assert_int_equal(slots, SLOTS);
    assert_int_equal(keys, talk_ask_int(c, "DBSIZE"));
}

static void info_tells_of_each_shard(void **state)
{
    redisContext *c = ((struct srv *)*state)->c;
    set_shards(c, 4);
    settle(c, 4);
    fill(c, "key", 1000);
    talk_check(c, "EXPIRE key:5 1000", ":1");
    check_shards(c, 4);
    long long expires = 0;
    for (int i = 0; i < 4; i++) {
        struct shard_info info = shard_info(c, i);
        assert_true(info.keys > 100); /* 250, give or take what chance does */
        expires += info.expires;
    }
    assert_int_equal(expires, 1);
    talk_check(c, "CONFIG GET shards", "[\"shards\", \"4\"]");
}

static void impossible_numbers_are_refused(void **state)
{
    static const struct talk_step steps[] = {
        {"CONFIG SET shards 0",
         "-ERR CONFIG SET failed (possibly related to argument 'shards') - *"},
        {"CONFIG SET shards -1", "-ERR CONFIG SET failed*"},
        {"CONFIG SET shards 1025", "-ERR CONFIG SET failed*"},
        {"CONFIG SET shards many", "-ERR CONFIG SET failed*"},
    };
    talk_check_all(((struct srv *)*state)->c, steps);
}

/* --- how much moves --------------------------------------------------------------------------------- */

static void check_move(redisContext *c, int to, double share_max)
{
    set_shards(c, to);
    settle(c, to);
    double moved = (double)talk_info_int(c, "shards", "resharding_keys_moved") / STATIC_KEYS;
    double slots = (double)talk_info_int(c, "shards", "resharding_slots_moved") / SLOTS;
    if (moved > share_max || slots > share_max)
        fail_msg("to %d shards: %.4f of the keys moved, %.4f of the slots, and not at most %.4f",
                 to, moved, slots, share_max);
    check_shards(c, to);
}

static void growing_by_one_moves_one_share(void **state)
{
    enum { SHARDS_MAX = 9 };
    redisContext *c = ((struct srv *)*state)->c;
    set_shards(c, 1);
    settle(c, 1);
    fill(c, "key", STATIC_KEYS);
    for (int n = 1; n < SHARDS_MAX; n++)
        check_move(c, n + 1, 1.0 / (n + 1) + 0.02);
    for (int n = SHARDS_MAX; n > 1; n--)
        check_move(c, n - 1, 1.0 / n + 0.02);
    assert_int_equal(talk_ask_int(c, "DBSIZE"), STATIC_KEYS);
}

static void many_shards_are_even_too(void **state)
{
    static const int counts[] = {64, 1024, 100, 3};
    redisContext *c = ((struct srv *)*state)->c;
    fill(c, "key", STATIC_KEYS / 10);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        set_shards(c, counts[i]);
        settle(c, counts[i]);
        check_shards(c, counts[i]);
    }
}

/* --- concurrent traffic ----------------------------------------------------------------------------- */

enum { WRITERS = 3, KEYS_EACH = SRV_SCALED(6000), PIPELINE = 40, NO_KEY = -1 };

/* A client with keys of its own, and what each must hold. */
struct writer {
    redisContext *c;
    struct rng rng;
    int number;
    atomic_bool *stop;
    int value[KEYS_EACH]; /* NO_KEY: it is not there */
    /* NULL: all replies were right; cmocka's assertions belong to the main thread */
    const char *complaint;
    pthread_t thread;
};

struct asked {
    enum { ASK_SET, ASK_INCR, ASK_DEL, ASK_GET, ASK_KINDS } what;
    int expected; /* GET, INCR: the value; DEL: how many */
};

/* Queues a request on a random key, and changes the model as the server will. */
static struct asked ask(struct writer *w)
{
    int k = (int)rng_below(&w->rng, KEYS_EACH), *value = &w->value[k];
    struct asked a = {.what = rng_below(&w->rng, ASK_KINDS)};
    switch (a.what) {
    case ASK_SET:
        *value = (int)rng_below(&w->rng, 1000000);
        redisAppendCommand(w->c, "SET w%d:%d %d", w->number, k, *value);
        break;
    case ASK_INCR:
        *value = *value == NO_KEY ? 1 : *value + 1;
        a.expected = *value;
        redisAppendCommand(w->c, "INCR w%d:%d", w->number, k);
        break;
    case ASK_DEL:
        a.expected = *value != NO_KEY;
        *value = NO_KEY;
        redisAppendCommand(w->c, "DEL w%d:%d", w->number, k);
        break;
    default: a.expected = *value; redisAppendCommand(w->c, "GET w%d:%d", w->number, k);
    }
    return a;
}

static bool is_right(const redisReply *r, struct asked a)
{
    switch (a.what) {
    case ASK_SET: return r->type == REDIS_REPLY_STATUS;
    case ASK_INCR:
    case ASK_DEL: return r->type == REDIS_REPLY_INTEGER && r->integer == a.expected;
    default:
        return a.expected == NO_KEY ? r->type == REDIS_REPLY_NIL
                                    : r->type == REDIS_REPLY_STRING && atoi(r->str) == a.expected;
    }
}

static void *write_and_read(void *arg)
{
    struct writer *w = arg;
    while (!atomic_load(w->stop) && !w->complaint) {
        struct asked asked[PIPELINE];
        for (int i = 0; i < PIPELINE; i++)
            asked[i] = ask(w);
        for (int i = 0; i < PIPELINE && !w->complaint; i++) {
            void *r = NULL;
            if (redisGetReply(w->c, &r) != REDIS_OK) {
                w->complaint = w->c->errstr;
                break;
            }
            if (!is_right(r, asked[i]))
                w->complaint = "a reply is not what the model says";
            freeReplyObject(r);
        }
    }
    return NULL;
}

static void check_against_model(redisContext *c, const struct writer *w)
{
    for (int k = 0; k < KEYS_EACH; k++)
        redisAppendCommand(c, "GET w%d:%d", w->number, k);
    for (int k = 0; k < KEYS_EACH; k++) {
        void *reply = NULL;
        assert_int_equal(redisGetReply(c, &reply), REDIS_OK);
        if (!is_right(reply, (struct asked){ASK_GET, w->value[k]}))
            fail_msg("w%d:%d is not %d", w->number, k, w->value[k]);
        freeReplyObject(reply);
    }
}

/* Every key comes once in a SCAN at rest. */
static void check_scan(redisContext *c, const struct writer *writers)
{
    static unsigned char seen[WRITERS][KEYS_EACH];
    char cursor[32] = "0";
    memset(seen, 0, sizeof(seen));
    do {
        redisReply *r = talk_ask(c, "SCAN %s COUNT 500", cursor);
        snprintf(cursor, sizeof(cursor), "%s", r->element[0]->str);
        for (size_t i = 0; i < r->element[1]->elements; i++) {
            int w, k;
            assert_int_equal(sscanf(r->element[1]->element[i]->str, "w%d:%d", &w, &k), 2);
            assert_int_equal(seen[w][k]++, 0);
        }
        freeReplyObject(r);
    } while (strcmp(cursor, "0") != 0);
    for (int w = 0; w < WRITERS; w++)
        for (int k = 0; k < KEYS_EACH; k++)
            assert_int_equal(seen[w][k], writers[w].value[k] != NO_KEY);
}

/* From 1 to a maximum, one by one, then back in leaps, each as soon as the one before is done. */
static void reshard_under_load(redisContext *c)
{
    static const int targets[] = {2, 3, 4, 5, 6, 7, 8, 16, 64, 5, 32, 1, 8, 2, 1};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        set_shards(c, targets[i]);
        for (double before = 0;;) {
            char text[32];
            assert_true(talk_info(c, "shards", "resharding_done_perc", text, sizeof(text)));
            double perc = strtod(text, NULL);
            if (talk_info_int(c, "shards", "resharding") == 0)
                break;
            if (perc < before || perc > 100)
                fail_msg("progress goes from %.2f to %.2f %%", before, perc);
            before = perc;
        }
        settle(c, targets[i]);
    }
}

static void no_key_is_lost_or_doubled_under_traffic(void **state)
{
    struct srv *s = *state;
    static struct writer writers[WRITERS];
    atomic_bool stop = false;
    set_shards(s->c, 1);
    settle(s->c, 1);
    for (int i = 0; i < WRITERS; i++) {
        struct writer *w = &writers[i];
        *w = (struct writer){.c = srv_connect(s), .number = i, .stop = &stop};
        rng_seed(&w->rng, (uint64_t)i + 1);
        for (int k = 0; k < KEYS_EACH; k++)
            w->value[k] = NO_KEY;
        assert_int_equal(pthread_create(&w->thread, NULL, write_and_read, w), 0);
    }
    reshard_under_load(s->c);
    atomic_store(&stop, true);

    int keys = 0;
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        if (writers[i].complaint)
            fail_msg("client %d: %s", i, writers[i].complaint);
        talk_free(&writers[i].c);
        for (int k = 0; k < KEYS_EACH; k++)
            keys += writers[i].value[k] != NO_KEY;
        check_against_model(s->c, &writers[i]);
    }
    assert_int_equal(talk_ask_int(s->c, "DBSIZE"), keys);
    check_scan(s->c, writers);
}

/* --- SCAN ------------------------------------------------------------------------------------------- */

static void scan_keeps_its_promise_while_keys_move(void **state)
{
    enum { KEYS = 4000, ROUNDS = 8 };
    redisContext *c = ((struct srv *)*state)->c;
    struct rng rng;
    rng_seed(&rng, 3);
    fill(c, "key", KEYS);
    for (int round = 0; round < ROUNDS; round++) {
        static unsigned char seen[KEYS];
        char cursor[32] = "0";
        memset(seen, 0, sizeof(seen));
        do {
            redisReply *r = talk_ask(c, "SCAN %s COUNT 100", cursor);
            snprintf(cursor, sizeof(cursor), "%s", r->element[0]->str);
            for (size_t i = 0; i < r->element[1]->elements; i++) {
                int k;
                if (sscanf(r->element[1]->element[i]->str, "key:%d", &k) == 1)
                    seen[k] = 1;
            }
            freeReplyObject(r);
            /* Whether a move is under way, so that this is refused, is not the question. */
            freeReplyObject(talk_ask(c, "CONFIG SET shards %d", 1 + (int)rng_below(&rng, 12)));
            for (int i = 0; i < 50; i++)
                redisAppendCommand(c, round % 2 ? "DEL other:%d" : "SET other:%d x",
                                   (int)rng_below(&rng, 20000));
            for (int i = 0; i < 50; i++)
                talk_check_next(c, "*");
        } while (strcmp(cursor, "0") != 0);
        for (int k = 0; k < KEYS; k++)
            if (!seen[k])
                fail_msg("round %d: key:%d was there all the time, and was not returned", round, k);
    }
}

/* Deadlines, databases and watches go with the keys. */
static void what_belongs_to_a_key_moves_with_it(void **state)
{
    struct srv *s = *state;
    redisContext *watcher = srv_connect(s);
    set_shards(s->c, 1);
    settle(s->c, 1);
    fill(s->c, "key", 2000);
    talk_check(s->c, "PEXPIREAT key:7 33177117420123", ":1");
    talk_check(s->c, "SELECT 5", "+OK");
    fill(s->c, "key", 1000);
    talk_check(s->c, "SELECT 0", "+OK");
    talk_check(watcher, "WATCH key:1 key:2 key:3", "+OK");
    set_shards(s->c, 7);
    settle(s->c, 7);
    talk_check(watcher, "MULTI", "+OK");
    talk_check(watcher, "PEXPIRETIME key:7", "+QUEUED");
    talk_check(watcher, "EXEC", "[:33177117420123]"); /* a move is no change */
    talk_check(s->c, "INFO keyspace", "*db0:keys=2000,expires=1,*db5:keys=1000,expires=0,*");
    talk_check(s->c, "SWAPDB 0 5", "+OK");
    set_shards(s->c, 2);
    settle(s->c, 2);
    talk_check(s->c, "DBSIZE", ":1000");
    talk_check(s->c, "FLUSHALL", "+OK");
    talk_check(s->c, "DBSIZE", ":0");
    talk_free(&watcher);
}

/* --- fixtures --------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    int rc = srv_group_setup(state);
    if (rc == 0 && !srv_is_corsac(*state)) {
        print_message("1..0 # SKIP the server has no shards\n");
        exit(0);
    }
    return rc;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(info_tells_of_each_shard),
        TEST(impossible_numbers_are_refused),
        TEST(growing_by_one_moves_one_share),
        TEST(many_shards_are_even_too),
        TEST(no_key_is_lost_or_doubled_under_traffic),
        TEST(scan_keeps_its_promise_while_keys_move),
        TEST(what_belongs_to_a_key_moves_with_it),
    };
    return cmocka_run_group_tests(tests, setup, srv_group_teardown);
}
