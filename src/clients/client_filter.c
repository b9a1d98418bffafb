#include "clients/client_filter.h"

#include <limits.h>
#include <string.h>

#include "base/num.h"
#include "clients/describe.h"
#include "engine/engine.h"

#define US_PER_S           1000000
#define CLIENT_NOT_IDS_MAX 1024 /* each is compared with every session */

/* --- parsing ---------------------------------------------------------------------------------- */

/* Takes the value in argument i; false: the error is replied. `name` is the option's. */
typedef bool (*parse_fn)(struct cmd_ctx *c, int i, const char *name, struct client_value *v);

static bool parse_text(struct cmd_ctx *c, int i, const char *name, struct client_value *v)
{
    (void)name;
    v->text = c->argv[i];
    return true;
}

enum client_type { TYPE_NORMAL, TYPE_MASTER, TYPE_REPLICA, TYPE_PUBSUB };

static bool parse_type(struct cmd_ctx *c, int i, const char *name, struct client_value *v)
{
    static const struct {
        const char *name;
        enum client_type type;
    } types[] = {
        {"normal", TYPE_NORMAL}, {"master", TYPE_MASTER},   {"primary", TYPE_MASTER},
        {"slave", TYPE_REPLICA}, {"replica", TYPE_REPLICA}, {"pubsub", TYPE_PUBSUB},
    };
    (void)name;
    for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
        if (slice_is(c->argv[i], types[k].name)) {
            v->number = types[k].type;
            return true;
        }
    }
    resp_errorf(c->out, "Unknown client type '%.*s'", slice_shown(c->argv[i], RESP_LINE_BYTES_MAX),
                c->argv[i].ptr);
    return false;
}

/* Every session is the user "default". */
static bool parse_user(struct cmd_ctx *c, int i, const char *name, struct client_value *v)
{
    (void)name;
    (void)v;
    if (slice_equal(c->argv[i], SLICE("default")))
        return true;
    resp_errorf(c->out, "No such user '%.*s'", slice_shown(c->argv[i], RESP_LINE_BYTES_MAX),
                c->argv[i].ptr);
    return false;
}

/* Every letter must be in `known`. */
static bool parse_letters(struct cmd_ctx *c, int i, const char *what, const char *name,
                          const char *known)
{
    struct slice s = c->argv[i];
    for (size_t k = 0; k < s.len; k++) {
        if (s.ptr[k] && strchr(known, s.ptr[k]))
            continue;
        bool no = strncmp(name, "not-", 4) == 0;
        resp_errorf(c->out, "Unknown %s found in the %s filter: %.*s", what,
                    no ? (strcmp(what, "capa") == 0 ? "NOT-CAPA" : "NOT-FLAGS") : "provided",
                    slice_shown(s, RESP_LINE_BYTES_MAX), s.ptr);
        return false;
    }
    return true;
}

static bool parse_flags(struct cmd_ctx *c, int i, const char *name, struct client_value *v)
{
    v->text = c->argv[i];
    return parse_letters(c, i, "flags", name, CLIENT_FLAG_LETTERS);
}

static bool parse_capa(struct cmd_ctx *c, int i, const char *name, struct client_value *v)
{
    v->text = c->argv[i];
    return parse_letters(c, i, "capa", name, "r");
}

static bool parse_db(struct cmd_ctx *c, int i, const char *name, struct client_value *v)
{
    const char *shown = strcmp(name, "db") == 0 ? "DB" : "NOT-DB";
    if (!num_parse_i64(c->argv[i], &v->number)) {
        resp_errorf(c->out, "%s is not an integer or out of range", shown);
        return false;
    }
    if (v->number >= 0 && v->number < ks_databases(c->ks))
        return true;
    resp_errorf(c->out, "%s number should be between 0 and %d", shown, ks_databases(c->ks) - 1);
    return false;
}

static bool parse_seconds(struct cmd_ctx *c, int i, const char *name, struct client_value *v)
{
    if (!num_parse_i64(c->argv[i], &v->number)) {
        resp_errorf(c->out, "%s is not an integer or out of range", name);
        return false;
    }
    if (v->number > 0)
        return true;
    resp_errorf(c->out, "%s should be greater than 0", name);
    return false;
}

