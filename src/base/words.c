#include "base/words.h"

#include <assert.h>

#include "base/bytes.h"
#include "base/mem.h"

#define WORDS_CAP_MIN 8

void words_init(struct words *w)
{
    *w = (struct words){0};
}

void words_deinit(struct words *w)
{
    mem_free(w->at);
    mem_free(w->store);
    words_init(w);
}

/* White space as in C; only some of it ends a word that is not quoted. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The rest of the line, and the place of the next byte of a word. */
struct splitter {
    const char *at, *end;
    char *out;
};

/* Reads the escape behind a backslash in double quotes. */
static char read_escape(struct splitter *s)
{
    if (*s->at == 'x' && s->end - s->at >= 3) {
        int high = bytes_hex(s->at[1]), low = bytes_hex(s->at[2]);
        if (high >= 0 && low >= 0) {
            s->at += 3;
            return (char)(high << 4 | low);
        }
    }
    char c = *s->at++;
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
    }
}

/* Reads the rest of a quoted part, behind its opening quote. */
static enum err read_quoted(struct splitter *s, char quote)
{
    while (s->at < s->end) {
        char c = *s->at++;
        if (c == quote)
            return s->at == s->end || is_space(*s->at) ? ERR_OK : ERR_SYNTAX;
        if (c == '\\' && s->at < s->end) {
            if (quote == '"')
                c = read_escape(s);
            else if (*s->at == '\'')
                c = *s->at++;
        }
        *s->out++ = c;
    }
    return ERR_SYNTAX;
}

/* Reads a word. Quotes may open in its middle, but a closing quote ends it. */
static enum err read_word(struct splitter *s)
{
    while (s->at < s->end && !ends_word(*s->at)) {
        char c = *s->at++;
        if (c == '"' || c == '\'')
            return read_quoted(s, c);
        *s->out++ = c;
    }
    return ERR_OK;
}

static enum err words_push(struct words *w, struct slice word)
{
    if (w->count == WORDS_MAX)
        return ERR_FULL;
    if (w->count == w->cap) {
        int cap = w->cap == 0 ? WORDS_CAP_MIN : w->cap * 2;
        struct slice *grown = mem_try_realloc(w->at, (size_t)cap * sizeof(*grown));
        if (!grown)
            return ERR_NOMEM;
        w->at = grown;
        w->cap = cap;
    }
    w->at[w->count++] = word;
    return ERR_OK;
}

/* A word is never longer than its text in the line. So room for the line is room for all words, which
 * therefore do not move. */
static enum err words_reserve_store(struct words *w, size_t bytes)
{
    if (bytes <= w->store_cap)
        return ERR_OK;
    char *store = mem_try_alloc(bytes);
    if (!store)
        return ERR_NOMEM;
    mem_free(w->store);
    w->store = store;
    w->store_cap = bytes;
    return ERR_OK;
}

enum err words_split(struct words *w, struct slice line)
{
    w->count = 0;
    enum err err = words_reserve_store(w, line.len);
    if (err != ERR_OK || line.len == 0)
        return err;

    /* As in Redis, for which the line is a C string, it ends at a NUL. */
    const char *nul = memchr(line.ptr, '\0', line.len);
    struct splitter s = {line.ptr, nul ? nul : line.ptr + line.len, w->store};
    for (;;) {
        while (s.at < s.end && is_space(*s.at))
            s.at++;
        if (s.at == s.end)
            return ERR_OK;
        char *word = s.out;
        err = read_word(&s);
        if (err == ERR_OK)
            err = words_push(w, slice_of(word, (size_t)(s.out - word)));
        if (err != ERR_OK)
            goto fail;
    }

fail:
    w->count = 0;
    return err;
}
