/* Housekeeping, `hz` times a second. */
#include "admin/admin.h"
#include "server/server_impl.h"

void server_cron(struct server *s, int64_t now_us)
{
    admin_cron(s->admin, now_us);
    net_cron(s->net);
    http_cron(s->http);
    persist_cron(s, now_us);
    server_drain_cron(s, now_us);
}
