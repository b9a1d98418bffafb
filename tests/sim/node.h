#pragma once
/* One server of a simulation: engine, keyspace and the log's format over a simulated disk, without process, socket,
 * thread or clock. Several may live in one process. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/logger.h"
#include "base/outq.h"
#include "base/rng.h"
#include "engine/engine_impl.h"
#include "log/stream.h"
#include "sim/disk.h"

struct clients;

#define SIM_DATABASES   2
#define SIM_ERROR_CHARS 512
#define SIM_EFFECTS_MAX 64

struct sim_node {
    struct engine *engine;
    struct engine_config config;
    struct keyspace *ks;
    struct cmd_table *table;
    struct clients *around;
    struct logger logger;
    struct rng rng;
    struct outq_pool pool;
    struct sim_disk *disk; /* borrowed: it outlives the process that this is */
    struct stream_consumer consumer;
    uint64_t loaded_pos;
    /* Where the latest effects begin and end: the nth is at [n % SIM_EFFECTS_MAX]. */
    uint64_t effects, effect_at[SIM_EFFECTS_MAX], effect_end[SIM_EFFECTS_MAX];
    char error[SIM_ERROR_CHARS];
};

/* Starts it with what the disk holds. False: that cannot be loaded, `error` says why. */
bool sim_node_start(struct sim_node *n, struct sim_disk *disk, uint64_t seed, int64_t now_us,
                    int64_t wall_ms);
/* It is gone, whatever it had not written; all sessions must be closed. */
void sim_node_stop(struct sim_node *n);
/* A turn begins: clocks and promises. Sessions whose gates opened are told. */
void sim_node_turn(struct sim_node *n, int64_t now_us, int64_t wall_ms);
/* It ends: its batch is on its way. */
void sim_node_turn_end(struct sim_node *n, int64_t now_us);
/* Removes some of the keys that are due. */
void sim_node_expire(struct sim_node *n, size_t keys);
/* Where the log would end if nothing more came. */
uint64_t sim_node_pos(const struct sim_node *n);
