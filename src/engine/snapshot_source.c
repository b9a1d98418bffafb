#include "engine/snapshot_source.h"

#include "base/mem.h"
#include "store/snapshot.h"
#include "store/value.h"

struct held_value {
    struct held_value *next;
    int db;
    struct value_cursor cursor;
};

/* --- as the walk comes to a key, or a change ahead of it ------------------------------------------------ */

static enum err hold(struct snapshot_source *s, int db, const struct item *it)
{
    struct held_value *h = mem_try_zalloc(sizeof(*h));
    if (!h)
        return ERR_NOMEM;
    h->db = db;
    value_cursor_init(&h->cursor, it);
    if (!value_cursor_hold(&h->cursor, s->ks)) {
        value_cursor_deinit(&h->cursor);
        mem_free(h);
        return ERR_NOMEM;
    }
    *s->held_end = h;
    s->held_end = &h->next;
    return ERR_OK;
}

static enum err put_all(const struct snapshot_source *s, int db, const struct item *it)
{
    struct value_cursor cursor;
    struct value_command cmd = {.last = false};
    enum err e = ERR_OK;
    value_cursor_init(&cursor, it);
    while (e == ERR_OK && !cmd.last && value_cursor_next(&cursor, &cmd))
        e = s->sink->ops->put(s->sink, db, cmd.argc, cmd.argv);
    value_cursor_deinit(&cursor);
    return e;
}

static void give(void *arg, int db, const struct item *it)
{
    struct snapshot_source *s = arg;
    if (s->err != ERR_OK)
        return;
    s->err = value_exceeds(it, SOURCE_HELD_BYTES_MIN) ? hold(s, db, it) : put_all(s, db, it);
}

/* --- large values --------------------------------------------------------------------------------------- */

static void drop_first(struct snapshot_source *s)
{
    struct held_value *h = s->held;
    s->held = h->next;
    if (!s->held)
        s->held_end = &s->held;
    s->opened = false;
    value_cursor_deinit(&h->cursor);
    mem_free(h);
}

/* The next run of the command that is open, or the next command. */
static enum err give_some(struct snapshot_source *s)
{
    struct held_value *h = s->held;
    struct value_command cmd;
    if (s->opened) {
        struct slice run = value_cursor_run(&h->cursor);
        if (run.len > 0)
            return s->sink->ops->run(s->sink, run);
        s->opened = false;
    }
    if (!value_cursor_next(&h->cursor, &cmd)) {
        drop_first(s);
        return ERR_OK;
    }
    if (cmd.in_runs < 0)
        return s->sink->ops->put(s->sink, h->db, cmd.argc, cmd.argv);
    s->opened = true;
    return s->sink->ops->open(s->sink, h->db, cmd.argc, cmd.argv, cmd.in_runs);
}

/* --- from begin to end ---------------------------------------------------------------------------------- */

enum err source_begin(struct snapshot_source *s, struct keyspace *ks, struct sink *sink)
{
    *s = (struct snapshot_source){.sink = sink, .ks = ks, .held_end = &s->held};
    s->snapshot = ks_snapshot_begin(ks, give, s);
    return s->snapshot ? ERR_OK : ERR_BUSY;
}

enum source_step source_slice(struct snapshot_source *s, unsigned keys)
{
    if (s->held && s->err == ERR_OK)
        s->err = give_some(s);
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
