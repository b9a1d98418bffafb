#include "http/route.h"

#include <stdio.h>

/* Does the path fit the pattern? Its parameters are noted. */
static bool fits(const char *pattern, struct slice path, struct http_match *m)
{
    size_t at = 0;
    m->param_count = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (at == path.len || path.ptr[at] != *pattern)
                return false;
            at++, pattern++;
            continue;
        }
        const char *end = strchr(pattern, '}');
        bool rest = end[-1] == '*';
        const char *slash = rest ? NULL : memchr(path.ptr + at, '/', path.len - at);
        size_t len = slash ? (size_t)(slash - (path.ptr + at)) : path.len - at;
        if (m->param_count == HTTP_PARAMS_MAX || (len == 0 && !rest))
            return false;
        m->params[m->param_count++] = slice_of(path.ptr + at, len);
        at += len;
        pattern = end + 1;
    }
    return at == path.len;
}

void http_route_find(const struct http_route *const *tables, struct slice path,
                     enum http_method method, struct http_match *out)
{
    struct http_match m = {0};
    *out = m;
    for (; *tables; tables++)
        for (const struct http_route *row = *tables; row->path; row++) {
            unsigned methods = row->methods | (row->methods & HTTP_GET ? HTTP_HEAD : 0);
            /* A catch-all adds no methods to a path that another row has. */
            if ((row->flags & HTTP_HIDDEN && out->allowed) || !fits(row->path, path, &m))
                continue;
            if (methods & method) {
                m.route = row;
                m.allowed = out->allowed | methods;
                *out = m;
                return;
            }
            out->allowed |= methods;
        }
}

void http_route_allow(unsigned methods, char out[HTTP_ALLOW_CHARS])
{
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < HTTP_METHODS; i++)
        if (methods & (1u << i))
            len += (size_t)snprintf(out + len, HTTP_ALLOW_CHARS - len, "%s%s", len ? ", " : "",
                                    http_method_names[i]);
}
