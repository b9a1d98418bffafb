/* Subscriptions, and the delivery of messages.
 *
 * A topic is a channel, a pattern or a shard channel that has subscribers. A subscription ties one session to one topic
 * and stands in both of their lists; a table finds it by the pair. So joining, leaving and the end of a session cost
 * constant time a subscription, however many there are on either side.
 *
 *      topic   --> subscription --> subscription      (other sessions)
 *                       |
 *      session --> subscription --> subscription      (other topics)
 */
#include "clients/pubsub.h"

#include <assert.h>
#include <stdio.h>

#include "base/blob.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/siphash.h"
#include "ds/table.h"
#include "engine/dlist.h"
#include "engine/session.h"

#define TABLE_WORK_BUCKETS 4 /* by which each removal advances the shrinking of its table */

struct topic {
    struct dlist in_kind;       /* of all topics of the kind */
    struct dlist subscriptions; /* of struct subscription; never empty but while it is made */
    size_t count;               /* of subscriptions */
    size_t len;
    uint32_t hash;
    enum pubsub_kind kind;
    struct glob *glob; /* of a pattern */
    char name[];
};

struct subscription {
    struct dlist in_topic;
    struct dlist in_session;
    struct topic *topic;
    struct session *session;
};

/* There is one only while the session is subscribed to anything. */
struct session_pubsub {
    struct pubsub *pubsub;
    struct dlist subscriptions[PUBSUB_KINDS]; /* of struct subscription, oldest first */
    size_t count[PUBSUB_KINDS];
};

struct pubsub {
    struct table names[PUBSUB_KINDS];  /* of struct topic, by name */
    struct dlist topics[PUBSUB_KINDS]; /* the same, oldest first */
    struct table pairs;                /* of struct subscription, by topic and session */
    struct siphash_key hash_key;
};

/* --- tables ----------------------------------------------------------------------------------- */

struct pair {
    const struct topic *topic;
    const struct session *session;
};

static uint32_t hash_name(const struct pubsub *p, struct slice name)
{
    return (uint32_t)siphash13(&p->hash_key, name.ptr, name.len);
}

static uint32_t hash_pair(const struct pubsub *p, const struct pair *pair)
{
    return (uint32_t)siphash13(&p->hash_key, pair, sizeof(*pair));
}

static uint32_t rehash_topic(const void *topic, void *arg)
{
    (void)arg;
    return ((const struct topic *)topic)->hash;
}

static uint32_t rehash_subscription(const void *subscription, void *pubsub)
{
    const struct subscription *sub = subscription;
    return hash_pair(pubsub, &(struct pair){sub->topic, sub->session});
}

static struct slice topic_name(const struct topic *t)
{
    return slice_of(t->name, t->len);
}

static bool is_topic(const void *topic, const void *name)
{
    return slice_equal(topic_name(topic), *(const struct slice *)name);
}

static bool is_subscription(const void *subscription, const void *pair)
{
    const struct subscription *sub = subscription;
    const struct pair *wanted = pair;
    return sub->topic == wanted->topic && sub->session == wanted->session;
}

static struct topic *find_topic(const struct pubsub *p, enum pubsub_kind kind, struct slice name,
                                uint32_t hash)
{
    struct table_pos pos = table_find(&p->names[kind], hash, is_topic, &name);
    return pos.bucket ? table_at(pos) : NULL;
}

static struct subscription *find_subscription(const struct pubsub *p, const struct topic *t,
                                              const struct session *s)
{
    struct pair pair = {t, s};
    struct table_pos pos = table_find(&p->pairs, hash_pair(p, &pair), is_subscription, &pair);
    return pos.bucket ? table_at(pos) : NULL;
}

static void remove_from(struct table *t, uint32_t hash, table_match_fn match, const void *key)
{
    struct table_pos pos = table_find(t, hash, match, key);
    assert(pos.bucket);
    table_remove(t, pos, hash);
    table_work(t, TABLE_WORK_BUCKETS);
}

/* --- topics and subscriptions ----------------------------------------------------------------- */

