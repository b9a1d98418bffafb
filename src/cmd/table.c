#include "cmd/table.h"

#include <assert.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"

/* Names are looked up by their first and last eight bytes, in lower case, and their length. That is all of a name of up
 * to 16 bytes; longer names are compared whole. */
#define NAME_WORD_BYTES  8
#define NAME_KNOWN_BYTES (2 * NAME_WORD_BYTES)

#define INDEX_SLOTS_MIN 64 /* powers of two */
#define CMD_COUNT_MAX   4096

struct name_hash {
    uint64_t head, tail;
    size_t len;
};

struct index_slot {
    struct name_hash name;
    struct cmd *cmd; /* NULL: empty */
};

struct cmd_table {
    struct cmd **all; /* owned, and so is each command */
    size_t count, cap;
    struct cmd **top; /* commands without a parent, in order of adding */
    size_t top_count, top_cap;
    struct index_slot *slots;   /* by_name or by_call; open addressing, at most half full */
    struct index_slot *by_name; /* owned: by the names of the rows */
    struct index_slot *by_call; /* owned: by the names that clients use; NULL: none is renamed */
    size_t slot_count;          /* a power of two */
};

/* --- names ------------------------------------------------------------------------------------ */

/* Sets bit 5 of every byte in 'A'..'Z', in all eight bytes at once. */
static inline uint64_t lower_word(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low_bits = w & (ones * 0x7f);
    uint64_t from_a = low_bits + ones * (0x80 - 'A');      /* high bit: byte >= 'A' */
    uint64_t above_z = low_bits + ones * (0x80 - 'Z' - 1); /* high bit: byte > 'Z' */
    uint64_t upper = ~w & (from_a ^ above_z) & (ones * 0x80);
    return w | upper >> 2;
}

/* The up to eight bytes at p as a word, without reading beyond them. */
static inline uint64_t load_word(const char *p, size_t len)
{
    return lower_word(len >= NAME_WORD_BYTES ? bytes_load64(p) : bytes_load_short(p, len));
}

static inline struct name_hash name_hash(struct slice name)
{
    struct name_hash n = {.head = load_word(name.ptr, name.len), .len = name.len};
    if (name.len > NAME_WORD_BYTES)
        n.tail = load_word(name.ptr + name.len - NAME_WORD_BYTES, NAME_WORD_BYTES);
    return n;
}

static inline size_t first_slot(const struct cmd_table *t, const struct name_hash *n)
{
    uint64_t h = (n->head ^ n->tail * 31 ^ n->len) * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32) & (t->slot_count - 1);
}

/* --- the index -------------------------------------------------------------------------------- */

static inline const char *name_in(const struct cmd_table *t, const struct cmd *cmd)
{
    return cmd->called && t->slots == t->by_call ? cmd->called : cmd->row->name;
}

static struct index_slot *index_find(const struct cmd_table *t, struct slice name)
{
    struct name_hash n = name_hash(name);
    size_t i = first_slot(t, &n);
    for (;; i = (i + 1) & (t->slot_count - 1)) {
        struct index_slot *s = &t->slots[i];
        if (!s->cmd)
            return s;
        if (s->name.head == n.head && s->name.tail == n.tail && s->name.len == n.len &&
            (n.len <= NAME_KNOWN_BYTES || slice_is(name, name_in(t, s->cmd))))
            return s;
    }
}

static void index_insert(struct cmd_table *t, struct cmd *cmd)
{
    struct slice name = slice_from_cstr(name_in(t, cmd));
    if (name.len == 0)
        return;
    struct index_slot *s = index_find(t, name);
    assert(!s->cmd); /* a name given twice */
    *s = (struct index_slot){.name = name_hash(name), .cmd = cmd};
}

static void index_grow(struct cmd_table *t)
{
    assert(!t->by_call);
    mem_free(t->by_name);
    t->slot_count = t->slot_count ? t->slot_count * 2 : INDEX_SLOTS_MIN;
    t->slots = t->by_name = mem_zalloc(t->slot_count * sizeof(*t->slots));
    for (size_t i = 0; i < t->top_count; i++)
        index_insert(t, t->top[i]);
}

