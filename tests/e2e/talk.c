#include "e2e/talk.h"

#include <errno.h>
#include <poll.h>

#include "base/words.h"
#include "e2e/server.h"

#define RETRY_MS 5

/* --- replies as text -------------------------------------------------------------------------------- */

void talk_print(const redisReply *r, struct buf *out)
{
    switch (r->type) {
    case REDIS_REPLY_STATUS: buf_printf(out, "+%s", r->str); break;
    case REDIS_REPLY_ERROR: buf_printf(out, "-%s", r->str); break;
    case REDIS_REPLY_INTEGER: buf_printf(out, ":%lld", r->integer); break;
    case REDIS_REPLY_STRING: buf_append_quoted(out, slice_of(r->str, r->len)); break;
    case REDIS_REPLY_NIL: buf_append_cstr(out, "nil"); break;
    case REDIS_REPLY_ARRAY:
        buf_append_char(out, '[');
        for (size_t i = 0; i < r->elements; i++) {
            buf_append_cstr(out, i ? ", " : "");
            talk_print(r->element[i], out);
        }
        buf_append_char(out, ']');
        break;
    default: fail_msg("hiredis gives a reply of type %d", r->type);
    }
}

bool talk_matches(const char *pattern, const char *text)
{
    /* Where the latest * stood, and how much of the text it has taken. */
    const char *star = NULL, *taken = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            taken = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* --- asking ----------------------------------------------------------------------------------------- */

static void append_command(redisContext *c, const char *command)
{
    struct words w;
    words_init(&w);
    if (words_split(&w, slice_from_cstr(command)) != ERR_OK || w.count == 0)
        fail_msg("the test is wrong, this is no command: %s", command);
    const char **argv = calloc((size_t)w.count, sizeof(*argv));
    size_t *lens = calloc((size_t)w.count, sizeof(*lens));
    assert_true(argv && lens);
    for (int i = 0; i < w.count; i++) {
        argv[i] = w.at[i].len ? w.at[i].ptr : "";
        lens[i] = w.at[i].len;
    }
    redisAppendCommandArgv(c, w.count, argv, lens);
    free(argv);
    free(lens);
    words_deinit(&w);
}

void talk_send(redisContext *c, const char *command)
{
    int done = 0;
    append_command(c, command);
    while (!done)
        if (redisBufferWrite(c, &done) != REDIS_OK)
            fail_msg("cannot send '%s': %s", command, c->errstr);
}

static redisReply *next_reply(redisContext *c)
{
    void *r = NULL;
    if (redisGetReply(c, &r) != REDIS_OK)
        fail_msg("no reply: %s", c->errstr);
    return r;
}

static redisReply *vask(redisContext *c, const char *format, va_list ap)
{
    char *command = NULL;
    assert_true(vasprintf(&command, format, ap) >= 0);
    append_command(c, command);
    free(command);
    return next_reply(c);
}

redisReply *talk_ask(redisContext *c, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    redisReply *r = vask(c, format, ap);
    va_end(ap);
    return r;
}

int64_t talk_ask_int(redisContext *c, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    redisReply *r = vask(c, format, ap);
    va_end(ap);
    if (r->type != REDIS_REPLY_INTEGER)
        fail_msg("'%s': the reply is no integer but: %s", format, r->str ? r->str : "(no text)");
    int64_t n = r->integer;
    freeReplyObject(r);
    return n;
}

/* --- checking --------------------------------------------------------------------------------------- */

/* Reads a reply and compares; what it is, is in *got. */
static bool reply_matches(redisContext *c, const char *expected, struct buf *got)
{
    void *r = NULL;
    buf_clear(got);
    if (redisGetReply(c, &r) != REDIS_OK) {
        buf_printf(got, "(%s)", c->errstr);
        return false;
    }
    talk_print(r, got);
    freeReplyObject(r);
    return talk_matches(expected, buf_cstr(got));
}

static void mismatch(const char *command, const char *expected, struct buf *got, const char *file,
                     int line)
{
    print_error("> %s\n  expected %s\n  but is   %s\n", command, expected, buf_cstr(got));
    buf_deinit(got);
    _fail(file, line);
}

void talk_check_next_at(redisContext *c, const char *reply, const char *file, int line)
{
    struct buf got;
    buf_init(&got);
    if (!reply_matches(c, reply, &got))
        mismatch("(next reply)", reply, &got, file, line);
    buf_deinit(&got);
}

void talk_check_at(redisContext *c, const char *command, const char *reply, const char *file,
                   int line)
{
    struct buf got;
    buf_init(&got);
    append_command(c, command);
    if (!reply_matches(c, reply, &got))
        mismatch(command, reply, &got, file, line);
    buf_deinit(&got);
}

void talk_check_steps_at(redisContext *c, const struct talk_step *steps, size_t count,
                         const char *file, int line)
{
    for (size_t i = 0; i < count; i++)
        talk_check_at(c, steps[i].command, steps[i].reply, file, line);
}

void talk_check_soon_at(redisContext *c, const char *command, const char *reply, const char *file,
                        int line)
{
    struct buf got;
    buf_init(&got);
    for (int ms = 0;; ms += RETRY_MS) {
        append_command(c, command);
        if (reply_matches(c, reply, &got))
            break;
        if (c->err || ms >= SRV_PATIENCE_MS)
            mismatch(command, reply, &got, file, line);
        srv_sleep_ms(RETRY_MS);
    }
    buf_deinit(&got);
}

void talk_check_silence(redisContext *c, int ms)
{
    void *r = NULL;
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    assert_int_equal(redisGetReplyFromReader(c, &r), REDIS_OK);
    assert_null(r);
    assert_int_equal(poll(&p, 1, ms), 0);
}

void talk_check_closed(redisContext *c)
{
    void *r = NULL;
    while (redisGetReply(c, &r) == REDIS_OK)
        freeReplyObject(r);
    bool closed = c->err == REDIS_ERR_EOF ||
                  (c->err == REDIS_ERR_IO && (errno == ECONNRESET || errno == EPIPE));
    if (!closed)
        fail_msg("the connection is not closed, but: %s", c->errstr);
}

/* --- INFO ------------------------------------------------------------------------------------------- */

bool talk_info(redisContext *c, const char *section, const char *field, char *out, size_t size)
{
    redisReply *r = talk_ask(c, "INFO %s", section);
    assert_int_equal(r->type, REDIS_REPLY_STRING);
    size_t len = strlen(field);
    const char *line = r->str;
    while (line && !(strncmp(line, field, len) == 0 && line[len] == ':')) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (line)
        snprintf(out, size, "%.*s", (int)strcspn(line + len + 1, "\r\n"), line + len + 1);
    freeReplyObject(r);
    return line != NULL;
}

int64_t talk_info_int(redisContext *c, const char *section, const char *field)
{
    char text[64];
    if (!talk_info(c, section, field, text, sizeof(text)))
        fail_msg("INFO %s has no field %s", section, field);
    return strtoll(text, NULL, 10);
}

void talk_free(redisContext **c)
{
    if (*c)
        redisFree(*c);
    *c = NULL;
}
