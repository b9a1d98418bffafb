/* Wiring, and the loop: one thread waits for sockets, runs their requests, and in between looks after the data.
 *
 *   arm the timer for the next thing that is due
 *   wait for I/O or the timer; requests run inside           (not at all while there is work left)
 *   deadlines of blocked clients, if one has come
 *   a slice of work: expiry, growing tables, moving keys, freeing
 *   housekeeping, `hz` times a second
 *   send the replies, resume the sessions that waited
 *   a slice of snapshot jobs, as pace.h allows
 *
 * Work is looked for often while commands run, as they make it; otherwise when a key expires, and with the
 * housekeeping. A slice of work has a budget, and a client waits for it no longer than that. */
#include "server/server_impl.h"
#include "server/title.h"

#include <assert.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/host.h"
#include "base/clock.h"
#include "base/mem.h"
#include "clients/clients.h"
#include "engine/durable.h"

/* Longest slice of work. It is short, as a reply that waits for the log may wait for several of them. */
#define WORK_BUDGET_US          50
#define WORK_BUSY_EVERY_US      2000 /* while commands run, work is looked for this often */
#define SHUTDOWN_DRAIN_US       (1000 * 1000)
#define SHUTDOWN_DRAIN_EVERY_MS 2

/* --- wiring ----------------------------------------------------------------------------------------- */

