/* Puts a changed configuration into force, group by group, and goes back to the old one when a group refuses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "admin/admin.h"
#include "server/server_impl.h"
#include "server/title.h"

/* The directory is kept as an absolute path, so that CONFIG GET's reply is true wherever its reader is. */
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
    uint64_t fit = net_fit_open_files((uint64_t)next->net.clients_max);
    if (fit >= (uint64_t)next->net.clients_max)
        return ERR_OK;
    snprintf(
        error, CONFIG_ERROR_CHARS,
        "The operating system is not able to handle the specified number of clients, try with %llu",
        (unsigned long long)fit);
    return ERR_FULL;
}

static enum err apply_listen(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    if (!s->net) /* not yet listening, see server_listen */
        return ERR_OK;
    char why[NET_ERROR_CHARS] = "", where[1][128];
    bool listened = net_listening(s->net, where, 1) > 0;
    enum err err = net_configure(s->net, &next->net, why);
    if (err == ERR_OK && listened && net_listening(s->net, where, 1) == 0) {
        if (net_configure(s->net, &s->config.net, why) != ERR_OK)
            log_warning(&s->logger, "Going back to the addresses before failed: %s", why);
        snprintf(why, sizeof(why), SERVER_NOWHERE);
        err = ERR_NOTFOUND;
    }
    if (err != ERR_OK)
        snprintf(error, CONFIG_ERROR_CHARS, "%s", why);
    return err;
}

static enum err apply_memory(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    (void)s;
    (void)error;
    /* Where the allocator cannot, nothing is lost. */
    mem_purge_in_background(next->purge_in_background);
    return ERR_OK;
}

static enum err apply_cron(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    (void)next;
    (void)error;
    s->next_cron_us = 0; /* at once, and then at the new pace */
    return ERR_OK;
}

/* Comes after every step that may fail: a move that has begun is not taken back. */
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

static enum err apply_limits(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    (void)error;
    ks_set_limits(s->ks, &next->limits);
    return ERR_OK;
}

static enum err apply_title(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    return server_title(s, next, error);
}

static enum err apply_oom(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    return server_oom_score(s, next, error);
}

static enum err apply_aof(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS])
{
    return persist_apply(s, next, error);
}

static const struct {
    unsigned group;
    enum err (*apply)(struct server *s, struct config *next, char error[CONFIG_ERROR_CHARS]);
} steps[] = {
    {APPLY_DIR, apply_dir},       {APPLY_LOG, apply_log},       {APPLY_CLIENTS, apply_clients},
    {APPLY_LISTEN, apply_listen}, {APPLY_MEMORY, apply_memory}, {APPLY_CRON, apply_cron},
    {APPLY_TITLE, apply_title},   {APPLY_OOM_SCORE, apply_oom}, {APPLY_AOF, apply_aof},
    {APPLY_SHARDS, apply_shards}, {APPLY_LIMITS, apply_limits},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

enum err server_apply(struct server *s, struct config *next, unsigned groups, unsigned *failed,
                      char error[CONFIG_ERROR_CHARS])
{
    for (size_t i = 0; i < STEPS; i++) {
        if (!(groups & steps[i].group))
            continue;
        enum err err = steps[i].apply(s, next, error);
        if (err == ERR_OK)
            continue;
        *failed = steps[i].group;
        for (size_t k = 0; k < i; k++) {
            char again[CONFIG_ERROR_CHARS];
            if ((groups & steps[k].group) && steps[k].apply(s, &s->config, again) != ERR_OK)
                log_warning(&s->logger, "Going back to the configuration before failed: %s", again);
        }
        return err;
    }
    return ERR_OK;
}

/* --- for CONFIG --------------------------------------------------------------------------------------- */

static enum err host_apply(void *arg, struct config *next, unsigned groups, unsigned *failed,
                           char error[CONFIG_ERROR_CHARS])
{
    return server_apply(arg, next, groups, failed, error);
}

/* The rooms borrow s->config by its address, so that they see the new values at once. */
static void host_replace(void *arg, struct config *takes)
{
    struct server *s = arg;
    struct config old = s->config;
    s->config = *takes;
    config_deinit(&old, &server_options);
    engine_config_changed(s->engine);
}

static bool host_unprotected(void *arg, const struct cmd_ctx *c)
{
    const struct server *s = arg;
    int allow = s->config.protected_configs;
    return allow == ENGINE_ALLOW_YES ||
           (allow == ENGINE_ALLOW_LOCAL && (!c->session || session_is_local(c->session)));
}

static void host_reset_stats(void *arg)
{
    struct server *s = arg;
    engine_reset_stats(s->engine);
    admin_reset_stats(s->admin);
    s->cycles = s->busy_us = 0;
    s->turns = (struct histogram){0};
}

void server_config_host(struct server *s)
{
    s->config_host = (struct config_host){
        .options = &server_options,
        .config = &s->config,
        .logger = &s->logger,
        .arg = s,
        .apply = host_apply,
        .replace = host_replace,
        .unprotected = host_unprotected,
        .reset_stats = host_reset_stats,
    };
}
