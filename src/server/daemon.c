/* Runs the server in the background, and keeps the file with its process id. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/server.h"

enum err daemon_start(int *ready_fd)
{
    int ends[2];
    if (pipe(ends) != 0)
        return ERR_IO;
    pid_t child = fork();
    if (child < 0)
        return ERR_IO;
    if (child > 0) {
        char ready;
        close(ends[1]);
        _exit(read(ends[0], &ready, 1) == 1 ? 0 : 1);
    }
    close(ends[0]);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    setsid();
    *ready_fd = ends[1];
    return ERR_OK;
}

void daemon_ready(int ready_fd)
{
    int fd = open("/dev/null", O_RDWR);
    if (fd >= 0) {
        dup2(fd, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        if (fd > STDERR_FILENO)
            close(fd);
    }
    if (write(ready_fd, "r", 1) != 1) /* the parent has gone */
        errno = 0;
    close(ready_fd);
}

enum err pidfile_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return ERR_IO;
    int written = dprintf(fd, "%d\n", (int)getpid());
    int saved = errno;
    close(fd);
    errno = saved;
    return written > 0 ? ERR_OK : ERR_IO;
}

void pidfile_remove(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n > 0 && strtol(text, NULL, 10) == (long)getpid())
        unlink(path);
}
