/* Configuration files: lines of an option's name and its value, comments, and files that name others. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/words.h"
#include "config/line.h"
#include "config/option.h"

/* --- problems --------------------------------------------------------------------------------------- */

void config_problems_init(struct config_problems *p)
{
    *p = (struct config_problems){0};
}

void config_problems_deinit(struct config_problems *p)
{
    for (int i = 0; i < p->count; i++)
        mem_free(p->at[i].text);
    mem_free(p->at);
    *p = (struct config_problems){0};
}

void config_problem(struct config_problems *p, bool fatal, const char *fmt, ...)
{
    char text[2 * CONFIG_ERROR_CHARS];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    /* A message is one line, whatever it quotes. */
    for (char *ch = text; *ch; ch++)
        if ((unsigned char)*ch < ' ' || *ch == 0x7f)
            *ch = '?';

    p->fatal += fatal;
    if (p->count == CONFIG_PROBLEMS_MAX)
        return;
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 8;
        p->at = mem_realloc(p->at, sizeof(p->at[0]) * (size_t)p->cap);
    }
    p->at[p->count++] = (struct config_problem){fatal, mem_strdup(text)};
}

/* --- one directive ---------------------------------------------------------------------------------- */

#define QUOTED_BYTES_MAX     128 /* of a line that a message quotes */
#define NAME_BYTES_SHOWN_MAX 48

#define GUARD_TEXT "it may keep somebody out: Corsac does not start without it"

/* The part of a word that can be an option's name. Of a line whose option is unknown, no more may go to a log. */
static struct slice name_part(struct slice word)
{
    size_t n = 0;
    while (n < word.len && n < NAME_BYTES_SHOWN_MAX &&
           ((word.ptr[n] >= 'a' && word.ptr[n] <= 'z') ||
            (word.ptr[n] >= 'A' && word.ptr[n] <= 'Z') || word.ptr[n] == '-' || word.ptr[n] == '_'))
        n++;
    return slice_of(word.ptr, n);
}

/* The directive as a message quotes it; a `secret` one without its values. */
static void quote(const struct config_line *line, bool secret, struct buf *out)
{
    if (line->number > 0 && !secret) {
        buf_append_slice(out, line->text);
    } else {
        buf_append_slice(out, secret ? name_part(line->argv[0]) : line->argv[0]);
        for (int i = 1; i < line->argc && !secret; i++) {
            buf_append_char(out, ' ');
            buf_append_quoted(out, line->argv[i]);
        }
        if (secret && (line->argc > 1 || name_part(line->argv[0]).len < line->argv[0].len))
            buf_append_cstr(out, " ...");
    }
    if (out->len > QUOTED_BYTES_MAX) {
        out->len = QUOTED_BYTES_MAX;
        buf_append_cstr(out, "...");
    }
}

/* "redis.conf:12: 'port abc'", or without a number for the command line. */
static void print_place(const struct config_line *line, bool secret, struct buf *out)
{
    buf_append_cstr(out, line->origin);
    if (line->number > 0)
        buf_printf(out, ":%d", line->number);
    buf_append_cstr(out, ": '");
    struct buf text;
    buf_init(&text);
    quote(line, secret, &text);
    buf_append_slice(out, buf_slice(&text));
    buf_deinit(&text);
    buf_append_char(out, '\'');
}

/* Reports a line that sets no option. Its values may be secret, but for the path of an `include`. */
static void report(struct config_loader *l, const struct config_line *line, bool fatal,
                   const char *what)
{
    struct buf place;
    buf_init(&place);
    print_place(line, !slice_is(line->argv[0], "include"), &place);
    config_problem(l->problems, fatal, "%s: %s", buf_cstr(&place), what);
    buf_deinit(&place);
}

/* A configuration written for Redis or Valkey must start Corsac, so an option that only they have is a warning. It is
 * fatal where it may keep clients out. So is a name that is unknown: it may be `requirepass`, misspelt. */
static void report_unknown(struct config_loader *l, const struct config_line *line)
{
    struct slice name = line->argv[0];
    bool known = option_known_elsewhere(name), guards = option_guards_elsewhere(name);
    const struct option *like = known ? NULL : option_like(l->options, name);
    char what[CONFIG_ERROR_CHARS];
    snprintf(what, sizeof(what), "%s",
             guards  ? "not supported by Corsac yet, and " GUARD_TEXT
             : known ? "not supported by Corsac yet, ignored"
                     : "unknown option");
    if (like)
        snprintf(what + strlen(what), sizeof(what) - strlen(what), "; did you mean '%s'?",
                 like->name);
    report(l, line, guards || !known, what);
}

/* Says what the option takes, unless the error says it already. */
static void print_hint(const struct option *o, struct buf *out)
{
    if (o->type == OPTION_BOOL || o->type == OPTION_ENUM)
        return;
    buf_printf(out, " (%s takes ", o->name);
    option_print_expected(o, out);
    buf_append_char(out, ')');
}

static void set(struct config_loader *l, const struct config_line *line, const struct option *o)
{
    struct option_error e;
    enum option_result r = option_set(o, l->config, line->argc - 1, line->argv + 1, &e);
    if (r == OPTION_OK)
        return;
    struct buf place, hint;
    buf_init(&place);
    buf_init(&hint);
    print_place(line, o->flags & OPTION_SENSITIVE, &place);
    print_hint(o, &hint);
    if (r == OPTION_BAD)
        config_problem(l->problems, true, "%s: %s%s", buf_cstr(&place), e.text, buf_cstr(&hint));
    else if (o->flags & OPTION_GUARD)
        config_problem(l->problems, true, "%s: %s; " GUARD_TEXT, buf_cstr(&place), e.text);
    else
        config_problem(l->problems, false, "%s: %s; ignored", buf_cstr(&place), e.text);
    buf_deinit(&place);
    buf_deinit(&hint);
}

