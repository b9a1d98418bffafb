#include "cmd/synopsis.h"

#include <ctype.h>

/* Siblings in order. */
struct list {
    int first, last, count;
};
static const struct list empty_list = {-1, -1, 0};

struct parser {
    const char *at;
    struct synopsis *tree;
    int used, depth;
    enum err err; /* the first error; nothing is parsed after it */
};

static void fail(struct parser *p, enum err err)
{
    if (!p->err)
        p->err = err;
}

/* --- words ------------------------------------------------------------------------------------ */

static void skip_blanks(struct parser *p)
{
    while (*p->at == ' ')
        p->at++;
}

/* The next character that is not blank; '\0' also after an error, so that every loop ends. */
static char peek(struct parser *p)
{
    skip_blanks(p);
    return p->err ? '\0' : *p->at;
}

static bool take(struct parser *p, const char *text)
{
    skip_blanks(p);
    size_t len = strlen(text);
    if (p->err || strncmp(p->at, text, len) != 0)
        return false;
    p->at += len;
    return true;
}

static struct slice next_word(struct parser *p)
{
    skip_blanks(p);
    size_t len = strcspn(p->at, " []<>|");
    struct slice word = slice_of(p->at, len);
    p->at += len;
    if (len == 0)
        fail(p, ERR_SYNTAX);
    return word;
}

static bool is_token(struct slice word)
{
    bool upper = false;
    for (size_t i = 0; i < word.len; i++) {
        if (islower((unsigned char)word.ptr[i]))
            return false;
        upper |= isupper((unsigned char)word.ptr[i]) != 0;
    }
    return upper;
}

static bool at_token(struct parser *p)
{
    skip_blanks(p);
    return is_token(slice_of(p->at, strcspn(p->at, " []<>|")));
}

static enum arg_type type_of(struct slice name)
{
    static const struct {
        enum arg_type type;
        const char *names; /* each between blanks */
    } known[] = {
        {ARG_KEY, " key newkey source destination key1 key2 "},
        {ARG_PATTERN, " pattern "},
        {ARG_UNIX_TIME, " unix-time-seconds unix-time-milliseconds timestamp "},
        {ARG_INTEGER, " cursor count db decrement destination-db end increment index index1 index2 "
                      "len limit maxlen milliseconds min-match-len numkeys numreplicas offset port "
                      "protover seconds start timeout timeout-milliseconds "},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *at = known[i].names;
        while ((at = memmem(at, strlen(at), name.ptr, name.len))) {
            if (at[-1] == ' ' && at[name.len] == ' ')
                return known[i].type;
            at++;
        }
    }
    return ARG_STRING;
}

/* --- the tree --------------------------------------------------------------------------------- */

static struct synopsis_arg *arg(const struct parser *p, int i)
{
    return &p->tree->args[i];
}

/* Index of a new argument; after an error 0, as the result is void. */
static int new_arg(struct parser *p, enum arg_type type)
{
    if (p->used == SYNOPSIS_ARGS_MAX)
        fail(p, ERR_FULL);
    int i = p->err ? 0 : p->used++;
    *arg(p, i) = (struct synopsis_arg){.type = type, .child = -1, .next = -1};
    return i;
}

static void append(struct parser *p, struct list *l, int i)
{
    if (l->first < 0)
        l->first = i;
    else
        arg(p, l->last)->next = i;
    l->last = i;
    l->count++;
}

/* A list as one argument: its only member, or a group of them. */
static int join(struct parser *p, struct list l, enum arg_type type)
{
    if (l.count == 1)
        return l.first;
    if (l.count == 0)
        fail(p, ERR_SYNTAX);
    int i = new_arg(p, type);
    arg(p, i)->child = l.first;
    return i;
}

static bool equal(const struct parser *p, int a, int b)
{
    for (; a >= 0 && b >= 0; a = arg(p, a)->next, b = arg(p, b)->next) {
        const struct synopsis_arg *x = arg(p, a), *y = arg(p, b);
        if (x->type != y->type || !slice_equal(x->name, y->name) ||
            !slice_equal(x->token, y->token) || !equal(p, x->child, y->child))
            return false;
    }
    return a < 0 && b < 0;
}

/* --- groups ----------------------------------------------------------------------------------- */

static struct list parse_sequence(struct parser *p, bool behind_token);

static void repeat(struct parser *p, int i)
{
    arg(p, i)->multiple = true;
    arg(p, i)->multiple_token = arg(p, i)->token.len > 0;
}

/* "x [x ...]": a group that repeats the end of the list is not added; the end is marked as repeated. False: the group
 * does not repeat it. */
