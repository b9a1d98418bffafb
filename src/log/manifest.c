#include "log/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/words.h"
#include "log/files.h"

void manifest_init(struct manifest *m)
{
    *m = (struct manifest){0};
}

void manifest_deinit(struct manifest *m)
{
    mem_free(m->files);
    *m = (struct manifest){0};
}

/* --- content -------------------------------------------------------------------------------- */

/* The order of loading: the base, then increments by number; behind them history, in the order it was added. */
static int rank(enum manifest_type type)
{
    return type == MANIFEST_BASE ? 0 : type == MANIFEST_INCR ? 1 : 2;
}

static bool comes_before(const struct manifest_file *a, const struct manifest_file *b)
{
    if (rank(a->type) != rank(b->type))
        return rank(a->type) < rank(b->type);
    return a->type != MANIFEST_HISTORY && a->seq < b->seq;
}

/* Is it the name of a file in the directory itself? */
static bool is_file_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < MANIFEST_NAME_BYTES_MAX && !strchr(name, '/') &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool manifest_names(const struct manifest *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->files[i].name, name) == 0)
            return true;
    return false;
}

enum err manifest_add(struct manifest *m, enum manifest_type type, uint64_t seq, const char *name)
{
    if (m->count == MANIFEST_FILES_MAX)
        return ERR_FULL;
    if (!is_file_name(name) || seq == 0 || seq > MANIFEST_SEQ_MAX)
        return ERR_RANGE;
    /* A file has one type only, as files of history are removed. */
    if (manifest_names(m, name))
        return ERR_EXISTS;
    if (m->count == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 8;
        m->files = mem_realloc(m->files, m->cap * sizeof(*m->files));
    }
    struct manifest_file new = {.seq = seq, .type = type};
    memcpy(new.name, name, strlen(name));
    size_t at = m->count++;
    for (; at > 0 && comes_before(&new, &m->files[at - 1]); at--)
        m->files[at] = m->files[at - 1];
    m->files[at] = new;
    return ERR_OK;
}

size_t manifest_live(const struct manifest *m)
{
    size_t n = m->count;
    while (n && m->files[n - 1].type == MANIFEST_HISTORY)
        n--;
    return n;
}

const struct manifest_file *manifest_base(const struct manifest *m)
{
    return m->count && m->files[0].type == MANIFEST_BASE ? &m->files[0] : NULL;
}

const struct manifest_file *manifest_last(const struct manifest *m, enum manifest_type type)
{
    const struct manifest_file *last = NULL;
    for (size_t i = 0; i < m->count; i++)
        if (m->files[i].type == type)
            last = &m->files[i];
    return last;
}

uint64_t manifest_last_seq(const struct manifest *m, enum manifest_type type)
{
    const struct manifest_file *last = manifest_last(m, type);
    return last ? last->seq : 0;
}

void manifest_remove(struct manifest *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->files[i].name, name) != 0)
            continue;
        memmove(&m->files[i], &m->files[i + 1], (m->count - i - 1) * sizeof(m->files[0]));
        m->count--;
        return;
    }
}

enum err manifest_replace_base(struct manifest *m, uint64_t base_seq, const char *base,
                               uint64_t first_incr_seq)
{
    struct manifest next;
    const struct manifest_file *old = manifest_base(m);
    size_t live = manifest_live(m);
    manifest_init(&next);
    enum err e = manifest_add(&next, MANIFEST_BASE, base_seq, base);
    for (size_t i = old ? 1 : 0; i < live && e == ERR_OK; i++) {
        const struct manifest_file *f = &m->files[i];
        bool stays = f->seq >= first_incr_seq;
        e = manifest_add(&next, stays ? MANIFEST_INCR : MANIFEST_HISTORY, f->seq, f->name);
    }
    /* The old base comes behind its increments, as in Redis. */
    if (old && e == ERR_OK)
        e = manifest_add(&next, MANIFEST_HISTORY, old->seq, old->name);
    for (size_t i = live; i < m->count && e == ERR_OK; i++)
        e = manifest_add(&next, MANIFEST_HISTORY, m->files[i].seq, m->files[i].name);
    if (e != ERR_OK) {
        manifest_deinit(&next);
        return e;
    }
    manifest_deinit(m);
    *m = next;
    return ERR_OK;
}

