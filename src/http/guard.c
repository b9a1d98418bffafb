/* Decides whether a request may run: by its token, its origin, and what made it.
 *
 * A browser sends requests with its user's rights, also when a page of another origin makes it send them. Without a
 * preflight (CORS) such a page can cause any GET, and a POST whose body is a form or plain text, without header fields
 * of the page's choice. So a request is
 *
 *   deliberate  when it has something that such a page cannot cause: a token, another method, another content type, a
 *               field such as X-Corsac or Upstash-Encoding; or when the browser says that a page of this server made it
 *               (Sec-Fetch-Site: same-origin); or when http-cors-origin names the page's origin. It may do everything.
 *   readable    when nothing shows that a page made a browser send it. It may read: no page of another origin can see
 *               the answer.
 *   foreign     when the browser says that a page of another origin made it. Without a token it is refused, but for
 *               routes that are HTTP_SIMPLE.
 *
 * By DNS rebinding a page can make its own host name mean this machine, and is then of the same origin. So on loopback,
 * without a token, a Host that is neither an address nor localhost is refused. */
#include <stdio.h>

#include "base/secret.h"
#include "http/base64.h"
#include "http/http_impl.h"

#define TOKEN_ERROR  "WRONGPASS invalid or missing auth token"
#define CORS_METHODS "GET, HEAD, POST, PUT, DELETE, OPTIONS"
#define CORS_MAX_AGE "600"

static void refuse(struct http_request *r, int status, const char *text)
{
    if (r->refused.status == 0)
        r->refused = (struct http_problem){status, text};
}

static bool begins_with(struct slice s, const char *word)
{
    size_t len = strlen(word);
    return s.len >= len && slice_is(slice_of(s.ptr, len), word);
}

/* --- tokens ------------------------------------------------------------------------------------------------- */

enum token { TOKEN_NONE, TOKEN_RIGHT, TOKEN_WRONG };

static bool is_password(const struct http_request *r, struct slice s)
{
    struct slice password = engine_config(http_engine(r))->password;
    return password.len == 0 || secret_equal(s, password);
}

/* "user:password" in base64; the user is "default" or empty. */
static bool is_basic(const struct http_request *r, struct slice s)
{
    char text[512];
    size_t len;
    if (!base64_decode(s, text, sizeof(text), &len))
        return false;
    const char *colon = memchr(text, ':', len);
    if (!colon)
        return false;
    struct slice user = slice_of(text, (size_t)(colon - text));
    return (user.len == 0 || slice_equal(user, SLICE("default"))) &&
           is_password(r, slice_of(colon + 1, len - user.len - 1));
}

/* *bearer: the token is of a kind that no browser adds by itself. */
static enum token token_of(const struct http_request *r, bool *bearer)
{
    struct slice s;
    *bearer = true;
    if (http_header(r, "authorization", &s)) {
        if (begins_with(s, "bearer "))
            return is_password(r, slice_of(s.ptr + 7, s.len - 7)) ? TOKEN_RIGHT : TOKEN_WRONG;
        *bearer = false;
        if (begins_with(s, "basic "))
            return is_basic(r, slice_of(s.ptr + 6, s.len - 6)) ? TOKEN_RIGHT : TOKEN_WRONG;
        return TOKEN_WRONG;
    }
    if (!http_query(r, "_token", &s))
        return TOKEN_NONE;
    /* Without a password any token is right, and any page can put one into a URL. */
    *bearer = engine_config(http_engine(r))->password.len > 0;
    return is_password(r, s) ? TOKEN_RIGHT : TOKEN_WRONG;
}

static void check_token(struct http_request *r, enum token token)
{
    struct session *s = r->conn->session;
    bool open = r->match.route && (r->match.route->flags & HTTP_OPEN);
    bool needed = engine_config(http_engine(r))->password.len > 0;
    r->authorized = token == TOKEN_RIGHT || (token == TOKEN_NONE && !needed);
    if (session_is(s, SESSION_AUTHENTICATED) != r->authorized)
        session_flags(s, r->authorized ? SESSION_AUTHENTICATED : 0,
                      r->authorized ? 0 : SESSION_AUTHENTICATED);
    if (r->authorized || open || r->head.method == HTTP_OPTIONS)
        return;
    engine_stats(http_engine(r))->auth_failures++;
    r->challenge = "Bearer realm=\"corsac\"";
    refuse(r, 401, TOKEN_ERROR);
}

/* --- origins ------------------------------------------------------------------------------------------------ */

/* Without its port. */
static struct slice host_name(struct slice host)
{
    const char *end = host.len > 0 && *host.ptr == '[' ? memchr(host.ptr, ']', host.len)
                                                       : memchr(host.ptr, ':', host.len);
    if (!end)
        return host;
    return slice_of(host.ptr, (size_t)(end - host.ptr) + (*end == ']' ? 1 : 0));
}

static bool ends_with(struct slice s, const char *word)
{
    size_t len = strlen(word);
    return s.len >= len && slice_is(slice_of(s.ptr + s.len - len, len), word);
}

/* Digits and dots, or in brackets; names have letters in their last part. */
static bool is_address(struct slice s)
{
    if (s.len > 0 && *s.ptr == '[')
        return true;
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] < '0' || s.ptr[i] > '9') && s.ptr[i] != '.')
            return false;
    return s.len > 0;
}