static bool fold(struct parser *p, struct list *l, struct list group)
{
    if (group.count > l->count)
        return false;
    int before = -1, tail = l->first;
    for (int skip = l->count - group.count; skip > 0; skip--) {
        before = tail;
        tail = arg(p, tail)->next;
    }
    if (!equal(p, tail, group.first))
        return false;
    int joined = join(p, (struct list){tail, l->last, group.count}, ARG_BLOCK);
    repeat(p, joined);
    if (before >= 0)
        arg(p, before)->next = joined;
    else
        l->first = joined;
    l->last = joined;
    l->count -= group.count - 1;
    return true;
}

/* One sequence, or several between bars, of which one is chosen. */
static struct list parse_choice(struct parser *p, bool *repeats)
{
    struct list l = parse_sequence(p, false);
    *repeats = take(p, "...");
    if (peek(p) != '|')
        return l;
    struct list choice = empty_list;
    append(p, &choice, join(p, l, ARG_BLOCK));
    while (take(p, "|"))
        append(p, &choice, join(p, parse_sequence(p, false), ARG_BLOCK));
    l = empty_list;
    append(p, &l, join(p, choice, ARG_ONEOF));
    return l;
}

/* Parses a group and adds it to the list. False: a syntax error, or the group does not belong to the token's arguments
 * and is left unparsed. */
static bool parse_group(struct parser *p, struct list *l, bool behind_token)
{
    struct parser before = *p;
    bool optional = take(p, "["), repeats;
    if (++p->depth > SYNOPSIS_DEPTH_MAX || (!optional && !take(p, "<"))) {
        fail(p, ERR_SYNTAX);
        return false;
    }
    struct list group = parse_choice(p, &repeats);
    if (!take(p, optional ? "]" : ">"))
        fail(p, ERR_SYNTAX);
    p->depth--;
    if (p->err || (repeats && optional && fold(p, l, group)))
        return true;
    if (optional && behind_token) {
        *p = before;
        return false;
    }
    int i = join(p, group, ARG_BLOCK);
    arg(p, i)->optional = optional;
    arg(p, i)->multiple |= repeats;
    append(p, l, i);
    return true;
}

/* --- sequences -------------------------------------------------------------------------------- */

/* "name:type", where the name does not tell: takes the type away from the word. False: no type is there. */
static bool take_type(struct slice *word, enum arg_type *type)
{
    static const struct {
        struct slice suffix;
        enum arg_type type;
    } suffixes[] = {
        {{":double", 7}, ARG_DOUBLE},
        {{":integer", 8}, ARG_INTEGER},
        {{":key", 4}, ARG_KEY},
    };
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        struct slice suffix = suffixes[i].suffix;
        if (word->len <= suffix.len ||
            !slice_equal(slice_of(word->ptr + word->len - suffix.len, suffix.len), suffix))
            continue;
        word->len -= suffix.len;
        *type = suffixes[i].type;
        return true;
    }
    return false;
}

static void parse_argument(struct parser *p, struct list *l)
{
    struct slice word = next_word(p);
    enum arg_type type;
    if (!take_type(&word, &type))
        type = type_of(word);
    int i = new_arg(p, type);
    arg(p, i)->name = word;
    append(p, l, i);
}

/* A token takes the arguments behind it for its own. */
static void parse_token(struct parser *p, struct list *l)
{
    struct slice token = next_word(p);
    struct list own = parse_sequence(p, true);
    int i;
    if (own.count == 0) {
        i = new_arg(p, ARG_PURE_TOKEN);
        arg(p, i)->name = token;
    } else if (own.count == 1 && arg(p, own.first)->token.len == 0) {
        i = own.first;
    } else {
        i = new_arg(p, ARG_BLOCK);
        arg(p, i)->child = own.first;
    }
    arg(p, i)->token = token;
    append(p, l, i);
}

/* Arguments up to the end of the group, a bar or "..."; behind a token also up to the next token or
 * optional group. */
static struct list parse_sequence(struct parser *p, bool behind_token)
{
    struct list l = empty_list;
    for (;;) {
        char c = peek(p);
        if (c == '\0' || strchr("]>|", c) || strncmp(p->at, "...", 3) == 0)
            return l;
        if (c == '[' || c == '<') {
            if (!parse_group(p, &l, behind_token))
                return l;
        } else if (!at_token(p)) {
            parse_argument(p, &l);
        } else if (behind_token) {
            return l;
        } else {
            parse_token(p, &l);
        }
    }
}

enum err synopsis_parse(const char *text, struct synopsis *out)
{
    struct parser p = {.at = text, .tree = out};
    bool repeats;
    struct list l = parse_choice(&p, &repeats);
    if (repeats && l.count > 0)
        arg(&p, l.last)->multiple = true;
    if (peek(&p) != '\0')
        fail(&p, ERR_SYNTAX);
    out->first = l.first;
    out->count = p.used;
    return p.err;
}