void manifest_forget_history(struct manifest *m)
{
    m->count = manifest_live(m);
}

/* --- text ----------------------------------------------------------------------------------- */

static enum err refuse(char *error, int line, const char *why)
{
    snprintf(error, MANIFEST_ERROR_CHARS, "line %d of the manifest: %s", line, why);
    return ERR_SYNTAX;
}

/* The text of a fault that Redis reports, too, begins with Redis' words: tools look for them. */
#define INVALID "Invalid AOF manifest file format: "

/* A type is read as a letter, which may be any. */
static bool is_type(int type)
{
    return type == MANIFEST_BASE || type == MANIFEST_INCR || type == MANIFEST_HISTORY;
}

/* Reads "file NAME seq N type T", the pairs in any order. NULL, or what is wrong. */
static const char *parse_pairs(const struct words *w, struct manifest_file *f)
{
    if (w->count % 2)
        return INVALID "\"file <name> seq <number> type <b, i or h>\" was expected";
    for (int i = 0; i < w->count; i += 2) {
        struct slice key = w->at[i], value = w->at[i + 1];
        if (slice_is(key, "file")) {
            if (value.len >= sizeof(f->name) || memchr(value.ptr, 0, value.len))
                return INVALID "a file name of 256 bytes or more, or with a zero byte";
            memcpy(f->name, value.ptr, value.len);
            f->name[value.len] = 0;
            if (!is_file_name(f->name))
                return INVALID "a file name that is empty or leads out of the directory";
        } else if (slice_is(key, "seq")) {
            if (!num_parse_u64(value, &f->seq) || f->seq == 0 || f->seq > MANIFEST_SEQ_MAX)
                return INVALID "seq is no number from 1 to 2^62";
        } else if (slice_is(key, "type")) {
            if (value.len != 1 || !is_type(value.ptr[0]))
                return "Unknown AOF file type: it is none of b, i and h";
            f->type = (enum manifest_type)value.ptr[0];
        }
    }
    if (!f->name[0] || f->seq == 0 || !is_type((int)f->type))
        return INVALID "a file needs a name, a seq and a type";
    return NULL;
}

static enum err parse_line(struct manifest *m, const struct words *w, int line, char *error)
{
    struct manifest_file f = {0};
    const char *why = parse_pairs(w, &f);
    if (why)
        return refuse(error, line, why);
    if (f.type == MANIFEST_BASE && manifest_base(m))
        return refuse(error, line, "Found duplicate base file information: a second base");
    if (f.type == MANIFEST_INCR && manifest_last_seq(m, MANIFEST_INCR) >= f.seq)
        return refuse(error, line,
                      "Found a non-monotonic sequence number: increments must be in order");
    switch (manifest_add(m, f.type, f.seq, f.name)) {
    case ERR_OK: return ERR_OK;
    case ERR_EXISTS: return refuse(error, line, "a file that was named before");
    default: return refuse(error, line, "too many files");
    }
}

