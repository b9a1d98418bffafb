/* Any commands that a log may hold, of all types, leave data that hold together; and a snapshot that is begun between
 * two of them gives commands that make the data as they were then, whatever changes meanwhile. The input is text, as
 * redis-cli takes it: a batch of one command a line. Its first byte says behind how many of them the snapshot
 * begins. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/words.h"
#include "clients/clients.h"
#include "engine/engine_impl.h"
#include "engine/replay.h"
#include "engine/snapshot_source.h"
#include "store/digest.h"

#define DATABASES     3
#define NOW_MS        1700000000000
#define STRING_BYTES  (256 * 1024) /* at most, so that memory lasts */
#define LINE_SNAPSHOT 32           /* behind so many at most */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- an engine without clients ----------------------------------------------------------------------------- */

struct world {
    struct engine *engine;
    struct engine_config config;
    struct keyspace *ks;
    struct cmd_table *table;
    struct clients *around;
    struct logger logger;
    struct rng rng;
    struct replay replay;
};

static void world_init(struct world *w, unsigned shards)
{
    *w = (struct world){.config = {.slowlog_us = -1, .bulk_bytes_max = STRING_BYTES}};
    logger_init(&w->logger);
    w->logger.level = LOG_LEVEL_NOTHING;
    rng_seed(&w->rng, 1);
    w->table = cmd_table_new();
    cmd_add_rows(w->table);
    w->ks = ks_new(&(struct ks_options){
        .databases = DATABASES, .shards = shards, .hash_key = {1, 2}, .now_ms = NOW_MS});
    assert(w->ks);
    struct engine_options o = {.ks = w->ks,
                               .table = w->table,
                               .logger = &w->logger,
                               .rng = &w->rng,
                               .now_us = 1,
                               .wall_ms = NOW_MS};
    w->around = clients_new(&w->rng);
    clients_observe(w->around, &o.observers);
    w->engine = engine_new(&o, &w->config);
    clients_attach(w->around, w->engine);
    engine_turn(w->engine, 1, NOW_MS);
    replay_begin(&w->replay, w->engine, REPLAY_LOADING);
}

static void world_empty(struct world *w)
{
    ks_flush(w->ks, -1, false);
    while (ks_work(w->ks))
        ;
}

static enum replay_verdict apply(struct world *w, int argc, const struct slice *argv)
{
    struct reader_command command = {.argv = argv, .argc = argc};
    return replay_batch(&w->replay, &(struct reader_batch){.commands = &command, .count = 1});
}

static void select_db(struct world *w, int db)
{
    struct slice argv[] = {SLICE("SELECT"), slice_of(&"0123456789"[db], 1)};
    enum replay_verdict verdict = apply(w, 2, argv);
    assert(verdict == REPLAY_FINE);
}

/* --- a sink that makes the data again ---------------------------------------------------------------------- */

#define ARGS_MAX 8 /* of a command that is given in runs */

struct again {
    struct sink sink; /* first */
    struct world *to;
    /* The command that is open. */
    struct buf texts[ARGS_MAX];
    int db, argc, in_runs; /* argc 0: none is */
    size_t left;
};

static enum err put(struct sink *s, int db, int argc, const struct slice *argv)
{
    struct again *a = (struct again *)s;
    select_db(a->to, db);
    enum replay_verdict verdict = apply(a->to, argc, argv);
    assert(verdict == REPLAY_FINE);
    return ERR_OK;
}

static enum err open_command(struct sink *s, int db, int argc, const struct slice *argv,
                             int in_runs)
{
    struct again *a = (struct again *)s;
    assert(a->argc == 0 && argc <= ARGS_MAX);
    a->db = db;
    a->argc = argc;
    a->in_runs = in_runs;
    a->left = argv[in_runs].len;
    for (int i = 0; i < argc; i++) {
        buf_clear(&a->texts[i]);
        if (i != in_runs)
            buf_append_slice(&a->texts[i], argv[i]);
    }
    return ERR_OK;
}

static enum err run(struct sink *s, struct slice bytes)
{
    struct again *a = (struct again *)s;
    struct slice argv[ARGS_MAX];
    assert(a->argc > 0 && bytes.len > 0 && bytes.len <= a->left);
    buf_append_slice(&a->texts[a->in_runs], bytes);
    a->left -= bytes.len;
    if (a->left > 0)
        return ERR_OK;
    for (int i = 0; i < a->argc; i++)
        argv[i] = buf_slice(&a->texts[i]);
    int argc = a->argc;
    a->argc = 0;
    return put(s, a->db, argc, argv);
}

static const struct sink_ops ops = {.put = put, .open = open_command, .run = run};

/* --- an input ---------------------------------------------------------------------------------------------- */

/* Whatever the line is: a command that is taken, or one that is refused. */
static void apply_line(struct world *w, struct slice line)
{
    struct words words;
    words_init(&words);
    if (words_split(&words, line) == ERR_OK && words.count > 0)
        (void)apply(w, words.count, words.at);
    words_deinit(&words);
}

struct input {
    struct slice rest;
};

static bool next_line(struct input *in, struct slice *out)
{
    if (in->rest.len == 0)
        return false;
    const char *end = memchr(in->rest.ptr, '\n', in->rest.len);
    size_t len = end ? (size_t)(end - in->rest.ptr) : in->rest.len;
    *out = slice_of(in->rest.ptr, len);
    len += end != NULL;
    in->rest = slice_of(in->rest.ptr + len, in->rest.len - len);
    return true;
}

/* Applies the rest, with a slice of the snapshot behind each command; then all that is left of it. */
static void go_on(struct world *w, struct input *in, struct again *again)
{
    struct snapshot_source source;
    struct digest then, made;
    struct slice line;
    char left[DIGEST_CHARS + 1], right[DIGEST_CHARS + 1];
    digest_keyspace(w->ks, &then);
    enum err e = source_begin(&source, w->ks, &again->sink);
    enum source_step step = SOURCE_MORE;
    assert(e == ERR_OK);
    while (next_line(in, &line)) {
        apply_line(w, line);
        if (step == SOURCE_MORE)
            step = source_slice(&source, 1);
    }
    while (step == SOURCE_MORE)
        step = source_slice(&source, 1);
    assert(step == SOURCE_ALL && again->argc == 0);
    source_end(&source);
    digest_keyspace(again->to->ks, &made);
    digest_print(&then, left);
    digest_print(&made, right);
    assert(strcmp(left, right) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world, copy;
    static struct again again = {.sink = {.ops = &ops}, .to = &copy};
    if (!world.engine) {
        world_init(&world, 3);
        world_init(&copy, 1);
    }
    if (size == 0)
        return 0;
    struct input in = {slice_of((const char *)data + 1, size - 1)};
    struct slice line;
    select_db(&world, 0);
    for (int n = data[0] % LINE_SNAPSHOT; n > 0 && next_line(&in, &line); n--)
        apply_line(&world, line);
    go_on(&world, &in, &again);
    ks_validate(world.ks);
    ks_validate(copy.ks);
    world_empty(&world);
    world_empty(&copy);
    return 0;
}
