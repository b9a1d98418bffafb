/* DEBUG: lets tests look inside, and cause trouble. Refused unless enable-debug-command allows it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "admin/admin_impl.h"
#include "admin/debug.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/logger.h"
#include "engine/engine.h"
#include "engine/session.h"
#include "store/digest.h"

#define DEBUG_SLEEP_US_MAX 60000000
#define SLEEP_S_MAX        86400
#define MATCH_BYTES_MAX    (16 * 1024 * 1024) /* DEBUG STRINGMATCH-LEN */

/* Wherever requests run, a host is set. */
static const struct admin_host *host_of(const struct cmd_ctx *c)
{
    const struct admin_host *h = &admin_of(c)->host;
    assert(h->server);
    return h;
}

/* --- looking inside --------------------------------------------------------------------------------- */

static void debug_object(struct cmd_ctx *c)
{
    struct key k = ctx_key(c, 2);
    const struct item *it = admin_look_at(c, &k);
    char text[256];
    if (!it) {
        resp_error(c->out, ERR_TEXT_NO_KEY);
        return;
    }
    uint32_t idle_s = item_idle_s(it, c->now_ms);
    /* A collection has no serialized form here: its memory stands for the length. */
    size_t len = item_type(it) == TYPE_STRING ? string_len(it) + 1 : value_memory(it);
    snprintf(text, sizeof(text),
             "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%lld lru_seconds_idle:%u",
             (const void *)it, value_encoding_name(it), len,
             (long long)((c->now_ms / 1000 - idle_s) & 0xffffff), idle_s);
    resp_status(c->out, text);
}

static void reply_digest(struct cmd_ctx *c, const struct digest *d)
{
    char text[DIGEST_CHARS + 1];
    digest_print(d, text);
    resp_status(c->out, text);
}

static void debug_digest(struct cmd_ctx *c)
{
    struct digest d;
    ctx_note_all(c);
    digest_keyspace(c->ks, &d);
    reply_digest(c, &d);
}

static void debug_digest_value(struct cmd_ctx *c)
{
    resp_array(c->out, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++) {
        struct key k = ctx_key(c, i);
        const struct item *it = admin_look_at(c, &k);
        struct digest d = {0};
        if (it)
            digest_value(it, &d);
        reply_digest(c, &d);
    }
}

static void debug_stringmatch_len(struct cmd_ctx *c)
{
    int64_t len;
    if (!ctx_arg_range(c, 2, 0, MATCH_BYTES_MAX, &len, "length is out of range"))
        return;
    char *text = mem_try_alloc((size_t)len + 1);
    struct glob *g = text ? glob_try_new(c->argv[3], false) : NULL;
    if (g) {
        memset(text, 'a', (size_t)len);
        resp_int(c->out, glob_test(g, slice_of(text, (size_t)len)));
        glob_free(&g);
    } else {
        ctx_reply_nomem(c);
    }
    mem_free(text);
}

/* --- changing how the server behaves ---------------------------------------------------------------- */

/* Takes the number that the argument begins with, as Redis does: "0\r\n" and "x" are 0 seconds. */
static void debug_sleep(struct cmd_ctx *c)
{
    char text[64];
    size_t len = c->argv[2].len < sizeof(text) ? c->argv[2].len : sizeof(text) - 1;
    memcpy(text, c->argv[2].ptr, len);
    text[len] = '\0';
    double seconds = strtod(text, NULL);
    if (!(seconds >= 0))
        seconds = 0;
    if (seconds > SLEEP_S_MAX)
        seconds = SLEEP_S_MAX;
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&t, &t) != 0)
        ;
    resp_ok(c->out);
}

static void debug_set_active_expire(struct cmd_ctx *c)
{
    engine_set_active_expiry(engine_of(c), !slice_is(c->argv[2], "0"));
    resp_ok(c->out);
}

static void debug_pause_cron(struct cmd_ctx *c)
{
    host_of(c)->pause_cron(host_of(c)->server, !slice_is(c->argv[2], "0"));
    resp_ok(c->out);
}

static void debug_change_repl_id(struct cmd_ctx *c)
{
    host_of(c)->new_repl_id(host_of(c)->server);
    resp_ok(c->out);
}

static void debug_rewrite_all(struct cmd_ctx *c)
{
    const struct config_host *config = host_of(c)->config;
    char error[CONFIG_ERROR_CHARS] = "";
    if (!config->file)
        resp_error(c->out, "The server is running without a config file");
    else if (config_host_rewrite(config, true, error) != ERR_OK)
        resp_errorf(c->out, "CONFIG-REWRITE-FORCE-ALL failed: %s", error);
    else
        resp_ok(c->out);
}

