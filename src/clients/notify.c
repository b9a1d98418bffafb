/* Keyspace notifications: events on keys, published on two channels, named after the key and after the event. */
#include "base/buf.h"
#include "clients/pubsub.h"

static void publish(struct pubsub *p, const char *what, int db, struct slice name,
                    struct slice message)
{
    struct buf channel;
    buf_init(&channel);
    buf_printf(&channel, "__%s@%d__:", what, db);
    buf_append_slice(&channel, name);
    if (channel.err == ERR_OK)
        pubsub_publish(p, buf_slice(&channel), message);
    buf_deinit(&channel);
}

void notify_event(struct pubsub *p, unsigned wanted, int db, struct slice key, const char *event)
{
    if (pubsub_channel_count(p) == 0 && pubsub_pattern_count(p) == 0)
        return;
    struct slice name = slice_from_cstr(event);
    if (wanted & NOTIFY_KEYSPACE)
        publish(p, "keyspace", db, key, name);
    if (wanted & NOTIFY_KEYEVENT)
        publish(p, "keyevent", db, name, key);
}
