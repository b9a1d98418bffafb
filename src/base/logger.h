#pragma once
/* Log lines as Redis prints them: `PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message`. */
#include <stdbool.h>

#include "base/err.h"

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_VERBOSE,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTHING
};

struct logger {
    enum log_level level; /* lines below it are dropped */
    char *path;           /* owned; NULL is standard output */
    int fd;               /* the open file, or 1 */
    char role;            /* 'M' serving, 'C' helper, 'X' not yet known */
};

void logger_init(struct logger *l);
void logger_deinit(struct logger *l);
/* Opens (appends, creates) `path`, or standard output for "". On ERR_IO the old target stays. */
enum err logger_open(struct logger *l, const char *path);
/* Opens the same path again, for log rotation. */
enum err logger_reopen(struct logger *l);
void logger_write(struct logger *l, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(l, ...)   logger_write((l), LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_verbose(l, ...) logger_write((l), LOG_LEVEL_VERBOSE, __VA_ARGS__)
#define log_notice(l, ...)  logger_write((l), LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_warning(l, ...) logger_write((l), LOG_LEVEL_WARNING, __VA_ARGS__)
