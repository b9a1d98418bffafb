/* Parsing, printing and comparing the values of options, by their type. */
#include "config/option.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/words.h"
#include "config/line.h"

/* A parsed value on its way to struct config. */
struct value {
    bool yes;
    int64_t number; /* OPTION_ENUM: the choice's value */
    struct slice text;
};

enum option_result option_bad(struct option_error *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    return OPTION_BAD;
}

static void *field(const struct option *o, const struct config *c)
{
    return (char *)c + o->offset;
}

/* --- parsing ---------------------------------------------------------------------------------------- */

static bool parse_octal(struct slice s, int64_t *out)
{
    int64_t v = 0;
    if (s.len == 0 || s.len > 6)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '7')
            return false;
        v = v * 8 + (s.ptr[i] - '0');
    }
    *out = v;
    return true;
}

static enum option_result parse_number(const struct option *o, struct slice s, struct value *v,
                                       struct option_error *e)
{
    switch (o->type) {
    case OPTION_MEMORY:
        if (!num_parse_memory(s, &v->number) || v->number < 0)
            return option_bad(e, "argument must be a memory value");
        break;
    case OPTION_OCTAL:
        if (!parse_octal(s, &v->number))
            return option_bad(e, "argument couldn't be parsed as an octal number");
        break;
    default:
        if (!num_parse_i64(s, &v->number))
            return option_bad(e, "argument couldn't be parsed into an integer");
    }
    bool low = v->number<o->min, high = v->number> o->max;
    if (o->flags & OPTION_CLAMP)
        v->number = low ? o->min : high ? o->max : v->number;
    else if ((low || high) && o->type == OPTION_OCTAL)
        return option_bad(e, "argument must be between %llo and %llo inclusive",
                          (unsigned long long)o->min, (unsigned long long)o->max);
    else if (low || high)
        return option_bad(e, "argument must be between %lld and %lld inclusive", (long long)o->min,
                          (long long)o->max);
    return OPTION_OK;
}

static void print_choices(const struct option *o, struct buf *out)
{
    for (const struct option_choice *c = o->choices; c->name; c++) {
        if (c != o->choices)
            buf_append_cstr(out, ", ");
        buf_append_cstr(out, c->name);
    }
}

static enum option_result parse_choice(const struct option *o, struct slice s, struct value *v,
                                       struct option_error *e)
{
    for (const struct option_choice *c = o->choices; c->name; c++)
        if (slice_is(s, c->name)) {
            v->number = c->value;
            return OPTION_OK;
        }
    struct buf names;
    buf_init(&names);
    print_choices(o, &names);
    option_bad(e, "argument(s) must be one of the following: %s", buf_cstr(&names));
    buf_deinit(&names);
    return OPTION_BAD;
}

static enum option_result parse_text(const struct option *o, struct slice s, struct value *v,
                                     struct option_error *e)
{
    if (o->type != OPTION_BYTES && memchr(s.ptr ? s.ptr : "", '\0', s.len))
        return option_bad(e, "argument must not contain a zero byte");
    const char *wrong = o->check ? o->check(s) : NULL;
    if (wrong)
        return option_bad(e, "%s", wrong);
    v->text = s;
    return OPTION_OK;
}

static enum option_result parse(const struct option *o, struct slice s, struct value *v,
                                struct option_error *e)
{
    *v = (struct value){0};
    switch (o->type) {
    case OPTION_BOOL:
        v->yes = slice_is(s, "yes");
        return v->yes || slice_is(s, "no") ? OPTION_OK
                                           : option_bad(e, "argument must be 'yes' or 'no'");
    case OPTION_INT:
    case OPTION_MEMORY:
    case OPTION_OCTAL: return parse_number(o, s, v, e);
    case OPTION_ENUM: return parse_choice(o, s, v, e);
    case OPTION_STRING:
    case OPTION_BYTES:
    case OPTION_WORDS: return parse_text(o, s, v, e);
    case OPTION_LINES:
    case OPTION_SPECIAL: break;
    }
    assert(!"specials parse themselves");
    return OPTION_BAD;
}

/* The text that an option owns. OPTION_BYTES keeps its length; other texts end at a zero byte. */
static struct slice text_of(const struct option *o, const struct config *c)
{
    return o->type == OPTION_BYTES ? *(struct slice *)field(o, c)
                                   : slice_from_cstr(*(char **)field(o, c));
}

