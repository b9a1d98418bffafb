#include "e2e/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/words.h"
#include "e2e/talk.h"

#define POLL_MS       5
#define ATTEMPTS_MAX  5 /* at a port that somebody else may have taken meanwhile */
#define LOG_BYTES_MAX (64 * 1024 * 1024)

void srv_sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

int64_t srv_now_ms(void)
{
    return clock_wall_ms();
}

int srv_free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

/* --- files ------------------------------------------------------------------------------------------ */

void srv_path(const struct srv *s, const char *name, char out[SRV_PATH_CHARS])
{
    int len = snprintf(out, SRV_PATH_CHARS, "%s/%s", s->dir, name);
    assert_in_range(len, 1, SRV_PATH_CHARS - 1);
}

void srv_write_file(const struct srv *s, const char *name, const char *text)
{
    char path[SRV_PATH_CHARS];
    srv_path(s, name, path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

char *srv_read_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    assert_int_equal(fstat(fd, &st), 0);
    assert_in_range(st.st_size, 0, LOG_BYTES_MAX);
    char *text = calloc(1, (size_t)st.st_size + 1);
    assert_non_null(text);
    ssize_t len = read(fd, text, (size_t)st.st_size);
    assert_true(len >= 0);
    close(fd);
    return text;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* --- starting --------------------------------------------------------------------------------------- */

struct srv *srv_new(void)
{
    struct srv *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    const char *base = getenv("TMPDIR");
    snprintf(s->dir, sizeof(s->dir), "%s/srv-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(s->dir));
    srv_path(s, "output", s->log_path);
    s->port = srv_free_port();
    return s;
}

/* The child: becomes the server. Nothing may return from here. */
static void become_server(const struct srv *s, char **argv, int input_fd, pid_t parent)
{
    int log_fd = open(s->log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (log_fd < 0 || getppid() != parent || chdir(s->dir) != 0 || dup2(input_fd, 0) < 0 ||
        dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        _exit(126);
    execv(argv[0], argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int open_input(const char *input)
{
    FILE *f = input ? tmpfile() : fopen("/dev/null", "r");
    assert_non_null(f);
    if (input) {
        assert_true(fputs(input, f) >= 0);
        rewind(f);
    }
    int fd = dup(fileno(f));
    fclose(f);
    return fd;
}

void srv_launch(struct srv *s, const char *words, const char *input)
{
    const char *bin = getenv("CORSAC_BIN");
    struct words w;
    words_init(&w);
    assert_int_equal(words_split(&w, slice_from_cstr(words)), ERR_OK);
    if (!bin)
        fail_msg("CORSAC_BIN must be the path of the server");

    char **argv = calloc((size_t)w.count + 2, sizeof(char *));
    assert_non_null(argv);
    argv[0] = strdup(bin);
    for (int i = 0; i < w.count; i++)
        argv[i + 1] = strndup(w.at[i].ptr ? w.at[i].ptr : "", w.at[i].len);

    int input_fd = open_input(input);
    pid_t parent = getpid();
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0)
        become_server(s, argv, input_fd, parent);
    close(input_fd);
    for (int i = 0; argv[i]; i++)
        free(argv[i]);
    free(argv);
    words_deinit(&w);
}

static bool ended(struct srv *s, int *status)
{
    pid_t pid = waitpid(s->pid, status, WNOHANG);
    assert_true(pid >= 0);
    if (pid == 0)
        return false;
    s->pid = 0;
    return true;
}

/* 1: it answers; 0: it ended; -1: neither in time. */
static int await(struct srv *s)
{
    int status;
    for (int ms = 0; ms < SRV_PATIENCE_MS; ms += POLL_MS) {
        redisContext *c = redisConnect("127.0.0.1", s->port);
        if (c && !c->err) {
            s->c = c;
            struct timeval patience = {SRV_PATIENCE_MS / 1000, 0};
            redisSetTimeout(c, patience);
            return 1;
        }
        redisFree(c);
        if (ended(s, &status))
            return 0;
        srv_sleep_ms(POLL_MS);
    }
    return -1;
}

static void fail_with_log(struct srv *s, const char *what)
{
    char *log = srv_log(s);
    fprintf(stderr, "%s; its output:\n%s\n", what, log); /* print_error() cuts long texts */
    free(log);
    srv_kill(&s);
    fail();
}

void srv_await(struct srv *s)
{
    int rc = await(s);
    if (rc <= 0)
        fail_with_log(s, rc == 0 ? "The server ended" : "The server does not answer");
}

struct srv *srv_start(const char *options)
{
    for (int attempt = 1;; attempt++) {
        struct srv *s = srv_new();
        size_t size = strlen(options) + SRV_PATH_CHARS + 128;
        char *words = malloc(size);
        assert_non_null(words);
        snprintf(words, size, "--port %d --dir %s --save \"\" --appendonly no %s", s->port, s->dir,
                 options);
        srv_launch(s, words, NULL);
        free(words);
        int rc = await(s);
        if (rc == 1)
            return s;
        char *log = srv_log(s);
        bool taken = strstr(log, "Address already in use") != NULL;
        free(log);
        if (rc < 0 || !taken || attempt == ATTEMPTS_MAX)
            fail_with_log(s, rc < 0 ? "The server does not answer" : "The server ended");
        srv_kill(&s);
    }
}

redisContext *srv_connect(const struct srv *s)
{
    struct timeval patience = {SRV_PATIENCE_MS / 1000, 0};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", s->port, patience);
    assert_non_null(c);
    if (c->err)
        fail_msg("cannot connect: %s", c->errstr);
    redisSetTimeout(c, patience);
    return c;
}

/* --- ending ----------------------------------------------------------------------------------------- */

static void disconnect(struct srv *s)
{
    if (s->c)
        redisFree(s->c);
    s->c = NULL;
}

int srv_wait(struct srv *s)
{
    int status = 0;
    for (int ms = 0; ms < SRV_PATIENCE_MS; ms += POLL_MS) {
        if (ended(s, &status))
            return status;
        srv_sleep_ms(POLL_MS);
    }
    fail_with_log(s, "The server does not end");
    return -1;
}

int srv_run(struct srv *s, const char *words, const char *input)
{
    if (truncate(s->log_path, 0) != 0)
        assert_int_equal(errno, ENOENT);
    srv_launch(s, words, input);
    int status = srv_wait(s);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void srv_kill(struct srv **sp)
{
    struct srv *s = *sp;
    if (!s)
        return;
    *sp = NULL;
    disconnect(s);
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    nftw(s->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(s);
}

void srv_stop(struct srv **sp)
{
    struct srv *s = *sp;
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    int status = srv_wait(s);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        *sp = NULL;
        fail_with_log(s, "SIGTERM: the exit status is not 0");
    }
    srv_kill(sp);
}

/* --- looking at it ---------------------------------------------------------------------------------- */

char *srv_log(const struct srv *s)
{
    char *text = srv_read_file(s->log_path);
    return text ? text : calloc(1, 1);
}

void srv_expect_log(const struct srv *s, const char *text)
{
    char *log = NULL;
    for (int ms = 0; ms < SRV_PATIENCE_MS; ms += POLL_MS) {
        free(log);
        log = srv_log(s);
        if (strstr(log, text)) {
            free(log);
            return;
        }
        srv_sleep_ms(POLL_MS);
    }
    fprintf(stderr, "Not in the log: %s\n%s\n", text, log);
    free(log);
    fail();
}

long srv_status_kb(const struct srv *s, const char *field)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)s->pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char line[256];
    long kb = -1;
    while (kb < 0 && fgets(line, sizeof(line), f))
        if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
            kb = strtol(line + strlen(field) + 1, NULL, 10);
    fclose(f);
    assert_true(kb >= 0);
    return kb;
}

bool srv_is_corsac(const struct srv *s)
{
    char version[64];
    return talk_info(s->c, "server", "corsac_version", version, sizeof(version));
}

/* --- fixtures --------------------------------------------------------------------------------------- */

int srv_group_setup(void **state)
{
    *state = srv_start("--enable-debug-command yes");
    return 0;
}

int srv_group_teardown(void **state)
{
    struct srv *s = *state;
    if (s) /* the setup may have failed */
        srv_stop(&s);
    *state = NULL;
    return 0;
}

int srv_test_setup(void **state)
{
    struct srv *s = *state;
    disconnect(s);
    s->c = srv_connect(s);
    talk_check(s->c, "CLIENT KILL SKIPME yes", ":*"); /* connections that a failed test left */
    talk_check(s->c, "FLUSHALL", "+OK");
    return 0;
}
