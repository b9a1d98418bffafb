#include "unit/cmd/cmd_test.h"
#include "store/hash.h"

#include <stdlib.h>

#include "admin/admin_impl.h"
#include "store/digest.h"
#include "base/mem.h"

#define NOTES_BYTES 4096 /* more than what is noted of a request by tests that let memory fail */

/* --- the host: takes notes ----------------------------------------------------------------------- */

static struct cmd_test *test_of(struct cmd_ctx *c)
{
    return (struct cmd_test *)c->host;
}

static void note_event(struct cmd_test *t, int db, struct slice key, const char *name)
{
    if (t->events.len > 0)
        buf_append_char(&t->events, ' ');
    buf_printf(&t->events, "%s:%.*s", name, (int)key.len, key.ptr);
    if (db != t->db)
        buf_printf(&t->events, "/%d", db);
}

static void on_notify(struct cmd_ctx *c, int db, struct slice key, unsigned class, const char *name)
{
    assert_true(class != 0 && (class & (class - 1)) == 0);
    note_event(test_of(c), db, key, name);
}

static void on_changed(struct cmd_ctx *c, int db, const struct key *key, unsigned class,
                       const char *name)
{
    assert_int_equal(key->hash, ks_key(c->ks, key->name).hash);
    buf_printf(&test_of(c)->changed, "%.*s ", (int)key->name.len, key->name.ptr);
    touched_add(c->touched, key->hash, true);
    on_notify(c, db, key->name, class, name);
}

static void log_words(struct buf *log, int argc, const struct slice *argv)
{
    buf_printf(log, "*%d\r\n", argc);
    for (int i = 0; i < argc; i++) {
        buf_printf(log, "$%zu\r\n", argv[i].len);
        buf_append_slice(log, argv[i]);
        buf_append_cstr(log, "\r\n");
    }
}

static void note_effect(struct cmd_test *t, int db, int argc, const struct slice *argv)
{
    if (t->effects.len > 0 && t->effects.ptr[t->effects.len - 1] != '[')
        buf_append_cstr(&t->effects, "; ");
    if (db != t->db)
        buf_printf(&t->effects, "%d/", db);
    for (int i = 0; i < argc; i++)
        buf_printf(&t->effects, "%s%.*s", i ? " " : "", (int)argv[i].len, argv[i].ptr);
    char index[NUM_I64_CHARS];
    struct slice select[] = {SLICE("SELECT"), slice_of(index, (size_t)num_print_i64(index, db))};
    log_words(&t->log, 2, select);
    log_words(&t->log, argc, argv);
    t->log_count++;
}

static void on_effect(struct cmd_ctx *c, int db, int argc, const struct slice *argv)
{
    note_effect(test_of(c), db, argc, argv);
}

static void on_expired(void *arg, int db, struct slice key)
{
    struct slice effect[] = {SLICE("DEL"), key};
    note_event(arg, db, key, "expired");
    note_effect(arg, db, 2, effect);
}

static void on_elements_expired(void *arg, const struct ks_elements *of)
{
    bool is_set = of->type == TYPE_SET;
    struct slice effect[2 + DUES_MAX] = {is_set ? SLICE("SREM") : SLICE("HDEL"), of->key};
    memcpy(&effect[2], of->names, of->count * sizeof(effect[0]));
    note_event(arg, of->db, of->key, is_set ? "sexpired" : "hexpired");
    note_effect(arg, of->db, 2 + (int)of->count, effect);
}

static void on_flushed(struct cmd_ctx *c, int db)
{
    buf_printf(&test_of(c)->changed, "flushed:%d ", db);
    ctx_note_all(c);
}

static void on_swapped(struct cmd_ctx *c, int a, int b)
{
    buf_printf(&test_of(c)->changed, "swapped:%d,%d ", a, b);
    ctx_note_all(c);
}

static const struct cmd_host_ops host_ops = {
    .changed = on_changed,
    .notify = on_notify,
    .effect = on_effect,
    .flushed = on_flushed,
    .swapped = on_swapped,
};

/* --- life ---------------------------------------------------------------------------------------- */

void cmd_test_init(struct cmd_test *t, unsigned shards)
{
    *t = (struct cmd_test){.now_ms = CMD_TEST_NOW_MS, .string_bytes_max = 512 * 1024 * 1024};
    struct ks_options o = {
        .databases = CMD_TEST_DATABASES,
        .shards = shards,
        .hash_key = {1, 2},
        .now_ms = t->now_ms,
        .expired = on_expired,
        .expired_arg = t,
    };
    t->ks = ks_new(&o);
    assert_non_null(t->ks);
    ks_on_elements_expired(t->ks, on_elements_expired, t);
    t->table = cmd_table_new();
    cmd_add_rows(t->table);
    cmd_table_add(t->table, admin_rows_command, NULL); /* it sees nothing but the table */
    outq_pool_init(&t->pool);
    outq_init(&t->out, &t->pool);
    resp_writer_init(&t->writer, &t->out);
    rng_seed(&t->rng, 1);
    words_init(&t->words);
}