static void set_text(const struct option *o, struct config *c, struct slice text)
{
    char *copy = mem_strndup(text.ptr ? text.ptr : "", text.len);
    if (o->type == OPTION_BYTES)
        *(struct slice *)field(o, c) = slice_of(copy, text.len);
    else
        *(char **)field(o, c) = copy;
}

static void free_text(const struct option *o, struct config *c)
{
    if (o->type == OPTION_BYTES) {
        struct slice *text = field(o, c);
        mem_free((void *)text->ptr);
        *text = slice_of(NULL, 0);
    } else {
        char **text = field(o, c);
        mem_free(*text);
        *text = NULL;
    }
}

/* --- setting ---------------------------------------------------------------------------------------- */

/* A number of 4 bytes is an int, or an unsigned where its least value is not below 0. */
static int64_t number_of(const struct option *o, const struct config *c)
{
    if (o->bytes == sizeof(int64_t))
        return *(int64_t *)field(o, c);
    return o->min < 0 ? (int64_t) * (int *)field(o, c) : (int64_t) * (unsigned *)field(o, c);
}

static void store_number(const struct option *o, struct config *c, int64_t number)
{
    assert(o->bytes == sizeof(int64_t) || o->bytes == sizeof(int));
    if (o->bytes == sizeof(int64_t))
        *(int64_t *)field(o, c) = number;
    else if (o->min < 0)
        *(int *)field(o, c) = (int)number;
    else
        *(unsigned *)field(o, c) = (unsigned)number;
}

static void store(const struct option *o, struct config *c, const struct value *v)
{
    switch (o->type) {
    case OPTION_BOOL: *(bool *)field(o, c) = v->yes; break;
    case OPTION_INT:
    case OPTION_MEMORY:
    case OPTION_OCTAL: store_number(o, c, v->number); break;
    case OPTION_ENUM: *(int *)field(o, c) = (int)v->number; break;
    case OPTION_STRING:
    case OPTION_BYTES:
    case OPTION_WORDS:
        free_text(o, c);
        set_text(o, c, v->text);
        break;
    case OPTION_LINES:
    case OPTION_SPECIAL: assert(!"specials store themselves");
    }
}

static enum option_result check_fixed(const struct option *o, const struct value *v,
                                      struct option_error *e)
{
    struct value only;
    enum option_result r = parse(o, slice_from_cstr(o->fallback), &only, e);
    assert(r == OPTION_OK);
    if (v->yes == only.yes && v->number == only.number && slice_equal(v->text, only.text))
        return OPTION_OK;
    snprintf(e->text, sizeof(e->text), "not supported yet, only '%s' is: %s", o->fallback,
             o->summary);
    return OPTION_UNSUPPORTED;
}

/* Appends the words of `s`, one space between any two. */
static void append_words(struct buf *out, struct slice s)
{
    bool apart = out->len > 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != ' ') {
            if (apart)
                buf_append_char(out, ' ');
            buf_append_char(out, s.ptr[i]);
        }
        apart = s.ptr[i] == ' ' && out->len > 0;
    }
}

static enum option_result set_words(const struct option *o, struct config *c, int argc,
                                    const struct slice *argv, struct option_error *e)
{
    if (o->type == OPTION_SPECIAL)
        return o->special->set(c, argc, argv, e);
    struct buf joined;
    buf_init(&joined);
    for (int i = 0; i < argc; i++) {
        if (o->type == OPTION_WORDS)
            append_words(&joined, argv[i]);
        else
            buf_append_slice(&joined, argv[i]); /* the only word */
    }
    struct value v = {0};
    enum option_result r =
        joined.err ? option_bad(e, "out of memory") : parse(o, buf_slice(&joined), &v, e);
    if (r == OPTION_OK && (o->flags & OPTION_FIXED))
        r = check_fixed(o, &v, e);
    else if (r == OPTION_OK)
        store(o, c, &v);
    buf_deinit(&joined);
    return r;
}

static bool has_line(struct slice lines, struct slice line)
{
    while (lines.len >= line.len) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.ptr) + 1 : lines.len;
        if (slice_equal(slice_of(lines.ptr, len), line))
            return true;
        lines = slice_of(lines.ptr + len, lines.len - len);
    }
    return false;
}

