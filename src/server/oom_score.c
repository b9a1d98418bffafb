/* oom-score-adj: how gladly the kernel ends this process when memory is short. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/server_impl.h"

#define PATH          "/proc/self/oom_score_adj"
#define SCORE_MAX     1000 /* the kernel's limit, and below zero its least */
#define SCORE_OF_MAIN 0    /* which of the values; the others are for replicas and children */

static bool read_score(int *out)
{
    char text[32] = "";
    int fd = open(PATH, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    *out = atoi(text);
    return n > 0;
}

static bool write_score(int score)
{
    char text[32];
    int fd = open(PATH, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    int len = snprintf(text, sizeof(text), "%d", score);
    ssize_t n = write(fd, text, (size_t)len);
    int saved = errno;
    close(fd);
    errno = saved;
    return n == len;
}

static int clamp(int score)
{
    return score > SCORE_MAX ? SCORE_MAX : score < -SCORE_MAX ? -SCORE_MAX : score;
}

enum err server_oom_score(struct server *s, const struct config *next,
                          char error[CONFIG_ERROR_CHARS])
{
    bool wanted = next->oom_score != OOM_SCORE_AS_IT_IS;
    if (!wanted && !s->oom_score_set)
        return ERR_OK;
    if (!s->oom_score_set && !read_score(&s->oom_score_before))
        s->oom_score_before = 0;
    int score = s->oom_score_before;
    if (wanted)
        score = next->oom_score_values[SCORE_OF_MAIN] +
                (next->oom_score == OOM_SCORE_RELATIVE ? s->oom_score_before : 0);
    if (write_score(clamp(score))) {
        s->oom_score_set = wanted;
        return ERR_OK;
    }
    log_warning(&s->logger, "Cannot set %s to %d: %s", PATH, clamp(score), strerror(errno));
    snprintf(error, CONFIG_ERROR_CHARS, "Failed to set current oom_score_adj. Check server logs.");
    return ERR_IO;
}
