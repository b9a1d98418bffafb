#pragma once
/* Deadlines as clients write them: seconds or milliseconds, from now or since the epoch. */
#include "cmd/ctx.h"

enum deadline_unit { DEADLINE_EX, DEADLINE_PX, DEADLINE_EXAT, DEADLINE_PXAT };

/* Reads argument i as milliseconds since the epoch. It may lie in the past, down to 0. False: the error is replied. */
bool deadline_parse(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms);
/* The same for commands that take only what is above zero. */
bool deadline_parse_positive(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms);
/* Gives a key that is there a deadline, with event and effect. *it is set anew. False: the error is
 * replied, and nothing changed. */
bool deadline_set(struct cmd_ctx *c, const struct key *k, const struct item **it,
                  int64_t deadline_ms);
/* Takes its deadline away, likewise. */
bool deadline_clear(struct cmd_ctx *c, const struct key *k, const struct item **it);