/* Adds a line, unless it is there already: a file that is read twice says nothing new. One empty word removes all. */
static enum option_result add_line(const struct option *o, struct config *c, int argc,
                                   const struct slice *argv, struct option_error *e)
{
    struct value v = {.text = SLICE("")};
    if (argc == 1 && argv[0].len == 0) {
        free_text(o, c);
        set_text(o, c, v.text);
        return OPTION_OK;
    }
    if (argc != o->min)
        return option_bad(e, "wrong number of arguments");
    struct buf line, all;
    buf_init(&line);
    buf_init(&all);
    for (int i = 0; i < argc; i++) {
        buf_append_quoted(&line, argv[i]);
        buf_append_char(&line, i < argc - 1 ? ' ' : '\n');
    }
    if (!has_line(text_of(o, c), buf_slice(&line))) {
        buf_append_slice(&all, text_of(o, c));
        buf_append_slice(&all, buf_slice(&line));
        free_text(o, c);
        set_text(o, c, buf_slice(&all));
    }
    buf_deinit(&line);
    buf_deinit(&all);
    return OPTION_OK;
}

enum option_result option_set(const struct option *o, struct config *c, int argc,
                              const struct slice *argv, struct option_error *e)
{
    size_t bytes = 0;
    for (int i = 0; i < argc; i++)
        bytes += argv[i].len;
    if (bytes > CONFIG_VALUE_BYTES_MAX)
        return option_bad(e, "argument is too long");
    if (o->type == OPTION_LINES)
        return add_line(o, c, argc, argv, e);
    if (!(o->flags & OPTION_MULTI_ARG))
        return argc == 1 ? set_words(o, c, argc, argv, e)
                         : option_bad(e, "wrong number of arguments");
    if (argc != 1)
        return argc > 0 || o->type == OPTION_SPECIAL ? set_words(o, c, argc, argv, e)
                                                     : option_bad(e, "wrong number of arguments");
    /* One word may hold all of them, as CONFIG SET and a shell's quotes hand them over. */
    struct words w;
    words_init(&w);
    enum err err = words_split(&w, argv[0]);
    enum option_result r =
        err ? option_bad(e, "unbalanced quotes in the value") : set_words(o, c, w.count, w.at, e);
    words_deinit(&w);
    return r;
}

/* --- printing --------------------------------------------------------------------------------------- */

static void print_enum(const struct option *o, int value, struct buf *out)
{
    for (const struct option_choice *ch = o->choices; ch->name; ch++)
        if (ch->value == value) {
            buf_append_cstr(out, ch->name);
            return;
        }
    assert(!"a value that is no choice");
}

void option_print(const struct option *o, const struct config *c, struct buf *out)
{
    if (o->flags & OPTION_FIXED) {
        buf_append_cstr(out, o->fallback);
        return;
    }
    switch (o->type) {
    case OPTION_BOOL: buf_append_cstr(out, *(bool *)field(o, c) ? "yes" : "no"); break;
    case OPTION_INT:
    case OPTION_MEMORY: buf_append_i64(out, number_of(o, c)); break;
    case OPTION_OCTAL: buf_printf(out, "%llo", (unsigned long long)number_of(o, c)); break;
    case OPTION_ENUM: print_enum(o, *(int *)field(o, c), out); break;
    case OPTION_STRING:
    case OPTION_BYTES:
    case OPTION_WORDS:
    case OPTION_LINES: buf_append_slice(out, text_of(o, c)); break;
    case OPTION_SPECIAL: o->special->print(c, out); break;
    }
}

/* The largest unit that gives a whole number. */
static void print_memory(int64_t bytes, struct buf *out)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"gb", 1 << 30}, {"mb", 1 << 20}, {"kb", 1 << 10}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (bytes > 0 && bytes % units[i].bytes == 0) {
            buf_printf(out, "%lld%s", (long long)(bytes / units[i].bytes), units[i].unit);
            return;
        }
    buf_append_i64(out, bytes);
}

/* Quotes a word that would not be read back as it is. */
static void print_word(struct slice s, struct buf *out)
{
    bool plain = s.len > 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        plain &= ch > ' ' && ch < 0x7f && ch != '"' && ch != '\'' && ch != '\\' && ch != '#';
    }
    if (plain)
        buf_append_slice(out, s);
    else
        buf_append_quoted(out, s);
}

