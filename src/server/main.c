/* From the command line to a running server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/check_aof.h"
#include "server/server_impl.h"
#include "server/title.h"
#include "engine/version.h"

#define PIDFILE_DEFAULT "/var/run/corsac.pid" /* of a server in the background */

static int print(struct buf *text)
{
    fputs(buf_cstr(text), stdout);
    buf_deinit(text);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int print_version(void)
{
    struct buf text;
    buf_init(&text);
    version_line(&text);
    buf_append_char(&text, '\n');
    return print(&text);
}

static int print_usage(void)
{
    struct buf text;
    buf_init(&text);
    config_usage(&server_options, &text);
    return print(&text);
}

/* Reads the file, then standard input, then the command line: a later value replaces an earlier one. */
static void read_config(int argc, char **argv, const struct config_args *args, struct config *c,
                        struct config_problems *p)
{
    struct config_loader l = {
        .options = &server_options, .config = c, .problems = p, .files = &config_files_real};
    config_init(c, &server_options);
    if (args->file)
        config_load_file(&l, args->file);
    if (args->stdin_too)
        config_load_file(&l, "-");
    config_args_load(&l, argc, argv);
}

static void print_problems(const struct config_problems *p, FILE *out)
{
    for (int i = 0; i < p->count; i++)
        fprintf(out, "%s: %s\n", p->at[i].fatal ? "error" : "warning", p->at[i].text);
}

/* Finds errors of rename-command, which otherwise only a start would find. */
static void check_renames(const struct config *c, struct config_problems *p)
{
    char error[CONFIG_ERROR_CHARS];
    struct cmd_table *t = server_table_new();
    if (server_rename_commands(t, c->renames, error) != ERR_OK)
        config_problem(p, true, "%s", error);
    cmd_table_free(&t);
}

static int check_config(const struct config *c, struct config_problems *p)
{
    check_renames(c, p);
    print_problems(p, stdout);
    if (p->fatal == 0)
        puts("ok");
    else
        printf("%d error%s\n", p->fatal, p->fatal == 1 ? "" : "s");
    return p->fatal ? 1 : 0;
}

static void log_start(struct server *s, const struct config_problems *p,
                      const struct config_args *args)
{
    struct logger *l = &s->logger;
    struct buf version;
    buf_init(&version);
    version_line(&version);
    log_notice(l, "Corsac is starting, PID: %d", (int)getpid());
    log_notice(l, "%s", buf_cstr(&version));
    buf_deinit(&version);
    if (s->config_host.file)
        log_notice(l, "Configuration read from %s", s->config_host.file);
    else if (args->stdin_too)
        log_notice(l, "Configuration read from standard input");
    else
        log_notice(
            l, "No configuration file: every option is at its default or as the command line says");
    for (int i = 0; i < p->count; i++)
        log_warning(l, "%s", p->at[i].text);
}

static void log_ready(struct server *s)
{
    char where[NET_BIND_MAX + 1][128];
    int n = net_listening(s->net, where, NET_BIND_MAX + 1);
    log_notice(&s->logger, "Server initialized: %lld databases in %lld shard%s, %s",
               (long long)s->config.databases, (long long)s->config.shards,
               s->config.shards == 1 ? "" : "s",
               s->config.aof ? "kept in an append-only file" : "in memory only");
    for (int i = 0; i < n; i++)
        log_notice(&s->logger, "Listening on %s", where[i]);
    n = net_guest_listening(s->net, where, NET_BIND_MAX + 1);
    for (int i = 0; i < n; i++)
        log_notice(&s->logger, "HTTP at http://%s/", where[i]);
    if (!s->persist.loading)
        server_ready(s);
}

static void write_pidfile(struct server *s)
{
    if (s->config.daemonize && !s->config.pidfile[0]) {
        mem_free(s->config.pidfile);
        s->config.pidfile = mem_strdup(PIDFILE_DEFAULT);
    }
    if (!s->config.pidfile[0])
        return;
    s->pidfile_written = pidfile_write(s->config.pidfile) == ERR_OK;
    if (!s->pidfile_written)
        log_warning(&s->logger, "Cannot write the process id to %s: %s", s->config.pidfile,
                    strerror(errno));
}

/* Shows the title in place of the arguments, whose memory it takes. */
static void show_title(struct server *s, struct title *takes)
{
    char error[CONFIG_ERROR_CHARS];
    s->title = takes;
    if (!s->config.set_proc_title)
        return;
    title_claim(takes);
    (void)server_title(s, &s->config, error); /* its form was checked before */
}

static char *absolute(const char *path)
{
    char *real = path ? realpath(path, NULL) : NULL;
    char *copy = real ? mem_strdup(real) : NULL;
    free(real);
    return copy;
}

/* Starts the server, up to where clients are served. NULL: it has failed, and the reason is printed. */
static struct server *start(struct config *c, const struct config_problems *p,
                            const struct config_args *args, struct title *t)
{
    char error[CONFIG_ERROR_CHARS] = "", where[1][128];
    char *config_file = absolute(args->file); /* before `dir` changes the working directory */
    struct server *s = server_new(c, error);
    if (!s) {
        fprintf(stderr, "cannot start: %s\n", error);
        mem_free(config_file);
        return NULL;
    }
    s->config_host.file = config_file;
    s->executable = absolute("/proc/self/exe");
    log_start(s, p, args);
    crash_init(s);
    (void)server_oom_score(s, &s->config, error); /* logs its failure itself */
    if (s->config.bind_source[0])
        log_warning(&s->logger,
                    "bind-source-addr says where connections to other servers come from, such as a "
                    "replica's to its master: none goes out yet");
    /* The sockets come first: a client may connect early, and is answered once the log is open. */
    if (server_listen(s, error) != ERR_OK) {
        log_warning(&s->logger, "Failed listening on port %u: %s", s->config.net.port, error);
        if (s->logger.path)
            fprintf(stderr, "cannot start: %s\n", error);
        server_free(&s);
        return NULL;
    }
    if (net_listening(s->net, where, 1) == 0) {
        log_warning(&s->logger, "Cannot start: " SERVER_NOWHERE);
        if (s->logger.path)
            fprintf(stderr, "cannot start: " SERVER_NOWHERE "\n");
        server_free(&s);
        return NULL;
    }
    supervisor_started(s);
    if (persist_open(s, error) != ERR_OK) {
        log_warning(&s->logger, "Cannot start: %s", error);
        if (s->logger.path)
            fprintf(stderr, "cannot start: %s\n", error);
        server_free(&s);
        return NULL;
    }
    write_pidfile(s);
    show_title(s, t);
    log_ready(s);
    return s;
}

/* Takes the title. */
static int serve(struct config *c, const struct config_problems *p, const struct config_args *args,
                 struct title *t)
{
    /* A supervisor follows this process, so that no child may take its place. */
    bool daemonize = c->daemonize && !supervisor_is_there(c);
    int ready_fd = -1;
    if (daemonize && daemon_start(&ready_fd) != ERR_OK) {
        fprintf(stderr, "cannot go into the background: %s\n", strerror(errno));
        config_deinit(c, &server_options);
        title_free(&t);
        return 1;
    }
    struct server *s = start(c, p, args, t);
    if (!s) {
        title_free(&t);
        return 1;
    }
    if (daemonize)
        daemon_ready(ready_fd);
    server_run(s);
    int status = s->failed ? 1 : 0;
    /* The kernel frees the memory faster than a loop over all keys. Only a search for leaks needs that loop, as it does
     * not see keys behind the tagged pointers of their tables. */
#ifdef CORSAC_LIBC_MALLOC
    server_free(&s);
#endif
    return status;
}

int main(int argc, char **argv)
{
    struct config_args args;
    if (argc > 1 && strcmp(argv[1], "--check-aof") == 0)
        return check_aof_main(argc, argv);
    config_args_scan(argc, argv, &args);
    if (args.mode == CONFIG_VERSION)
        return print_version();
    if (args.mode == CONFIG_USAGE)
        return print_usage();

    struct config c;
    struct config_problems problems;
    config_problems_init(&problems);
    read_config(argc, argv, &args, &c, &problems);
    int status = 1;
    if (args.mode == CONFIG_CHECK) {
        status = check_config(&c, &problems);
        config_deinit(&c, &server_options);
    } else if (problems.fatal) {
        print_problems(&problems, stderr);
        config_deinit(&c, &server_options);
    } else {
        status = serve(&c, &problems, &args, title_new(argc, argv));
    }
    config_problems_deinit(&problems);
    return status;
}
