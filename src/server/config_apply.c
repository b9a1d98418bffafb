/* Puts a changed configuration into force, group by group, and takes it back when one of them refuses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/option.h"
#include "server/server.h"

/* The directory is kept as an absolute path: what CONFIG GET tells holds wherever the reader is. */
static enum err apply_dir(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    char *to = realpath(next->dir, NULL);
    bool moves = to && s->config.dir && strcmp(to, s->config.dir) != 0;
    free(to);
    if (moves && persist_has_files(s)) {
        snprintf(
            error, CONFIG_ERROR_CHARS,
            "the append-only file is open in %.256s: set appendonly to no, then dir, then appendonly to yes, "
            "which writes it anew there",
            s->config.dir);
        return ERR_BUSY;
    }
    char *absolute = chdir(next->dir) == 0 ? getcwd(NULL, 0) : NULL;
    if (!absolute) {
        snprintf(error, CONFIG_ERROR_CHARS, "Changing directory: %s (%.256s)", strerror(errno),
                 next->dir);
        return ERR_IO;
    }
    mem_free(next->dir);
    next->dir = mem_strdup(absolute);
    free(absolute);
    return ERR_OK;
}

static enum err apply_log(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    (void)error;
    s->logger.level = (enum log_level)next->loglevel;
    return ERR_OK;
}

static enum err apply_clients(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    (void)s;
    uint64_t fit = net_fit_open_files((uint64_t)next->clients_max);
    if (fit >= (uint64_t)next->clients_max)
        return ERR_OK;
    snprintf(
        error, CONFIG_ERROR_CHARS,
        "The operating system is not able to handle the specified number of clients, try with %llu",
        (unsigned long long)fit);
    return ERR_FULL;
}

/* Takes `words` apart where its spaces are. */
static int split_addresses(char *words, const char *out[NET_BIND_MAX])
{
    int count = 0;
    char *rest = words;
    for (char *word; count < NET_BIND_MAX && (word = strsep(&rest, " "));)
        if (*word)
            out[count++] = word;
    return count;
}

static enum err apply_net(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    if (!s->net) /* not yet listening, see server_listen */
        return ERR_OK;
    struct net_config n = {
        .port = (int)next->port,
        .unix_path = next->unix_path[0] ? next->unix_path : NULL,
        .unix_mode = (unsigned)next->unix_mode,
        .backlog = (int)next->backlog,
        .idle_s_max = next->idle_s_max,
        .keepalive_s = (int)next->keepalive_s,
        .clients_max = (uint64_t)next->clients_max,
        .protected_mode = next->protected_mode,
        .query_bytes_max = (uint64_t)next->query_bytes_max,
    };
    memcpy(n.output_limit, next->output_limit, sizeof(n.output_limit));
    char *words = mem_strdup(next->bind);
    n.bind_count = split_addresses(words, n.bind);
    if (n.bind_count == 0)
        n.port = 0; /* `bind ""`: by Unix socket only */

    char why[NET_ERROR_CHARS] = "";
    enum err err = net_configure(s->net, &n, why);
    mem_free(words);
    if (err != ERR_OK)
        snprintf(error, CONFIG_ERROR_CHARS, "%s", why);
    return err;
}

static enum err apply_memory(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    (void)s;
    (void)error;
    mem_purge_in_background(
        next->purge_in_background); /* where the allocator cannot, nothing is lost */
    return ERR_OK;
}

static enum err apply_cron(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    (void)next;
    (void)error;
    s->next_cron_us = 0; /* at once, and then at the new pace */
    return ERR_OK;
}

void server_engine_config(const struct config *c, struct engine_config *out)
{
    out->password = c->password;
    out->notify = c->notify;
    out->slowlog_us = c->slowlog_us;
    out->slowlog_len_max = (uint64_t)c->slowlog_len_max;
    out->latency_ms = c->latency_ms;
    out->bulk_bytes_max = c->bulk_bytes_max;
    out->debug_commands = c->debug_commands == ALLOW_YES;
    out->debug_commands_local = c->debug_commands != ALLOW_NO;
    out->latency_tracking = c->latency_tracking;
    out->rewrite_key_delay_us = c->rewrite_key_delay_us;
}

static enum err apply_engine(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    (void)error;
    server_engine_config(next, &s->engine->config);
    engine_config_changed(s->engine);
    return ERR_OK;
}

/* Last of all: a move that has begun is not taken back. */
static enum err apply_shards(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    if (ks_shards(s->ks) == (unsigned)next->shards)
        return ERR_OK;
    enum err err = ks_set_shards(s->ks, (unsigned)next->shards);
    if (err == ERR_BUSY)
        snprintf(error, CONFIG_ERROR_CHARS,
                 "keys are still moving to other shards, try again later");
    else if (err != ERR_OK)
        snprintf(error, CONFIG_ERROR_CHARS, "%s", err_text(err));
    else
        s->next_work_us = 0;
    return err;
}

static enum err apply_aof(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    return persist_apply(s, next, error);
}

static const struct {
    unsigned groups; /* any of them asks for it */
    unsigned blame;  /* the one that failed when it fails */
    enum err (*apply)(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS]);
} steps[] = {
    {APPLY_DIR, APPLY_DIR, apply_dir},
    {APPLY_LOG, APPLY_LOG, apply_log},
    {APPLY_CLIENTS, APPLY_CLIENTS, apply_clients},
    {APPLY_NET | APPLY_LISTEN, APPLY_LISTEN, apply_net},
    {APPLY_MEMORY, APPLY_MEMORY, apply_memory},
    {APPLY_CRON, APPLY_CRON, apply_cron},
    {APPLY_ENGINE, APPLY_ENGINE, apply_engine},
    {APPLY_AOF, APPLY_AOF, apply_aof},
    {APPLY_SHARDS, APPLY_SHARDS, apply_shards},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

enum err server_apply(struct server *s, struct config *next, unsigned groups, unsigned *failed,
                      char error[CONFIG_ERROR_CHARS])
{
    for (size_t i = 0; i < STEPS; i++) {
        if (!(groups & steps[i].groups))
            continue;
        enum err err = steps[i].apply(s, next, error);
        if (err == ERR_OK)
            continue;
        *failed = steps[i].blame;
        for (size_t k = 0; k < i; k++) {
            char again[CONFIG_ERROR_CHARS];
            if ((groups & steps[k].groups) && steps[k].apply(s, &s->config, again) != ERR_OK)
                log_warning(&s->logger, "Going back to the configuration before failed: %s", again);
        }
        return err;
    }
    return ERR_OK;
}

void server_config_replace(struct server *s, struct config *takes)
{
    struct config old = s->config;
    s->config = *takes;
    /* Whatever changed: what others borrow from the old one (the password) stands elsewhere now. */
    server_engine_config(&s->config, &s->engine->config);
    config_deinit(&old);
}
