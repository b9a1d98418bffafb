#include "cmd/set_options.h"

struct word {
    const char *name;
    unsigned option;
    unsigned excludes; /* options that it cannot stand beside */
    bool has_argument;
    enum deadline_unit unit;
};

/* clang-format off */
static const struct word words[] = {
    {"nx",      SET_NX,       SET_CONDITIONS & ~SET_NX, false, 0},
    {"xx",      SET_XX,       SET_CONDITIONS & ~SET_XX, false, 0},
    {"ifeq",    SET_IFEQ,     SET_CONDITIONS,    true,  0},
    {"ifne",    SET_IFNE,     SET_CONDITIONS,    true,  0},
    {"ifdeq",   SET_IFDEQ,    SET_CONDITIONS,    true,  0},
    {"ifdne",   SET_IFDNE,    SET_CONDITIONS,    true,  0},
    {"get",     SET_GET,      0,                 false, 0},
    {"keepttl", SET_KEEPTTL,  SET_DEADLINE,      false, 0},
    {"persist", SET_PERSIST,  SET_DEADLINE,      false, 0},
    {"ex",      SET_DEADLINE, SET_EXPIRIES,      true,  DEADLINE_EX},
    {"px",      SET_DEADLINE, SET_EXPIRIES,      true,  DEADLINE_PX},
    {"exat",    SET_DEADLINE, SET_EXPIRIES,      true,  DEADLINE_EXAT},
    {"pxat",    SET_DEADLINE, SET_EXPIRIES,      true,  DEADLINE_PXAT},
};
/* clang-format on */

static const struct word *find_word(struct slice s, unsigned allowed)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if ((words[i].option & allowed) && slice_is(s, words[i].name))
            return &words[i];
    }
    return NULL;
}

/* Reads a digest as DIGEST replies it: 16 hexadecimal digits. */
static bool parse_digest(struct slice s, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], lower = (char)(c | 0x20);
        int digit = c >= '0' && c <= '9' ? c - '0' : lower - 'a' + 10;
        if (digit < 0 || digit > 15 || (digit > 9 && (lower < 'a' || lower > 'f')))
            return false;
        *out = *out << 4 | (uint64_t)digit;
    }
    return s.len == SET_DIGEST_CHARS;
}

static bool take_comparison(struct cmd_ctx *c, int i, struct set_options *out)
{
    out->comparison = c->argv[i];
    if (!(out->given & (SET_IFDEQ | SET_IFDNE)) || parse_digest(c->argv[i], &out->digest))
        return true;
    resp_error(c->out, "must be exactly 16 hexadecimal characters");
    return false;
}

bool set_options_parse(struct cmd_ctx *c, int first, unsigned allowed, struct set_options *out)
{
    *out = (struct set_options){0};
    for (int i = first; i < c->argc; i++) {
        const struct word *w = find_word(c->argv[i], allowed);
        /* A deadline in the same unit may be given again; the last one counts. */
        bool again = w && w->option == SET_DEADLINE && w->unit == out->unit;
        unsigned others = w ? w->excludes & ~(again ? SET_DEADLINE : 0u) : 0;
        if (!w || (out->given & others) || (w->has_argument && i + 1 == c->argc)) {
            ctx_reply_syntax(c);
            return false;
        }
        out->given |= w->option;
        i += w->has_argument;
        if (w->option & SET_COMPARISONS) {
            if (!take_comparison(c, i, out))
                return false;
        } else if (w->option == SET_DEADLINE) {
            out->unit = w->unit;
            out->deadline = i;
        }
    }
    return true;
}

bool set_options_hold(const struct set_options *o, const struct item *old)
{
    if (o->given & SET_NX)
        return !old;
    if (o->given & (SET_XX | SET_IFEQ | SET_IFDEQ) && !old)
        return false;
    if (!(o->given & SET_COMPARISONS) || !old)
        return true;
    bool same = o->given & (SET_IFEQ | SET_IFNE) ? string_equal(old, o->comparison)
                                                 : string_digest(old) == o->digest;
    return same == (bool)(o->given & (SET_IFEQ | SET_IFDEQ));
}

bool set_options_expiry(struct cmd_ctx *c, const struct set_options *o, int64_t *out_ms)
{
    if (o->given & SET_DEADLINE)
        return deadline_parse_positive(c, o->deadline, o->unit, out_ms);
    *out_ms = o->given & SET_KEEPTTL ? KS_KEEP_EXPIRY : ITEM_NO_EXPIRY;
    return true;
}
