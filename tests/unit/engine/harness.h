#pragma once
/* An engine without network, config file or clock: clients are sessions over fake transports,
 * requests are lines in redis-cli's quoting, replies come back as the raw bytes, and time passes only
 * when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/admin.h"
#include "base/buf.h"
#include "clients/clients.h"
#include "engine/engine_impl.h"

/* clients are 127.0.0.1:50001, 127.0.0.1:50002, ... in order of their ids */
#define HARNESS_PORT 6379

struct client {
    struct harness *harness;
    struct session *session; /* NULL once it is closed */
    struct buf pending;      /* lines that were not taken yet, each ending in \n */
    struct buf read;         /* what the last read returned */
    unsigned readies, resumes;
    bool unix_socket; /* addresses look like those of a Unix socket */
    struct client *next;
};

struct harness {
    struct engine *e;
    struct clients *around; /* src/clients/ */
    struct admin *admin;
    struct engine_config config; /* a test may change it, and then calls engine_config_changed */
    struct keyspace *ks;
    struct cmd_table *table;
    struct logger logger;
    struct rng rng;
    struct outq_pool pool;
    struct client *clients;
    int64_t now_us, wall_ms;
    size_t fail_nth; /* the nth allocation that may fail does, within the next request; 0: none */
    struct buf effects; /* as lines: "0 SET a b\n", the database first */
};

void harness_init(struct harness *h);
void harness_deinit(struct harness *h); /* closes all clients */

/* Freed by harness_deinit. */
struct client *harness_connect(struct harness *h);
void client_close(struct client *c);

/* Sends a request and returns all that the client has got since the last time, with a NUL behind;
 * good until the next call with this client. */
const char *client_run(struct client *c, const char *line);
/* The same, for arguments that do not fit a line. */
const char *client_run_words(struct client *c, int argc, const struct slice *argv);
/* Only what it has got: what the gate lets out. */
const char *client_received(struct client *c);

/* Lets time pass: deadlines, pauses and pending requests are dealt with, killed clients closed. */
void harness_advance(struct harness *h, int64_t us);

#define assert_reply(c, line, reply) assert_string_equal(client_run(c, line), reply)
#define assert_received(c, bytes)    assert_string_equal(client_received(c), bytes)
#define assert_has(text, part)       assert_non_null(strstr(text, part))
#define assert_has_not(text, part)   assert_null(strstr(text, part))