static void print_each_line(const struct option *o, struct slice lines, struct buf *out)
{
    while (lines.len > 0) {
        struct slice line = config_next_line(&lines);
        buf_printf(out, "%s %.*s", o->name, (int)line.len, line.ptr);
    }
}

void option_print_lines(const struct option *o, const struct config *c, struct buf *out)
{
    if (o->type == OPTION_LINES) {
        print_each_line(o, text_of(o, c), out);
        return;
    }
    if (o->type == OPTION_SPECIAL && o->special->print_lines) {
        o->special->print_lines(c, out);
        return;
    }
    buf_printf(out, "%s ", o->name);
    if (o->type == OPTION_MEMORY && !(o->flags & OPTION_FIXED)) {
        print_memory(number_of(o, c), out);
    } else {
        struct buf value;
        buf_init(&value);
        option_print(o, c, &value);
        if ((o->flags & OPTION_MULTI_ARG) && value.len > 0)
            buf_append_slice(out, buf_slice(&value)); /* its spaces separate words */
        else
            print_word(buf_slice(&value), out);
        buf_deinit(&value);
    }
    buf_append_char(out, '\n');
}

void option_print_expected(const struct option *o, struct buf *out)
{
    switch (o->type) {
    case OPTION_BOOL: buf_append_cstr(out, "yes or no"); break;
    case OPTION_INT:
        if (o->max == INT64_MAX)
            buf_printf(out, "a whole number from %lld", (long long)o->min);
        else
            buf_printf(out, "a whole number from %lld to %lld", (long long)o->min,
                       (long long)o->max);
        break;
    case OPTION_MEMORY:
        buf_append_cstr(out, "a size such as 512mb or 1gb");
        if (o->min > 0) {
            buf_append_cstr(out, ", at least ");
            print_memory(o->min, out);
        }
        break;
    case OPTION_OCTAL: buf_append_cstr(out, "permissions in octal, such as 700"); break;
    case OPTION_ENUM:
        buf_append_cstr(out, "one of ");
        print_choices(o, out);
        break;
    case OPTION_STRING:
    case OPTION_BYTES:
        buf_append_cstr(out, "one word, in quotes when there are spaces in it");
        break;
    case OPTION_WORDS: buf_append_cstr(out, "one or more words"); break;
    case OPTION_LINES: buf_printf(out, "%d words", (int)o->min); break;
    case OPTION_SPECIAL: buf_append_cstr(out, o->special->expects); break;
    }
}

bool option_same(const struct option *o, const struct config *a, const struct config *b)
{
    struct buf x, y;
    buf_init(&x);
    buf_init(&y);
    option_print(o, a, &x);
    option_print(o, b, &y);
    bool same = slice_equal(buf_slice(&x), buf_slice(&y));
    buf_deinit(&x);
    buf_deinit(&y);
    return same;
}

/* --- all of them ------------------------------------------------------------------------------------ */

static bool owns_text(const struct option *o)
{
    return (o->type == OPTION_STRING || o->type == OPTION_BYTES || o->type == OPTION_WORDS ||
            o->type == OPTION_LINES) &&
           !(o->flags & OPTION_FIXED);
}

void config_init(struct config *c, const struct options *t)
{
    memset(c, 0, t->config_bytes);
    for (const struct option *o = t->rows; o->name; o++) {
        if (o->flags & OPTION_FIXED)
            continue;
        struct option_error e;
        struct slice text = slice_from_cstr(o->fallback);
        enum option_result r = option_set(o, c, 1, &text, &e);
        assert(r == OPTION_OK);
    }
}

void config_deinit(struct config *c, const struct options *t)
{
    for (const struct option *o = t->rows; o->name; o++)
        if (owns_text(o))
            free_text(o, c);
}

void config_copy(struct config *to, const struct config *from, const struct options *t)
{
    memcpy(to, from, t->config_bytes);
    for (const struct option *o = t->rows; o->name; o++)
        if (owns_text(o))
            set_text(o, to, text_of(o, from));
}

struct config *config_new(const struct options *t)
{
    struct config *c = mem_alloc(t->config_bytes);
    config_init(c, t);
    return c;
}

struct config *config_clone(const struct config *c, const struct options *t)
{
    struct config *copy = mem_alloc(t->config_bytes);
    config_copy(copy, c, t);
    return copy;
}

void config_free(struct config **c, const struct options *t)
{
    if (!*c)
        return;
    config_deinit(*c, t);
    mem_free(*c);
    *c = NULL;
}
