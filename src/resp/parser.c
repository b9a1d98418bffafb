/* A request is read forwards, once. A pass starts where the last call stopped; the arguments it
 * finds go straight to the caller's array. Only when the bytes end within the request are the
 * place and those arguments kept, as offsets, since the bytes may have moved by the next call:
 *
 *   call 1   *3 $3 SET $3 ke             partial: argc 3, { SET }, the next is 3 bytes long
 *   call 2   *3 $3 SET $3 key $5 va      partial: argc 3, { SET, key }, the next is 5 long
 *   call 3   *3 $3 SET $3 key $5 value   the pass finds { value }, the request is both together
 *
 * So each byte is looked at once and each argument is moved at most twice, however many pieces
 * there are, and a pipeline of small requests allocates nothing. */
#include "resp/parser.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "resp/parser_impl.h"

#define ARGS_START     64          /* slots of a resp_args at first */
#define ARGS_KEEP_MAX  (16 * 1024) /* slots that it keeps when cleared */
#define WORDS_KEEP_MAX 1024        /* words whose scratch memory it keeps */
#define TEXT_BYTES     16384       /* a piece of memory for inline arguments, its header included */
#define PARTIAL_START  4           /* arguments that a partial has room for at first */
#define ARG_BYTES_MIN  6           /* the least an argument takes: "$0\r\n\r\n" */
#define PLAIN_DIGITS   9           /* longest count that the hot path reads itself */

static_assert(RESP_ARGS_MAX <= INT_MAX, "argc is an int");
static_assert(RESP_INLINE_BYTES_MAX <= WORDS_MAX, "a line that is accepted has few enough words");

/* ---- arguments ------------------------------------------------------------------------------ */

struct resp_text {
    struct resp_text *next;
    size_t used, cap;
    char bytes[];
};
#define TEXT_CAP (TEXT_BYTES - sizeof(struct resp_text))

void resp_args_init(struct resp_args *a)
{
    *a = (struct resp_args){0};
    words_init(&a->words);
}

static void text_pop(struct resp_args *a)
{
    struct resp_text *t = a->text;
    a->text = t->next;
    mem_free(t);
}

void resp_args_deinit(struct resp_args *a)
{
    while (a->text != NULL)
        text_pop(a);
    words_deinit(&a->words);
    mem_free(a->at);
    *a = (struct resp_args){0};
}

void resp_args_clear(struct resp_args *a)
{
    a->count = 0;
    if (a->cap > ARGS_KEEP_MAX) {
        mem_free(a->at);
        a->at = NULL;
        a->cap = 0;
    }
    /* There were no inline requests. */
    if (a->text == NULL)
        return;
    while (a->text != NULL && (a->text->next != NULL || a->text->cap > TEXT_CAP))
        text_pop(a);
    if (a->text != NULL)
        a->text->used = 0;
    if (a->words.cap > WORDS_KEEP_MAX || a->words.store_cap > TEXT_CAP) {
        words_deinit(&a->words);
        words_init(&a->words);
    }
}

/* Room for `more` arguments. */
static bool args_reserve(struct resp_args *a, size_t more)
{
    if (a->cap - a->count >= more)
        return true;
    size_t cap = a->cap * 2 > ARGS_START ? a->cap * 2 : ARGS_START;
    if (cap < a->count + more)
        cap = a->count + more;
    struct slice *at = mem_try_realloc(a->at, cap * sizeof(*at));
    if (at == NULL)
        return false;
    a->at = at;
    a->cap = cap;
    return true;
}

/* Memory for the bytes of inline arguments; NULL when there is none. Never moves what it gave. */
static char *args_text(struct resp_args *a, size_t len)
{
    struct resp_text *t = a->text;
    if (t == NULL || t->cap - t->used < len) {
        size_t cap = len > TEXT_CAP ? len : TEXT_CAP;
        t = mem_try_alloc(sizeof(*t) + cap);
        if (t == NULL)
            return NULL;
        *t = (struct resp_text){.next = a->text, .cap = cap};
        a->text = t;
    }
    t->used += len;
    return t->bytes + t->used - len;
}

/* ---- a pass --------------------------------------------------------------------------------- */

