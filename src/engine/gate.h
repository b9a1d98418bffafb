#pragma once
/* The gate: a reply leaves when the log position that it depends on is as durable as was promised.
 *
 * A write's reply depends on its own effect; a read's reply on the last effect on its key, by whichever session: no
 * client sees data that a crash could take back. A session's queue is a stream of bytes; a gate stands at an offset of
 * it and opens at a position:
 *
 *     ... replies that may go | a write's reply, and all behind it | a later write's reply ...
 *                        gate: position 812                  gate: position 990
 *
 * Replies of one session stay in order: all bytes behind a closed gate wait. Other sessions do not. */
#include <stdint.h>

struct session;

/* Up to this offset of the session's queue its bytes may be sent now. Counts how long they waited, in
 * engine_stats.gate_waits: what a session got in one turn is one wait. */
uint64_t gate_open_until(struct session *s);
