#pragma once
/* A client that speaks bytes: for what hiredis does not let one send, and for RESP3, which it does not know.
 * Replies are printed as by talk.h, and those of RESP3 as
 *
 *     {"field": :1}    ~["set"]    >["push"]    ,1.5    #t    _    =txt:"verbatim"    (123
 *
 * where RESP2's null array is *nil. In what is expected, a * stands for any text. */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "e2e/talk.h"

struct raw {
    int fd;
    struct buf in; /* received, not looked at yet */
    bool closed;   /* by the peer */
};

void raw_connect(struct raw *r, int port);
void raw_connect_unix(struct raw *r, const char *path);
void raw_close(struct raw *r);

/* Sends all of it. Raw bytes need not arrive: the peer may have closed the connection on what came before. */
void raw_send(struct raw *r, const void *bytes, size_t len);
void raw_send_text(struct raw *r, const char *text);
/* Words as in talk.h, sent as an array of bulk strings. */
void raw_send_command(struct raw *r, const char *command);
/* "*2\r\n$3\r\nGET\r\n...", for a test to take apart. */
void raw_format(const char *command, struct buf *out);

#define raw_check_next(r, reply)     raw_check_next_at((r), (reply), __FILE__, __LINE__)
#define raw_check(r, command, reply) raw_check_at((r), (command), (reply), __FILE__, __LINE__)
#define raw_check_all(r, steps) \
    raw_check_steps_at((r), (steps), sizeof(steps) / sizeof((steps)[0]), __FILE__, __LINE__)
void raw_check_next_at(struct raw *r, const char *reply, const char *file, int line);
void raw_check_at(struct raw *r, const char *command, const char *reply, const char *file,
                  int line);
void raw_check_steps_at(struct raw *r, const struct talk_step *steps, size_t count,
                        const char *file, int line);
/* Nothing comes within `ms`, and the connection stays. */
void raw_check_silence(struct raw *r, int ms);
/* The peer closes the connection soon; what it sends before is thrown away. Returns how many bytes that were. */
size_t raw_check_closed(struct raw *r);
/* The same, with nothing sent before. */
void raw_check_closed_silently(struct raw *r);
