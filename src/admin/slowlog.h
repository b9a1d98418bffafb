#pragma once
/* SLOWLOG: requests that took slowlog-log-slower-than or longer. */
#include <stdint.h>

#include "base/slice.h"

#define SLOWLOG_ARGS_MAX      32
#define SLOWLOG_ARG_BYTES_MAX 128

struct session;
struct slowlog;

struct slowlog *slowlog_new(void);
void slowlog_free(struct slowlog **l);
/* Notes a request of `s`. Copies its arguments (cut), the client's address and name. Drops the oldest entries
 * beyond config.slowlog_len_max. */
void slowlog_add(struct slowlog *l, const struct session *s, const struct slice *argv, int argc,
                 int64_t duration_us);
uint64_t slowlog_len(const struct slowlog *l);