struct pass {
    const struct resp_apart *apart; /* NULL: nothing is */
    const char *begin;              /* of the request */
    size_t start;                   /* the same as a place, see parser.h */
    const char *at, *end;           /* first byte not read yet, end of what there is */
    size_t scanned;                 /* this and the next two: as in resp_partial */
    int argc;
    int64_t bulk_len;
    int left;          /* arguments still to be found */
    struct slice *arg; /* where the next one goes */
};

static enum resp_status fail(struct resp_request *out, const char *text)
{
    out->error = text;
    return RESP_ERROR;
}

static enum resp_status fail_memory(struct resp_request *out)
{
    return fail(out, "-OOM not enough memory for the arguments of the request");
}

enum line { LINE_WHOLE, LINE_OPEN, LINE_TOO_LONG };

/* Finds the `stop` that ends the line at s->at, with `behind` more bytes there; *len is without it.
 * A line is too long by its bytes alone, not by how many of them a read happened to bring. Where `stop` is a
 * '\n', a '\r' in front of it belongs to the line's end. */
static enum line find_line(struct pass *s, char stop, size_t behind, size_t *len)
{
    size_t there = (size_t)(s->end - s->at), max = RESP_INLINE_BYTES_MAX + (stop == '\n');
    size_t look = there <= max ? there : max + 1;
    const char *p = memchr(s->at + s->scanned, stop, look - s->scanned);
    bool too_long =
        there > RESP_INLINE_BYTES_MAX && (p ? p - s->at > RESP_INLINE_BYTES_MAX && p[-1] != '\r'
                                            : there > max || s->at[there - 1] != '\r');
    if (p && too_long)
        return LINE_TOO_LONG;
    if (p == NULL) {
        s->scanned = look;
        return too_long ? LINE_TOO_LONG : LINE_OPEN;
    }
    *len = (size_t)(p - s->at);
    s->scanned = *len;
    return there - *len > behind ? LINE_WHOLE : LINE_OPEN;
}

/* The count in a line such as "$123\r\n" that is wholly there and in plain form; returns the end of
 * the line. NULL: the line is not, and the slow path decides what it is. */
static inline const char *plain_count(const char *at, const char *end, char type, uint32_t *count)
{
    if (end - at < (ptrdiff_t)sizeof("$0\r\n") - 1 || at[0] != type)
        return NULL;
    uint32_t n = (uint32_t)(unsigned char)at[1] - '0';
    if (n > 9)
        return NULL;
    if (at[2] == '\r') {
        *count = n;
        return at + 4;
    }
    if (n == 0)
        return NULL;
    const char *stop = end - at < PLAIN_DIGITS + 3 ? end - 2 : at + 1 + PLAIN_DIGITS;
    for (at += 2; at < stop; at++) {
        uint32_t digit = (uint32_t)(unsigned char)*at - '0';
        if (digit > 9)
            break;
        n = n * 10 + digit;
    }
    *count = n;
    return *at == '\r' ? at + 2 : NULL;
}

/* The same, with one load for counts of one or two digits, as nearly all are. One digit ("$5\r\n") fixes bytes 0, 2 and
 * 3, two digits ("$15\r\n") fix bytes 0 and 3. */
static inline const char *short_count(const char *at, const char *end, char type, uint32_t *count)
{
    if (end - at < (ptrdiff_t)sizeof("$00\r\n") - 1)
        return plain_count(at, end, type, count);
    uint32_t word = bytes_load32(at), n = (word >> 8 & 0xff) - '0';
    if ((word & 0xffff00ff) == ((uint32_t)type | '\r' << 16 | '\n' << 24) && n <= 9) {
        *count = n;
        return at + 4;
    }
    uint32_t digit = (word >> 16 & 0xff) - '0';
    if ((word & 0xff0000ff) != ((uint32_t)type | '\r' << 24) || n - 1 > 8 || digit > 9)
        return plain_count(at, end, type, count);
    *count = n * 10 + digit;
    return at + 5;
}

