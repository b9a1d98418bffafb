#pragma once
/* The append-only file of a server: opened and loaded at the start, rewritten when it has grown, closed at the end. */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/replay.h"
#include "server/config.h"

struct aof;
struct buf;
struct event;
struct server;

struct persist {
    struct aof *aof;     /* NULL: there is none */
    struct event *moved; /* owned: the log's descriptor */
    bool loading;
    struct replay replay;
    int64_t load_start_us, load_start_wall_ms, load_told_us;
    uint64_t load_bytes, load_total;
    int rewrite_failures; /* in a row */
    uint64_t rewrites_seen;
    bool was_rewriting;
};

/* Opens the log and begins to load it, where the configuration asks for one. On failure `error` says why. */
enum err persist_open(struct server *s, char error[CONFIG_ERROR_CHARS]);
/* A slice of loading. When all is loaded the server is ready; a log that is wrong stops it. */
void persist_load_slice(struct server *s);
/* Once in a while: does the log want to be rewritten? */
void persist_cron(struct server *s);
/* Puts a changed configuration into force, or says in `error` why not. */
enum err persist_apply(struct server *s, const struct config *next, char error[CONFIG_ERROR_CHARS]);
/* Writes out what is left. */
void persist_close(struct server *s);
/* Closes the log, empties the data and loads them again, at once: DEBUG LOADAOF. */
enum err persist_reload(struct server *s, char error[CONFIG_ERROR_CHARS]);
void persist_info(const struct server *s, struct buf *out);
