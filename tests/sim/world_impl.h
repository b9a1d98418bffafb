#pragma once
/* Inside a world: its clients (client.c) and what happens to them (world.c). */
#include "sim/model.h"
#include "sim/request.h"
#include "sim/world.h"

#define SIM_CLIENTS 5 /* the last one listens to messages about keys */

/* What a client is to get next. */
struct sim_expected {
    size_t len;       /* of client.expect */
    bool any_error;   /* instead: an error line, whatever it says */
    bool waitaof;     /* instead: what WAITAOF says of `synced` */
    uint64_t synced;  /* the client's latest write before it: its version */
    bool told;        /* its first byte has come */
    bool own;         /* it tells of the client's own change */
    bool later;       /* the client waits for a key: what it gets is not known yet */
    uint64_t version; /* that it depends on; 0: on nothing */
    struct sim_expected *next;
};

#define SIM_WATCHES_MAX 4
struct sim_watch {
    int db, key;
    uint64_t version; /* of the key, when it was watched */
};

struct sim_client {
    struct sim_world *world;
    struct session *session;
    int id, db;
    enum durability level;
    int64_t act_us;
    struct sim_request pending;
    bool has_pending, listens;
    /* in a transaction */
    uint64_t wrote; /* its latest write: the version */
    bool in_multi, broken;
    struct sim_request queue[SIM_QUEUE_MAX];
    int queued;
    struct sim_watch watches[SIM_WATCHES_MAX];
    int watched;
    /* It waits for keys; the lowest turn is served first. */
    struct sim_request waits;
    uint64_t turn; /* 0: it does not */
    int64_t waits_until_us;
    struct buf expect, got;
    struct sim_expected *first, **last;
};

struct sim_world {
    struct sim_result *out;
    bool log;
    uint64_t seed;
    struct rng rng;
    enum sim_policy policy;
    struct sim_disk *disk;
    struct sim_node node;
    struct sim_model model;
    struct sim_client clients[SIM_CLIENTS];
    int64_t now_us, wall_ms, cron_us, crash_us;
    uint64_t turns;   /* ever given to clients that wait */
    uint64_t safe[2]; /* the latest version that somebody was told to survive such a crash */
};

void sim_fail(struct sim_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define sim_log(w, ...)          \
    do {                         \
        if ((w)->log)            \
            printf(__VA_ARGS__); \
    } while (0)

/* A new connection to the node. */
void sim_client_open(struct sim_client *c);
void sim_client_close(struct sim_client *c);
void sim_client_free(struct sim_client *c); /* closed already */
/* Sends a request, or what the server did not take before. */
void sim_client_act(struct sim_client *c);
/* A turn of the server began: is it still waiting, and may it be? */
void sim_client_look(struct sim_client *c);
/* Gets what the gate lets out. */
void sim_client_receive(struct sim_client *c);
