#pragma once
/* What sessions are beside their requests: names and lists (CLIENT), channels, monitors. The engine knows this room by
 * a table of functions only. */
struct clients;
struct cmd_table;
struct engine;
struct engine_observers;
struct monitors;
struct pubsub;
struct rng;

/* `rng` is borrowed within the call. */
struct clients *clients_new(struct rng *rng);
void clients_free(struct clients **c); /* all sessions must be gone */
/* Fills this room's part of what the engine calls. */
void clients_observe(struct clients *c, struct engine_observers *out);
/* Adds this room's commands; NULL: to be looked up only. */
void clients_add_rows(struct clients *c, struct cmd_table *t);
/* Adds them to the engine's table. The engine is borrowed for life. */
void clients_attach(struct clients *c, struct engine *e);

struct pubsub *clients_pubsub(const struct clients *c);
struct monitors *clients_monitors(const struct clients *c);
