#pragma once
/* Threads that do what can wait a little: pages to be made ahead of their use, memory to be given back, a base to be
 * written. Where the process has one CPU, or as many busy ones as threads, the scheduler would let them take turns of
 * some milliseconds each with the event loop, which then everybody waits for (4 to 5 ms seen, at every piece of memory
 * that a growing keyspace took). */

/* Puts the calling thread behind others: it runs while they do not, and has a seventieth of what they have where they
 * never rest. Best effort. */
void background_enter(void);