struct cmd *cmd_lookup(const struct cmd_table *t, struct slice name)
{
    return index_find(t, name)->cmd;
}

struct cmd *cmd_lookup_sub(const struct cmd *container, struct slice name)
{
    for (struct cmd **sub = container->subs; sub && *sub; sub++) {
        if (slice_is(name, (*sub)->row->name))
            return *sub;
    }
    return NULL;
}

struct cmd *cmd_lookup_full(const struct cmd_table *t, struct slice full_name)
{
    const char *bar = full_name.len ? memchr(full_name.ptr, '|', full_name.len) : NULL;
    if (!bar)
        return cmd_lookup(t, full_name);
    size_t len = (size_t)(bar - full_name.ptr);
    const struct cmd *container = cmd_lookup(t, slice_of(full_name.ptr, len));
    return container ? cmd_lookup_sub(container, slice_of(bar + 1, full_name.len - len - 1)) : NULL;
}

/* --- adding ----------------------------------------------------------------------------------- */

/* The categories that Redis derives from a command's flags. */
static uint32_t acl_of(const struct cmd_row *row)
{
    uint32_t acl = row->acl | (row->flags & CMD_FAST ? ACL_FAST : ACL_SLOW);
    if (row->flags & CMD_WRITE)
        acl |= ACL_WRITE;
    if ((row->flags & CMD_READONLY) && !(row->acl & ACL_SCRIPTING))
        acl |= ACL_READ;
    if (row->flags & CMD_ADMIN)
        acl |= ACL_ADMIN | ACL_DANGEROUS;
    if (row->flags & CMD_PUBSUB)
        acl |= ACL_PUBSUB;
    if (row->flags & CMD_BLOCKING)
        acl |= ACL_BLOCKING;
    return acl;
}

static char *full_name_of(const struct cmd *parent, const char *name)
{
    if (!parent)
        return mem_strdup(name);
    size_t size = strlen(parent->full_name) + strlen(name) + 2;
    char *full = mem_alloc(size);
    snprintf(full, size, "%s|%s", parent->full_name, name);
    return full;
}

static void push(struct cmd ***list, size_t *count, size_t *cap, struct cmd *cmd)
{
    if (*count == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        *list = mem_realloc(*list, *cap * sizeof(**list));
    }
    (*list)[(*count)++] = cmd;
}

static struct cmd *add(struct cmd_table *t, const struct cmd_row *row, const struct cmd *parent)
{
    assert(t->count < CMD_COUNT_MAX);
    for (int i = 0; i < CMD_KEYS_MAX && row->keys[i].first; i++)
        assert(row->keys[i].step > 0);
    struct cmd *cmd = mem_zalloc(sizeof(*cmd));
    cmd->row = row;
    cmd->parent = parent;
    cmd->full_name = full_name_of(parent, row->name);
    cmd->id = (int)t->count;
    cmd->acl = acl_of(row);
    push(&t->all, &t->count, &t->cap, cmd);
    return cmd;
}

static void add_subs(struct cmd_table *t, struct cmd *container)
{
    size_t n = 0;
    while (container->row->subs[n].name)
        n++;
    container->subs = mem_zalloc((n + 1) * sizeof(struct cmd *));
    for (size_t i = 0; i < n; i++) {
        const struct cmd_row *row = &container->row->subs[i];
        assert(!cmd_lookup_sub(container, slice_from_cstr(row->name)));
        container->subs[i] = add(t, row, container);
        container->subs[i]->room = container->room;
    }
}

void cmd_table_add(struct cmd_table *t, const struct cmd_row *rows, void *room)
{
    for (const struct cmd_row *row = rows; row->name; row++) {
        struct cmd *cmd = add(t, row, NULL);
        cmd->room = room;
        if (row->subs)
            add_subs(t, cmd);
        if ((t->top_count + 1) * 2 > t->slot_count)
            index_grow(t);
        index_insert(t, cmd);
        push(&t->top, &t->top_count, &t->top_cap, cmd);
    }
}

