#include "sim/collection.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum kind { LIST, ZSET, HASH, SET };

static enum kind kind_of(int key)
{
    return key < SIM_ZSET ? LIST : key < SIM_HASH ? ZSET : key == SIM_HASH ? HASH : SET;
}

static const char digits[] = "0123456789";

static struct slice digit(int n)
{
    return slice_of(digits + n, 1);
}

/* --- as requests ---------------------------------------------------------------------------------------- */

int sim_collection_read(int key, struct slice argv[SIM_REQUEST_ARGS_MAX])
{
    static const char *const names[] = {"LRANGE", "ZRANGE", "HMGET", "SMISMEMBER"};
    enum kind kind = kind_of(key);
    int n = 0;
    argv[n++] = slice_from_cstr(names[kind]);
    argv[n++] = sim_key_name(key);
    if (kind == LIST || kind == ZSET) {
        argv[n++] = SLICE("0");
        argv[n++] = SLICE("-1");
        if (kind == ZSET)
            argv[n++] = SLICE("WITHSCORES");
        return n;
    }
    for (int i = 0; i < SIM_MEMBERS; i++)
        argv[n++] = digit(i);
    return n;
}

static int add_args(const struct sim_request *r, struct slice *argv)
{
    static const char *const names[] = {"RPUSH", "ZADD", "HSET", "SADD"};
    enum kind kind = kind_of(r->keys[0]);
    int n = 0;
    argv[n++] = slice_from_cstr(names[kind]);
    argv[n++] = sim_key_name(r->keys[0]);
    if (kind == ZSET)
        argv[n++] = digit(r->number);
    if (kind != LIST)
        argv[n++] = digit(r->name);
    if (kind == LIST || kind == HASH)
        argv[n++] = slice_from_cstr(r->value);
    return n;
}

static int take_args(const struct sim_request *r, struct slice *argv)
{
    static const char *const names[] = {"LPOP", "ZPOPMIN", "HDEL", "SREM"};
    enum kind kind = kind_of(r->keys[0]);
    int n = 0;
    argv[n++] = slice_from_cstr(names[kind]);
    argv[n++] = sim_key_name(r->keys[0]);
    if (kind == HASH || kind == SET)
        argv[n++] = digit(r->name);
    return n;
}

int sim_collection_args(const struct sim_request *r, struct slice argv[SIM_REQUEST_ARGS_MAX],
                        char text[48])
{
    int n = 0;
    switch (r->op) {
    case SIM_ADD: return add_args(r, argv);
    case SIM_TAKE: return take_args(r, argv);
    case SIM_LMOVE: argv[n++] = SLICE("LMOVE"); break;
    case SIM_RENAME: argv[n++] = SLICE("RENAME"); break;
    case SIM_BLMOVE: argv[n++] = SLICE("BLMOVE"); break;
    default: argv[n++] = kind_of(r->keys[0]) == LIST ? SLICE("BLPOP") : SLICE("BZPOPMIN"); break;
    }
    for (int i = 0; i < r->key_count; i++)
        argv[n++] = sim_key_name(r->keys[i]);
    if (r->op == SIM_LMOVE || r->op == SIM_BLMOVE) {
        argv[n++] = SLICE("LEFT");
        argv[n++] = SLICE("RIGHT");
    }
    if (sim_request_waits(r)) {
        int len = snprintf(text, 48, "0.%03d", r->number);
        argv[n++] = slice_of(text, (size_t)len);
    }
    return n;
}

/* --- entries -------------------------------------------------------------------------------------------- */

/* A copy of a value that is changed and put back. */
struct entries {
    size_t len;
    char bytes[SIM_VALUE_MAX];
};

static struct entries entries_of(const struct sim_value *v)
{
    struct entries e = {.len = v ? v->len : 0};
    if (v)
        memcpy(e.bytes, v->bytes, v->len);
    return e;
}

static struct slice entry_at(const struct entries *e, size_t at)
{
    return slice_of(e->bytes + at + 1, (size_t)(unsigned char)e->bytes[at]);
}

static size_t next_of(const struct entries *e, size_t at)
{
    return at + 1 + (size_t)(unsigned char)e->bytes[at];
}

static void insert(struct entries *e, size_t at, struct slice a, struct slice b)
{
    size_t add = 1 + a.len + b.len;
    assert(e->len + add <= SIM_VALUE_MAX);
    memmove(e->bytes + at + add, e->bytes + at, e->len - at);
    e->bytes[at] = (char)(a.len + b.len);
    memcpy(e->bytes + at + 1, a.ptr, a.len);
    memcpy(e->bytes + at + 1 + a.len, b.ptr, b.len);
    e->len += add;
}

