#pragma once
/* Deadlines as clients write them: seconds or milliseconds, from now or since the epoch. */
#include "cmd/ctx.h"

enum deadline_unit { DEADLINE_EX, DEADLINE_PX, DEADLINE_EXAT, DEADLINE_PXAT };

/* Reads argument i as milliseconds since the epoch. The deadline may lie in the past; one before the epoch becomes 0.
 * False: the error is replied. */
bool deadline_parse(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms);
/* The same, but a number that is not above zero is an error. */
bool deadline_parse_positive(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms);
/* Gives an existing key a deadline, notifies "expire" and logs the effect. Updates *it, as the item may move. False:
 * nothing changed, and the error is replied. */
bool deadline_set(struct cmd_ctx *c, const struct key *k, const struct item **it,
                  int64_t deadline_ms);
/* Takes the deadline of an existing key away, notifies "persist" and logs the effect. The rest is as above. */
bool deadline_clear(struct cmd_ctx *c, const struct key *k, const struct item **it);
