#include "sim/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sim/collection.h"

#define TTL_MS_MAX   1500
#define WAIT_MS_MAX  40
#define BLOCK_MS_MAX 300

static int draw_key(struct rng *rng, int first, int count)
{
    return first + (int)rng_below(rng, (uint64_t)count);
}

/* Any key that the database has. */
static int draw_any(struct rng *rng, int db)
{
    int key = draw_key(rng, 0, db == 0 ? SIM_KEYS : SIM_KEYS - SIM_TIMED);
    return db != 0 && key >= SIM_STRINGS + SIM_COUNTERS ? key + SIM_TIMED : key;
}

/* Any string. */
static int draw_string(struct rng *rng, int db)
{
    return draw_key(rng, 0, db == 0 ? SIM_LIST : SIM_STRINGS + SIM_COUNTERS);
}

static int draw_collection(struct rng *rng)
{
    return draw_key(rng, SIM_LIST, SIM_KEYS - SIM_LIST);
}

static enum sim_op draw_collection_op(struct rng *rng)
{
    static const enum sim_op often[] = {SIM_READ, SIM_ADD,  SIM_ADD,   SIM_ADD,
                                        SIM_ADD,  SIM_TAKE, SIM_LMOVE, SIM_RENAME,
                                        SIM_BPOP, SIM_BPOP, SIM_BLMOVE};
    return often[rng_below(rng, sizeof(often) / sizeof(often[0]))];
}

static enum sim_op draw_op(struct rng *rng, int db, bool in_multi)
{
    static const enum sim_op often[] = {SIM_GET,  SIM_GET,    SIM_GET,    SIM_MGET,   SIM_EXISTS,
                                        SIM_SET,  SIM_SET,    SIM_SET,    SIM_SET_NX, SIM_MSET,
                                        SIM_INCR, SIM_APPEND, SIM_APPEND, SIM_DEL};
    uint64_t roll = rng_below(rng, 100);
    if (roll < 2)
        return SIM_FLUSHALL;
    if (roll < 14 && db == 0)
        return roll < 10 ? SIM_SET_PX : SIM_PEXPIRE;
    if (in_multi && roll < 30)
        return roll < 28 ? SIM_EXEC : SIM_DISCARD;
    if (!in_multi && roll < 27)
        return roll < 17 ? SIM_SELECT : roll < 20 ? SIM_WATCH : roll < 24 ? SIM_MULTI : SIM_WAITAOF;
    if (rng_below(rng, 5) < 2)
        return draw_collection_op(rng);
    return often[rng_below(rng, sizeof(often) / sizeof(often[0]))];
}

/* Two keys, which may be the same but for RENAME. */
static void draw_lists(struct sim_request *r, struct rng *rng)
{
    r->key_count = 2;
    r->keys[0] = draw_key(rng, SIM_LIST, SIM_LISTS);
    do
        r->keys[1] = draw_key(rng, SIM_LIST, SIM_LISTS);
    while (r->op == SIM_RENAME && r->keys[0] == r->keys[1]);
    r->number = 1 + (int)rng_below(rng, BLOCK_MS_MAX);
}

static void draw_waiting_pop(struct sim_request *r, struct rng *rng)
{
    bool zset = rng_below(rng, 3) == 0;
    r->key_count = 1 + (int)rng_below(rng, 2);
    for (int i = 0; i < r->key_count; i++)
        r->keys[i] = zset ? draw_key(rng, SIM_ZSET, SIM_ZSETS) : draw_key(rng, SIM_LIST, SIM_LISTS);
    r->number = 1 + (int)rng_below(rng, BLOCK_MS_MAX);
}

