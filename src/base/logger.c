#include "base/logger.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define LOG_LINE_BYTES_MAX 4096 /* with the line end; a longer line is cut */

void logger_init(struct logger *l)
{
    *l = (struct logger){.level = LOG_LEVEL_NOTICE, .fd = STDOUT_FILENO, .role = 'X'};
}

static void logger_close(struct logger *l)
{
    if (l->path) {
        close(l->fd);
        mem_free(l->path);
    }
    l->path = NULL;
    l->fd = STDOUT_FILENO;
}

void logger_deinit(struct logger *l)
{
    logger_close(l);
}

enum err logger_open(struct logger *l, const char *path)
{
    if (path[0] == '\0') {
        logger_close(l);
        return ERR_OK;
    }
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return ERR_IO;
    char *copy = mem_strdup(path); /* `path` may be l->path, which logger_close frees */
    logger_close(l);
    l->path = copy;
    l->fd = fd;
    return ERR_OK;
}

enum err logger_reopen(struct logger *l)
{
    return l->path ? logger_open(l, l->path) : ERR_OK;
}

/* "12345:M 20 Nov 2026 20:05:12.345 * " */
static size_t print_prefix(const struct logger *l, enum log_level level, char *out, size_t room)
{
    static const char marks[] = {[LOG_LEVEL_DEBUG] = '.',
                                 [LOG_LEVEL_VERBOSE] = '-',
                                 [LOG_LEVEL_NOTICE] = '*',
                                 [LOG_LEVEL_WARNING] = '#'};
    int64_t now_ms = clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm when;
    char date[32];
    localtime_r(&seconds, &when);
    strftime(date, sizeof(date), "%d %b %Y %H:%M:%S", &when);
    int len = snprintf(out, room, "%d:%c %s.%03d %c ", (int)getpid(), l->role, date,
                       (int)(now_ms % 1000), marks[level]);
    assert(len > 0 && (size_t)len < room);
    return (size_t)len;
}

void logger_write(struct logger *l, enum log_level level, const char *fmt, ...)
{
    if (level < l->level)
        return;
    assert(level < LOG_LEVEL_NOTHING);
    int error = errno; /* kept for the caller, and for a %m in the message */
    char line[LOG_LINE_BYTES_MAX];
    size_t start = print_prefix(l, level, line, sizeof(line));

    va_list args;
    va_start(args, fmt);
    errno = error;
    int wanted = vsnprintf(line + start, sizeof(line) - start, fmt, args);
    va_end(args);
    assert(wanted >= 0);
    size_t end = start + (size_t)wanted;
    if (end > sizeof(line) - 1)
        end = sizeof(line) - 1;

    /* Control characters of a client or a file in the message must not forge another line. */
    for (size_t i = start; i < end; i++)
        if ((unsigned char)line[i] < ' ' && line[i] != '\t')
            line[i] = ' ';
    line[end++] = '\n';
    /* One write, so that lines of several processes do not mix. A failure cannot be reported. */
    ssize_t ignored = write(l->fd, line, end);
    (void)ignored;
    errno = error;
}