void server_new_id(char id[SERVER_ID_CHARS + 1])
{
    unsigned char bytes[SERVER_ID_CHARS / 2];
    rng_entropy(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

void server_add_rows(struct server *s, struct cmd_table *t)
{
    const struct cmd_row *const own[] = {
        server_rows_process,
        server_rows_persist,
    };
    cmd_add_rows(t);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        cmd_table_add(t, own[i], s);
    config_add_rows(t, s ? &s->config_host : NULL);
}

struct cmd_table *server_table_new(void)
{
    struct cmd_table *t = cmd_table_new();
    server_add_rows(NULL, t);
    engine_add_rows(NULL, t);
    clients_add_rows(NULL, t);
    admin_add_rows(NULL, t);
    return t;
}

static void read_clocks(struct engine *e)
{
    engine_turn(e, clock_mono_us(), clock_wall_ms());
}

static enum err new_data(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    uint64_t seed;
    rng_entropy(&seed, sizeof(seed));
    rng_seed(&s->rng, seed);

    struct ks_options ko = {
        .databases = (int)s->config.databases,
        .shards = (unsigned)s->config.shards,
        .now_ms = s->start_wall_ms,
    };
    rng_entropy(&ko.hash_key, sizeof(ko.hash_key));
    s->ks = ks_new(&ko);
    if (!s->ks) {
        snprintf(error, CONFIG_ERROR_CHARS,
                 "there is not enough memory for %lld databases in %lld shards",
                 (long long)s->config.databases, (long long)s->config.shards);
        return ERR_NOMEM;
    }
    ks_set_limits(s->ks, &s->config.limits);
    server_config_host(s);
    s->table = cmd_table_new();
    server_add_rows(s, s->table);
    struct engine_options eo = {
        .ks = s->ks,
        .table = s->table,
        .logger = &s->logger,
        .rng = &s->rng,
        .owner = s,
        .now_us = s->start_us,
        .wall_ms = s->start_wall_ms,
        .late = read_clocks,
    };
    s->clients = clients_new(&s->rng);
    s->admin = admin_new();
    clients_observe(s->clients, &eo.observers);
    admin_observe(s->admin, &eo.observers);
    s->engine = engine_new(&eo, &s->config.engine);
    clients_attach(s->clients, s->engine);
    admin_attach(s->admin, s->engine);
    struct admin_host host = server_host;
    host.server = s;
    host.clients = s->clients;
    host.config = &s->config_host;
    host.logger = &s->logger;
    admin_set_host(s->admin, &host);
    return server_rename_commands(s->table, s->config.renames, error);
}

struct server *server_new(struct config *takes, char error[CONFIG_ERROR_CHARS])
{
    struct server *s = mem_zalloc(sizeof(*s));
    s->config = *takes;
    s->start_us = clock_mono_us();
    s->start_wall_ms = s->created_wall_ms = clock_wall_ms();
    s->timer_us = INT64_MAX;
    persist_init(&s->persist);
    server_new_id(s->run_id);
    server_new_id(s->repl_id);
    logger_init(&s->logger);
    s->logger.role = 'M';

    unsigned failed;
    unsigned early = APPLY_DIR | APPLY_LOG | APPLY_MEMORY | APPLY_TITLE;
    if (server_apply(s, &s->config, early, &failed, error) != ERR_OK)
        goto fail;
    if (logger_open(&s->logger, s->config.logfile) != ERR_OK) {
        snprintf(error, CONFIG_ERROR_CHARS, "cannot open the log file '%s'", s->config.logfile);
        goto fail;
    }
    if (new_data(s, error) != ERR_OK)
        goto fail;
    s->base = event_base_new();
    if (!s->base || signals_init(s) != ERR_OK) {
        snprintf(error, CONFIG_ERROR_CHARS, "cannot set up the event loop");
        goto fail;
    }
    admin_started(s->admin);
    return s;
fail:
    server_free(&s);
    return NULL;
}

void server_free(struct server **server)
{
    struct server *s = *server;
    if (!s)
        return;
    if (s->engine)
        persist_close(s);
    http_free(&s->http);
    net_free(&s->net);
    signals_deinit(s);
    if (s->timer)
        event_free(s->timer);
    if (s->base)
        event_base_free(s->base);
    engine_free(&s->engine);
    admin_free(&s->admin);
    clients_free(&s->clients);
    cmd_table_free(&s->table);
    ks_free(&s->ks);
    if (s->pidfile_written)
        pidfile_remove(s->config.pidfile);
    logger_deinit(&s->logger);
    config_deinit(&s->config, &server_options);
    mem_free(s->config_host.file);
    mem_free(s->executable);
    title_free(&s->title);
    mem_free(s);
    *server = NULL;
}

/* --- the loop --------------------------------------------------------------------------------------- */

/* The timer only wakes the loop; server_run does the work that is due. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    (void)fd;
    (void)what;
    s->timer_us = INT64_MAX;
}

static enum err fit_clients(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    uint64_t *most = &s->config.net.clients_max, fit = net_fit_open_files(*most);
    if (fit == 0) {
        snprintf(error, CONFIG_ERROR_CHARS,
                 "the system allows too few open files to serve a client, raise ulimit -n");
        return ERR_FULL;
    }
    if (fit < *most)
        log_warning(&s->logger,
                    "maxclients is %llu instead of %llu: the system allows no more open files "
                    "(ulimit -n)",
                    (unsigned long long)fit, (unsigned long long)*most);
    *most = fit;
    return ERR_OK;
}

enum err server_listen(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    unsigned failed;
    if (fit_clients(s, error) != ERR_OK)
        return ERR_FULL;
    s->timer = event_new(s->base, -1, 0, on_timer, s);
    s->net = net_new(s->base, s->engine, &s->logger, &s->config.net);
    assert(s->timer);
    server_http(s);
    return server_apply(s, &s->config, APPLY_LISTEN, &failed, error);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* An earlier timer than needed stays: waking once for nothing is cheaper than setting it each turn. */
static void arm_timer(struct server *s, int64_t now_us)
{
    int64_t due_us =
        earlier(engine_next_deadline_us(s->engine), earlier(s->next_cron_us, s->next_work_us));
    if (s->giving && engine_replies_wait(s->engine))
        due_us = earlier(due_us, now_us + pace_due_in_us(&s->pace, s->config.aof_rewrite_cpu));
    if (due_us >= s->timer_us)
        return;
    int64_t in_us = due_us > now_us ? due_us - now_us : 0;
    struct timeval tv = {.tv_sec = in_us / 1000000, .tv_usec = in_us % 1000000};
    event_add(s->timer, &tv);
    s->timer_us = due_us;
}

static void work(struct server *s, int64_t now_us)
{
    s->work_left = engine_work(s->engine, WORK_BUDGET_US);
    s->next_work_us = s->next_cron_us;
    int64_t due_ms = ks_next_expiry_ms(s->ks);
    if (engine_expires(s->engine) && due_ms != INT64_MAX) {
        int64_t in_ms = due_ms > engine_wall_ms(s->engine) ? due_ms - engine_wall_ms(s->engine) : 0;
        if (in_ms < 1000) /* else the housekeeping comes first */
            s->next_work_us = earlier(s->next_work_us, now_us + in_ms * 1000 + 1000);
    }
}

/* Does the work that is due at the end of a turn. */
static void do_due(struct server *s, int64_t now_us)
{
    struct engine *e = s->engine;
    if (engine_stats(e)->commands != s->commands_seen) {
        s->commands_seen = engine_stats(e)->commands;
        s->next_work_us = earlier(s->next_work_us, now_us + WORK_BUSY_EVERY_US);
    }
    bool deadline = now_us >= engine_next_deadline_us(e);
    bool cron = now_us >= s->next_cron_us;
    bool some_work = s->work_left || now_us >= s->next_work_us;
    if (!deadline && !cron && !some_work)
        return;
    engine_turn(e, now_us, clock_wall_ms());
    if (deadline)
        engine_deadlines(e);
    if (cron) {
        s->next_cron_us = now_us + 1000000 / s->config.hz;
        if (!s->cron_paused)
            server_cron(s, now_us);
    }
    if (some_work)
        work(s, now_us);
}

/* Gives snapshot jobs their slice, behind the replies. A turn is not idle while replies wait for the log, as the log's
 * writer may need the processor. */
static void give(struct server *s)
{
    struct engine *e = s->engine;
    bool idle = engine_stats(e)->reads_processed == s->reads_seen && !engine_replies_wait(e);
    s->reads_seen = engine_stats(e)->reads_processed;
    s->giving = engine_jobs_giving(e);
    if (!s->giving)
        return;
    int64_t now_us = clock_mono_us();
    int64_t slice_us = pace_turn(&s->pace, now_us, s->config.aof_rewrite_cpu, idle);
    if (slice_us > 0) {
        engine_turn(e, now_us, clock_wall_ms());
        engine_jobs_give(e, slice_us);
        pace_took(&s->pace, clock_mono_us() - now_us);
        s->giving = engine_jobs_giving(e);
    }
}

/* Sends the last replies, as the log allows (engine/gate.h), and closes the log. */
static void drain(struct server *s)
{
    int64_t until_us = clock_mono_us() + SHUTDOWN_DRAIN_US;
    signals_insist();
    net_stop_accepting(s->net);
    engine_turn_end(s->engine);
    while ((!net_drain(s->net) || !http_drain(s->http)) && clock_mono_us() < until_us) {
        poll(NULL, 0, SHUTDOWN_DRAIN_EVERY_MS);
        engine_log_moved(s->engine);
    }
    persist_close(s);
}

void server_run(struct server *s)
{
    int64_t now_us = clock_mono_us();
    while (s->stop != STOP_ASKED || s->cron_paused) {
        arm_timer(s, now_us);
        bool busy =
            s->work_left || s->persist.loading || (s->giving && !engine_replies_wait(s->engine));
        /* Once in either case: EVLOOP_NONBLOCK alone goes on for as long as any descriptor is ready. */
        event_base_loop(s->base, busy ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
        now_us = clock_mono_us();
        int64_t began_us = earlier(net_turn_began_us(s->net), now_us);
        if (s->persist.loading)
            persist_load_slice(s);
        do_due(s, now_us);
        persist_turn(s);
        http_turn(s->http);
        net_turn_end(s->net);
        http_turn_end(s->http);
        give(s);
        s->cycles++;
        now_us = clock_mono_us();
        s->busy_us += (uint64_t)(now_us - began_us);
        histogram_add(&s->turns, (uint64_t)(now_us - began_us));
    }
    supervisor_stopping(s);
    if (!s->failed) /* else the log's last line is why */
        log_notice(&s->logger, "User requested shutdown...");
    drain(s);
    if (s->pidfile_written)
        pidfile_remove(s->config.pidfile);
    s->pidfile_written = false;
    if (!s->failed)
        log_notice(&s->logger, "Corsac is now ready to exit, bye bye...");
}
