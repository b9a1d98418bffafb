#pragma once
/* A session as CLIENT LIST shows it. */
#include <stddef.h>

struct buf;
struct session;

/* One line, without the line break, as Redis 7.2 prints it. */
void client_describe(const struct session *s, struct buf *out);
/* Bytes that the session takes, queue and transport included. */
size_t client_memory(const struct session *s);
