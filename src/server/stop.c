/* Tells that clients are served, and notes for the loop that it is to stop. */
#include "server/server_impl.h"

void server_ready(struct server *s)
{
    log_notice(&s->logger, "Ready to accept connections");
    supervisor_ready(s);
}

void server_stop(struct server *s, int signal)
{
    s->stop = STOP_ASKED;
    s->stop_signal = signal;
}

bool server_stop_abort(struct server *s)
{
    if (s->stop == STOP_NO)
        return false;
    s->stop = STOP_NO;
    log_notice(&s->logger, "Shutdown manually aborted");
    return true;
}