int resp_parse_plain(struct slice in, int64_t bulk_bytes_max, struct resp_args *args,
                     struct resp_extent *out, int max)
{
    const char *at = in.ptr, *const end = in.ptr + in.len;
    struct slice *arg = args->at + args->count;
    const struct slice *const room = args->at + args->cap;
    int n = 0;
    for (; n < max && at < end; n++) {
        uint32_t argc, len;
        const char *p = short_count(at, end, '*', &argc);
        if (p == NULL || argc == 0 || argc > (size_t)(room - arg))
            break;
        struct slice *next = arg;
        for (const struct slice *stop = arg + argc; next < stop; next++) {
            p = short_count(p, end, '$', &len);
            if (p == NULL || len > bulk_bytes_max || end - p < (ptrdiff_t)len + 2)
                break;
            *next = slice_of(p, len);
            p += len + 2;
        }
        if (next < arg + argc)
            break;
        out[n] = (struct resp_extent){.bytes = (size_t)(p - at), .argc = (int)argc};
        arg = next;
        at = p;
    }
    args->count = (size_t)(arg - args->at);
    return n;
}

/* "*3\r\n" */
static enum resp_status read_header(struct pass *s, const struct resp_limits *limits,
                                    struct resp_request *out)
{
    int64_t n;
    uint32_t plain;
    const char *behind = plain_count(s->at, s->end, '*', &plain);
    if (behind != NULL) {
        n = plain;
    } else {
        size_t len;
        switch (find_line(s, '\r', 1, &len)) {
        case LINE_OPEN: return RESP_MORE;
        case LINE_TOO_LONG: return fail(out, "Protocol error: too big mbulk count string");
        case LINE_WHOLE: break;
        }
        if (!num_parse_i64(slice_of(s->at + 1, len - 1), &n))
            return fail(out, "Protocol error: invalid multibulk length");
        behind = s->at + len + 2;
    }
    if (n > RESP_ARGS_MAX)
        return fail(out, "Protocol error: invalid multibulk length");
    if (n > RESP_UNAUTH_ARGS_MAX && !limits->authenticated)
        return fail(out, "Protocol error: unauthenticated multibulk length");
    s->at = behind;
    s->scanned = 0;
    s->argc = s->left = n > 0 ? (int)n : 0;
    return RESP_REQUEST;
}

/* "$5\r\n", the slow path */
static enum resp_status read_bulk_header(struct pass *s, const struct resp_limits *limits,
                                         struct resp_request *out)
{
    size_t len;
    switch (find_line(s, '\r', 1, &len)) {
    case LINE_OPEN: return RESP_MORE;
    case LINE_TOO_LONG: return fail(out, "Protocol error: too big bulk count string");
    case LINE_WHOLE: break;
    }
    if (s->at[0] != '$') {
        /* A NUL would end the error's text. */
        snprintf(out->error_text, sizeof(out->error_text), "Protocol error: expected '$', got '%c'",
                 s->at[0] != '\0' ? s->at[0] : ' ');
        return fail(out, out->error_text);
    }
    int64_t n;
    if (!num_parse_i64(slice_of(s->at + 1, len - 1), &n) || n < 0 || n > limits->bulk_bytes_max)
        return fail(out, "Protocol error: invalid bulk length");
    if (n > RESP_UNAUTH_BULK_BYTES_MAX && !limits->authenticated)
        return fail(out, "Protocol error: unauthenticated bulk length");
    s->at += len + 2;
    s->scanned = 0;
    s->bulk_len = n;
    return RESP_REQUEST;
}

/* The hot loop: arguments in plain form that are wholly there. Its state is local, to stay in registers. */
static void read_plain_args(struct pass *s, int64_t len_max)
{
    const char *at = s->at, *const end = s->end;
    struct slice *arg = s->arg, *const stop = arg + s->left;
    for (; arg < stop; arg++) {
        uint32_t len;
        const char *content = plain_count(at, end, '$', &len);
        if (content == NULL || len > len_max || end - content < (ptrdiff_t)len + 2)
            break;
        *arg = slice_of(content, len);
        at = content + len + 2;
    }
    s->at = at;
    s->left = (int)(stop - arg);
    s->arg = arg;
}