struct pubsub *pubsub_new(struct rng *rng)
{
    struct pubsub *p = mem_zalloc(sizeof(*p));
    p->hash_key = (struct siphash_key){rng_next(rng), rng_next(rng)};
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) {
        table_init(&p->names[kind], rehash_topic, NULL);
        dlist_init(&p->topics[kind]);
    }
    table_init(&p->pairs, rehash_subscription, p);
    return p;
}

void pubsub_free(struct pubsub **pubsub)
{
    struct pubsub *p = *pubsub;
    assert(p->pairs.count == 0);
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        table_deinit(&p->names[kind]);
    table_deinit(&p->pairs);
    mem_free(p);
    *pubsub = NULL;
}

/* NULL: no memory. */
static struct topic *topic_new(struct pubsub *p, enum pubsub_kind kind, struct slice name,
                               uint32_t hash)
{
    struct topic *t = mem_try_alloc(sizeof(*t) + name.len);
    if (!t)
        return NULL;
    *t = (struct topic){.len = name.len, .hash = hash, .kind = kind};
    if (name.len)
        memcpy(t->name, name.ptr, name.len);
    bool fine = kind != PUBSUB_PATTERN || (t->glob = glob_try_new(name, false));
    if (!fine || table_insert(&p->names[kind], hash, t) != ERR_OK) {
        glob_free(&t->glob);
        mem_free(t);
        return NULL;
    }
    dlist_init(&t->subscriptions);
    dlist_append(&p->topics[kind], &t->in_kind);
    return t;
}

static void topic_free_unused(struct pubsub *p, struct topic *t)
{
    if (t->count > 0)
        return;
    struct slice name = topic_name(t);
    remove_from(&p->names[t->kind], t->hash, is_topic, &name);
    dlist_remove(&t->in_kind);
    glob_free(&t->glob);
    mem_free(t);
}

static struct session_pubsub *session_pubsub_new(struct pubsub *p)
{
    struct session_pubsub *own = mem_try_zalloc(sizeof(*own));
    if (!own)
        return NULL;
    own->pubsub = p;
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        dlist_init(&own->subscriptions[kind]);
    return own;
}

static void session_pubsub_free_unused(struct session *s)
{
    struct session_pubsub *own = session_pubsub(s);
    const size_t *count = own->count;
    if (count[PUBSUB_CHANNEL] + count[PUBSUB_PATTERN] + count[PUBSUB_SHARD] > 0)
        return;
    session_set_pubsub(s, NULL);
    mem_free(own);
}

static enum err tie(struct pubsub *p, struct topic *t, struct session *s)
{
    struct subscription *sub = mem_try_alloc(sizeof(*sub));
    if (!sub)
        return ERR_NOMEM;
    *sub = (struct subscription){.topic = t, .session = s};
    if (table_insert(&p->pairs, rehash_subscription(sub, p), sub) != ERR_OK) {
        mem_free(sub);
        return ERR_NOMEM;
    }
    dlist_append(&t->subscriptions, &sub->in_topic);
    dlist_append(&session_pubsub(s)->subscriptions[t->kind], &sub->in_session);
    t->count++;
    session_pubsub(s)->count[t->kind]++;
    return ERR_OK;
}

static void untie(struct pubsub *p, struct subscription *sub)
{
    struct topic *t = sub->topic;
    struct session *s = sub->session;
    remove_from(&p->pairs, rehash_subscription(sub, p), is_subscription, &(struct pair){t, s});
    dlist_remove(&sub->in_topic);
    dlist_remove(&sub->in_session);
    mem_free(sub);
    t->count--;
    session_pubsub(s)->count[t->kind]--;
    topic_free_unused(p, t);
    session_pubsub_free_unused(s);
}

enum err pubsub_join(struct pubsub *p, struct session *s, enum pubsub_kind kind, struct slice name)
{
    uint32_t hash = hash_name(p, name);
    struct topic *t = find_topic(p, kind, name, hash);
    if (t && find_subscription(p, t, s))
        return ERR_EXISTS;
    if (!session_pubsub(s)) {
        struct session_pubsub *own = session_pubsub_new(p);
        if (!own)
            return ERR_NOMEM;
        session_set_pubsub(s, own);
    }
    if (!t)
        t = topic_new(p, kind, name, hash);
    enum err err = t ? tie(p, t, s) : ERR_NOMEM;
    if (err) {
        if (t)
            topic_free_unused(p, t);
        session_pubsub_free_unused(s);
    }
    return err;
}

