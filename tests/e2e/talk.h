#pragma once
/* Talking to a server through hiredis: commands are written as one would type them, replies are compared as text.
 *
 *     +OK    -ERR ...    :42    "bulk \x00 string"    nil    [:1, "a", []]
 *
 * A command's words are separated and quoted as in redis-cli. In what is expected, a * stands for any text. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <hiredis/hiredis.h>

#include "base/buf.h"

struct talk_step {
    const char *command, *reply;
};

/* Runs a command; fails the test unless the reply is as expected. */
#define talk_check(c, command, reply) talk_check_at((c), (command), (reply), __FILE__, __LINE__)
/* The same for an array of steps, in order. */
#define talk_check_all(c, steps) \
    talk_check_steps_at((c), (steps), sizeof(steps) / sizeof((steps)[0]), __FILE__, __LINE__)
/* Reads a reply that was not asked for just now: of a pipeline, or a message. */
#define talk_check_next(c, reply) talk_check_next_at((c), (reply), __FILE__, __LINE__)
/* Runs a command again and again until the reply is as expected, for up to SRV_PATIENCE_MS. */
#define talk_check_soon(c, command, reply) \
    talk_check_soon_at((c), (command), (reply), __FILE__, __LINE__)

void talk_check_at(redisContext *c, const char *command, const char *reply, const char *file,
                   int line);
void talk_check_steps_at(redisContext *c, const struct talk_step *steps, size_t count,
                         const char *file, int line);
void talk_check_next_at(redisContext *c, const char *reply, const char *file, int line);
void talk_check_soon_at(redisContext *c, const char *command, const char *reply, const char *file,
                        int line);
/* No reply comes within `ms`. */
void talk_check_silence(redisContext *c, int ms);
/* The server has closed the connection, or does so soon; replies that come before are skipped. */
void talk_check_closed(redisContext *c);

/* Queues a command; its reply is read with talk_check_next(). */
void talk_send(redisContext *c, const char *command);
/* Runs a command, formatted as by printf, then split into words; the reply is the caller's to free. */
redisReply *talk_ask(redisContext *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for a reply that must be an integer. */
int64_t talk_ask_int(redisContext *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A field of an INFO section. False: it is not there. */
bool talk_info(redisContext *c, const char *section, const char *field, char *out, size_t size);
/* The same for a number that must be there. */
int64_t talk_info_int(redisContext *c, const char *section, const char *field);

/* As described above. */
void talk_print(const redisReply *r, struct buf *out);
bool talk_matches(const char *pattern, const char *text);
void talk_free(redisContext **c);