static enum resp_status read_args(struct pass *s, const struct resp_limits *limits,
                                  struct resp_request *out)
{
    int64_t len_max = limits->bulk_bytes_max;
    if (!limits->authenticated && len_max > RESP_UNAUTH_BULK_BYTES_MAX)
        len_max = RESP_UNAUTH_BULK_BYTES_MAX;
    for (;;) {
        if (s->bulk_len < 0 && s->scanned == 0 && !s->apart)
            read_plain_args(s, len_max);
        if (s->left == 0)
            return RESP_REQUEST;
        if (s->bulk_len < 0) {
            enum resp_status status = read_bulk_header(s, limits, out);
            if (status != RESP_REQUEST)
                return status;
        }
        int k = s->apart ? resp_apart_at(s->apart, s->start + (size_t)(s->at - s->begin)) : -1;
        if (k >= 0) {
            struct blob *b = s->apart->at[k].blob;
            if (s->apart->at[k].came < b->len + BEHIND_BYTES)
                return RESP_MORE;
            *s->arg++ = slice_of(b->data, b->len);
            s->bulk_len = -1;
            s->left--;
            continue;
        }
        if ((uint64_t)(s->end - s->at) < (uint64_t)s->bulk_len + 2)
            return RESP_MORE;
        *s->arg++ = slice_of(s->at, (size_t)s->bulk_len);
        s->at += s->bulk_len + 2;
        s->bulk_len = -1;
        s->left--;
    }
}

static enum resp_status parse_multibulk(struct pass *s, const struct resp_limits *limits,
                                        struct resp_args *args, struct resp_request *out)
{
    if (s->argc == 0) {
        enum resp_status status = read_header(s, limits, out);
        if (status != RESP_REQUEST || s->argc == 0)
            return status;
    }
    /* Room for as many arguments as these bytes can hold, not for as many as the header claims. One
     * more, as the first argument's length may have been read by an earlier pass. */
    size_t room = (size_t)s->left;
    if (args->cap - args->count < room) {
        size_t here = (size_t)(s->end - s->at) / ARG_BYTES_MIN + 1;
        if (!args_reserve(args, room < here ? room : here))
            return fail_memory(out);
    }
    s->arg = args->at + args->count;
    enum resp_status status = read_args(s, limits, out);
    args->count = (size_t)(s->arg - args->at);
    return status;
}

static enum resp_status parse_inline(struct pass *s, struct resp_args *args,
                                     struct resp_request *out)
{
    size_t len;
    switch (find_line(s, '\n', 0, &len)) {
    case LINE_OPEN: return RESP_MORE;
    case LINE_TOO_LONG: return fail(out, "Protocol error: too big inline request");
    case LINE_WHOLE: break;
    }
    struct slice line = slice_of(s->at, len);
    s->at += len + 1;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;

    struct words *words = &args->words;
    enum err e = words_split(words, line);
    if (e == ERR_SYNTAX)
        return fail(out, "Protocol error: unbalanced quotes in request");
    if (e != ERR_OK)
        return fail_memory(out);
    /* The next inline request of the batch overwrites `words`, hence the copy. */
    char *text = args_text(args, line.len);
    if (text == NULL || !args_reserve(args, (size_t)words->count))
        return fail_memory(out);
    for (int i = 0; i < words->count; i++) {
        struct slice word = words->at[i];
        if (word.len > 0)
            memcpy(text, word.ptr, word.len);
        args->at[args->count++] = slice_of(text, word.len);
        text += word.len;
    }
    return RESP_REQUEST;
}

/* ---- between passes ------------------------------------------------------------------------- */

static void partial_drop(struct resp_parser *p)
{
    mem_free(p->partial);
    p->partial = NULL;
}

/* Room for `more` arguments in the partial, which is made if there is none. */
static bool partial_reserve(struct resp_parser *p, size_t more)
{
    struct resp_partial *partial = p->partial;
    size_t count = partial != NULL ? partial->count : 0;
    size_t cap = partial != NULL ? partial->cap : 0;
    if (partial != NULL && cap - count >= more)
        return true;
    cap = cap * 2 > PARTIAL_START ? cap * 2 : PARTIAL_START;
    if (cap < count + more)
        cap = count + more;
    partial = mem_try_realloc(partial, sizeof(*partial) + cap * sizeof(partial->args[0]));
    if (partial == NULL)
        return false;
    if (p->partial == NULL)
        partial->count = 0;
    partial->cap = cap;
    p->partial = partial;
    return true;
}

/* The argument as an offset. An argument that is apart has its place, where no other one begins. */
static struct span span_of(const struct pass *s, struct slice arg)
{
    for (int i = 0; s->apart && i < s->apart->count; i++)
        if (s->apart->at[i].blob->data == arg.ptr)
            return (struct span){s->apart->at[i].place - s->start, arg.len};
    return (struct span){(size_t)(arg.ptr - s->begin), arg.len};
}

