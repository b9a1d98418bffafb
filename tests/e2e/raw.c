#include "e2e/raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/words.h"
#include "e2e/server.h"
#include "resp/reply.h"

#define READ_BYTES 65536

static void start(struct raw *r, const struct sockaddr *sa, socklen_t len)
{
    *r = (struct raw){.fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    buf_init(&r->in);
    assert_true(r->fd >= 0);
    if (connect(r->fd, sa, len) != 0)
        fail_msg("cannot connect: %s", strerror(errno));
}

void raw_connect(struct raw *r, int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    start(r, (struct sockaddr *)&sa, sizeof(sa));
    /* Each send is to be a segment: that is how tests split requests. */
    setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void raw_connect_unix(struct raw *r, const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(sa.sun_path));
    memcpy(sa.sun_path, path, strlen(path));
    start(r, (struct sockaddr *)&sa, sizeof(sa));
}

void raw_close(struct raw *r)
{
    close(r->fd);
    buf_deinit(&r->in);
    r->fd = -1;
}

/* --- sending ---------------------------------------------------------------------------------------- */

static bool wait_for(const struct raw *r, short what, int ms)
{
    struct pollfd p = {.fd = r->fd, .events = what};
    return poll(&p, 1, ms) > 0;
}

/* Reads what is there; false: nothing came within `ms`. The end counts as something. */
static bool receive(struct raw *r, int ms)
{
    if (r->closed)
        return true;
    if (!wait_for(r, POLLIN, ms))
        return false;
    assert_int_equal(buf_reserve(&r->in, READ_BYTES), ERR_OK);
    ssize_t got = recv(r->fd, r->in.ptr + r->in.len, READ_BYTES, 0);
    if (got > 0)
        r->in.len += (size_t)got;
    else
        r->closed = true;
    return true;
}

/* Reads while it sends, so that neither side waits for the other with full buffers. */
void raw_send(struct raw *r, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0 && !r->closed) {
        ssize_t sent = send(r->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!wait_for(r, POLLIN | POLLOUT, SRV_PATIENCE_MS))
                fail_msg("the server does not read");
            receive(r, 0);
        } else {
            return;
        }
    }
}

void raw_send_text(struct raw *r, const char *text)
{
    raw_send(r, text, strlen(text));
}

void raw_format(const char *command, struct buf *out)
{
    struct words w;
    words_init(&w);
    assert_int_equal(words_split(&w, slice_from_cstr(command)), ERR_OK);
    buf_printf(out, "*%d\r\n", w.count);
    for (int i = 0; i < w.count; i++) {
        buf_printf(out, "$%zu\r\n", w.at[i].len);
        buf_append_slice(out, w.at[i]);
        buf_append_cstr(out, "\r\n");
    }
    words_deinit(&w);
}

void raw_send_command(struct raw *r, const char *command)
{
    struct buf bytes;
    buf_init(&bytes);
    raw_format(command, &bytes);
    raw_send(r, bytes.ptr, bytes.len);
    buf_deinit(&bytes);
}

/* --- replies ---------------------------------------------------------------------------------------- */

struct printer {
    struct reply_parser parser;
    struct slice in;
    struct buf *out;
};

/* False: the bytes end before it is whole. */
static bool next_token(struct printer *p, struct reply_token *t)
{
    enum reply_status status = reply_next(&p->parser, &p->in, t);
    if (status == REPLY_BAD)
        fail_msg("no reply, at offset %llu: %s", (unsigned long long)p->parser.at, p->parser.error);
    return status == REPLY_TOKEN && !t->more;
}

static bool print_value(struct printer *p, const struct reply_token *t);

static bool print_elements(struct printer *p, bool pairs)
{
    struct reply_token t;
    buf_append_char(p->out, pairs ? '{' : '[');
    for (int i = 0; next_token(p, &t); i++) {
        if (t.type == REPLY_END) {
            buf_append_char(p->out, pairs ? '}' : ']');
            return true;
        }
        buf_append_cstr(p->out, i == 0 ? "" : pairs && i % 2 ? ": " : ", ");
        if (!print_value(p, &t))
            return false;
    }
    return false;
}

