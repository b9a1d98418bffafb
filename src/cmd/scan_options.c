#include "cmd/scan_options.h"

#define SCAN_COUNT_DEFAULT 10

/* Reads a cursor as Redis does, with strtoul(3): an empty text is 0, and a sign is allowed. False: it is no cursor. */
static bool parse_cursor(struct slice text, uint64_t *out)
{
    bool minus = text.len > 0 && text.ptr[0] == '-';
    size_t i = minus || (text.len > 0 && text.ptr[0] == '+') ? 1 : 0;
    uint64_t value = 0;
    if (text.len == 1 && i == 1)
        return false;
    for (; i < text.len; i++) {
        unsigned digit = (unsigned char)text.ptr[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = minus ? 0 - value : value;
    return true;
}

bool scan_cursor_parse(struct cmd_ctx *c, int i, uint64_t *cursor)
{
    if (parse_cursor(c->argv[i], cursor))
        return true;
    resp_error(c->out, "invalid cursor");
    return false;
}

static bool parse_count(struct cmd_ctx *c, int i, struct scan_options *o)
{
    int64_t count;
    if (!ctx_arg_i64(c, i, &count))
        return false;
    if (count < 1) {
        ctx_reply_syntax(c);
        return false;
    }
    o->count = (uint64_t)count;
    return true;
}

static bool parse_match(struct cmd_ctx *c, int i, struct scan_options *o)
{
    glob_free(&o->glob); /* of an earlier MATCH */
    if (slice_equal(c->argv[i], SLICE("*")))
        return true;
    o->glob = glob_try_new(c->argv[i], false);
    if (!o->glob)
        ctx_reply_nomem(c);
    return o->glob;
}

static enum item_type type_of(struct slice name)
{
    unsigned type = 0;
    while (type < TYPE_COUNT && !slice_is(name, item_type_name(type)))
        type++;
    return type;
}

/* Reads the option in argument *i, and moves *i to its last argument. False: the error is replied. */
static bool parse_option(struct cmd_ctx *c, int *i, unsigned allowed, struct scan_options *o)
{
    struct slice word = c->argv[*i];
    if ((allowed & SCAN_NOVALUES) && slice_is(word, "novalues")) {
        o->no_values = true;
        return true;
    }
    if (++*i < c->argc) {
        if (slice_is(word, "match"))
            return parse_match(c, *i, o);
        if (slice_is(word, "count"))
            return parse_count(c, *i, o);
        if ((allowed & SCAN_TYPE) && slice_is(word, "type")) {
            o->type = type_of(c->argv[*i]);
            o->any_type = false;
            return true;
        }
    }
    ctx_reply_syntax(c);
    return false;
}

bool scan_options_parse(struct cmd_ctx *c, int first, unsigned allowed, struct scan_options *o)
{
    *o = (struct scan_options){.count = SCAN_COUNT_DEFAULT, .any_type = true};
    for (int i = first; i < c->argc; i++) {
        if (!parse_option(c, &i, allowed, o)) {
            scan_options_deinit(o);
            return false;
        }
    }
    return true;
}

void scan_options_deinit(struct scan_options *o)
{
    glob_free(&o->glob);
}
