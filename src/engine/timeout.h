#pragma once
/* Timeouts in arguments, as Redis reads them. */
#include <stdbool.h>
#include <stdint.h>

struct cmd_ctx;
struct engine;

/* Argument i, milliseconds, not negative. False: the error is replied. */
bool timeout_parse(struct cmd_ctx *c, int i, int64_t *ms);
/* That far from now, on the monotonic clock; INT64_MAX where it ends before. */
int64_t timeout_end_us(const struct engine *e, int64_t ms);
