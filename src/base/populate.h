#pragma once
/* Has the kernel make pages of memory ahead of their use, on a thread: the first touch of a page that is not there yet
 * takes microseconds, and of a huge one up to milliseconds, which a loop cannot wait for. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define POPULATE_JOBS_MAX 16 /* asked for and not yet done */

struct populator;
struct populator *populator_new(void); /* its thread starts with the first job */
/* Waits for the job under way, some milliseconds; jobs that have yet to begin are dropped. */
void populator_free(struct populator **p);
/* Has the pages of a private mapping made, huge ones where that was advised, from its end backwards. The mapping may go
 * meanwhile: what lies there then gets its pages early, and nothing else happens to it. `done` (may be NULL) becomes
 * true when that is over, whatever came of it; good until then. False: nothing will come of it, as there are too many
 * jobs or no thread can be had. */
bool populator_ask(struct populator *p, void *at, size_t bytes, atomic_bool *done);