static const struct option {
    const char *name;
    enum client_condition condition;
    bool negated;
    parse_fn parse; /* NULL: ids */
} options[] = {
    {"id", CLIENT_ID, false, NULL},
    {"type", CLIENT_TYPE, false, parse_type},
    {"user", CLIENT_USER, false, parse_user},
    {"addr", CLIENT_ADDR, false, parse_text},
    {"laddr", CLIENT_LADDR, false, parse_text},
    {"ip", CLIENT_IP, false, parse_text},
    {"name", CLIENT_NAME, false, parse_text},
    {"lib-name", CLIENT_LIB_NAME, false, parse_text},
    {"lib-ver", CLIENT_LIB_VER, false, parse_text},
    {"flags", CLIENT_FLAGS, false, parse_flags},
    {"capa", CLIENT_CAPA, false, parse_capa},
    {"db", CLIENT_DB, false, parse_db},
    {"maxage", CLIENT_MAXAGE, false, parse_seconds},
    {"idle", CLIENT_IDLE, false, parse_seconds},
    {"not-id", CLIENT_ID, true, NULL},
    {"not-type", CLIENT_TYPE, true, parse_type},
    {"not-user", CLIENT_USER, true, parse_user},
    {"not-addr", CLIENT_ADDR, true, parse_text},
    {"not-laddr", CLIENT_LADDR, true, parse_text},
    {"not-ip", CLIENT_IP, true, parse_text},
    {"not-name", CLIENT_NAME, true, parse_text},
    {"not-lib-name", CLIENT_LIB_NAME, true, parse_text},
    {"not-lib-ver", CLIENT_LIB_VER, true, parse_text},
    {"not-flags", CLIENT_FLAGS, true, parse_flags},
    {"not-capa", CLIENT_CAPA, true, parse_capa},
    {"not-db", CLIENT_DB, true, parse_db},
};

static const struct option *find_option(struct slice name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (slice_is(name, options[i].name))
            return &options[i];
    return NULL;
}

/* The words from argument i on up to the next option; *end is behind them. */
static bool parse_ids(struct cmd_ctx *c, int i, bool listing, struct client_value *v, int *end)
{
    int max = slice_is(c->argv[i - 1], "id") ? INT_MAX : CLIENT_NOT_IDS_MAX;
    const char *error = listing ? "Invalid client ID" : "client-id should be greater than 0";
    v->ids = &c->argv[i];
    for (v->id_count = 0; i < c->argc; i++, v->id_count++) {
        int64_t id;
        if (v->id_count > 0 && (find_option(c->argv[i]) || slice_is(c->argv[i], "skipme")))
            break;
        if (v->id_count == max) {
            resp_errorf(c->out, "NOT-ID takes at most %d numbers", max);
            return false;
        }
        if (!ctx_arg_range(c, i, listing ? INT64_MIN : 1, INT64_MAX, &id, error))
            return false;
    }
    *end = i;
    return true;
}

static bool parse_skipme(struct cmd_ctx *c, int i, struct client_filter *out)
{
    out->skip_me = slice_is(c->argv[i], "yes");
    if (out->skip_me || slice_is(c->argv[i], "no"))
        return true;
    ctx_reply_syntax(c);
    return false;
}

bool client_filter_parse(struct cmd_ctx *c, int first, bool listing, struct client_filter *out)
{
    *out = (struct client_filter){.skip_me = !listing};
    for (int i = first; i < c->argc;) {
        const struct option *o = find_option(c->argv[i]);
        bool skipme = slice_is(c->argv[i], "skipme");
        if ((!o && !skipme) || i + 1 == c->argc) {
            ctx_reply_syntax(c);
            return false;
        }
        int next = i + 2;
        bool ok = skipme ? parse_skipme(c, i + 1, out)
                  : o->parse
                      ? o->parse(c, i + 1, o->name, &out->value[o->negated][o->condition])
                      : parse_ids(c, i + 1, listing, &out->value[o->negated][CLIENT_ID], &next);
        if (!ok)
            return false;
        if (o)
            out->asked[o->negated] |= 1u << o->condition;
        i = next;
    }
    return true;
}

void client_filter_address(struct client_filter *out, struct slice addr)
{
    *out = (struct client_filter){.asked = {1u << CLIENT_ADDR}};
    out->value[0][CLIENT_ADDR].text = addr;
}