/* Tunes parts of Redis that Corsac has not: there is nothing to do. */
static void debug_nothing(struct cmd_ctx *c)
{
    resp_ok(c->out);
}

static void debug_loadaof(struct cmd_ctx *c)
{
    if (!c->session || session_is(c->session, SESSION_DENY_BLOCKING))
        resp_error(c->out, "loading takes its time: it cannot be waited for in a transaction");
    else if (host_of(c)->reload(host_of(c)->server, c->session) != ERR_OK)
        resp_error(c->out, "the append-only file is being loaded already");
}

/* Refused without an append-only file: data that are in memory only would be lost. */
static void debug_reload(struct cmd_ctx *c)
{
    struct admin_persistence p;
    admin_persistence(admin_of(c), &p);
    if (p.open)
        debug_loadaof(c);
    else
        resp_error(c->out, "there is no append-only file to load from: 'appendonly' is 'no'");
}

static void debug_flush_sleep(struct cmd_ctx *c)
{
    int64_t us;
    if (!ctx_arg_range(c, 2, 0, DEBUG_SLEEP_US_MAX, &us, "value is out of range"))
        return;
    host_of(c)->flush_sleep(host_of(c)->server, us);
    resp_ok(c->out);
}

static void debug_refused(struct cmd_ctx *c)
{
    resp_error(c->out, "not supported by Corsac: there is no Java here");
}

/* --- data ------------------------------------------------------------------------------------------- */

/* Stores one key unless it is there; false: no memory. */
static bool populate_one(struct cmd_ctx *c, struct slice name, struct slice value)
{
    struct key k = ks_key(c->ks, name);
    if (admin_look_at(c, &k))
        return true;
    if (!ks_set_string(c->ks, c->db, &k, value, ITEM_NO_EXPIRY))
        return false;
    struct slice effect[] = {SLICE("SET"), name, value};
    ctx_changed(c, &k, 0, NULL);
    ctx_effect(c, 3, effect);
    return true;
}

/* POPULATE count [prefix] [size]: prefix:0, prefix:1, ... with values of `size` bytes that start "value:N". */
static void debug_populate(struct cmd_ctx *c)
{
    int64_t count, size = 0;
    struct slice prefix = c->argc > 3 ? c->argv[3] : SLICE("key");
    if (c->argc > 5 ||
        !ctx_arg_range(c, 2, 0, INT64_MAX, &count, "value is out of range, must be positive") ||
        (c->argc > 4 &&
         !ctx_arg_range(c, 4, 0, c->string_bytes_max, &size, "value is out of range")))
        return;
    struct buf name, value;
    buf_init(&name);
    buf_init(&value);
    bool ok = true;
    for (int64_t i = 0; ok && i < count; i++) {
        buf_clear(&name);
        buf_clear(&value);
        buf_append_slice(&name, prefix);
        buf_printf(&name, ":%lld", (long long)i);
        buf_printf(&value, "value:%lld", (long long)i);
        if (size > 0 && buf_reserve(&value, (size_t)size) == ERR_OK) {
            if ((size_t)size > value.len)
                memset(value.ptr + value.len, 0, (size_t)size - value.len);
            value.len = (size_t)size;
        }
        ok = !name.err && !value.err && populate_one(c, buf_slice(&name), buf_slice(&value));
    }
    if (ok)
        resp_ok(c->out);
    else
        ctx_reply_nomem(c);
    buf_deinit(&name);
    buf_deinit(&value);
}

/* --- replies and messages --------------------------------------------------------------------------- */

static void debug_error(struct cmd_ctx *c)
{
    char text[1024];
    int len = slice_shown(c->argv[2], (int)sizeof(text) - 2);
    snprintf(text, sizeof(text), "-%.*s", len, c->argv[2].ptr);
    resp_error(c->out, text);
}

static void debug_log(struct cmd_ctx *c)
{
    int len = slice_shown(c->argv[2], 1024);
    log_warning(host_of(c)->logger, "DEBUG LOG: %.*s", len, c->argv[2].ptr);
    resp_ok(c->out);
}

/* --- trouble ---------------------------------------------------------------------------------------- */

static void debug_segfault(struct cmd_ctx *c)
{
    (void)c;
    volatile char *forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *forbidden = 'x';
}

static void debug_panic(struct cmd_ctx *c)
{
    log_warning(host_of(c)->logger, "DEBUG PANIC");
    abort();
}