enum err cmd_table_rename(struct cmd_table *t, struct slice name, struct slice called)
{
    cmd_table_use_real_names(t, false);
    struct cmd *cmd = name.len ? cmd_lookup(t, name) : NULL;
    if (!cmd)
        return ERR_NOTFOUND;
    if (called.len && cmd_lookup(t, called))
        return ERR_BUSY;
    mem_free(cmd->called);
    cmd->called = mem_strndup(called.len ? called.ptr : "", called.len);
    mem_free(t->by_call);
    t->slots = t->by_call = mem_zalloc(t->slot_count * sizeof(*t->slots));
    for (size_t i = 0; i < t->top_count; i++)
        index_insert(t, t->top[i]);
    return ERR_OK;
}

void cmd_table_use_real_names(struct cmd_table *t, bool on)
{
    t->slots = on || !t->by_call ? t->by_name : t->by_call;
}

struct cmd_table *cmd_table_new(void)
{
    struct cmd_table *t = mem_zalloc(sizeof(*t));
    index_grow(t);
    return t;
}

void cmd_table_free(struct cmd_table **t)
{
    if (!*t)
        return;
    for (size_t i = 0; i < (*t)->count; i++) {
        struct cmd *cmd = (*t)->all[i];
        mem_free((char *)cmd->full_name);
        mem_free(cmd->called);
        mem_free(cmd->subs);
        mem_free(cmd->stats.histogram);
        mem_free(cmd);
    }
    mem_free((*t)->all);
    mem_free((*t)->top);
    mem_free((*t)->by_name);
    mem_free((*t)->by_call);
    mem_free(*t);
    *t = NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

size_t cmd_table_count(const struct cmd_table *t)
{
    return t->count;
}

size_t cmd_table_top_count(const struct cmd_table *t)
{
    return t->top_count;
}

struct cmd *cmd_table_at(const struct cmd_table *t, size_t i)
{
    assert(i < t->count);
    return t->all[i];
}

struct cmd *cmd_table_top_at(const struct cmd_table *t, size_t i)
{
    assert(i < t->top_count);
    return t->top[i];
}

void cmd_table_reset_stats(struct cmd_table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        mem_free(t->all[i]->stats.histogram);
        t->all[i]->stats = (struct cmd_stats){0};
    }
}

bool cmd_arity_ok(const struct cmd *c, int argc)
{
    return c->row->arity >= 0 ? argc == c->row->arity : argc >= -c->row->arity;
}

/* --- keys of a request ------------------------------------------------------------------------ */

/* The index of the last key; k->first - 1: there is no key; -1: the arguments do not fit. */
static int last_key(const struct cmd_keys *k, const struct slice *argv, int argc)
{
    int last = k->last;
    if (last < 0)
        last = argc + last >= k->first ? argc + last : k->first - 1;
    if (k->numkeys) {
        int64_t count;
        if (k->numkeys >= argc || !num_parse_i64(argv[k->numkeys], &count) || count < 0 ||
            count > (argc - k->first + k->step - 1) / k->step)
            return -1;
        last = k->first + ((int)count - 1) * k->step;
    }
    return last < argc ? last : -1;
}

bool cmd_each_key(const struct cmd *c, const struct slice *argv, int argc, cmd_each_key_fn fn,
                  void *arg)
{
    for (int i = 0; i < CMD_KEYS_MAX && c->row->keys[i].first; i++) {
        const struct cmd_keys *k = &c->row->keys[i];
        int last = last_key(k, argv, argc);
        if (last < 0)
            return false;
        uint16_t flags = c->row->key_flags ? c->row->key_flags(argv, argc) : k->flags;
        for (int at = k->first; at <= last; at += k->step)
            fn(at, flags, arg);
    }
    int at = c->row->key_by_word ? c->row->key_by_word(argv, argc) : 0;
    if (at > 0)
        fn(at, KEY_OW | KEY_UPDATE, arg);
    return true;
}

struct cmd_key_range cmd_key_range(const struct cmd *c)
{
    const struct cmd_keys *k = c->row->keys;
    struct cmd_key_range r = {k[0].first, k[0].last, k[0].step};
    if (k[0].numkeys)
        return (struct cmd_key_range){0};
    for (int i = 1; i < CMD_KEYS_MAX && k[i].first; i++) {
        /* Two specifications behind each other make one range, as in RENAME. */
        if (!k[i].numkeys && k[i].first == r.last + 1)
            r.last = k[i].last;
    }
    return r;
}
