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

/* Prints the reply at *at and moves on behind it; false: it is not complete. */
static bool print_reply(struct slice in, size_t *at, struct buf *out);

static bool print_elements(struct slice in, size_t *at, int64_t count, const char *brackets,
                           struct buf *out)
{
    bool map = brackets[0] == '{';
    buf_append_char(out, brackets[0]);
    for (int64_t i = 0; i < (map ? 2 * count : count); i++) {
        buf_append_cstr(out, i == 0 ? "" : map && i % 2 ? ": " : ", ");
        if (!print_reply(in, at, out))
            return false;
    }
    buf_append_char(out, brackets[1]);
    return true;
}

/* A bulk string or a verbatim one, whose first four bytes name its format. */
static bool print_bulk(struct slice in, size_t *at, size_t len, char type, struct buf *out)
{
    if (in.len - *at < len + 2)
        return false;
    struct slice body = {in.ptr + *at, len};
    *at += len + 2;
    if (type == '=') {
        buf_printf(out, "=%.4s", body.ptr);
        body = slice_of(body.ptr + 4, len - 4);
    }
    buf_append_quoted(out, body);
    return true;
}

static bool print_reply(struct slice in, size_t *at, struct buf *out)
{
    const char *line = in.ptr + *at;
    const char *end = *at < in.len ? memchr(line, '\r', in.len - *at) : NULL;
    if (!end || end + 1 >= in.ptr + in.len)
        return false;
    struct slice text = {line, (size_t)(end - line)};
    int64_t n = strtoll(line + 1, NULL, 10);
    *at += text.len + 2;
    switch (line[0]) {
    case '$':
    case '=':
        if (n >= 0)
            return print_bulk(in, at, (size_t)n, line[0], out);
        buf_append_cstr(out, "nil");
        return true;
    case '*':
        if (n >= 0)
            return print_elements(in, at, n, "[]", out);
        buf_append_cstr(out, "*nil");
        return true;
    case '~':
    case '>': buf_append_char(out, line[0]); return print_elements(in, at, n, "[]", out);
    case '%': return print_elements(in, at, n, "{}", out);
    case '+':
    case '-':
    case ':':
    case ',':
    case '#':
    case '(':
    case '_': buf_append_slice(out, text); return true;
    default: fail_msg("a reply starts with byte 0x%02x", (unsigned char)line[0]); return false;
    }
}

static bool next_reply(struct raw *r, struct buf *out)
{
    for (;;) {
        size_t at = 0;
        buf_clear(out);
        if (print_reply(buf_slice(&r->in), &at, out)) {
            buf_consume(&r->in, at);
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
