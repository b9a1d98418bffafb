/* Tells the supervisor of the process how far it is: systemd by a datagram to the socket that NOTIFY_SOCKET names,
 * upstart by stopping once. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/server_impl.h"

static enum option_supervised supervisor_of(const struct config *c)
{
    const char *path = getenv("NOTIFY_SOCKET");
    bool systemd = path && path[0], upstart = getenv("UPSTART_JOB") != NULL;
    if (systemd && (c->supervised == SUPERVISED_SYSTEMD || c->supervised == SUPERVISED_AUTO))
        return SUPERVISED_SYSTEMD;
    if (upstart && (c->supervised == SUPERVISED_UPSTART || c->supervised == SUPERVISED_AUTO))
        return SUPERVISED_UPSTART;
    return SUPERVISED_NO;
}

bool supervisor_is_there(const struct config *c)
{
    return supervisor_of(c) != SUPERVISED_NO;
}

/* A name that begins with '@' is one of the abstract namespace, whose first byte is zero. */
static bool send_to(const char *path, const char *message)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    errno = EINVAL;
    if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(to.sun_path))
        return false;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    socklen_t to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    ssize_t n = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&to, to_len);
    int saved = errno;
    close(fd);
    errno = saved;
    return n >= 0;
}

static void tell_systemd(struct server *s, const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path && supervisor_of(&s->config) == SUPERVISED_SYSTEMD && !send_to(path, message))
        log_warning(&s->logger, "Cannot tell the supervisor at %s: %s", path, strerror(errno));
}

void supervisor_started(struct server *s)
{
    bool wanted =
        s->config.supervised == SUPERVISED_SYSTEMD || s->config.supervised == SUPERVISED_UPSTART;
    if (wanted && !supervisor_is_there(&s->config))
        log_warning(&s->logger, "supervised is set, but %s is not in the environment",
                    s->config.supervised == SUPERVISED_SYSTEMD ? "NOTIFY_SOCKET" : "UPSTART_JOB");
    tell_systemd(s, "STATUS=Loading the append-only file");
}

void supervisor_ready(struct server *s)
{
    tell_systemd(s, "STATUS=Ready to accept connections\nREADY=1");
    if (supervisor_of(&s->config) == SUPERVISED_UPSTART) {
        unsetenv("UPSTART_JOB"); /* once */
        raise(SIGSTOP);
    }
}

void supervisor_stopping(struct server *s)
{
    tell_systemd(s, "STATUS=Writing out what is left\nSTOPPING=1");
}
