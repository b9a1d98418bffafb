#pragma once
/* What operators ask: COMMAND, LATENCY, SLOWLOG. The engine knows this room by a table of functions only. */
struct admin;
struct cmd_table;
struct engine;
struct engine_observers;
struct latency;
struct slowlog;

struct admin *admin_new(void);
void admin_free(struct admin **a);
/* Fills this room's part of what the engine calls. */
void admin_observe(struct admin *a, struct engine_observers *out);
/* Adds this room's commands; NULL: to be looked up only. */
void admin_add_rows(struct admin *a, struct cmd_table *t);
/* Adds them to the engine's table. The engine is borrowed for life. */
void admin_attach(struct admin *a, struct engine *e);

struct latency *admin_latency(const struct admin *a);
struct slowlog *admin_slowlog(const struct admin *a);
