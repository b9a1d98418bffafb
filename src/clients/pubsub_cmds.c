/* SUBSCRIBE and its kin, PUBLISH and PUBSUB. */
#include "base/glob.h"
#include "clients/clients_impl.h"
#include "clients/pubsub.h"
#include "engine/session.h"

static struct pubsub *pubsub_of(const struct cmd_ctx *c)
{
    return clients_of(c)->pubsub;
}

/* --- subscribing ------------------------------------------------------------------------------ */

/* The count in a confirmation: shard channels alone, channels and patterns together. */
static size_t subscriptions(const struct session *s, enum pubsub_kind kind)
{
    size_t channels, patterns, shard_channels;
    pubsub_counts(s, &channels, &patterns, &shard_channels);
    return kind == PUBSUB_SHARD ? shard_channels : channels + patterns;
}

/* Confirmations are messages as well as replies: CLIENT REPLY OFF, which drops replies, lets them pass. */
static struct resp_writer *confirm_open(struct cmd_ctx *c)
{
    struct resp_writer *w = NULL;
    if (session_drops_reply(c->session))
        w = session_push_open(c->session);
    return w ? w : c->out;
}

/* `name` NULL: there was nothing to leave. */
static void confirm(struct cmd_ctx *c, const char *what, const struct slice *name, size_t count)
{
    struct resp_writer *w = confirm_open(c);
    resp_push(w, 3);
    resp_bulk_cstr(w, what);
    if (name)
        resp_bulk(w, *name);
    else
        resp_null(w);
    resp_int(w, (int64_t)count);
    if (w != c->out)
        session_push_close(c->session);
}

static void subscribe(struct cmd_ctx *c, enum pubsub_kind kind)
{
    for (int i = 1; i < c->argc; i++) {
        if (pubsub_join(pubsub_of(c), c->session, kind, c->argv[i]) == ERR_NOMEM) {
            ctx_reply_nomem(c);
            return;
        }
        confirm(c, c->cmd->row->name, &c->argv[i], subscriptions(c->session, kind));
    }
}

static void unsubscribe_all(struct cmd_ctx *c, enum pubsub_kind kind)
{
    struct slice name;
    const char *what = c->cmd->row->name;
    if (!pubsub_oldest(c->session, kind, &name)) {
        confirm(c, what, NULL, subscriptions(c->session, kind));
        return;
    }
    do { /* the name is gone once it is left, hence the confirmation comes first */
        confirm(c, what, &name, subscriptions(c->session, kind) - 1);
        pubsub_leave(c->session, kind, name);
    } while (pubsub_oldest(c->session, kind, &name));
}

static void unsubscribe(struct cmd_ctx *c, enum pubsub_kind kind)
{
    if (c->argc == 1)
        unsubscribe_all(c, kind);
    for (int i = 1; i < c->argc; i++) {
        pubsub_leave(c->session, kind, c->argv[i]);
        confirm(c, c->cmd->row->name, &c->argv[i], subscriptions(c->session, kind));
    }
}

static void cmd_subscribe(struct cmd_ctx *c)
{
    subscribe(c, PUBSUB_CHANNEL);
}

static void cmd_unsubscribe(struct cmd_ctx *c)
{
    unsubscribe(c, PUBSUB_CHANNEL);
}

static void cmd_psubscribe(struct cmd_ctx *c)
{
    subscribe(c, PUBSUB_PATTERN);
}

static void cmd_punsubscribe(struct cmd_ctx *c)
{
    unsubscribe(c, PUBSUB_PATTERN);
}

