#include "clients/client_filter.h"

#include "engine/engine.h"

#define US_PER_S 1000000

bool client_type_parse(struct cmd_ctx *c, struct slice name, enum client_type *out)
{
    static const struct {
        const char *name;
        enum client_type type;
    } types[] = {
        {"normal", CLIENT_NORMAL},   {"master", CLIENT_MASTER}, {"slave", CLIENT_REPLICA},
        {"replica", CLIENT_REPLICA}, {"pubsub", CLIENT_PUBSUB},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (slice_is(name, types[i].name)) {
            *out = types[i].type;
            return true;
        }
    }
    resp_errorf(c->out, "Unknown client type '%.*s'", slice_shown(name, RESP_LINE_BYTES_MAX),
                name.ptr);
    return false;
}

/* --- options ---------------------------------------------------------------------------------- */

/* Each takes the value in argument i; false: the error is replied. */
typedef bool (*option_fn)(struct cmd_ctx *c, int i, struct client_filter *f);

static bool option_id(struct cmd_ctx *c, int i, struct client_filter *f)
{
    int64_t id;
    if (!ctx_arg_range(c, i, 1, INT64_MAX, &id, "client-id should be greater than 0"))
        return false;
    f->id = (uint64_t)id;
    return true;
}

static bool option_type(struct cmd_ctx *c, int i, struct client_filter *f)
{
    return client_type_parse(c, c->argv[i], &f->type);
}

/* Everybody is the same user. */
static bool option_user(struct cmd_ctx *c, int i, struct client_filter *f)
{
    (void)f;
    if (slice_equal(c->argv[i], SLICE("default")))
        return true;
    resp_errorf(c->out, "No such user '%.*s'", slice_shown(c->argv[i], RESP_LINE_BYTES_MAX),
                c->argv[i].ptr);
    return false;
}

static bool option_addr(struct cmd_ctx *c, int i, struct client_filter *f)
{
    f->addr = &c->argv[i];
    return true;
}

static bool option_laddr(struct cmd_ctx *c, int i, struct client_filter *f)
{
    f->laddr = &c->argv[i];
    return true;
}

static bool option_skipme(struct cmd_ctx *c, int i, struct client_filter *f)
{
    f->skip_me = slice_is(c->argv[i], "yes");
    if (f->skip_me || slice_is(c->argv[i], "no"))
        return true;
    ctx_reply_syntax(c);
    return false;
}

static bool option_maxage(struct cmd_ctx *c, int i, struct client_filter *f)
{
    if (!ctx_arg_range(c, i, INT64_MIN, INT64_MAX, &f->age_s_min,
                       "maxage is not an integer or out of range"))
        return false;
    if (f->age_s_min > 0)
        return true;
    resp_error(c->out, "maxage should be greater than 0");
    return false;
}

static const struct {
    const char *name;
    option_fn parse;
} options[] = {
    {"id", option_id},         {"type", option_type},   {"user", option_user},
    {"addr", option_addr},     {"laddr", option_laddr}, {"skipme", option_skipme},
    {"maxage", option_maxage},
};

static option_fn find_option(struct slice name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (slice_is(name, options[i].name))
            return options[i].parse;
    return NULL;
}

bool client_filter_parse(struct cmd_ctx *c, int first, struct client_filter *out)
{
    *out = (struct client_filter){.skip_me = true};
    for (int i = first; i < c->argc; i += 2) {
        option_fn parse = i + 1 < c->argc ? find_option(c->argv[i]) : NULL;
        if (!parse) {
            ctx_reply_syntax(c);
            return false;
        }
        if (!parse(c, i + 1, out))
            return false;
    }
    return true;
}

/* --- matching --------------------------------------------------------------------------------- */

static bool address_matches(const struct client_filter *f, const struct session *s)
{
    struct session_transport_info info;
    if (!f->addr && !f->laddr)
        return true;
    s->ops->describe(s, &info);
    return (!f->addr || slice_equal(*f->addr, slice_from_cstr(info.addr))) &&
           (!f->laddr || slice_equal(*f->laddr, slice_from_cstr(info.laddr)));
}

bool client_filter_matches(const struct client_filter *f, const struct session *s,
                           const struct session *asking)
{
    enum client_type type = s->pubsub ? CLIENT_PUBSUB : CLIENT_NORMAL;
    int64_t age_s = (s->engine->now_us - s->created_us) / US_PER_S;
    if ((s->flags & SESSION_INTERNAL) || (f->skip_me && s == asking))
        return false;
    if ((f->id && f->id != s->id) || (f->type != CLIENT_ANY && f->type != type))
        return false;
    return age_s >= f->age_s_min && address_matches(f, s);
}
