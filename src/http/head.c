#include "http/head.h"

const char *const http_method_names[HTTP_METHODS] = {"GET", "HEAD",   "POST",
                                                     "PUT", "DELETE", "OPTIONS"};

enum http_method http_method_of(struct slice name)
{
    for (int i = 0; i < HTTP_METHODS; i++)
        if (slice_equal(name, slice_from_cstr(http_method_names[i])))
            return (enum http_method)(1 << i);
    return HTTP_OTHER;
}

static enum http_head_status bad(struct http_problem *p, int status, const char *text)
{
    *p = (struct http_problem){status, text};
    return HTTP_HEAD_BAD;
}

/* --- characters ------------------------------------------------------------------------------------------- */

/* A character that names of methods and fields may have. */
static bool is_token(unsigned char c)
{
    if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c);
}

static bool all_tokens(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token((unsigned char)s.ptr[i]))
            return false;
    return s.len > 0;
}

/* Visible ASCII: a target has nothing else. */
static bool all_visible(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    return true;
}

/* A field's value may have no control characters but the tab. */
static bool is_value(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && (*s.ptr == ' ' || *s.ptr == '\t'))
        s = slice_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* --- the request's line ------------------------------------------------------------------------------------- */

/* "http://host/path", which a client may send as to a proxy, is taken for "/path". */
static struct slice origin_form(struct slice target)
{
    static const char scheme[] = "http://";
    size_t len = sizeof(scheme) - 1;
    if (target.len <= len || memcmp(target.ptr, scheme, len) != 0)
        return target;
    const char *slash = memchr(target.ptr + len, '/', target.len - len);
    return slash ? slice_of(slash, (size_t)(target.ptr + target.len - slash)) : SLICE("/");
}

static enum http_head_status parse_line(struct http_head *h, struct slice line,
                                        struct http_problem *p)
{
    static const char version[] = "HTTP/1.";
    const char *first = memchr(line.ptr, ' ', line.len);
    if (!first)
        return bad(p, 400, "the request's line is none of HTTP");
    struct slice method = slice_of(line.ptr, (size_t)(first - line.ptr));
    struct slice rest = slice_of(first + 1, line.len - method.len - 1);
    const char *second = memchr(rest.ptr, ' ', rest.len);
    if (!second || !all_tokens(method))
        return bad(p, 400, "the request's line is none of HTTP");
    struct slice target = slice_of(rest.ptr, (size_t)(second - rest.ptr));
    struct slice ver = slice_of(second + 1, rest.len - target.len - 1);
    if (target.len > HTTP_TARGET_BYTES_MAX)
        return bad(p, 414, "the path is too long");
    if (ver.len != sizeof(version) || memcmp(ver.ptr, version, 5) != 0)
        return bad(p, 400, "the request's line is none of HTTP");
    if (memcmp(ver.ptr, version, 7) != 0 || (ver.ptr[7] != '0' && ver.ptr[7] != '1'))
        return bad(p, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    h->minor = ver.ptr[7] - '0';
    h->method = http_method_of(method);
    target = origin_form(target);
    bool star = target.len == 1 && *target.ptr == '*' && h->method == HTTP_OPTIONS;
    if (!all_visible(target) || target.len == 0 || (*target.ptr != '/' && !star))
        return bad(p, 400, "the path does not begin with a '/', or holds what is to be encoded");
    if (memchr(target.ptr, '#', target.len))
        return bad(p, 400, "a '#' in the path is to be encoded as %23");
    const char *question = memchr(target.ptr, '?', target.len);
    h->path = slice_of(target.ptr, question ? (size_t)(question - target.ptr) : target.len);
    h->query = question ? slice_of(question + 1, target.len - h->path.len - 1)
                        : slice_of(target.ptr + target.len, 0);
    return HTTP_HEAD_DONE;
}

/* --- fields ------------------------------------------------------------------------------------------------- */

static bool parse_length(struct slice s, uint64_t *out)
{
    uint64_t n = 0;
    if (s.len == 0 || s.len > 18)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    *out = n;
    return true;
}

/* A word of a list such as "keep-alive, Upgrade". */
static bool list_has(struct slice list, const char *word)
{
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
        if (slice_is(trimmed(slice_of(list.ptr, len)), word))
            return true;
        len += comma ? 1 : 0;
        list = slice_of(list.ptr + len, list.len - len);
    }
    return false;
}