/* --- matching --------------------------------------------------------------------------------- */

static bool is_text(const char *own, struct slice text)
{
    return own && slice_equal(slice_from_cstr(own), text);
}

/* "127.0.0.1" of "127.0.0.1:5000", "::1" of "[::1]:5000", "/path" of "/path:0". */
static struct slice host_of(const char *addr)
{
    const char *colon = strrchr(addr, ':');
    struct slice host = slice_of(addr, colon ? (size_t)(colon - addr) : strlen(addr));
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = slice_of(host.ptr + 1, host.len - 2);
    return host;
}

static bool has_letters(const struct session *s, struct slice letters)
{
    char own[CLIENT_FLAGS_CHARS];
    client_flags(s, own);
    for (size_t i = 0; i < letters.len; i++)
        if (!strchr(own, letters.ptr[i]))
            return false;
    return true;
}

static bool is_one_of(const struct session *s, const struct client_value *v)
{
    int64_t id;
    for (int i = 0; i < v->id_count; i++)
        if (num_parse_i64(v->ids[i], &id) && id > 0 && (uint64_t)id == session_id(s))
            return true;
    return false;
}

static bool address_is(const struct session *s, enum client_condition what, struct slice text)
{
    struct session_transport_info info;
    session_transport_info(s, &info);
    struct slice own = what == CLIENT_IP
                           ? host_of(info.addr)
                           : slice_from_cstr(what == CLIENT_ADDR ? info.addr : info.laddr);
    return slice_equal(own, text);
}

static bool holds(const struct session *s, enum client_condition what, const struct client_value *v)
{
    switch (what) {
    case CLIENT_ID: return is_one_of(s, v);
    case CLIENT_TYPE: return v->number == (session_is_subscribed(s) ? TYPE_PUBSUB : TYPE_NORMAL);
    case CLIENT_USER: return true;
    case CLIENT_ADDR:
    case CLIENT_LADDR:
    case CLIENT_IP: return address_is(s, what, v->text);
    case CLIENT_NAME: return is_text(session_text(s, SESSION_NAME), v->text);
    case CLIENT_LIB_NAME: return is_text(session_text(s, SESSION_LIB_NAME), v->text);
    case CLIENT_LIB_VER: return is_text(session_text(s, SESSION_LIB_VERSION), v->text);
    case CLIENT_FLAGS: return has_letters(s, v->text);
    case CLIENT_CAPA: return v->text.len == 0 || session_is(s, SESSION_CAPA_REDIRECT);
    case CLIENT_DB: return session_db(s) == v->number;
    case CLIENT_MAXAGE: return session_age_us(s) / US_PER_S >= v->number;
    case CLIENT_IDLE: return session_idle_us(s) / US_PER_S >= v->number;
    case CLIENT_CONDITIONS: break;
    }
    return false;
}

/* `but`: conditions that are known to hold. */
static bool matches(const struct client_filter *f, const struct session *s, uint32_t but)
{
    for (int no = 0; no < 2; no++)
        for (uint32_t left = f->asked[no] & ~(no ? 0 : but); left; left &= left - 1) {
            enum client_condition what = (enum client_condition)__builtin_ctz(left);
            if (holds(s, what, &f->value[no][what]) == (bool)no)
                return false;
        }
    return true;
}

void client_each(struct cmd_ctx *c, const struct client_filter *f, client_each_fn fn, void *arg)
{
    const struct engine *e = engine_of(c);
    const struct client_value *ids = &f->value[0][CLIENT_ID];
    const uint32_t by_id = 1u << CLIENT_ID;
    bool listed = f->asked[0] & by_id;
    struct session *s = listed ? NULL : engine_sessions(e), *next;
    for (int i = 0; listed ? i < ids->id_count : s != NULL; i++) {
        int64_t id;
        if (listed)
            s = num_parse_i64(ids->ids[i], &id) && id > 0 ? engine_session_by_id(e, (uint64_t)id)
                                                          : NULL;
        next = s ? session_next(s) : NULL;
        if (s && !session_is(s, SESSION_INTERNAL) && !(f->skip_me && s == c->session) &&
            matches(f, s, by_id))
            fn(s, arg);
        s = next;
    }
}
