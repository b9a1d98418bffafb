#pragma once
/* The room's fields, for its own handlers. */
#include "clients/clients.h"
#include "cmd/ctx.h"
#include "cmd/table.h"

struct clients {
    struct engine *engine; /* borrowed; NULL until it is attached */
    struct pubsub *pubsub;
    struct monitors *monitors;
};

static inline struct clients *clients_of(const struct cmd_ctx *c)
{
    return c->cmd->room;
}