static bool print_value(struct printer *p, const struct reply_token *t)
{
    switch (t->type) {
    case REPLY_NULL:
        buf_append_cstr(p->out, t->wire == '_' ? "_" : t->wire == '*' ? "*nil" : "nil");
        return true;
    case REPLY_VERBATIM: buf_printf(p->out, "=%s:", t->format); break;
    case REPLY_BULK: break;
    case REPLY_ARRAY: return print_elements(p, false);
    case REPLY_MAP: return print_elements(p, true);
    case REPLY_SET:
    case REPLY_PUSH: buf_append_char(p->out, t->wire); return print_elements(p, false);
    case REPLY_INT: buf_printf(p->out, ":%lld", (long long)t->integer); return true;
    case REPLY_BOOL: buf_append_cstr(p->out, t->integer ? "#t" : "#f"); return true;
    case REPLY_ATTRIBUTE: fail_msg("an attribute, which no command gives"); return false;
    case REPLY_STATUS:
    case REPLY_ERROR:
    case REPLY_DOUBLE:
    case REPLY_BIGNUM:
    case REPLY_END:
        buf_append_char(p->out, t->wire);
        buf_append_slice(p->out, t->text);
        return true;
    }
    buf_append_quoted(p->out, t->text);
    return true;
}

/* Prints the reply at the start of `in` and returns its bytes; 0: it is not complete. */
static size_t print_reply(struct slice in, struct buf *out)
{
    struct printer p = {.in = in, .out = out};
    struct reply_token t;
    reply_parser_init(&p.parser);
    return next_token(&p, &t) && print_value(&p, &t) ? in.len - p.in.len : 0;
}

static bool next_reply(struct raw *r, struct buf *out)
{
    for (;;) {
        buf_clear(out);
        size_t bytes = print_reply(buf_slice(&r->in), out);
        if (bytes > 0) {
            buf_consume(&r->in, bytes);
            return true;
        }
        buf_clear(out);
        buf_append_cstr(out, r->closed ? "(closed)" : "(timeout)");
        if (r->closed || !receive(r, SRV_PATIENCE_MS))
            return false;
    }
}

static void check_reply(struct raw *r, const char *command, const char *expected, const char *file,
                        int line)
{
    struct buf got;
    buf_init(&got);
    if (!next_reply(r, &got) || !talk_matches(expected, buf_cstr(&got))) {
        print_error("> %s\n  expected %s\n  but is   %s\n", command, expected, buf_cstr(&got));
        buf_deinit(&got);
        _fail(file, line);
    }
    buf_deinit(&got);
}

void raw_check_next_at(struct raw *r, const char *reply, const char *file, int line)
{
    check_reply(r, "(next reply)", reply, file, line);
}

void raw_check_at(struct raw *r, const char *command, const char *reply, const char *file, int line)
{
    raw_send_command(r, command);
    check_reply(r, command, reply, file, line);
}

void raw_check_steps_at(struct raw *r, const struct talk_step *steps, size_t count,
                        const char *file, int line)
{
    for (size_t i = 0; i < count; i++)
        raw_check_at(r, steps[i].command, steps[i].reply, file, line);
}

void raw_check_silence(struct raw *r, int ms)
{
    assert_int_equal(r->in.len, 0);
    assert_false(receive(r, ms));
}

size_t raw_check_closed(struct raw *r)
{
    size_t bytes = r->in.len;
    while (!r->closed) {
        buf_clear(&r->in);
        if (!receive(r, SRV_PATIENCE_MS))
            fail_msg("the connection is not closed");
        bytes += r->in.len;
    }
    buf_clear(&r->in);
    return bytes;
}

void raw_check_closed_silently(struct raw *r)
{
    while (!r->closed)
        if (!receive(r, SRV_PATIENCE_MS))
            fail_msg("the connection is not closed");
    if (r->in.len > 0)
        fail_msg("before the end came: %s", buf_cstr(&r->in));
}