bool pubsub_leave(struct session *s, enum pubsub_kind kind, struct slice name)
{
    const struct session_pubsub *own = session_pubsub(s);
    if (!own)
        return false;
    struct pubsub *p = own->pubsub;
    struct topic *t = find_topic(p, kind, name, hash_name(p, name));
    struct subscription *sub = t ? find_subscription(p, t, s) : NULL;
    if (sub)
        untie(p, sub);
    return sub != NULL;
}

static struct subscription *oldest(const struct session *s, enum pubsub_kind kind)
{
    const struct session_pubsub *own = session_pubsub(s);
    if (!own || dlist_empty(&own->subscriptions[kind]))
        return NULL;
    return dlist_owner(own->subscriptions[kind].next, struct subscription, in_session);
}

bool pubsub_oldest(const struct session *s, enum pubsub_kind kind, struct slice *name)
{
    const struct subscription *sub = oldest(s, kind);
    if (sub)
        *name = topic_name(sub->topic);
    return sub != NULL;
}

void pubsub_leave_all(struct session *s)
{
    struct subscription *sub;
    for (enum pubsub_kind kind = 0; kind < PUBSUB_KINDS; kind++)
        while ((sub = oldest(s, kind)))
            untie(session_pubsub(s)->pubsub, sub);
}

/* --- counts ----------------------------------------------------------------------------------- */

void pubsub_counts(const struct session *s, size_t *channels, size_t *patterns,
                   size_t *shard_channels)
{
    static const struct session_pubsub none;
    const struct session_pubsub *own = session_pubsub(s) ? session_pubsub(s) : &none;
    *channels = own->count[PUBSUB_CHANNEL];
    *patterns = own->count[PUBSUB_PATTERN];
    *shard_channels = own->count[PUBSUB_SHARD];
}

/* Names are shared by all subscribers, so that no session counts them. */
size_t pubsub_session_memory(const struct session *s)
{
    if (!session_is_subscribed(s))
        return 0;
    size_t channels, patterns, shard_channels;
    pubsub_counts(s, &channels, &patterns, &shard_channels);
    return sizeof(struct session_pubsub) +
           (channels + patterns + shard_channels) * sizeof(struct subscription);
}

size_t pubsub_channel_count(const struct pubsub *p)
{
    return p->names[PUBSUB_CHANNEL].count;
}

size_t pubsub_pattern_count(const struct pubsub *p)
{
    return p->names[PUBSUB_PATTERN].count;
}

size_t pubsub_shard_channel_count(const struct pubsub *p)
{
    return p->names[PUBSUB_SHARD].count;
}

size_t pubsub_subscribers(const struct pubsub *p, enum pubsub_kind kind, struct slice name)
{
    const struct topic *t = find_topic(p, kind, name, hash_name(p, name));
    return t ? t->count : 0;
}

void pubsub_each(const struct pubsub *p, enum pubsub_kind kind, pubsub_each_fn fn, void *arg)
{
    const struct dlist *all = &p->topics[kind];
    for (const struct dlist *at = all->next; at != all; at = at->next)
        fn(topic_name(dlist_owner(at, struct topic, in_kind)), arg);
}

/* --- messages --------------------------------------------------------------------------------- */

#define WORDS_MAX_IN_MESSAGE 4

/* A message without its first byte, by which alone RESP2 ('*') and RESP3 ('>') differ: so it is formatted once, and
 * when it is large, held once, however many sessions get it. NULL: no memory. */
