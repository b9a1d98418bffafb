#pragma once
/* A growable byte buffer that remembers its first error: append without checking, and check once at the end. */
#include "base/err.h"
#include "base/slice.h"

struct buf {
    char *ptr;       /* owned; NULL when cap is 0 */
    size_t len, cap; /* bytes */
    enum err err;    /* first failure; later appends do nothing */
};

void buf_init(struct buf *b);
void buf_deinit(struct buf *b);
void buf_clear(struct buf *b);                    /* len 0, err OK, memory kept */
enum err buf_reserve(struct buf *b, size_t more); /* room for `more` bytes behind len */
void buf_append(struct buf *b, const void *p, size_t len);
void buf_append_slice(struct buf *b, struct slice s);
void buf_append_cstr(struct buf *b, const char *s);
void buf_append_char(struct buf *b, char c);
void buf_append_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "quoted" with \n \r \t \a \b \\ \" \xHH, as Redis' logs, MONITOR and CONFIG REWRITE show
 * strings. */
void buf_append_quoted(struct buf *b, struct slice s);
/* Drops the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);
/* The content with a NUL behind it (not counted in len), valid until the next call that changes the buffer. "" if there
 * is no memory for the NUL. */
const char *buf_cstr(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->ptr, b->len};
}
