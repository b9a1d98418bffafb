#pragma once
/* One option of the configuration: a row of the table from which file, command line, CONFIG and --help work.
 *
 * The table is handed in (struct options) by the server, which knows the rooms that options are for and lays out struct
 * config. Each row says where in it the value lies: here a value is bytes at an offset. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "config/config.h"

enum option_type {
    OPTION_BOOL,   /* bool: yes or no */
    OPTION_INT,    /* a whole number, min..max, of 4 or 8 bytes */
    OPTION_MEMORY, /* the same, in bytes, written with units */
    OPTION_OCTAL,  /* the same, written in base 8 */
    OPTION_ENUM,   /* int: the value of one of `choices` */
    OPTION_STRING, /* char * */
    OPTION_BYTES,  /* struct slice: text that may hold zero bytes */
    OPTION_WORDS,  /* char *: words, separated by one space */
    /* char *: lines of `min` words; each time that the option is given adds one. CONFIG GET leaves it out. */
    OPTION_LINES,
    OPTION_SPECIAL /* `special` sets and prints it */
};

enum option_flag {
    OPTION_IMMUTABLE = 1 << 0, /* not by CONFIG SET */
    OPTION_PROTECTED = 1 << 1, /* by CONFIG SET only as enable-protected-configs allows */
    OPTION_SENSITIVE = 1 << 2, /* its value goes to no message */
    OPTION_MULTI_ARG = 1 << 3, /* several words; one word with spaces in it is taken apart */
    /* The option has one value only, its default: tools read it, and no other value is supported. */
    OPTION_FIXED = 1 << 4,
    OPTION_CLAMP = 1 << 5, /* a number out of range is brought into it */
    /* An option of Redis that Corsac does not have: fixed; CONFIG GET shows it, --help does not. */
    OPTION_TAKEN = 1 << 6 | OPTION_FIXED,
    /* The option may keep clients out: where its value is not supported, the server does not start rather than let
     * them in. */
    OPTION_GUARD = 1 << 7,
};

enum option_result {
    OPTION_OK,
    OPTION_BAD,         /* the value is wrong */
    OPTION_UNSUPPORTED, /* Redis would take it, Corsac cannot yet: it stays as it is */
};

struct option_error {
    char text[CONFIG_ERROR_CHARS];
};

struct option_choice {
    const char *name;
    int value;
};

struct option_special {
    enum option_result (*set)(struct config *c, int argc, const struct slice *argv,
                              struct option_error *e);
    void (*print)(const struct config *c, struct buf *out);
    /* As lines of a file, with line breaks; NULL: name and value. */
    void (*print_lines)(const struct config *c, struct buf *out);
    const char *expects;
};

struct option {
    const char *name, *alias;
    enum option_type type;
    unsigned flags;       /* enum option_flag */
    unsigned apply;       /* groups that a change puts into force, see struct config_host */
    size_t offset, bytes; /* of its value in struct config */
    const char *fallback; /* default, as text */
    int64_t min, max;
    const struct option_choice *choices; /* the last one has no name */
    const struct option_special *special;
    /* OPTION_STRING, OPTION_BYTES, OPTION_WORDS: NULL when the value will do, else what is wrong with it. */
    const char *(*check)(struct slice value);
    const char *summary;
};

/* The table. */
struct options {
    const struct option *rows; /* the last one has no name; OPTION_COUNT_MAX at most */
    size_t config_bytes;       /* sizeof(struct config) */
};
#define OPTION_COUNT_MAX 320

/* By name or alias, any case; NULL: there is none. */
const struct option *option_find(const struct options *t, struct slice name);

/* Sets the option in `c` from words. On OPTION_BAD and OPTION_UNSUPPORTED nothing changed and `e` says why. */
enum option_result option_set(const struct option *o, struct config *c, int argc,
                              const struct slice *argv, struct option_error *e);
/* The value as CONFIG GET tells it. */
void option_print(const struct option *o, const struct config *c, struct buf *out);
/* The value as lines of a configuration file, with line breaks. */
void option_print_lines(const struct option *o, const struct config *c, struct buf *out);
/* What the option takes, such as "a whole number from 0 to 65535". */
void option_print_expected(const struct option *o, struct buf *out);
bool option_same(const struct option *o, const struct config *a, const struct config *b);

enum option_result option_bad(struct option_error *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Names of redis.conf and valkey.conf that are no option of Corsac (names.c). */
bool option_known_elsewhere(struct slice name);
/* The name of an option, among these, that may keep clients out. */
bool option_guards_elsewhere(struct slice name);
/* The option whose name is most like `name`; NULL: none is near. */
const struct option *option_like(const struct options *t, struct slice name);