void sim_request_draw(struct sim_request *r, struct rng *rng, int db, bool in_multi)
{
    *r = (struct sim_request){.op = draw_op(rng, db, in_multi), .key_count = 1};
    snprintf(r->value, sizeof(r->value), "v%d", (int)rng_below(rng, 1000));
    switch (r->op) {
    case SIM_GET: r->keys[0] = draw_string(rng, db); break;
    case SIM_READ:
    case SIM_ADD:
    case SIM_TAKE:
        r->keys[0] = draw_collection(rng);
        r->name = (int)rng_below(rng, SIM_MEMBERS);
        r->number = (int)rng_below(rng, 10);
        break;
    case SIM_LMOVE:
    case SIM_RENAME:
    case SIM_BLMOVE: draw_lists(r, rng); break;
    case SIM_BPOP: draw_waiting_pop(r, rng); break;
    case SIM_SET:
    case SIM_SET_NX:
    case SIM_APPEND: r->keys[0] = draw_key(rng, 0, SIM_STRINGS); break;
    case SIM_WATCH:
        r->keys[0] =
            rng_below(rng, 3) ? draw_key(rng, 0, SIM_STRINGS + SIM_COUNTERS) : draw_collection(rng);
        break;
    case SIM_INCR: r->keys[0] = draw_key(rng, SIM_STRINGS, SIM_COUNTERS); break;
    case SIM_SET_PX:
    case SIM_PEXPIRE:
        r->keys[0] = draw_key(rng, SIM_STRINGS + SIM_COUNTERS, SIM_TIMED);
        r->number = 1 + (int)rng_below(rng, TTL_MS_MAX);
        break;
    case SIM_MGET:
    case SIM_EXISTS:
    case SIM_DEL:
        r->key_count = 1 + (int)rng_below(rng, SIM_REQUEST_KEYS_MAX);
        for (int i = 0; i < r->key_count; i++)
            r->keys[i] = r->op == SIM_MGET ? draw_string(rng, db) : draw_any(rng, db);
        break;
    case SIM_MSET:
        r->key_count = 2 + (int)rng_below(rng, 2);
        for (int i = 0; i < r->key_count; i++)
            r->keys[i] = draw_key(rng, 0, SIM_STRINGS);
        break;
    case SIM_SELECT:
        r->key_count = 0;
        r->number = (int)rng_below(rng, SIM_DATABASES);
        break;
    case SIM_WAITAOF:
        r->key_count = 0;
        r->number = rng_below(rng, 2) ? 0 : 1 + (int)rng_below(rng, WAIT_MS_MAX);
        break;
    default: r->key_count = 0; break;
    }
}

int sim_request_args(const struct sim_request *r, struct slice argv[SIM_REQUEST_ARGS_MAX],
                     char text[48])
{
    static const char *const names[] = {
        [SIM_GET] = "GET",       [SIM_MGET] = "MGET",       [SIM_EXISTS] = "EXISTS",
        [SIM_SET] = "SET",       [SIM_SET_PX] = "SET",      [SIM_SET_NX] = "SET",
        [SIM_MSET] = "MSET",     [SIM_INCR] = "INCR",       [SIM_APPEND] = "APPEND",
        [SIM_DEL] = "DEL",       [SIM_PEXPIRE] = "PEXPIRE", [SIM_FLUSHALL] = "FLUSHALL",
        [SIM_SELECT] = "SELECT", [SIM_WATCH] = "WATCH",     [SIM_MULTI] = "MULTI",
        [SIM_EXEC] = "EXEC",     [SIM_DISCARD] = "DISCARD", [SIM_WAITAOF] = "WAITAOF"};
    if (r->op == SIM_READ)
        return sim_collection_read(r->keys[0], argv);
    if (r->op >= SIM_ADD && r->op <= SIM_BLMOVE)
        return sim_collection_args(r, argv, text);
    struct slice value = slice_from_cstr(r->value);
    struct slice number = {text, (size_t)num_print_i64(text, r->number)};
    int n = 0;
    argv[n++] = slice_from_cstr(names[r->op]);
    for (int i = 0; i < r->key_count; i++) {
        argv[n++] = sim_key_name(r->keys[i]);
        if (r->op == SIM_MSET)
            argv[n++] = value;
    }
    switch (r->op) {
    case SIM_SET:
    case SIM_APPEND: argv[n++] = value; break;
    case SIM_SET_NX:
        argv[n++] = value;
        argv[n++] = SLICE("NX");
        break;
    case SIM_SET_PX:
        argv[n++] = value;
        argv[n++] = SLICE("PX");
        argv[n++] = number;
        break;
    case SIM_WAITAOF:
        argv[n++] = SLICE("1");
        argv[n++] = SLICE("0");
        argv[n++] = number;
        break;
    case SIM_PEXPIRE:
    case SIM_SELECT: argv[n++] = number; break;
    default: break;
    }
    return n;
}

/* --- what the model says --------------------------------------------------------------------------------- */

struct applying {
    const struct sim_request *r;
    struct sim_model *m;
    int db;
    struct sim_effect *out;
};

static const struct sim_value *look(struct applying *a, int key)
{
    uint64_t version = a->m->at[a->db][key].version;
    if (version > a->out->version)
        a->out->version = version;
    return sim_model_get(a->m, a->db, key);
}

static void set(struct applying *a, int key, struct slice value, int64_t deadline_ms,
                const char *event)
{
    sim_model_set(a->m, a->db, key, value, deadline_ms);
    a->out->version = a->m->version + 1;
    a->out->event(a->out->arg, a->db, key, event);
}