struct include {
    struct config_loader *loader;
    const struct config_line *line;
};

static void load_file(struct config_loader *l, const char *path, const char *name,
                      const struct config_line *from);

static void include_one(void *arg, const char *path)
{
    struct include *in = arg;
    struct config_loader *l = in->loader;
    if (l->includes++ >= CONFIG_INCLUDES_MAX) {
        if (l->includes == CONFIG_INCLUDES_MAX + 1)
            report(l, in->line, true, "too many files are included");
        return;
    }
    l->depth++;
    load_file(l, path, path, in->line);
    l->depth--;
}

static void include(struct config_loader *l, const struct config_line *line)
{
    if (line->argc != 2 || line->argv[1].len == 0 ||
        memchr(line->argv[1].ptr, '\0', line->argv[1].len)) {
        report(l, line, true, "include takes the path of a file");
        return;
    }
    if (l->depth >= CONFIG_INCLUDE_DEPTH_MAX) {
        report(l, line, true, "files include each other too deeply");
        return;
    }
    char *pattern = mem_strndup(line->argv[1].ptr, line->argv[1].len);
    struct include in = {l, line};
    l->files->each(l->files->arg, pattern, include_one, &in);
    mem_free(pattern);
}

void config_load_line(struct config_loader *l, const struct config_line *line)
{
    const struct option *o = option_find(l->options, line->argv[0]);
    if (o)
        set(l, line, o);
    else if (slice_is(line->argv[0], "include"))
        include(l, line);
    else
        report_unknown(l, line);
}

/* --- text and files --------------------------------------------------------------------------------- */

/* A carriage return within a line was probably meant to end it: behind a '#', the rest would pass for a comment. */
static bool is_one_line(struct slice trimmed)
{
    return !memchr(trimmed.ptr, '\r', trimmed.len);
}

void config_load_text(struct config_loader *l, const char *origin, struct slice text)
{
    struct words w;
    text = config_skip_mark(text);
    words_init(&w);
    for (int number = 1; text.len > 0; number++) {
        struct config_line line = {.origin = origin, .number = number};
        line.text = config_trim(config_next_line(&text));
        if (line.text.len == 0)
            continue;
        bool one_line = is_one_line(line.text);
        if (one_line && line.text.ptr[0] == '#')
            continue;
        enum err err = one_line ? words_split(&w, line.text) : ERR_SYNTAX;
        if (err != ERR_OK || w.count == 0) {
            line.argv = &line.text;
            line.argc = 1;
            report(l, &line, true,
                   !one_line ? "a carriage return in the middle of a line: lines end in a line feed"
                   : err == ERR_SYNTAX ? "unbalanced quotes"
                                       : "the line is too long");
            continue;
        }
        line.argv = w.at;
        line.argc = w.count;
        config_load_line(l, &line);
    }
    words_deinit(&w);
}

/* `from`: the line that includes the file, or NULL. */
static void load_file(struct config_loader *l, const char *path, const char *name,
                      const struct config_line *from)
{
    struct buf text;
    char what[CONFIG_ERROR_CHARS];
    buf_init(&text);
    enum err err = l->files->read(l->files->arg, path, &text);
    if (err == ERR_OK)
        config_load_text(l, name, buf_slice(&text));
    else if (err == ERR_FULL)
        snprintf(what, sizeof(what), "larger than %d MB, which is no configuration",
                 CONFIG_FILE_BYTES_MAX / (1024 * 1024));
    else
        snprintf(what, sizeof(what), "cannot read %s: %s", name,
                 err == ERR_IO || err == ERR_NOTFOUND ? strerror(errno) : err_text(err));
    if (err != ERR_OK && from)
        report(l, from, true, what);
    else if (err != ERR_OK)
        config_problem(l->problems, true, "%s", what);
    buf_deinit(&text);
}

void config_load_file(struct config_loader *l, const char *path)
{
    load_file(l, path, strcmp(path, "-") == 0 ? "standard input" : path, NULL);
}

/* --- real files ------------------------------------------------------------------------------------- */

static enum err read_fd(int fd, struct buf *out)
{
    for (;;) {
        if (buf_reserve(out, 16384) != ERR_OK)
            return out->err;
        ssize_t n = read(fd, out->ptr + out->len, 16384);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return ERR_OK;
        out->len += (size_t)n;
        if (out->len > CONFIG_FILE_BYTES_MAX)
            return ERR_FULL;
    }
}

/* "-" is standard input. */
static enum err read_real(void *arg, const char *path, struct buf *out)
{
    (void)arg;
    if (strcmp(path, "-") == 0)
        return read_fd(STDIN_FILENO, out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
    enum err err = read_fd(fd, out);
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

static void each_real(void *arg, const char *pattern, void (*fn)(void *fn_arg, const char *path),
                      void *fn_arg)
{
    (void)arg;
    if (!strpbrk(pattern, "*?[")) {
        fn(fn_arg, pattern);
        return;
    }
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return; /* a pattern may name no file at all */
    for (size_t i = 0; i < found.gl_pathc; i++)
        fn(fn_arg, found.gl_pathv[i]);
    globfree(&found);
}

const struct config_files config_files_real = {.read = read_real, .each = each_real};