static void debug_assert(struct cmd_ctx *c)
{
    (void)c;
    assert(!"DEBUG ASSERT");
}

/* --- all of them ------------------------------------------------------------------------------------ */

static void debug_help(struct cmd_ctx *c);

static const struct {
    const char *name;
    int arity; /* of the whole request; negative: at least */
    cmd_fn fn;
    const char *arguments, *summary; /* NULL: not in HELP */
} debug_subs[] = {
    {"aof-flush-sleep", 3, debug_flush_sleep, " <microseconds>",
     "Let the writer of the append-only file rest ahead of each write."},
    {"assert", 2, debug_assert, "", "Fail an assertion."},
    {"change-repl-id", 2, debug_change_repl_id, "", "Take a new replication id."},
    {"config-rewrite-force-all", 2, debug_rewrite_all, "",
     "CONFIG REWRITE with every option, default or not."},
    {"digest", 2, debug_digest, "", "Tell a fingerprint of all data."},
    {"digest-value", -3, debug_digest_value, " <key> [<key> ...]",
     "Tell a fingerprint of each value."},
    {"error", 3, debug_error, " <string>", "Reply with an error of this text."},
    {"help", 2, debug_help, NULL, NULL},
    {"jmap", 2, debug_refused, NULL, NULL},
    {"loadaof", 2, debug_loadaof, "", "Empty the data and load them from the append-only file."},
    {"log", 3, debug_log, " <message>", "Write to the server's log."},
    {"object", 3, debug_object, " <key>", "Tell how a value is held."},
    {"panic", 2, debug_panic, "", "Abort."},
    {"pause-cron", 3, debug_pause_cron, " <0|1>",
     "Stop housekeeping, and with it a shutdown that was asked for."},
    {"populate", -3, debug_populate, " <count> [<prefix>] [<size>]",
     "Make strings named prefix:0, prefix:1, ..."},
    {"protocol", 3, debug_protocol, " <type>", "Reply with a value of a type of the protocol."},
    {"quicklist-packed-threshold", 3, debug_nothing, NULL, NULL},
    {"reload", -2, debug_reload, "", "The same, where there is one."},
    {"replybuffer", 4, debug_nothing, NULL, NULL},
    {"segfault", 2, debug_segfault, "", "Write to memory that is not there."},
    {"set-active-expire", 3, debug_set_active_expire, " <0|1>",
     "Stop or go on removing keys that are due."},
    {"set-disable-deny-scripts", 3, debug_nothing, NULL, NULL},
    {"sleep", 3, debug_sleep, " <seconds>", "Serve nobody for a time."},
    {"stringmatch-len", 4, debug_stringmatch_len, " <length> <pattern>",
     "Match a pattern with so many letters a."},
};
#define SUBS (sizeof(debug_subs) / sizeof(debug_subs[0]))

static void debug_help(struct cmd_ctx *c)
{
    char text[2 * SUBS][128];
    const char *lines[2 * SUBS + 1];
    size_t n = 0;
    for (size_t i = 0; i < SUBS; i++) {
        if (!debug_subs[i].summary)
            continue;
        char name[64];
        size_t len = strlen(debug_subs[i].name);
        for (size_t k = 0; k <= len; k++) {
            char ch = debug_subs[i].name[k];
            name[k] = ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
        }
        snprintf(text[n], sizeof(text[n]), "%s%s", name, debug_subs[i].arguments);
        lines[n] = text[n];
        n++;
        snprintf(text[n], sizeof(text[n]), "    %s", debug_subs[i].summary);
        lines[n] = text[n];
        n++;
    }
    lines[n] = NULL;
    ctx_reply_help(c, lines);
}

static void debug_cmd(struct cmd_ctx *c)
{
    if (!engine_debug_allowed(c))
        return;
    for (size_t i = 0; i < SUBS; i++) {
        int arity = debug_subs[i].arity;
        if (!slice_is(c->argv[1], debug_subs[i].name))
            continue;
        if (arity < 0 ? c->argc < -arity : c->argc != arity)
            break;
        debug_subs[i].fn(c);
        return;
    }
    ctx_reply_unknown_sub(c);
}

const struct cmd_row admin_rows_debug[] = {
    {.name = "debug",
     .fn = debug_cmd,
     .arity = -2,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
     .acl = ACL_ADMIN | ACL_DANGEROUS,
     .group = "server",
     .since = "1.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "Helps to test the server."},
    {.name = NULL},
};
