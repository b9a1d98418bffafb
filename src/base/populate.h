#pragma once
/* Has the kernel make pages of memory ahead of their use, on a thread. The first touch of a page that is not there yet
 * waits for the kernel, for milliseconds if the page is a huge one, and the loop cannot wait that long. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define POPULATE_JOBS_MAX 16 /* asked for and not yet done */

struct populator;
struct populator *populator_new(void); /* its thread starts with the first job */
/* Waits for the present job, some milliseconds; jobs that have not begun are dropped. */
void populator_free(struct populator **p);
/* Makes the pages of a private mapping, huge ones if that was advised, from its end backwards. The mapping may be
 * unmapped meanwhile: another mapping at its place gets its pages early, which does no harm. `done` (may be NULL)
 * becomes true when the job is over, successful or not; it must live until then. False: nothing is done, as there are
 * too many jobs or no thread could be started. */
bool populator_ask(struct populator *p, void *at, size_t bytes, atomic_bool *done);
