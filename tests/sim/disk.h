#pragma once
/* A writer and its disk on virtual time: batches go in, promises come out, and a crash leaves what it may leave.
 *
 *     file:  |......................|......................|....................|....................|
 *                                 synced                written            being written           put
 *     a power cut keeps at least  ^                        |                    |
 *     the death of the process keeps at least              ^                    |
 *
 * Behind that a crash keeps any beginning of the rest of what was being written, perhaps with zeros where data never
 * arrived. Delays, failures, how much may wait to be written and what a crash keeps are drawn from the seed. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/slice.h"
#include "engine/promise.h"

enum sim_policy { SIM_ALWAYS, SIM_EVERYSEC, SIM_NO };
enum sim_crash { SIM_PROCESS_DIES, SIM_POWER_CUT };

#define SIM_SYNC_US_MAX  20000   /* a sync takes up to this, */
#define SIM_STALL_US_MAX 1500000 /* a write or sync that stalls up to that */

struct sim_disk;
struct sim_disk *sim_disk_new(uint64_t seed, enum sim_policy policy);
void sim_disk_free(struct sim_disk **d);

/* Whole batches, copied; `pos`: the log position behind them. */
void sim_disk_put(struct sim_disk *d, struct slice bytes, uint64_t pos);
/* Somebody waits for the position to be synced, whatever the policy. */
void sim_disk_want_synced(struct sim_disk *d, uint64_t pos);
/* Every write and sync fails until then. */
void sim_disk_fail_until(struct sim_disk *d, int64_t until_us);
/* Ends what is due and begins what can be. */
void sim_disk_advance(struct sim_disk *d, int64_t now_us);
int64_t sim_disk_due_us(const struct sim_disk *d); /* INT64_MAX: nothing is under way */

/* What it promises, as the writer would tell. */
void sim_disk_promise(const struct sim_disk *d, struct promise *out);
/* The position that such a crash would keep in any case. */
uint64_t sim_disk_survives(const struct sim_disk *d, enum sim_crash how);

/* Cuts the file to what the crash keeps. */
void sim_disk_crash(struct sim_disk *d, enum sim_crash how);
struct slice sim_disk_file(const struct sim_disk *d);
/* What was read of it by the next process, with `seal` behind that: from here on it goes on at this position. */
void sim_disk_recover(struct sim_disk *d, size_t good_bytes, struct slice seal, uint64_t pos);