void cmd_test_deinit(struct cmd_test *t)
{
    ks_validate(t->ks);
    outq_deinit(&t->out);
    outq_pool_deinit(&t->pool);
    words_deinit(&t->words);
    buf_deinit(&t->reply);
    buf_deinit(&t->events);
    buf_deinit(&t->effects);
    buf_deinit(&t->changed);
    buf_deinit(&t->log);
    cmd_table_free(&t->table);
    ks_free(&t->ks);
}

void cmd_test_move_clock(struct cmd_test *t, int64_t by_ms)
{
    t->now_ms += by_ms;
    ks_clock(t->ks, t->now_ms);
}

/* --- requests ------------------------------------------------------------------------------------ */

static void take_reply(struct cmd_test *t)
{
    struct iovec iov;
    buf_clear(&t->reply);
    while (outq_peek(&t->out, &iov, 1) > 0) {
        buf_append(&t->reply, iov.iov_base, iov.iov_len);
        outq_drain(&t->out, iov.iov_len);
    }
    size_t kept = 0;
    for (size_t i = 0; i < t->reply.len; i++) {
        char byte = t->reply.ptr[i];
        bool ends = byte == '\r' && i + 1 < t->reply.len && t->reply.ptr[i + 1] == '\n';
        t->reply.ptr[kept++] = ends ? ' ' : byte == '\0' ? '@' : byte;
        i += ends;
    }
    t->reply.len = kept > 0 ? kept - 1 : 0;
}

static struct cmd *find_command(const struct cmd_test *t, int argc, const struct slice *argv)
{
    struct cmd *cmd = cmd_lookup(t->table, argv[0]);
    if (cmd && cmd->subs && argc > 1)
        cmd = cmd_lookup_sub(cmd, argv[1]);
    return cmd;
}

static void call_handler(struct cmd_test *t, struct cmd_ctx *c)
{
    mem_fail_after(t->fail_after);
    c->cmd->row->fn(c);
    t->failed = t->fail_after > 0 && mem_fails_in() == 0;
    mem_fail_after(0);
}

const char *cmd_test_run_words(struct cmd_test *t, int argc, const struct slice *argv)
{
    /* Room ahead, so that taking notes allocates nothing while the handler runs. */
    struct buf *const notes[] = {&t->events, &t->effects, &t->changed};
    for (size_t i = 0; i < COUNT_OF(notes); i++) {
        buf_clear(notes[i]);
        buf_reserve(notes[i], NOTES_BYTES);
    }
    buf_reserve(&t->log, NOTES_BYTES);
    touched_clear(&t->touched);
    struct cmd_ctx c = {
        .argv = argv,
        .argc = argc,
        .db = t->db,
        .cmd = find_command(t, argc, argv),
        .ks = t->ks,
        .out = &t->writer,
        .now_ms = t->now_ms,
        .rng = &t->rng,
        .ops = &host_ops,
        .host = (struct cmd_host *)t,
        .table = t->table,
        .string_bytes_max = t->string_bytes_max,
        .touched = &t->touched,
        .effects = !t->replaying,
        .no_touch = t->no_touch,
        .replaying = t->replaying,
        .tell_new = true,
    };
    if (!c.cmd)
        fail_msg("no such command: %.*s", (int)argv[0].len, argv[0].ptr);
    const struct cmd_keys *keys = &c.cmd->row->keys[0];
    if (keys->first && !keys->numkeys && keys->first < argc)
        c.key = ctx_key(&c, keys->first);
    if (cmd_arity_ok(c.cmd, argc))
        call_handler(t, &c);
    else
        ctx_reply_arity(&c);
    take_reply(t);
    return buf_cstr(&t->reply);
}

const char *cmd_test_run(struct cmd_test *t, const char *line)
{
    assert_int_equal(words_split(&t->words, slice_from_cstr(line)), ERR_OK);
    return cmd_test_run_words(t, t->words.count, t->words.at);
}

/* --- replaying ----------------------------------------------------------------------------------- */

#define LOG_WORDS_MAX 256

static long log_number(const char **p)
{
    char *end;
    long n = strtol(*p + 1, &end, 10);
    *p = end + 2;
    return n;
}

static int log_request(const char **p, struct slice argv[LOG_WORDS_MAX])
{
    int argc = (int)log_number(p);
    assert_true(argc <= LOG_WORDS_MAX);
    for (int i = 0; i < argc; i++) {
        size_t len = (size_t)log_number(p);
        argv[i] = slice_of(*p, len);
        *p += len + 2;
    }
    return argc;
}

