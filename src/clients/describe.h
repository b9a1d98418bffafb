#pragma once
/* A session as CLIENT LIST shows it. */
#include <stddef.h>

struct buf;
struct session;

/* One line, without the line break, as Redis 7.2 prints it. */
void client_describe(const struct session *s, struct buf *out);

/* Letters for the session's kind and state, in no particular order, with a NUL behind. */
#define CLIENT_FLAGS_CHARS 32
void client_flags(const struct session *s, char out[CLIENT_FLAGS_CHARS]);
/* All letters of Redis and Valkey. */
#define CLIENT_FLAG_LETTERS "AbBcdeEiIMNOPrRStTuUx"