/* Reads the fields about the connection and the body. */
static enum http_head_status understand(struct http_head *h, struct http_problem *p)
{
    int hosts = 0, lengths = 0, encodings = 0;
    h->keep_alive = h->minor == 1;
    for (int i = 0; i < h->field_count; i++) {
        struct slice name = h->fields[i].name, value = h->fields[i].value;
        if (slice_is(name, "host")) {
            hosts++;
        } else if (slice_is(name, "content-length")) {
            h->has_length = true;
            if (++lengths > 1)
                return bad(p, 400, "there are two fields Content-Length");
            if (!parse_length(value, &h->length))
                return bad(p, 400, "Content-Length is no number");
        } else if (slice_is(name, "transfer-encoding")) {
            if (++encodings > 1 || !slice_is(value, "chunked"))
                return bad(p, 501, "Transfer-Encoding may be chunked and nothing else");
            h->chunked = true;
        } else if (slice_is(name, "connection")) {
            if (list_has(value, "close"))
                h->keep_alive = false;
            else if (list_has(value, "keep-alive"))
                h->keep_alive = true;
        } else if (slice_is(name, "expect")) {
            if (!slice_is(value, "100-continue"))
                return bad(p, 417, "only 100-continue may be expected");
            h->expects_continue = h->minor == 1;
        }
    }
    if (h->chunked && (h->has_length || h->minor == 0))
        return bad(p, 400, "Transfer-Encoding beside Content-Length, or in HTTP/1.0");
    if (hosts > 1 || (hosts == 0 && h->minor == 1))
        return bad(p, 400, "there is no field Host, or there are two");
    return HTTP_HEAD_DONE;
}

static enum http_head_status parse_field(struct http_head *h, struct slice line,
                                         struct http_problem *p)
{
    if (*line.ptr == ' ' || *line.ptr == '\t')
        return bad(p, 400, "a header field goes on in the next line");
    const char *colon = memchr(line.ptr, ':', line.len);
    struct slice name = slice_of(line.ptr, colon ? (size_t)(colon - line.ptr) : 0);
    if (!all_tokens(name))
        return bad(p, 400, "a header field has no name, or one that is none");
    struct slice value = trimmed(slice_of(colon + 1, line.len - name.len - 1));
    if (!is_value(value))
        return bad(p, 400, "a header field holds control characters");
    if (h->field_count == HTTP_FIELDS_MAX)
        return bad(p, 431, "there are too many header fields");
    h->fields[h->field_count++] = (struct http_field){name, value};
    return HTTP_HEAD_DONE;
}

bool http_head_field(const struct http_head *h, const char *name, struct slice *value)
{
    for (int i = 0; i < h->field_count; i++)
        if (slice_is(h->fields[i].name, name)) {
            *value = h->fields[i].value;
            return true;
        }
    return false;
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

static enum http_head_status parse_lines(struct http_head *h, struct slice all,
                                         struct http_problem *p)
{
    enum http_head_status status = HTTP_HEAD_DONE;
    bool first = true;
    h->field_count = 0;
    h->has_length = h->chunked = h->expects_continue = false;
    h->length = 0;
    while (status == HTTP_HEAD_DONE && all.len > 2) {
        const char *end = memchr(all.ptr, '\n', all.len);
        struct slice line = slice_of(all.ptr, (size_t)(end - all.ptr) - 1);
        all = slice_of(end + 1, all.len - line.len - 2);
        status = first ? parse_line(h, line, p) : parse_field(h, line, p);
        first = false;
    }
    return status == HTTP_HEAD_DONE ? understand(h, p) : status;
}

enum http_head_status http_head_parse(struct http_head *h, struct http_head_scan *scan,
                                      struct slice in, size_t *bytes, struct http_problem *problem)
{
    while (scan->seen < in.len) {
        const char *end = memchr(in.ptr + scan->seen, '\n', in.len - scan->seen);
        if (!end)
            break;
        size_t at = (size_t)(end - in.ptr);
        if (at == 0 || end[-1] != '\r')
            return bad(problem, 400, "a line ends without a carriage return");
        size_t len = at - 1 - scan->line;
        if (len > 0 && memchr(in.ptr + scan->line, '\r', len))
            return bad(problem, 400, "a carriage return stands within a line");
        scan->seen = scan->line = at + 1;
        if (at + 1 > HTTP_HEAD_BYTES_MAX)
            break;
        if (len > 0)
            continue;
        if (at == 1)
            return bad(problem, 400, "the request's line is empty");
        *bytes = at + 1;
        return parse_lines(h, slice_of(in.ptr, at + 1), problem);
    }
    if (scan->seen < in.len)
        scan->seen = in.len;
    if (in.len <= HTTP_HEAD_BYTES_MAX)
        return HTTP_HEAD_MORE;
    return scan->line == 0 ? bad(problem, 414, "the path is too long")
                           : bad(problem, 431, "the header fields are too large");
}