static struct slice span_bytes(const struct pass *s, struct span span)
{
    int k = s->apart ? resp_apart_at(s->apart, s->start + span.at) : -1;
    return slice_of(k >= 0 ? s->apart->at[k].blob->data : s->begin + span.at, span.len);
}

/* Keeps the place, and moves the arguments of the pass, args[first] and on, to the partial. */
static bool partial_save(struct resp_parser *p, const struct pass *s, struct slice in,
                         struct resp_args *args, size_t first)
{
    if (!partial_reserve(p, args->count - first))
        return false;
    struct resp_partial *partial = p->partial;
    partial->seen = in.len;
    partial->done = (size_t)(s->at - in.ptr);
    partial->scanned = s->scanned;
    partial->argc = s->argc;
    partial->bulk_len = s->bulk_len;
    for (size_t i = first; i < args->count; i++)
        partial->args[partial->count++] = span_of(s, args->at[i]);
    args->count = first;
    return true;
}

static void partial_resume(const struct resp_partial *partial, struct pass *s, struct slice in)
{
    /* The same bytes come again, with more behind them. */
    assert(in.len >= partial->seen);
    s->at = in.ptr + partial->done;
    s->scanned = partial->scanned;
    s->argc = partial->argc;
    s->bulk_len = partial->bulk_len;
    s->left = partial->argc - (int)partial->count;
}

/* Puts the arguments of earlier passes in front of the last pass's, args[first] and on. */
static bool partial_join(const struct resp_partial *partial, const struct pass *s,
                         struct resp_args *args, size_t first)
{
    size_t old = partial->count;
    if (old == 0)
        return true;
    if (!args_reserve(args, old))
        return false;
    struct slice *at = args->at + first;
    memmove(at + old, at, (args->count - first) * sizeof(*at));
    for (size_t i = 0; i < old; i++)
        at[i] = span_bytes(s, partial->args[i]);
    args->count += old;
    return true;
}

/* ---- the parser ----------------------------------------------------------------------------- */

void resp_parser_init(struct resp_parser *p)
{
    *p = (struct resp_parser){0};
}

void resp_parser_deinit(struct resp_parser *p)
{
    partial_drop(p);
    resp_parser_taken(p, SIZE_MAX);
}

void resp_parser_forget(struct resp_parser *p)
{
    partial_drop(p);
}

enum resp_status resp_parse(struct resp_parser *p, struct slice in,
                            const struct resp_limits *limits, struct resp_args *args,
                            struct resp_request *out)
{
    return resp_parse_at(p, 0, in, limits, args, out);
}

enum resp_status resp_parse_at(struct resp_parser *p, size_t start, struct slice in,
                               const struct resp_limits *limits, struct resp_args *args,
                               struct resp_request *out)
{
    if (in.len == 0 && p->partial == NULL)
        return RESP_MORE;
    size_t first = args->count;
    struct pass s = {.apart = p->apart,
                     .begin = in.ptr,
                     .start = start,
                     .at = in.ptr,
                     .end = in.ptr + in.len,
                     .bulk_len = -1};
    if (p->partial != NULL)
        partial_resume(p->partial, &s, in);

    out->inlined = in.ptr[0] != '*';
    enum resp_status status =
        out->inlined ? parse_inline(&s, args, out) : parse_multibulk(&s, limits, args, out);

    if (status == RESP_MORE && !partial_save(p, &s, in, args, first))
        status = fail_memory(out);
    if (status == RESP_MORE)
        return RESP_MORE;
    if (p->partial != NULL) {
        if (status == RESP_REQUEST && !partial_join(p->partial, &s, args, first))
            status = fail_memory(out);
        partial_drop(p);
    }
    if (status == RESP_ERROR) {
        args->count = first;
        return RESP_ERROR;
    }
    out->first = first;
    out->argc = (int)(args->count - first);
    out->bytes = (size_t)(s.at - in.ptr);
    return RESP_REQUEST;
}

size_t resp_parser_wants(const struct resp_parser *p)
{
    const struct resp_partial *partial = p->partial;
    if (partial == NULL || partial->bulk_len < 0)
        return 1;
    return partial->done + (size_t)partial->bulk_len + 2 - partial->seen;
}

size_t resp_parser_memory(const struct resp_parser *p)
{
    return (p->partial != NULL ? mem_usable(p->partial) : 0) +
           (p->apart != NULL ? mem_usable(p->apart) : 0);
}
