#pragma once
/* Threads whose work can wait: making pages ahead of their use, giving memory back, writing a base. If all processors
 * are busy, the scheduler would let a thread like these and the event loop take turns of some milliseconds, for which
 * every client would wait. */

/* Puts the calling thread behind all others: it runs while they rest, and has a small share of the processor while they
 * do not. Best effort. */
void background_enter(void);
