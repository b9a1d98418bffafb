/* The title of the process, as ps shows it: proc-title-template with its variables filled in.
 *
 * Linux reads the title from the memory of the arguments. The environment lies right behind, and takes the rest of a
 * longer title:
 *
 *   argv[0] \0 argv[1] \0 ... argv[n] \0 NAME=value \0 ... \0
 *   |- title, zeros ----------------|
 *   |- longer title, which the kernel reads up to its end, zeros ---|
 *
 * So the environment is copied out of the way first. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/line.h"
#include "server/server_impl.h"
#include "server/title.h"

#define INVALID "template format is invalid or contains unknown variables"

struct title {
    char *start; /* where the kernel looks */
    size_t bytes, used;
    char *name; /* argv[0] */
};

/* --- the template ------------------------------------------------------------------------------------------- */

static void print_name(const struct title_values *v, struct buf *out)
{
    buf_append_cstr(out, v->name);
}

/* The first of several addresses. Without a port, the path of the Unix socket. */
static void print_address(const struct title_values *v, struct buf *out)
{
    const struct net_config *n = &v->config->net;
    const char *bind = n->bind[0] == '-' ? n->bind + 1 : n->bind;
    if (n->port)
        buf_printf(out, "%.*s:%u", (int)strcspn(bind, " "), bind, n->port);
    else if (n->unix_path)
        buf_append_cstr(out, n->unix_path);
}

/* Empty, as the server is neither a cluster's node nor a sentinel. */
static void print_mode(const struct title_values *v, struct buf *out)
{
    (void)v;
    (void)out;
}

static void print_port(const struct title_values *v, struct buf *out)
{
    buf_printf(out, "%u", v->config->net.port);
}

static void print_tls_port(const struct title_values *v, struct buf *out)
{
    (void)v;
    buf_append_char(out, '0');
}

static void print_unix_path(const struct title_values *v, struct buf *out)
{
    if (v->config->net.unix_path)
        buf_append_cstr(out, v->config->net.unix_path);
}

static void print_file(const struct title_values *v, struct buf *out)
{
    buf_append_cstr(out, v->file ? v->file : "-");
}

static const struct {
    const char *name;
    void (*print)(const struct title_values *v, struct buf *out);
} variables[] = {
    {"title", print_name},       {"listen-addr", print_address}, {"server-mode", print_mode},
    {"port", print_port},        {"tls-port", print_tls_port},   {"unixsocket", print_unix_path},
    {"config-file", print_file},
};
#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

/* Expands "name}..." behind a brace. Returns the length of the variable with its brace; 0: it is unknown. */
static size_t expand_one(struct slice rest, const struct title_values *v, struct buf *out)
{
    const char *end = rest.len ? memchr(rest.ptr, '}', rest.len) : NULL;
    size_t len = end ? (size_t)(end - rest.ptr) : 0;
    for (size_t i = 0; end && i < VARIABLES; i++) {
        if (strlen(variables[i].name) != len || memcmp(variables[i].name, rest.ptr, len) != 0)
            continue;
        if (v)
            variables[i].print(v, out);
        return len + 1;
    }
    return 0;
}

/* `v` NULL: only checks the form. */
static bool expand(struct slice template, const struct title_values *v, struct buf *out)
{
    for (size_t i = 0; i < template.len; i++) {
        bool more = i + 1 < template.len;
        if (template.ptr[i] != '{') {
            buf_append_char(out, template.ptr[i]);
        } else if (more && template.ptr[i + 1] == '{') {
            buf_append_char(out, template.ptr[i++]);
        } else {
            struct slice rest = slice_of(template.ptr + i + 1, template.len - i - 1);
            size_t taken = expand_one(rest, v, out);
            if (taken == 0)
                return false;
            i += taken;
        }
    }
    return out->err == ERR_OK;
}

const char *option_check_title(struct slice value)
{
    struct buf out;
    buf_init(&out);
    bool fine = expand(value, NULL, &out) && config_trim(value).len > 0;
    buf_deinit(&out);
    return fine ? NULL : INVALID;
}

bool title_expand(const char *template, const struct title_values *v, struct buf *out)
{
    struct buf text;
    buf_init(&text);
    bool fine = expand(slice_from_cstr(template), v, &text);
    struct slice title = config_trim(buf_slice(&text));
    if (fine)
        buf_append_slice(out, title);
    buf_deinit(&text);
    return fine && title.len > 0;
}

/* --- the process -------------------------------------------------------------------------------------------- */

struct title *title_new(int argc, char **argv)
{
    struct title *t = mem_zalloc(sizeof(*t));
    t->name = mem_strdup(argc > 0 ? argv[0] : "corsac");
    if (argc == 0)
        return t;
    t->start = argv[0];
    for (int i = 0; i < argc && argv[i] == t->start + t->bytes; i++)
        t->bytes += strlen(argv[i]) + 1;
    t->used = t->bytes;
    for (char **e = environ; e && *e && *e == t->start + t->bytes; e++)
        t->bytes += strlen(*e) + 1;
    return t;
}

void title_free(struct title **t)
{
    if (*t)
        mem_free((*t)->name);
    mem_free(*t);
    *t = NULL;
}

/* The copy is never freed, as callers of getenv keep pointers into it. */
static void move_environment(void)
{
    size_t count = 0;
    while (environ && environ[count])
        count++;
    char **copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = strdup(environ[i]);
    if (copy)
        environ = copy;
}

void title_claim(struct title *t)
{
    if (!t->start)
        return;
    move_environment();
    program_invocation_name = t->name;
    char *slash = strrchr(t->name, '/');
    program_invocation_short_name = slash ? slash + 1 : t->name;
}

void title_set(struct title *t, struct slice title)
{
    size_t len = title.len < t->bytes ? title.len : t->bytes ? t->bytes - 1 : 0;
    if (t->bytes == 0)
        return;
    memcpy(t->start, title.ptr, len);
    size_t used = len + 1 > t->used ? len + 1 : t->used;
    memset(t->start + len, 0, used - len);
    t->used = used;
}

enum err server_title(struct server *s, const struct config *next, char error[CONFIG_ERROR_CHARS])
{
    struct title_values v = {
        .name = s->title ? s->title->name : "corsac",
        .file = s->config_host.file,
        .config = next,
    };
    struct buf out;
    buf_init(&out);
    bool fine = title_expand(next->proc_title, &v, &out);
    if (!fine)
        snprintf(error, CONFIG_ERROR_CHARS, INVALID);
    else if (s->title && next->set_proc_title)
        title_set(s->title, buf_slice(&out));
    buf_deinit(&out);
    return fine ? ERR_OK : ERR_SYNTAX;
}