static void cut(struct entries *e, size_t at)
{
    size_t next = next_of(e, at);
    memmove(e->bytes + at, e->bytes + next, e->len - next);
    e->len -= next - at;
}

/* The entry of a field or member, which is its byte `at_byte`; e->len: there is none. */
static size_t find(const struct entries *e, int name, size_t at_byte)
{
    size_t at = 0;
    while (at < e->len && entry_at(e, at).ptr[at_byte] != digits[name])
        at = next_of(e, at);
    return at;
}

/* --- what they say -------------------------------------------------------------------------------------- */

static void say(struct buf *reply, struct slice s)
{
    buf_printf(reply, "$%zu\r\n%.*s\r\n", s.len, (int)s.len, s.ptr);
}

static void say_number(struct buf *reply, int n)
{
    buf_printf(reply, ":%d\r\n", n);
}

static void say_in_order(const struct entries *e, enum kind kind, struct buf *reply)
{
    int count = 0;
    for (size_t at = 0; at < e->len; at = next_of(e, at))
        count++;
    buf_printf(reply, "*%d\r\n", kind == ZSET ? 2 * count : count);
    for (size_t at = 0; at < e->len; at = next_of(e, at)) {
        struct slice s = entry_at(e, at);
        say(reply, kind == ZSET ? slice_of(s.ptr + 1, s.len - 1) : s);
        if (kind == ZSET)
            say(reply, slice_of(s.ptr, 1));
    }
}

void sim_collection_say(const struct sim_value *v, int key, struct buf *reply)
{
    struct entries e = entries_of(v);
    enum kind kind = kind_of(key);
    if (kind == LIST || kind == ZSET) {
        say_in_order(&e, kind, reply);
        return;
    }
    buf_printf(reply, "*%d\r\n", SIM_MEMBERS);
    for (int i = 0; i < SIM_MEMBERS; i++) {
        size_t at = find(&e, i, 0);
        if (kind == SET)
            say_number(reply, at < e.len);
        else if (at == e.len)
            buf_append_cstr(reply, "$-1\r\n");
        else
            say(reply, slice_of(entry_at(&e, at).ptr + 1, entry_at(&e, at).len - 1));
    }
}

/* --- what they do --------------------------------------------------------------------------------------- */

struct applying {
    const struct sim_request *r;
    struct sim_model *m;
    int db;
    struct sim_effect *out;
};

static struct entries look(struct applying *a, int key)
{
    uint64_t version = a->m->at[a->db][key].version;
    if (version > a->out->version)
        a->out->version = version;
    return entries_of(sim_model_get(a->m, a->db, key));
}

static void tell(struct applying *a, int key, const char *event)
{
    a->out->event(a->out->arg, a->db, key, event);
}

/* Puts the entries back; with none left the key goes, which is told behind `event`. */
static void put(struct applying *a, int key, const struct entries *e, const char *event)
{
    a->out->version = a->m->version + 1;
    if (e->len > 0)
        sim_model_set(a->m, a->db, key, slice_of(e->bytes, e->len), 0);
    else
        sim_model_delete(a->m, a->db, key);
    tell(a, key, event);
    if (e->len == 0)
        tell(a, key, "del");
}

static int count_of(const struct entries *e)
{
    int n = 0;
    for (size_t at = 0; at < e->len; at = next_of(e, at))
        n++;
    return n;
}

static void push(struct applying *a, int key, struct slice value)
{
    struct entries e = look(a, key);
    insert(&e, e.len, value, SLICE(""));
    put(a, key, &e, "rpush");
    say_number(a->out->reply, count_of(&e));
}

static void add_scored(struct applying *a, int key)
{
    struct entries e = look(a, key);
    size_t old = find(&e, a->r->name, 1), at = 0;
    bool is_new = old == e.len;
    bool same = !is_new && entry_at(&e, old).ptr[0] == digits[a->r->number];
    say_number(a->out->reply, is_new);
    if (same)
        return;
    if (!is_new)
        cut(&e, old);
    char entry[] = {digits[a->r->number], digits[a->r->name]};
    while (at < e.len && memcmp(entry_at(&e, at).ptr, entry, 2) < 0)
        at = next_of(&e, at);
    insert(&e, at, slice_of(entry, 2), SLICE(""));
    put(a, key, &e, "zadd");
}

