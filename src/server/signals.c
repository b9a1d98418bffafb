/* Signals that ask for something: SIGTERM and SIGINT to stop, SIGHUP to open the log file again (log rotation). The
 * event loop turns them into calls, so that they run between requests. */
#include <event2/event.h>
#include <signal.h>
#include <unistd.h>

#include "server/server_impl.h"

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
    struct server *s = arg;
    (void)what;
    log_warning(&s->logger, "Received %s scheduling shutdown...",
                sig == SIGINT ? "SIGINT" : "SIGTERM");
    if (s->stop != STOP_NO && sig == SIGINT)
        _exit(1); /* a second SIGINT does not wait */
    unsigned words = sig == SIGINT ? s->config.on_sigint : s->config.on_sigterm;
    server_drain(s, (int)sig, words & (OPTION_SHUTDOWN_NOSAVE | OPTION_SHUTDOWN_FORCE));
}

static void on_reopen(evutil_socket_t sig, short what, void *arg)
{
    struct server *s = arg;
    (void)sig;
    (void)what;
    if (logger_reopen(&s->logger) != ERR_OK)
        log_warning(&s->logger, "Received SIGHUP, but the log file cannot be opened again");
    else
        log_notice(&s->logger, "Received SIGHUP, the log file is open again");
}

static struct event *add(struct server *s, int sig, event_callback_fn fn)
{
    struct event *e = evsignal_new(s->base, sig, fn, s);
    if (e)
        event_add(e, NULL);
    return e;
}

enum err signals_init(struct server *s)
{
    signal(SIGPIPE, SIG_IGN); /* writes to a closed socket fail instead */
    signal(SIGXFSZ, SIG_IGN); /* so do writes past `ulimit -f` */
    s->on_term = add(s, SIGTERM, on_stop);
    s->on_int = add(s, SIGINT, on_stop);
    s->on_hup = add(s, SIGHUP, on_reopen);
    return s->on_term && s->on_int && s->on_hup ? ERR_OK : ERR_NOMEM;
}

void signals_deinit(struct server *s)
{
    struct event **events[] = {&s->on_term, &s->on_int, &s->on_hup};
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (*events[i]) {
            event_free(*events[i]);
            *events[i] = NULL;
        }
}

static void exit_at_once(int sig)
{
    (void)sig;
    _exit(1);
}

void signals_insist(void)
{
    struct sigaction now = {.sa_handler = exit_at_once};
    sigemptyset(&now.sa_mask);
    sigaction(SIGINT, &now, NULL);
}
