#pragma once
/* The arguments that SCAN, SSCAN, HSCAN and ZSCAN share: the cursor, and the options. */
#include "base/glob.h"
#include "cmd/ctx.h"

enum scan_option {
    SCAN_TYPE = 1 << 0,     /* TYPE name is known */
    SCAN_NOVALUES = 1 << 1, /* NOVALUES is known */
};

struct scan_options {
    uint64_t count;
    struct glob *glob; /* NULL: any name */
    bool any_type;
    enum item_type type; /* unless any_type; TYPE_COUNT: an unknown type, which no key has */
    bool no_values;
};

/* The cursor in argument i. False: the error is replied. */
bool scan_cursor_parse(struct cmd_ctx *c, int i, uint64_t *cursor);
/* Reads arguments first to the last, of which MATCH, COUNT and `allowed` (enum scan_option) are known. False: the error
 * is replied, and the options need no deinit. */
bool scan_options_parse(struct cmd_ctx *c, int first, unsigned allowed, struct scan_options *o);
void scan_options_deinit(struct scan_options *o);

static inline bool scan_matches(const struct scan_options *o, struct slice name)
{
    return !o->glob || glob_test(o->glob, name);
}
