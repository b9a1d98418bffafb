#include "cmd/set_options.h"

struct word {
    const char *name;
    unsigned option;
    unsigned excludes; /* options that it does not go with */
    bool has_argument;
    enum deadline_unit unit;
};

/* clang-format off */
static const struct word words[] = {
    {"nx",      SET_NX,       SET_XX | SET_IFEQ, false, 0},
    {"xx",      SET_XX,       SET_NX | SET_IFEQ, false, 0},
    {"ifeq",    SET_IFEQ,     SET_CONDITIONS,    true,  0},
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

bool set_options_parse(struct cmd_ctx *c, int first, unsigned allowed, struct set_options *out)
{
    *out = (struct set_options){0};
    for (int i = first; i < c->argc; i++) {
        const struct word *w = find_word(c->argv[i], allowed);
        bool again = w && w->option == SET_DEADLINE && w->unit == out->unit; /* the last counts */
        unsigned others = w ? w->excludes & ~(again ? SET_DEADLINE : 0u) : 0;
        if (!w || (out->given & others) || (w->has_argument && i + 1 == c->argc)) {
            ctx_reply_syntax(c);
            return false;
        }
        out->given |= w->option;
        i += w->has_argument;
        if (w->option == SET_IFEQ) {
            out->comparison = c->argv[i];
        } else if (w->option == SET_DEADLINE) {
            out->unit = w->unit;
            out->deadline = i;
        }
    }
    return true;
}

bool set_options_expiry(struct cmd_ctx *c, const struct set_options *o, int64_t *out_ms)
{
    if (o->given & SET_DEADLINE)
        return deadline_parse_positive(c, o->deadline, o->unit, out_ms);
    *out_ms = o->given & SET_KEEPTTL ? KS_KEEP_EXPIRY : ITEM_NO_EXPIRY;
    return true;
}
