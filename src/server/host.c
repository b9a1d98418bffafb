/* The functions of struct admin_host: the process's figures, and its actions for DEBUG. */
#include "admin/host.h"

#include <event2/event.h>

#include "log/aof.h"
#include "server/server_impl.h"

static_assert(ADMIN_LISTENERS_MAX > NET_BIND_MAX, "every address, and the Unix socket");

static void on_process(void *server, struct admin_process *out)
{
    const struct server *s = server;
    *out = (struct admin_process){
        .run_id = s->run_id,
        .repl_id = s->repl_id,
        .executable = s->executable ? s->executable : "",
        .config_file = s->config_host.file ? s->config_host.file : "",
        .event_api = event_base_get_method(s->base),
        .start_us = s->start_us,
        .start_wall_ms = s->start_wall_ms,
        .saved_unix_s = s->created_wall_ms / 1000,
        .port = s->config.net.port,
        .hz = (uint64_t)s->config.hz,
        .clients_max = s->config.net.clients_max,
        .cycles = s->cycles,
        .busy_us = s->busy_us,
        .turns = &s->turns,
    };
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void on_net(void *server, struct admin_net *out)
{
    const struct server *s = server;
    struct net_stats n;
    if (!s->net)
        return;
    struct http_stats h;
    net_stats(s->net, &n);
    http_stats(s->http, &h);
    *out = (struct admin_net){
        .clients = net_clients(s->net) + http_clients(s->http),
        .query_bytes = n.query_bytes + h.query_bytes,
        .output_bytes = n.output_bytes + h.output_bytes,
        .largest_query_bytes = larger(n.largest_query_bytes, h.largest_query_bytes),
        .largest_output_bytes = larger(n.largest_output_bytes, h.largest_output_bytes),
    };
}

static void on_persistence(void *server, struct admin_persistence *out)
{
    persist_figures(server, out);
}

static int on_listeners(void *server, char out[][ADMIN_LISTENER_CHARS], int max)
{
    const struct server *s = server;
    return s->net ? net_listening(s->net, out, max) : 0;
}

/* --- DEBUG -------------------------------------------------------------------------------------------- */

static void on_pause_cron(void *server, bool on)
{
    struct server *s = server;
    s->cron_paused = on;
}

static void on_new_repl_id(void *server)
{
    struct server *s = server;
    server_new_id(s->repl_id);
}

static enum err on_reload(void *server, struct session *waiter)
{
    return persist_reload(server, waiter) ? ERR_OK : ERR_BUSY;
}

static void on_flush_sleep(void *server, int64_t us)
{
    const struct server *s = server;
    if (s->persist.state != PERSIST_OFF)
        aof_set_flush_sleep(s->persist.aof, us);
}

const struct admin_host server_host = {
    .process = on_process,
    .net = on_net,
    .persistence = on_persistence,
    .listeners = on_listeners,
    .pause_cron = on_pause_cron,
    .new_repl_id = on_new_repl_id,
    .reload = on_reload,
    .flush_sleep = on_flush_sleep,
};