void cmd_test_replay(const struct cmd_test *from, struct cmd_test *to)
{
    struct slice argv[LOG_WORDS_MAX];
    const char *p = from->log.ptr;
    ks_set_expiry_mode(to->ks, KS_EXPIRY_IGNORE);
    to->replaying = true;
    for (unsigned i = 0; i < from->log_count; i++) {
        log_request(&p, argv);
        int64_t db;
        assert_true(num_parse_i64(argv[1], &db));
        to->db = (int)db;
        int argc = log_request(&p, argv);
        cmd_test_run_words(to, argc, argv);
        assert_int_not_equal(to->reply.ptr[0], '-');
        assert_int_equal(to->effects.len, 0);
    }
    to->replaying = false;
    to->db = 0;
    ks_set_expiry_mode(to->ks, KS_EXPIRY_REMOVE);
}

/* --- comparing ----------------------------------------------------------------------------------- */

struct dump {
    char **lines;
    size_t count, cap;
    int db;
};

/* Of a value in whatever form and order. */
static void append_digest(struct buf *line, const struct item *it)
{
    struct digest d;
    char text[DIGEST_CHARS + 1];
    digest_value(it, &d);
    digest_print(&d, text);
    buf_printf(line, "%s %s", item_type_name(item_type(it)), text);
}

static void dump_item(const struct item *it, void *arg)
{
    struct dump *d = arg;
    struct buf line;
    char scratch[NUM_I64_CHARS];
    buf_init(&line);
    buf_printf(&line, "%d ", d->db);
    buf_append_quoted(&line, item_key(it));
    buf_append_char(&line, ' ');
    if (item_type(it) == TYPE_STRING)
        buf_append_quoted(&line, string_run(it, 0, scratch));
    else
        append_digest(&line, it);
    if (item_has_expiry(it))
        buf_printf(&line, " until %lld", (long long)item_expiry_ms(it));
    buf_append_char(&line, '\n');
    if (d->count == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 64;
        d->lines = mem_realloc(d->lines, d->cap * sizeof(*d->lines));
    }
    d->lines[d->count++] = mem_strdup(buf_cstr(&line));
    buf_deinit(&line);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void cmd_test_dump(const struct cmd_test *t, struct buf *out)
{
    struct dump d = {0};
    for (d.db = 0; d.db < CMD_TEST_DATABASES; d.db++)
        ks_each(t->ks, d.db, dump_item, &d);
    if (d.count > 0)
        qsort(d.lines, d.count, sizeof(*d.lines), compare_lines);
    buf_clear(out);
    for (size_t i = 0; i < d.count; i++) {
        buf_append_cstr(out, d.lines[i]);
        mem_free(d.lines[i]);
    }
    mem_free(d.lines);
}

/* --- tables of cases ----------------------------------------------------------------------------- */

static void obey(struct cmd_test *t, const char *line)
{
    long long n;
    if (sscanf(line, "~db %lld", &n) == 1)
        t->db = (int)n;
    else if (sscanf(line, "~wait %lld", &n) == 1)
        cmd_test_move_clock(t, n);
    else if (sscanf(line, "~max %lld", &n) == 1)
        t->string_bytes_max = n;
    else
        t->writer.proto = (uint8_t)atoi(line + 1);
}

static bool is(struct buf *got, const char *want)
{
    return strcmp(buf_cstr(got), want ? want : "") == 0;
}

/* What a request without an effect may tell: nothing has changed. */
static bool changed_nothing(struct cmd_test *t)
{
    return t->changed.len == 0;
}

void cmd_test_cases(const struct cmd_case *cases, size_t count)
{
    struct cmd_test t;
    unsigned wrong = 0;
    cmd_test_init(&t, 3);
    for (size_t i = 0; i < count; i++) {
        const struct cmd_case *want = &cases[i];
        if (want->request[0] == '~') {
            obey(&t, want->request);
            continue;
        }
        cmd_test_run(&t, want->request);
        if (is(&t.reply, want->reply) && is(&t.events, want->events) &&
            is(&t.effects, want->effects) && (want->effects || changed_nothing(&t)))
            continue;
        wrong++;
        print_error("case %zu: %s\n   got \"%s\", \"%s\", \"%s\"\n  want \"%s\", \"%s\", \"%s\"\n",
                    i, want->request, buf_cstr(&t.reply), buf_cstr(&t.events), buf_cstr(&t.effects),
                    want->reply, want->events ? want->events : "",
                    want->effects ? want->effects : "");
    }
    cmd_test_deinit(&t);
    assert_int_equal(wrong, 0);
}