static void reply_value(struct buf *reply, const struct sim_value *v)
{
    if (!v) {
        buf_append_cstr(reply, "$-1\r\n");
        return;
    }
    buf_printf(reply, "$%d\r\n", v->len);
    buf_append(reply, v->bytes, v->len);
    buf_append_cstr(reply, "\r\n");
}

static void get_many(struct applying *a)
{
    int there = 0;
    if (a->r->op == SIM_MGET)
        buf_printf(a->out->reply, "*%d\r\n", a->r->key_count);
    for (int i = 0; i < a->r->key_count; i++) {
        const struct sim_value *v = look(a, a->r->keys[i]);
        there += v != NULL;
        if (a->r->op == SIM_MGET)
            reply_value(a->out->reply, v);
    }
    if (a->r->op == SIM_EXISTS)
        buf_printf(a->out->reply, ":%d\r\n", there);
}

static void delete_many(struct applying *a)
{
    int gone = 0;
    for (int i = 0; i < a->r->key_count; i++) {
        int key = a->r->keys[i];
        look(a, key);
        if (!sim_model_delete(a->m, a->db, key))
            continue;
        gone++;
        a->out->version = a->m->version + 1;
        a->out->event(a->out->arg, a->db, key, "del");
    }
    buf_printf(a->out->reply, ":%d\r\n", gone);
}

static void increment(struct applying *a, int key)
{
    char text[SIM_VALUE_MAX + 1] = "0";
    const struct sim_value *v = look(a, key);
    if (v) {
        memcpy(text, v->bytes, v->len);
        text[v->len] = '\0';
    }
    int len = snprintf(text, sizeof(text), "%d", atoi(text) + 1);
    set(a, key, slice_of(text, (size_t)len), 0, "incrby");
    buf_printf(a->out->reply, ":%s\r\n", text);
}

static void append(struct applying *a, int key, struct slice value)
{
    char text[2 * SIM_VALUE_MAX];
    const struct sim_value *v = look(a, key);
    size_t len = v ? v->len : 0;
    if (v)
        memcpy(text, v->bytes, len);
    memcpy(text + len, value.ptr, value.len);
    len += value.len;
    set(a, key, slice_of(text, len), 0, "append");
    buf_printf(a->out->reply, ":%zu\r\n", len);
}

void sim_request_apply(const struct sim_request *r, struct sim_model *m, int db,
                       struct sim_effect *out)
{
    struct applying a = {r, m, db, out};
    struct slice value = slice_from_cstr(r->value);
    switch (r->op) {
    case SIM_GET: reply_value(out->reply, look(&a, r->keys[0])); break;
    case SIM_MGET:
    case SIM_EXISTS: get_many(&a); break;
    case SIM_DEL: delete_many(&a); break;
    case SIM_SET_NX:
        if (look(&a, r->keys[0])) {
            buf_append_cstr(out->reply, "$-1\r\n");
            break;
        }
        /* fallthrough */
    case SIM_SET:
        set(&a, r->keys[0], value, 0, "set");
        buf_append_cstr(out->reply, "+OK\r\n");
        break;
    case SIM_SET_PX:
        set(&a, r->keys[0], value, m->now_ms + r->number, "set");
        out->event(out->arg, db, r->keys[0], "expire");
        buf_append_cstr(out->reply, "+OK\r\n");
        break;
    case SIM_MSET:
        for (int i = 0; i < r->key_count; i++)
            set(&a, r->keys[i], value, 0, "set");
        buf_append_cstr(out->reply, "+OK\r\n");
        break;
    case SIM_INCR: increment(&a, r->keys[0]); break;
    case SIM_APPEND: append(&a, r->keys[0], value); break;
    case SIM_PEXPIRE: {
        const struct sim_value *v = look(&a, r->keys[0]);
        if (v)
            set(&a, r->keys[0], slice_of(v->bytes, v->len), m->now_ms + r->number, "expire");
        buf_append_cstr(out->reply, v ? ":1\r\n" : ":0\r\n");
        break;
    }
    case SIM_FLUSHALL:
        sim_model_flush(m);
        out->version = m->version + 1;
        buf_append_cstr(out->reply, "+OK\r\n");
        break;
    case SIM_READ:
    case SIM_ADD:
    case SIM_TAKE:
    case SIM_LMOVE:
    case SIM_RENAME:
    case SIM_BPOP:
    case SIM_BLMOVE: sim_collection_apply(r, m, db, out); break;
    default: break;
    }
}
