#include "http/json_args.h"

#include "base/mem.h"
#include "base/utf8.h"

struct in {
    char *at, *end;
    struct json_args *a;
};

static bool fail(struct in *in, const char *error)
{
    in->a->error = error;
    return false;
}

static void skip_space(struct in *in)
{
    while (in->at < in->end &&
           (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t'))
        in->at++;
}

/* --- room --------------------------------------------------------------------------------------------------- */

static bool grow(struct in *in, void **array, size_t *cap, size_t each)
{
    size_t more = *cap ? *cap * 2 : 16;
    void *p = mem_try_realloc(*array, more * each);
    if (!p)
        return fail(in, "OOM command not allowed: there is no memory for the request");
    *array = p;
    *cap = more;
    return true;
}

static bool add_arg(struct in *in, struct slice arg)
{
    struct json_args *a = in->a;
    if (a->argc == JSON_ARGS_MAX)
        return fail(in, "ERR too many arguments");
    if (a->argc == a->arg_cap && !grow(in, (void **)&a->argv, &a->arg_cap, sizeof(*a->argv)))
        return false;
    a->argv[a->argc++] = arg;
    return true;
}

/* --- scalars ------------------------------------------------------------------------------------------------ */

static int hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int digit = bytes_hex(p[i]);
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* Behind "\u". A character above 0xffff comes as two of them. */
static bool unescape_unicode(struct in *in, char **to)
{
    int code = in->end - in->at >= 4 ? hex4(in->at) : -1;
    if (code < 0)
        return fail(in, "ERR invalid JSON: \\u without four hexadecimal digits");
    in->at += 4;
    if (code >= 0xdc00 && code <= 0xdfff)
        return fail(in, "ERR invalid JSON: half of a surrogate pair");
    if (code >= 0xd800 && code <= 0xdbff) {
        bool pair = in->end - in->at >= 6 && in->at[0] == '\\' && in->at[1] == 'u';
        int low = pair ? hex4(in->at + 2) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(in, "ERR invalid JSON: half of a surrogate pair");
        in->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
    }
    *to += utf8_put(*to, (uint32_t)code);
    return true;
}

/* Behind a '\\'. */
static bool unescape(struct in *in, char **to)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    char c = in->at < in->end ? *in->at++ : '\0';
    const char *found = c ? strchr(letters, c) : NULL;
    if (c == 'u')
        return unescape_unicode(in, to);
    if (!found)
        return fail(in, "ERR invalid JSON: an unknown escape");
    *(*to)++ = bytes[found - letters];
    return true;
}

/* Behind the '"'. Decodes in place: bytes move only behind an escape, which gets shorter. */
static bool parse_string(struct in *in, struct slice *out)
{
    char *from = in->at, *to = in->at;
    for (;;) {
        char *run = in->at;
        while (in->at < in->end && *in->at != '"' && *in->at != '\\' &&
               (unsigned char)*in->at >= ' ')
            in->at++;
        size_t len = (size_t)(in->at - run);
        if (!utf8_valid(slice_of(run, len)))
            return fail(in, "ERR invalid JSON: a string is not UTF-8");
        if (to != run)
            memmove(to, run, len);
        to += len;
        if (in->at == in->end || (unsigned char)*in->at < ' ')
            return fail(in, "ERR invalid JSON: a string has no end, or a control character in it");
        if (*in->at++ == '"')
            break;
        if (!unescape(in, &to))
            return false;
    }
    *out = slice_of(from, (size_t)(to - from));
    return true;
}

static void skip_digits(struct in *in)
{
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        in->at++;
}

static bool next_is(const struct in *in, char c)
{
    return in->at < in->end && *in->at == c;
}

static bool parse_number(struct in *in)
{
    if (next_is(in, '-'))
        in->at++;
    char *first = in->at;
    skip_digits(in);
    if (in->at == first || (*first == '0' && in->at - first > 1))
        return false;
    if (next_is(in, '.')) {
        first = ++in->at;
        skip_digits(in);
        if (in->at == first)
            return false;
    }
    if (next_is(in, 'e') || next_is(in, 'E')) {
        in->at++;
        if (next_is(in, '+') || next_is(in, '-'))
            in->at++;
        first = in->at;
        skip_digits(in);
        if (in->at == first)
            return false;
    }
    return true;
}

static bool parse_word(struct in *in)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(in->end - in->at) >= len && memcmp(in->at, words[i], len) == 0) {
            in->at += len;
            return true;
        }
    }
    return false;
}

static bool parse_arg(struct in *in)
{
    struct slice arg;
    char *from = in->at;
    if (next_is(in, '"')) {
        in->at++;
        if (!parse_string(in, &arg))
            return false;
    } else if (next_is(in, '[') || next_is(in, '{')) {
        return fail(in, "ERR an argument of a command is an array or an object");
    } else if (parse_number(in) || (in->at == from && parse_word(in))) {
        arg = slice_of(from, (size_t)(in->at - from));
    } else {
        return fail(in, "ERR invalid JSON");
    }
    return add_arg(in, arg);
}

/* --- arrays ------------------------------------------------------------------------------------------------- */

/* Behind an element: true, *more says whether there is another. */
static bool parse_comma(struct in *in, bool *more)
{
    skip_space(in);
    if (!next_is(in, ',') && !next_is(in, ']'))
        return fail(in, "ERR invalid JSON: an array has no end");
    *more = *in->at++ == ',';
    skip_space(in);
    return true;
}

/* Behind the '[' of an array: true, *more says whether there is an element. */
static bool parse_begin(struct in *in, bool *more)
{
    skip_space(in);
    *more = !next_is(in, ']');
    if (!*more)
        in->at++;
    return true;
}

static bool parse_command(struct in *in)
{
    struct json_args *a = in->a;
    size_t before = a->argc;
    bool more;
    if (!next_is(in, '['))
        return fail(in, "ERR a command is no array");
    in->at++;
    for (bool ok = parse_begin(in, &more); more || !ok; ok = ok && parse_comma(in, &more))
        if (!ok || !parse_arg(in))
            return false;
    if (a->argc == before)
        return fail(in, "ERR empty command");
    if (a->commands == JSON_COMMANDS_MAX)
        return fail(in, "ERR too many commands");
    if (a->commands == a->command_cap &&
        !grow(in, (void **)&a->counts, &a->command_cap, sizeof(*a->counts)))
        return false;
    a->counts[a->commands++] = (int)(a->argc - before);
    return true;
}

static bool parse_commands(struct in *in)
{
    bool more;
    if (!next_is(in, '['))
        return fail(in, "ERR the body is no array");
    in->at++;
    for (bool ok = parse_begin(in, &more); more || !ok; ok = ok && parse_comma(in, &more))
        if (!ok || !parse_command(in))
            return false;
    return true;
}

void json_args_init(struct json_args *a)
{
    *a = (struct json_args){0};
}

void json_args_deinit(struct json_args *a)
{
    mem_free(a->argv);
    mem_free(a->counts);
    json_args_init(a);
}

bool json_args_parse(struct json_args *a, char *text, size_t len, bool many)
{
    struct in in = {.at = text, .end = text + len, .a = a};
    a->argc = a->commands = 0;
    skip_space(&in);
    if (!(many ? parse_commands(&in) : parse_command(&in)))
        return false;
    skip_space(&in);
    return in.at == in.end || fail(&in, "ERR invalid JSON: something stands behind it");
}