static void cmd_ssubscribe(struct cmd_ctx *c)
{
    if (session_is(c->session, SESSION_DENY_BLOCKING))
        resp_error(c->out, "SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
    else
        subscribe(c, PUBSUB_SHARD);
}

static void cmd_sunsubscribe(struct cmd_ctx *c)
{
    unsubscribe(c, PUBSUB_SHARD);
}

/* --- publishing ------------------------------------------------------------------------------- */

static void cmd_publish(struct cmd_ctx *c)
{
    resp_int(c->out, (int64_t)pubsub_publish(pubsub_of(c), c->argv[1], c->argv[2]));
}

static void cmd_spublish(struct cmd_ctx *c)
{
    resp_int(c->out, (int64_t)pubsub_publish_shard(pubsub_of(c), c->argv[1], c->argv[2]));
}

/* --- PUBSUB ----------------------------------------------------------------------------------- */

struct listing {
    struct resp_inner reply;
    struct glob *pattern; /* NULL: all */
    size_t count;
};

static void list_name(struct slice name, void *arg)
{
    struct listing *l = arg;
    if (l->pattern && !glob_test(l->pattern, name))
        return;
    resp_bulk(&l->reply.w, name);
    l->count++;
}

static void list_channels(struct cmd_ctx *c, enum pubsub_kind kind)
{
    struct listing l = {.pattern = NULL};
    if (c->argc > 3) {
        ctx_reply_unknown_sub(c);
        return;
    }
    if (c->argc > 2 && !(l.pattern = glob_try_new(c->argv[2], false))) {
        ctx_reply_nomem(c);
        return;
    }
    resp_inner_open(&l.reply, c->out);
    pubsub_each(pubsub_of(c), kind, list_name, &l);
    resp_inner_close_array(&l.reply, l.count);
    glob_free(&l.pattern);
}

/* Names and numbers in turn; an array in RESP3 too. */
static void list_subscribers(struct cmd_ctx *c, enum pubsub_kind kind)
{
    resp_array(c->out, 2 * (size_t)(c->argc - 2));
    for (int i = 2; i < c->argc; i++) {
        resp_bulk(c->out, c->argv[i]);
        resp_int(c->out, (int64_t)pubsub_subscribers(pubsub_of(c), kind, c->argv[i]));
    }
}

static void cmd_pubsub_channels(struct cmd_ctx *c)
{
    list_channels(c, PUBSUB_CHANNEL);
}

static void cmd_pubsub_shardchannels(struct cmd_ctx *c)
{
    list_channels(c, PUBSUB_SHARD);
}

static void cmd_pubsub_numsub(struct cmd_ctx *c)
{
    list_subscribers(c, PUBSUB_CHANNEL);
}

static void cmd_pubsub_shardnumsub(struct cmd_ctx *c)
{
    list_subscribers(c, PUBSUB_SHARD);
}

static void cmd_pubsub_numpat(struct cmd_ctx *c)
{
    resp_int(c->out, (int64_t)pubsub_pattern_count(pubsub_of(c)));
}

static void cmd_pubsub_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    List the channels that have subscribers, those matching <pattern> only if given.",
        "NUMPAT",
        "    Count the different patterns that clients are subscribed to.",
        "NUMSUB [<channel> ...]",
        "    Count the subscribers of each channel; subscribers to patterns are left out.",
        "SHARDCHANNELS [<pattern>]",
        "    As CHANNELS, for shard channels.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    As NUMSUB, for shard channels.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define SUBSCRIBE_FLAGS (CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_RESP2_SUBSCRIBED)
#define PUBLISH_FLAGS   (CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE)
#define PUBSUB_FLAGS    (CMD_PUBSUB | CMD_LOADING | CMD_STALE)

static const struct cmd_row pubsub_subs[] = {
    {.name = "channels",
     .fn = cmd_pubsub_channels,
     .arity = -2,
     .flags = PUBSUB_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "2.8.0",
     .complexity = "O(N) where N is the number of channels with subscribers",
     .summary = "Lists the channels that have subscribers.",
     .synopsis = "[pattern]"},
    {.name = "numpat",
     .fn = cmd_pubsub_numpat,
     .arity = 2,
     .flags = PUBSUB_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "2.8.0",
     .complexity = "O(1)",
     .summary = "Counts the patterns that clients are subscribed to.",
     .synopsis = ""},
    {.name = "numsub",
     .fn = cmd_pubsub_numsub,
     .arity = -2,
     .flags = PUBSUB_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "2.8.0",
     .complexity = "O(N) where N is the number of channels asked for",
     .summary = "Counts the subscribers of channels.",
     .synopsis = "[channel ...]"},
    {.name = "shardchannels",
     .fn = cmd_pubsub_shardchannels,
     .arity = -2,
     .flags = PUBSUB_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels with subscribers",
     .summary = "Lists the shard channels that have subscribers.",
     .synopsis = "[pattern]"},
    {.name = "shardnumsub",
     .fn = cmd_pubsub_shardnumsub,
     .arity = -2,
     .flags = PUBSUB_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels asked for",
     .summary = "Counts the subscribers of shard channels.",
     .synopsis = "[shardchannel ...]"},
    {.name = "help",
     .fn = cmd_pubsub_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = "pubsub",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Tells what the subcommands do.",
     .synopsis = ""},
    {0},
};

const struct cmd_row clients_rows_pubsub[] = {
    {.name = "subscribe",
     .fn = cmd_subscribe,
     .arity = -2,
     .flags = SUBSCRIBE_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of channels",
     .summary = "Receives from now on what is published to channels.",
     .synopsis = "channel [channel ...]"},
    {.name = "unsubscribe",
     .fn = cmd_unsubscribe,
     .arity = -1,
     .flags = SUBSCRIBE_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of channels",
     .summary = "Leaves channels, all of them if none is named.",
     .synopsis = "[channel ...]"},
    {.name = "psubscribe",
     .fn = cmd_psubscribe,
     .arity = -2,
     .flags = SUBSCRIBE_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of patterns",
     .summary = "Receives from now on what is published to channels that match patterns.",
     .synopsis = "pattern [pattern ...]"},
    {.name = "punsubscribe",
     .fn = cmd_punsubscribe,
     .arity = -1,
     .flags = SUBSCRIBE_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of patterns",
     .summary = "Leaves patterns, all of them if none is named.",
     .synopsis = "[pattern ...]"},
    {.name = "ssubscribe",
     .fn = cmd_ssubscribe,
     .arity = -2,
     .flags = SUBSCRIBE_FLAGS,
     .acl = ACL_PUBSUB,
     .keys = {{.first = 1, .last = -1, .step = 1, .flags = KEY_NOT_KEY}},
     .group = "pubsub",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels",
     .summary = "Receives from now on what is published to shard channels.",
     .synopsis = "shardchannel [shardchannel ...]"},
    {.name = "sunsubscribe",
     .fn = cmd_sunsubscribe,
     .arity = -1,
     .flags = SUBSCRIBE_FLAGS,
     .acl = ACL_PUBSUB,
     .keys = {{.first = 1, .last = -1, .step = 1, .flags = KEY_NOT_KEY}},
     .group = "pubsub",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels",
     .summary = "Leaves shard channels, all of them if none is named.",
     .synopsis = "[shardchannel ...]"},
    {.name = "publish",
     .fn = cmd_publish,
     .arity = 3,
     .flags = PUBLISH_FLAGS,
     .acl = ACL_PUBSUB,
     .group = "pubsub",
     .since = "2.0.0",
     .complexity = "O(N+M) where N is the number of receivers and M the number of patterns that "
                   "clients are subscribed to",
     .summary = "Sends a message to the subscribers of a channel.",
     .synopsis = "channel message"},
    {.name = "spublish",
     .fn = cmd_spublish,
     .arity = 3,
     .flags = PUBLISH_FLAGS,
     .acl = ACL_PUBSUB,
     .keys = {{.first = 1, .last = 1, .step = 1, .flags = KEY_NOT_KEY}},
     .group = "pubsub",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of receivers",
     .summary = "Sends a message to the subscribers of a shard channel.",
     .synopsis = "shardchannel message"},
    {.name = "pubsub",
     .arity = -2,
     .group = "pubsub",
     .since = "2.8.0",
     .complexity = "Depends on the subcommand.",
     .summary = "Tells what clients are subscribed to.",
     .synopsis = "subcommand [argument ...]",
     .subs = pubsub_subs},
    {0},
};
