#pragma once
/* Sessions beside their requests: names and lists (CLIENT), channels, monitors. The engine calls this room only by a
 * table of functions. */
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
/* Fills this room's part of the engine's table. */
void clients_observe(struct clients *c, struct engine_observers *out);
/* Adds this room's commands to `t`. `c` NULL: they are looked up, and never run. */
void clients_add_rows(struct clients *c, struct cmd_table *t);
/* Adds the commands to the engine's command table. The engine is borrowed for life. */
void clients_attach(struct clients *c, struct engine *e);

struct pubsub *clients_pubsub(const struct clients *c);
struct monitors *clients_monitors(const struct clients *c);
