#include "engine/snapshot_source.h"

#include "base/mem.h"
#include "base/num.h"
#include "store/item.h"
#include "store/snapshot.h"

struct held_value {
    struct held_value *next;
    int db;
    int64_t expiry_ms;
    struct blob *blob;
    size_t given;
    size_t key_len;
    char key[];
};

/* --- small values --------------------------------------------------------------------------------------- */

/* The command that makes a key; returns how many arguments. `deadline`: scratch. */
static int make_set(struct slice argv[5], struct slice key, struct slice value, int64_t expiry_ms,
                    char deadline[NUM_I64_CHARS])
{
    argv[0] = SLICE("SET");
    argv[1] = key;
    argv[2] = value;
    if (expiry_ms == ITEM_NO_EXPIRY)
        return 3;
    argv[3] = SLICE("PXAT");
    argv[4] = slice_of(deadline, (size_t)num_print_i64(deadline, expiry_ms));
    return 5;
}

static enum err hold(struct snapshot_source *s, int db, const struct item *it)
{
    struct slice key = item_key(it);
    struct held_value *h = mem_try_zalloc(sizeof(*h) + key.len);
    if (!h)
        return ERR_NOMEM;
    h->db = db;
    h->expiry_ms = item_expiry_ms(it);
    h->blob = blob_hold(item_blob(it));
    h->key_len = key.len;
    memcpy(h->key, key.ptr, key.len);
    *s->held_end = h;
    s->held_end = &h->next;
    return ERR_OK;
}

static void give(void *arg, int db, const struct item *it)
{
    struct snapshot_source *s = arg;
    char value[NUM_I64_CHARS], deadline[NUM_I64_CHARS];
    struct slice argv[5];
    if (s->err != ERR_OK)
        return;
    if (item_enc(it) == ENC_BLOB && item_string_len(it) > SINK_RUN_BYTES_MAX) {
        s->err = hold(s, db, it);
        return;
    }
    int argc = make_set(argv, item_key(it), item_string(it, value), item_expiry_ms(it), deadline);
    s->err = s->sink->ops->put(s->sink, db, argc, argv);
}

/* --- large values --------------------------------------------------------------------------------------- */

static void drop_first(struct snapshot_source *s)
{
    struct held_value *h = s->held;
    s->held = h->next;
    if (!s->held)
        s->held_end = &s->held;
    s->opened = false;
    blob_drop(h->blob);
    mem_free(h);
}

static enum err give_run(struct snapshot_source *s)
{
    struct held_value *h = s->held;
    char deadline[NUM_I64_CHARS];
    struct slice argv[5];
    if (!s->opened) {
        struct slice key = {h->key, h->key_len}, value = {NULL, h->blob->len};
        int argc = make_set(argv, key, value, h->expiry_ms, deadline);
        enum err e = s->sink->ops->open(s->sink, h->db, argc, argv, 2);
        if (e != ERR_OK)
            return e;
        s->opened = true;
    }
    size_t left = h->blob->len - h->given;
    struct slice run = {h->blob->data + h->given,
                        left < SINK_RUN_BYTES_MAX ? left : SINK_RUN_BYTES_MAX};
    enum err e = s->sink->ops->run(s->sink, run);
    h->given += run.len;
    if (run.len == left)
        drop_first(s);
    return e;
}

/* --- from begin to end ---------------------------------------------------------------------------------- */

enum err source_begin(struct snapshot_source *s, struct keyspace *ks, struct sink *sink)
{
    *s = (struct snapshot_source){.sink = sink, .held_end = &s->held};
    s->snapshot = ks_snapshot_begin(ks, give, s);
    return s->snapshot ? ERR_OK : ERR_BUSY;
}

enum source_step source_slice(struct snapshot_source *s, unsigned keys)
{
    if (s->held && s->err == ERR_OK)
        s->err = give_run(s);
    else if (s->snapshot && s->err == ERR_OK && !ks_snapshot_slice(s->snapshot, keys))
        ks_snapshot_end(&s->snapshot);
    if (s->err != ERR_OK)
        return SOURCE_FAILED;
    return s->held || s->snapshot ? SOURCE_MORE : SOURCE_ALL;
}

void source_end(struct snapshot_source *s)
{
    ks_snapshot_end(&s->snapshot);
    while (s->held)
        drop_first(s);
}

double source_done(const struct snapshot_source *s)
{
    return s->snapshot ? ks_snapshot_done(s->snapshot) : 1;
}
