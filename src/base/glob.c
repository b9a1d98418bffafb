#include "base/glob.h"

/* Bytes of the pattern and the text that are still to be matched. */
struct cursor {
    const unsigned char *at, *end;
};

static struct cursor cursor_of(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    return (struct cursor){p, s.len > 0 ? p + s.len : p};
}

static unsigned char fold(unsigned char c, bool nocase)
{
    return nocase && (unsigned char)(c - 'A') < 26 ? c | 0x20 : c;
}

/* Does c belong to the class whose '[' is just behind p? Moves p behind the class. The odd cases
 * are as in Redis, since patterns in use rely on what they find there:
 *   "[]"    an empty class, which nothing belongs to; "[^]" has everything
 *   "[abc"  ends with the pattern
 *   "[c-a]" is "[a-c]"
 *   "[a-]"  is a range from 'a' to ']', of a class that then has no end
 *   "[\A]"  an escaped byte is compared as it is, whatever nocase says */
static bool match_class(struct cursor *p, unsigned char c, bool nocase)
{
    const unsigned char *at = p->at, *end = p->end;
    bool negated = at < end && *at == '^';
    at += negated;
    bool found = false;
    for (; at < end && *at != ']'; at++) {
        if (*at == '\\' && end - at >= 2) {
            at++;
            found |= *at == c;
        } else if (end - at >= 3 && at[1] == '-') {
            bool ordered = at[0] <= at[2];
            unsigned char low = fold(at[ordered ? 0 : 2], nocase);
            unsigned char high = fold(at[ordered ? 2 : 0], nocase);
            unsigned char folded = fold(c, nocase);
            found |= low <= folded && folded <= high;
            at += 2;
        } else {
            found |= fold(*at, nocase) == fold(c, nocase);
        }
    }
    p->at = at < end ? at + 1 : at;
    return found != negated;
}

/* Matches one byte against one element of the pattern that is not a '*', and moves p behind it. */
static bool match_one(struct cursor *p, unsigned char c, bool nocase)
{
    unsigned char element = *p->at++;
    switch (element) {
    case '?': return true;
    case '[': return match_class(p, c, nocase);
    case '\\':
        if (p->at < p->end)
            element = *p->at++;
        break;
    default: break;
    }
    return fold(element, nocase) == fold(c, nocase);
}

/* Only the latest '*' is ever reconsidered: whatever an earlier one could take in, the latest can,
 * too. So the work is at most the product of the two lengths. */
bool glob_match(struct slice pattern, struct slice text, bool nocase)
{
    struct cursor p = cursor_of(pattern), t = cursor_of(text);
    struct cursor after_star = {0};       /* the pattern behind the latest '*', once there is one */
    const unsigned char *star_end = t.at; /* where in the text its match ends, as tried now */

    while (t.at < t.end) {
        if (p.at < p.end && *p.at == '*') {
            p.at++;
            if (p.at == p.end)
                return true;
            after_star = p;
            star_end = t.at;
            continue;
        }
        if (p.at < p.end && match_one(&p, *t.at, nocase)) {
            t.at++;
            continue;
        }
        if (!after_star.at)
            return false;
        p = after_star;
        t.at = ++star_end;
    }
    while (p.at < p.end && *p.at == '*')
        p.at++;
    return p.at == p.end;
}