static bool is_local_host(const struct http_request *r)
{
    struct slice host;
    if (!http_header(r, "host", &host)) /* HTTP/1.0, which no browser speaks */
        return true;
    host = host_name(host);
    return is_address(host) || slice_is(host, "localhost") || ends_with(host, ".localhost");
}

/* Is "http://host:port" where the request went? */
static bool is_own_origin(const struct http_request *r, struct slice origin)
{
    struct slice host;
    const char *at = memmem(origin.ptr, origin.len, "://", 3);
    if (!at || !http_header(r, "host", &host))
        return false;
    return slice_equal_nocase(slice_of(at + 3, (size_t)(origin.ptr + origin.len - at) - 3), host);
}

/* Does http-cors-origin name it? */
static bool is_allowed_origin(const struct http_request *r, struct slice origin)
{
    const char *word = http_config(r)->cors_origin;
    while (word && *word) {
        size_t len = strcspn(word, " ");
        if (slice_equal(slice_of(word, len), SLICE("*")) ||
            slice_equal(slice_of(word, len), origin))
            return true;
        word += len + strspn(word + len, " ");
    }
    return false;
}

/* --- signs of a page ---------------------------------------------------------------------------------------- */

/* A page of another origin cannot have these sent without a preflight. */
static bool has_own_field(const struct http_request *r)
{
    for (int i = 0; i < r->head.field_count; i++) {
        struct slice name = r->head.fields[i].name;
        if (begins_with(name, "x-corsac") || begins_with(name, "upstash-") ||
            slice_is(name, "x-requested-with"))
            return true;
    }
    return false;
}

static bool has_own_form(const struct http_request *r)
{
    struct slice type;
    if (!(r->head.method & (HTTP_GET | HTTP_HEAD | HTTP_POST)))
        return true;
    return http_header(r, "content-type", &type) && type.len > 0 &&
           !http_content_type_is(r, "application/x-www-form-urlencoded", false) &&
           !http_content_type_is(r, "multipart/form-data", false) &&
           !http_content_type_is(r, "text/plain", false);
}

struct signs {
    bool foreign, ours, browser;
};

static struct signs signs_of(const struct http_request *r)
{
    struct slice site, origin, agent;
    struct signs s = {0};
    bool says = http_header(r, "sec-fetch-site", &site);
    if (says) {
        s.ours = slice_is(site, "same-origin");
        s.foreign = !s.ours && !slice_is(site, "none");
    }
    if (http_header(r, "origin", &origin)) {
        s.foreign = s.foreign || !is_own_origin(r, origin);
        if (is_allowed_origin(r, origin)) {
            s.foreign = false;
            s.ours = true;
        }
    }
    s.browser = !says && http_header(r, "user-agent", &agent) && begins_with(agent, "mozilla/");
    return s;
}

static void check_origin(struct http_request *r, bool bearer)
{
    unsigned flags = r->match.route ? r->match.route->flags : HTTP_SIMPLE;
    struct signs s = signs_of(r);
    r->deliberate = bearer || (!s.foreign && (s.ours || has_own_form(r) || has_own_field(r)));
    r->readable = r->deliberate || (!s.foreign && !s.browser);
    if (bearer)
        return;
    if (r->conn->loopback && !is_local_host(r))
        refuse(r, 403,
               "NOPERM this name is not one of this machine's own: a request for it needs a token");
    else if (flags & HTTP_SIMPLE)
        return;
    else if (s.foreign)
        refuse(r, 403,
               "NOPERM a page of another origin made this request, which http-cors-origin does not "
               "allow");
    else if (!(flags & HTTP_ASKS) && !r->deliberate)
        refuse(r, 403, HTTP_NOT_DELIBERATE);
}

void http_guard(struct http_request *r)
{
    bool bearer;
    enum token token = token_of(r, &bearer);
    if (!r->match.route && r->head.method != HTTP_OPTIONS) {
        bool there = r->match.allowed != 0;
        refuse(r, there ? 405 : 404,
               there ? "ERR the path does not have this method" : "ERR there is no such path");
    }
    if (!r->match.route && r->match.allowed == 0)
        refuse(r, 404, "ERR there is no such path");
    check_token(r, token);
    check_origin(r, bearer && token == TOKEN_RIGHT);
}

void http_guard_headers(struct http_request *r)
{
    struct slice origin;
    char text[256];
    const char *allowed = http_config(r)->cors_origin;
    if (!allowed || !*allowed || !http_header(r, "origin", &origin) || origin.len >= sizeof(text) ||
        !is_allowed_origin(r, origin))
        return;
    snprintf(text, sizeof(text), "%.*s", (int)origin.len, origin.ptr);
    http_set_header(r, "Access-Control-Allow-Origin", text);
    http_set_header(r, "Access-Control-Expose-Headers", "ETag, Upstash-Sync-Token");
    http_set_header(r, "Vary", "Origin");
    if (r->head.method != HTTP_OPTIONS)
        return;
    struct slice asked;
    http_set_header(r, "Access-Control-Allow-Methods", CORS_METHODS);
    http_set_header(r, "Access-Control-Max-Age", CORS_MAX_AGE);
    if (http_header(r, "access-control-request-headers", &asked) && asked.len < sizeof(text)) {
        snprintf(text, sizeof(text), "%.*s", (int)asked.len, asked.ptr);
        http_set_header(r, "Access-Control-Allow-Headers", text);
    }
}
