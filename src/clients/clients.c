#include "clients/clients.h"

#include "base/mem.h"
#include "clients/client_cmds.h"
#include "clients/clients_impl.h"
#include "clients/describe.h"
#include "clients/monitor.h"
#include "clients/pubsub.h"
#include "engine/engine.h"

struct clients *clients_new(struct rng *rng)
{
    struct clients *c = mem_zalloc(sizeof(*c));
    c->pubsub = pubsub_new(rng);
    c->monitors = monitors_new();
    return c;
}

void clients_free(struct clients **c)
{
    if (!*c)
        return;
    monitors_free(&(*c)->monitors);
    pubsub_free(&(*c)->pubsub);
    mem_free(*c);
    *c = NULL;
}

/* --- the engine's calls ----------------------------------------------------------------------- */

static void on_event(void *clients, int db, struct slice key, unsigned class, const char *name)
{
    const struct clients *c = clients;
    (void)class;
    notify_event(c->pubsub, engine_config(c->engine)->notify, db, key, name);
}

static void on_request(void *clients, const struct session *s, const struct cmd *cmd,
                       const struct slice *argv, int argc)
{
    monitors_feed(((struct clients *)clients)->monitors, s, cmd, argv, argc);
}

static void on_leave(void *clients, struct session *s)
{
    pubsub_leave_all(s);
    monitors_leave(((struct clients *)clients)->monitors, s);
}

static void on_describe(void *clients, const struct session *s, struct buf *out)
{
    (void)clients;
    client_describe(s, out);
}

void clients_observe(struct clients *c, struct engine_observers *out)
{
    out->clients = c;
    out->event = on_event;
    out->request = on_request;
    out->leave = on_leave;
    out->describe = on_describe;
}

void clients_add_rows(struct clients *c, struct cmd_table *t)
{
    cmd_table_add(t, clients_rows_connection, c);
    cmd_table_add(t, clients_rows_client, c);
    cmd_table_add(t, clients_rows_pubsub, c);
    cmd_table_add(t, clients_rows_monitor, c);
}

void clients_attach(struct clients *c, struct engine *e)
{
    c->engine = e;
    clients_add_rows(c, engine_table(e));
}

struct pubsub *clients_pubsub(const struct clients *c)
{
    return c->pubsub;
}

struct monitors *clients_monitors(const struct clients *c)
{
    return c->monitors;
}