static struct blob *format_message(const struct slice *words, int count)
{
    char heads[WORDS_MAX_IN_MESSAGE][32];
    size_t len = sizeof("4\r\n") - 1;
    assert(count <= WORDS_MAX_IN_MESSAGE);
    for (int i = 0; i < count; i++)
        len += (size_t)snprintf(heads[i], sizeof(heads[i]), "$%zu\r\n", words[i].len) +
               words[i].len + 2;
    struct blob *b = blob_try_new(len, len);
    if (!b)
        return NULL;
    char *at = b->data;
    *at++ = (char)('0' + count);
    at = mempcpy(at, "\r\n", 2);
    for (int i = 0; i < count; i++) {
        at = mempcpy(at, heads[i], strlen(heads[i]));
        if (words[i].len)
            at = mempcpy(at, words[i].ptr, words[i].len);
        at = mempcpy(at, "\r\n", 2);
    }
    assert(at == b->data + len);
    return b;
}

static bool deliver(struct session *s, struct blob *message)
{
    struct resp_writer *w = session_push_open(s);
    if (!w)
        return false;
    char first = w->proto > 2 ? '>' : '*';
    if (message->len < RESP_REF_BYTES_MIN) {
        char *at = outq_reserve(w->out, message->len + 1);
        *at = first;
        memcpy(at + 1, message->data, message->len);
        outq_commit(w->out, message->len + 1);
    } else {
        outq_append(w->out, &first, 1);
        outq_append_ref(w->out, message->data, message->len, blob_drop_owner, blob_hold(message));
    }
    session_push_close(s);
    return true;
}

/* Returns how many sessions got the message; 0 also where there is no memory for it. */
static size_t send_to_subscribers(const struct topic *t, const struct slice *words, int count)
{
    size_t receivers = 0;
    struct blob *message = format_message(words, count);
    if (!message)
        return 0;
    const struct dlist *all = &t->subscriptions;
    for (const struct dlist *at = all->next; at != all; at = at->next)
        receivers += deliver(dlist_owner(at, struct subscription, in_topic)->session, message);
    blob_drop(message);
    return receivers;
}

size_t pubsub_publish(struct pubsub *p, struct slice channel, struct slice message)
{
    size_t receivers = 0;
    const struct topic *t = find_topic(p, PUBSUB_CHANNEL, channel, hash_name(p, channel));
    if (t)
        receivers = send_to_subscribers(t, (struct slice[]){SLICE("message"), channel, message}, 3);
    const struct dlist *patterns = &p->topics[PUBSUB_PATTERN];
    for (const struct dlist *at = patterns->next; at != patterns; at = at->next) {
        t = dlist_owner(at, struct topic, in_kind);
        struct slice pattern = topic_name(t);
        if (!glob_test(t->glob, channel))
            continue;
        receivers += send_to_subscribers(
            t, (struct slice[]){SLICE("pmessage"), pattern, channel, message}, 4);
    }
    return receivers;
}

size_t pubsub_publish_shard(struct pubsub *p, struct slice channel, struct slice message)
{
    const struct topic *t = find_topic(p, PUBSUB_SHARD, channel, hash_name(p, channel));
    if (!t)
        return 0;
    return send_to_subscribers(t, (struct slice[]){SLICE("smessage"), channel, message}, 3);
}

/* --- for tests -------------------------------------------------------------------------------- */

static size_t validate_topic(const struct pubsub *p, const struct topic *t)
{
    size_t count = 0;
    const struct dlist *all = &t->subscriptions;
    assert(find_topic(p, t->kind, topic_name(t), t->hash) == t);
    for (const struct dlist *at = all->next; at != all; at = at->next, count++) {
        const struct subscription *sub = dlist_owner(at, struct subscription, in_topic);
        assert(sub->topic == t && session_is_subscribed(sub->session));
        assert(find_subscription(p, t, sub->session) == sub);
    }
    assert(count == t->count && count > 0);
    return count;
}

void pubsub_validate(const struct pubsub *p)
{
    size_t subscriptions = 0;
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) {
        size_t topics = 0;
        const struct dlist *all = &p->topics[kind];
        for (const struct dlist *at = all->next; at != all; at = at->next, topics++)
            subscriptions += validate_topic(p, dlist_owner(at, struct topic, in_kind));
        assert(topics == p->names[kind].count);
        table_validate(&p->names[kind]);
    }
    assert(subscriptions == p->pairs.count);
    table_validate(&p->pairs);
}
