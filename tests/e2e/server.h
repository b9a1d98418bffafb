#pragma once
/* A server of our own for a test program: started on a free loopback port in a directory of its own,
 * stopped by its process id, and never left behind: it dies with the program that started it.
 *
 * The binary is CORSAC_BIN. Nothing here is Corsac's own, so that the tests can be run against a Redis to
 * find out which of the two is wrong; what only Corsac has is asked for by srv_need_corsac().
 *
 * Whatever cannot be done fails the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/types.h>
#include <cmocka.h>

#define SRV_PATH_CHARS  256
#define SRV_PATIENCE_MS 20000 /* for whatever should take milliseconds: the machine may be busy */

/* Counts of a load: fewer where a sanitizer makes everything slow. */
#ifdef __SANITIZE_ADDRESS__
#define SRV_SCALED(n) ((n) / 10)
#else
#define SRV_SCALED(n) (n)
#endif

struct redisContext;

struct srv {
    pid_t pid; /* 0: not running (any more) */
    int port;
    char dir[SRV_PATH_CHARS];      /* its working directory, removed in the end */
    char log_path[SRV_PATH_CHARS]; /* standard output and standard error */
    struct redisContext *c;        /* a connection; NULL with srv_launch() */
};

/* Starts CORSAC_BIN with these options (words, quoted as in redis.conf) and waits until it answers. */
struct srv *srv_start(const char *options);
/* SIGTERM; it must end with exit status 0. Frees. */
void srv_stop(struct srv **s);
/* Ends it at once if it still runs. Frees. */
void srv_kill(struct srv **s);

/* The same in steps. A directory and a free port, with nothing running yet. */
struct srv *srv_new(void);
/* Starts CORSAC_BIN with exactly these words. `input`: what it reads from standard input, or NULL. */
void srv_launch(struct srv *s, const char *words, const char *input);
/* Waits until it answers at its port, and connects s->c. */
void srv_await(struct srv *s);
/* Waits for its end; returns what waitpid() says. */
int srv_wait(struct srv *s);
/* Launches and waits for the end; the exit status, with what it printed in the log. */
int srv_run(struct srv *s, const char *words, const char *input);

/* A further connection, with a timeout; the caller's to redisFree(). */
struct redisContext *srv_connect(const struct srv *s);
/* What it printed so far; the caller's to free(). */
char *srv_log(const struct srv *s);
/* Waits until the log contains the text. */
void srv_expect_log(const struct srv *s, const char *text);
/* A line of /proc/PID/status in kB, such as "VmRSS". */
long srv_status_kb(const struct srv *s, const char *field);

/* Fixtures for cmocka groups: *state is the server. */
int srv_group_setup(void **state); /* with DEBUG allowed */
int srv_group_teardown(void **state);
int srv_test_setup(void **state); /* no data, s->c as new */

/* Skips the test when the server is no Corsac. */
#define srv_need_corsac(s)     \
    do {                       \
        if (!srv_is_corsac(s)) \
            skip();            \
    } while (0)
bool srv_is_corsac(const struct srv *s);

/* Files in the server's directory. */
void srv_path(const struct srv *s, const char *name, char out[SRV_PATH_CHARS]);
void srv_write_file(const struct srv *s, const char *name, const char *text);
char *srv_read_file(const char *path); /* the caller's to free(); NULL: there is none */

/* A port of 127.0.0.1 where nobody listens now. */
int srv_free_port(void);
void srv_sleep_ms(int ms);
int64_t srv_now_ms(void); /* wall clock */
