#pragma once
/* A world of one server, its disk and its clients, made of one seed, on virtual time. Whatever it does is judged as it
 * happens:
 *
 *   - replies are those of the model, in order, and none comes before its position is as safe as was promised to that
 *     client; the same holds of messages about keys;
 *   - after a crash the data are those of one moment between units, which no promise that was given before lies
 * behind. */
#include <stdint.h>

#include "sim/disk.h"

#define SIM_FAILURE_CHARS 1024

struct sim_result {
    char failure[SIM_FAILURE_CHARS]; /* "": none */
    uint32_t trace;                  /* CRC-32C of all that clients got, and when */
    uint64_t requests, events, crashes, faults;
    uint64_t waits, held; /* WAITAOF; requests that the full log held back */
    /* Requests that waited for a key: those that were served, and those whose time ended. */
    uint64_t served, timeouts;
};

/* `log`: every step goes to stdout. */
void sim_run(uint64_t seed, bool log, struct sim_result *out);
