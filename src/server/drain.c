/* An announced shutdown: /readyz says no for http-drain-ms, so that load balancers send requests elsewhere, while
 * clients are still served; then the server stops. */
#include "base/clock.h"
#include "server/server_impl.h"

static void stop(struct server *s)
{
    if (s->stop_loses) {
        persist_forsake(s);
        server_stop(s, s->stop_signal);
    } else {
        server_stop_finished(s, s->stop_signal);
    }
}

void server_drain(struct server *s, int signal, bool loses)
{
    int64_t ms = s->config.net.http_port ? s->config.http.drain_ms : 0;
    bool insists = s->stop == STOP_DRAINING;
    if (s->stop != STOP_NO && !insists && !loses)
        return;
    s->stop_signal = signal;
    s->stop_loses = loses;
    if (ms == 0 || s->stop != STOP_NO) {
        if (insists)
            s->stop = STOP_NO;
        stop(s);
        return;
    }
    s->stop = STOP_DRAINING;
    s->drained_us = clock_mono_us() + ms * 1000;
    log_notice(&s->logger, "Not ready any more: the end comes in %lld ms", (long long)ms);
}

void server_drain_cron(struct server *s, int64_t now_us)
{
    if (s->stop != STOP_DRAINING || now_us < s->drained_us)
        return;
    s->stop = STOP_NO;
    stop(s);
}