static void add_named(struct applying *a, int key, bool hash)
{
    struct entries e = look(a, key);
    size_t at = find(&e, a->r->name, 0);
    bool is_new = at == e.len;
    say_number(a->out->reply, is_new);
    if (!hash && !is_new)
        return;
    if (!is_new)
        cut(&e, at);
    insert(&e, at, digit(a->r->name), hash ? slice_from_cstr(a->r->value) : SLICE(""));
    put(a, key, &e, hash ? "hset" : "sadd");
}

static void remove_named(struct applying *a, int key, bool hash)
{
    struct entries e = look(a, key);
    size_t at = find(&e, a->r->name, 0);
    bool there = at < e.len;
    say_number(a->out->reply, there);
    if (!there)
        return;
    cut(&e, at);
    put(a, key, &e, hash ? "hdel" : "srem");
}

/* The first element of a list or sorted set goes. `named`: the key is told, too, as those do that wait. */
static bool pop(struct applying *a, int key, bool named)
{
    enum kind kind = kind_of(key);
    struct buf *reply = a->out->reply;
    struct entries e = look(a, key), before = e;
    if (e.len == 0)
        return false;
    struct slice first = entry_at(&before, 0);
    cut(&e, 0);
    if (named || kind == ZSET)
        buf_printf(reply, "*%d\r\n", (kind == ZSET ? 2 : 1) + named);
    if (named)
        say(reply, sim_key_name(key));
    say(reply, kind == ZSET ? slice_of(first.ptr + 1, first.len - 1) : first);
    if (kind == ZSET)
        say(reply, slice_of(first.ptr, 1));
    put(a, key, &e, kind == ZSET ? "zpopmin" : "lpop");
    return true;
}

static bool move(struct applying *a, int from, int to)
{
    struct entries e = look(a, from), before = e;
    if (e.len == 0)
        return false;
    struct slice first = entry_at(&before, 0);
    say(a->out->reply, first);
    cut(&e, 0);
    if (from == to) {
        insert(&e, e.len, first, SLICE(""));
        put(a, from, &e, "rpush");
        tell(a, from, "lpop");
        return true;
    }
    struct entries other = look(a, to);
    insert(&other, other.len, first, SLICE(""));
    put(a, to, &other, "rpush");
    put(a, from, &e, "lpop");
    return true;
}

static void rename_list(struct applying *a, int from, int to)
{
    struct entries e = look(a, from);
    assert(e.len > 0 && from != to);
    look(a, to);
    sim_model_delete(a->m, a->db, from);
    sim_model_set(a->m, a->db, to, slice_of(e.bytes, e.len), 0);
    a->out->version = a->m->version + 1;
    tell(a, from, "rename_from");
    tell(a, to, "rename_to");
    buf_append_cstr(a->out->reply, "+OK\r\n");
}

/* There is nothing to be had of any key: outside a transaction that is waited for. */
static void nothing(struct applying *a)
{
    if (!sim_request_waits(a->r) || a->out->in_multi)
        buf_append_cstr(a->out->reply, a->r->op == SIM_BPOP ? "*-1\r\n" : "$-1\r\n");
    else
        a->out->nothing = true;
}

static void take(struct applying *a, int key)
{
    enum kind kind = kind_of(key);
    if (kind == HASH || kind == SET)
        remove_named(a, key, kind == HASH);
    else if (!pop(a, key, false))
        buf_append_cstr(a->out->reply, kind == ZSET ? "*0\r\n" : "$-1\r\n");
}

static void add(struct applying *a, int key)
{
    switch (kind_of(key)) {
    case LIST: push(a, key, slice_from_cstr(a->r->value)); break;
    case ZSET: add_scored(a, key); break;
    case HASH: add_named(a, key, true); break;
    case SET: add_named(a, key, false); break;
    }
}

void sim_collection_apply(const struct sim_request *r, struct sim_model *m, int db,
                          struct sim_effect *out)
{
    struct applying a = {r, m, db, out};
    bool some = false;
    switch (r->op) {
    case SIM_READ:
        look(&a, r->keys[0]);
        sim_collection_say(sim_model_get(m, db, r->keys[0]), r->keys[0], out->reply);
        break;
    case SIM_ADD: add(&a, r->keys[0]); break;
    case SIM_TAKE: take(&a, r->keys[0]); break;
    case SIM_RENAME: rename_list(&a, r->keys[0], r->keys[1]); break;
    case SIM_LMOVE:
    case SIM_BLMOVE:
        if (!move(&a, r->keys[0], r->keys[1]))
            nothing(&a);
        break;
    default:
        for (int i = 0; i < r->key_count && !some; i++)
            some = pop(&a, r->keys[i], true);
        if (!some)
            nothing(&a);
        break;
    }
}
