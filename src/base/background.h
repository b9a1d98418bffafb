#pragma once
/* Threads whose work can wait: they make pages ahead of their use, give memory back, write a base. Where all
 * processors are busy, the scheduler would let such a thread and the event loop take turns of some milliseconds, and
 * every client would wait for them. */

/* Puts the calling thread behind all others: it runs while they rest, and gets a small share of the processor while
 * they never rest. Best effort. */
void background_enter(void);
