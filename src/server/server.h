#pragma once
/* The server: everything that one process consists of, wired together. It is passed around; only the crash handler,
 * which the kernel calls with nothing but a signal, reaches it by a pointer of its own (crash.c). */
#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"

struct cmd_table;
struct server;

/* Adds the commands on data, this room's own and CONFIG. `s` NULL: they are looked up, and never run. */
void server_add_rows(struct server *s, struct cmd_table *t);
/* A table of every command, for look-ups only. */
struct cmd_table *server_table_new(void);
/* Builds everything but the net from a configuration, which it takes. NULL: `error` says why. */
struct server *server_new(struct config *takes, char error[CONFIG_ERROR_CHARS]);
void server_free(struct server **s);
/* Opens the listeners. */
enum err server_listen(struct server *s, char error[CONFIG_ERROR_CHARS]);
/* Tells the log and the supervisor that clients are served. */
void server_ready(struct server *s);
/* Serves until the server is asked to stop, then sends the last replies and closes the log. */
void server_run(struct server *s);
/* Asks the server to stop when the turn ends. `signal`: the one that asked; 0: none did. */
void server_stop(struct server *s, int signal);
/* The same without losing data: a log that was switched on must first hold them all. */
void server_stop_finished(struct server *s, int signal);
/* Withdraws the request to stop. False: there is none. */
bool server_stop_abort(struct server *s);

/* --- daemon.c --- */
/* Goes into the background. Only the child returns; its parent waits until it is ready or dead, and ends with a
 * status that says which. Until then the child keeps the terminal, for its messages. */
enum err daemon_start(int *ready_fd);
void daemon_ready(int ready_fd);
enum err pidfile_write(const char *path);
/* Removes the file, unless another process has written its id into it. */
void pidfile_remove(const char *path);
