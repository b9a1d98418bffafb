#pragma once
/* Publish and subscribe: channels, patterns and shard channels; and keyspace notifications, which are published like
 * any message. */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "cmd/ctx.h"

struct rng;
struct session;
struct pubsub;

extern const struct cmd_row clients_rows_pubsub[]; /* (P|S)(UN)SUBSCRIBE (S)PUBLISH PUBSUB */

/* `rng` is borrowed within the call. */
struct pubsub *pubsub_new(struct rng *rng);
void pubsub_free(struct pubsub **p); /* all sessions must have left */

/* Sends to subscribers of the channel and of matching patterns; returns how many sessions got it. */
size_t pubsub_publish(struct pubsub *p, struct slice channel, struct slice message);
size_t pubsub_publish_shard(struct pubsub *p, struct slice channel, struct slice message);

/* --- subscriptions ---------------------------------------------------------------------------- */

/* The kinds of topics. Each kind has names of its own. */
enum pubsub_kind { PUBSUB_CHANNEL, PUBSUB_PATTERN, PUBSUB_SHARD, PUBSUB_KINDS };

/* ERR_EXISTS: the session was subscribed to it already; ERR_NOMEM: nothing changed. Copies the name. */
enum err pubsub_join(struct pubsub *p, struct session *s, enum pubsub_kind kind, struct slice name);
/* False: the session was not subscribed to it. */
bool pubsub_leave(struct session *s, enum pubsub_kind kind, struct slice name);
/* The name of the session's oldest subscription of a kind, valid until that is left. False: none. */
bool pubsub_oldest(const struct session *s, enum pubsub_kind kind, struct slice *name);
/* Leaves all topics, without a message to the session: for RESET and the end of a session. */
void pubsub_leave_all(struct session *s);

/* Subscriptions of a session: channels, patterns, shard channels. */
void pubsub_counts(const struct session *s, size_t *channels, size_t *patterns,
                   size_t *shard_channels);
size_t pubsub_session_memory(const struct session *s);

/* --- counts, lists ---------------------------------------------------------------------------- */

size_t pubsub_channel_count(const struct pubsub *p);
size_t pubsub_pattern_count(const struct pubsub *p);
size_t pubsub_shard_channel_count(const struct pubsub *p);
/* How many sessions are subscribed to the topic. */
size_t pubsub_subscribers(const struct pubsub *p, enum pubsub_kind kind, struct slice name);
/* Calls `fn` for each topic of a kind, oldest first. `fn` must not subscribe or leave. */
typedef void (*pubsub_each_fn)(struct slice name, void *arg);
void pubsub_each(const struct pubsub *p, enum pubsub_kind kind, pubsub_each_fn fn, void *arg);
/* For tests: every invariant, by assertion; unbounded. */
void pubsub_validate(const struct pubsub *p);

/* --- keyspace notifications (notify.c) -------------------------------------------------------- */

/* Publishes an event on a key to __keyspace@db__:key and __keyevent@db__:event, as far as `wanted` (enum notify_class)
 * asks for them. */
void notify_event(struct pubsub *p, unsigned wanted, int db, struct slice key, const char *event);