enum err manifest_parse(struct manifest *m, struct slice text, char error[MANIFEST_ERROR_CHARS])
{
    struct words w;
    enum err e = ERR_OK;
    int line = 0;
    manifest_deinit(m);
    words_init(&w);
    while (text.len && e == ERR_OK) {
        const char *newline = memchr(text.ptr, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.ptr) : text.len;
        line++;
        if (!newline)
            e = refuse(error, line, INVALID "it does not end in a line break");
        else if (len > MANIFEST_LINE_BYTES_MAX)
            e = refuse(error, line, "The AOF manifest file contains too long line");
        else if (text.ptr[0] == '#')
            ;
        else if (words_split(&w, slice_of(text.ptr, len)) != ERR_OK)
            e = refuse(error, line, INVALID "unbalanced quotes");
        else if (w.count == 0)
            e = refuse(error, line, INVALID "a blank line");
        else
            e = parse_line(m, &w, line, error);
        text = newline ? slice_of(newline + 1, text.len - len - 1) : slice_of(NULL, 0);
    }
    words_deinit(&w);
    if (e == ERR_OK && m->count == 0)
        e = refuse(error, line, "Found an empty AOF manifest: it names no file");
    if (e != ERR_OK)
        manifest_deinit(m);
    return e;
}

static bool needs_quotes(const char *name)
{
    for (const char *p = name; *p; p++)
        if (*p <= ' ' || *p > '~' || strchr("\"'\\", *p))
            return true;
    return false;
}

static void print_files(const struct manifest *m, enum manifest_type type, struct buf *out)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct manifest_file *f = &m->files[i];
        if (f->type != type)
            continue;
        buf_append_cstr(out, "file ");
        if (needs_quotes(f->name))
            buf_append_quoted(out, slice_from_cstr(f->name));
        else
            buf_append_cstr(out, f->name);
        buf_printf(out, " seq %llu type %c\n", (unsigned long long)f->seq, (char)type);
    }
}

/* Increments come last: tools take the last line for the increment in use. */
static void print(const struct manifest *m, struct buf *out)
{
    print_files(m, MANIFEST_BASE, out);
    print_files(m, MANIFEST_HISTORY, out);
    print_files(m, MANIFEST_INCR, out);
}

/* --- file ----------------------------------------------------------------------------------- */

/* A named file that would be removed or written over for another reason: the manifest itself, or a temporary file of a
 * manifest or a rewrite. */
static const char *find_reserved(const struct manifest *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        const char *file = m->files[i].name;
        bool temporary = strncmp(file, "temp-", 5) == 0;
        if (strcmp(file, name) == 0 || (temporary && strcmp(file + 5, name) == 0) ||
            strncmp(file, MANIFEST_REWRITE_START, sizeof(MANIFEST_REWRITE_START) - 1) == 0)
            return file;
    }
    return NULL;
}

enum err manifest_load(struct manifest *m, const char *dir, const char *name,
                       char error[MANIFEST_ERROR_CHARS])
{
    struct buf text;
    buf_init(&text);
    manifest_deinit(m);
    enum err e = files_read(dir, name, MANIFEST_BYTES_MAX, &text);
    if (e == ERR_OK)
        e = manifest_parse(m, buf_slice(&text), error);
    else if (e == ERR_RANGE)
        snprintf(error, MANIFEST_ERROR_CHARS, "it is larger than %d bytes", MANIFEST_BYTES_MAX);
    else
        snprintf(error, MANIFEST_ERROR_CHARS, "cannot be read: %s",
                 e == ERR_NOMEM ? err_text(e) : files_error(errno));
    buf_deinit(&text);
    const char *reserved = e == ERR_OK ? find_reserved(m, name) : NULL;
    if (!reserved)
        return e;
    snprintf(error, MANIFEST_ERROR_CHARS, INVALID "it names %s, which is no file of a log",
             reserved);
    manifest_deinit(m);
    return ERR_SYNTAX;
}

enum err manifest_save(const struct manifest *m, const char *dir, const char *name,
                       char error[MANIFEST_ERROR_CHARS])
{
    struct buf text;
    const char *step = "memory";
    buf_init(&text);
    print(m, &text);
    enum err e = text.err;
    errno = ENOMEM;
    if (e == ERR_OK)
        e = files_replace(dir, name, buf_slice(&text), &step);
    if (e != ERR_OK)
        snprintf(error, MANIFEST_ERROR_CHARS, "cannot write %s/%s: %s: %s", dir, name, step,
                 strerror(errno));
    buf_deinit(&text);
    return e;
}
