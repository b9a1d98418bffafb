#pragma once
/* The server: everything that one process consists of, wired together. It is passed around; only the crash handler,
 * which the kernel calls with nothing but a signal, reaches it by a pointer of its own (crash.c). */
#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"

struct cmd_table;
struct server;

/* Adds the commands on data, and this room's own; NULL: to be looked up only. */
void server_add_rows(struct server *s, struct cmd_table *t);
/* Builds everything but the net from a configuration, which it takes. NULL: `error` says why. */
struct server *server_new(struct config *takes, char error[CONFIG_ERROR_CHARS]);
void server_free(struct server **s);
/* Opens the listeners. */
enum err server_listen(struct server *s, char error[CONFIG_ERROR_CHARS]);
/* Says that clients are served now. */
void server_ready(struct server *s);
/* Serves until somebody asks it to stop, then lets the replies out. */
void server_run(struct server *s);
/* Asks it to stop when the turn ends. */
void server_stop(struct server *s, int signal);
/* The same without losing data: the server stops when the log that was switched on holds them. */
void server_stop_finished(struct server *s, int signal);
/* Withdraws that; false: nobody asked. */
bool server_stop_abort(struct server *s);

/* --- daemon.c --- */
/* Goes into the background. Only the child returns; its parent waits until it is ready or dead, and ends with a
 * status that says which. Until then the child keeps the terminal, for its complaints. */
enum err daemon_start(int *ready_fd);
void daemon_ready(int ready_fd);
enum err pidfile_write(const char *path);
/* Removes it unless another process has written its id there. */
void pidfile_remove(const char *path);
