#pragma once
/* Publish and subscribe: channels, patterns and shard channels; and keyspace notifications, which are
 * published like anything else. */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "cmd/ctx.h"

struct engine;
struct session;
struct pubsub;

extern const struct cmd_row engine_rows_pubsub[]; /* (P|S)(UN)SUBSCRIBE (S)PUBLISH PUBSUB */

struct pubsub *pubsub_new(struct engine *e);
void pubsub_free(struct pubsub **p);
/* Sends to subscribers of the channel and of matching patterns; returns how many got it. */
size_t pubsub_publish(struct pubsub *p, struct slice channel, struct slice message);
size_t pubsub_publish_shard(struct pubsub *p, struct slice channel, struct slice message);
/* Leaves everything, without telling the session: for RESET and the end of a session. */
void pubsub_leave_all(struct session *s);
/* Subscriptions of a session: channels, patterns, shard channels. */
void pubsub_counts(const struct session *s, size_t *channels, size_t *patterns, size_t *shard_channels);
size_t pubsub_channel_count(const struct pubsub *p);
size_t pubsub_pattern_count(const struct pubsub *p);
size_t pubsub_shard_channel_count(const struct pubsub *p);
size_t pubsub_session_memory(const struct session *s);

/* An event of a class on a key, to __keyspace@db__:key and __keyevent@db__:event as `config.notify` asks for. */
void notify_event(struct engine *e, int db, struct slice key, unsigned class, const char *event);
/* "KEA" <-> classes, as notify-keyspace-events writes them. False: an unknown letter. */
bool notify_parse(struct slice letters, unsigned *classes);
void notify_print(unsigned classes, char out[32]);
