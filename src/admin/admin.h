#pragma once
/* The commands of operators: INFO, MEMORY, DEBUG, LATENCY, SLOWLOG, COMMAND, TIME, ROLE, LOLWUT. The engine calls this
 * room only by a table of functions, and this room calls the process around it by another (host.h). */
#include <stddef.h>
#include <stdint.h>

struct admin;
struct admin_host;
struct cmd_table;
struct engine;
struct engine_observers;
struct latency;
struct slowlog;

struct admin *admin_new(void);
void admin_free(struct admin **a);
/* Fills this room's part of the engine's table. */
void admin_observe(struct admin *a, struct engine_observers *out);
/* Adds this room's commands to `t`. `a` NULL: they are looked up, and never run. */
void admin_add_rows(struct admin *a, struct cmd_table *t);
/* Adds the commands to the engine's command table. The engine is borrowed for life. */
void admin_attach(struct admin *a, struct engine *e);
/* Copies the table. Without one the figures of the process are 0, and DEBUG must not run. */
void admin_set_host(struct admin *a, const struct admin_host *h);
/* Call when the server is wired and has served no client yet: notes the memory in use. */
void admin_started(struct admin *a);
/* Takes samples for rates and of the process' memory; call it several times a second. */
void admin_cron(struct admin *a, int64_t now_us);
/* Forgets peaks and rates: CONFIG RESETSTAT. */
void admin_reset_stats(struct admin *a);
/* For a crash report: the peak of the memory in use, and the process' memory at the latest sample. */
void admin_memory(const struct admin *a, size_t *peak_bytes, size_t *rss_bytes);

struct latency *admin_latency(const struct admin *a);
struct slowlog *admin_slowlog(const struct admin *a);
