#pragma once
/* The arguments of a command, parsed from the line that the manual writes:
 *
 *    key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]
 *
 *   WORD            in capitals is a token: it stands for itself and leads what follows it, up to
 *                   the next token or optional group
 *   word            any other is an argument; its type follows from its name (see type_of), or stands behind it:
 *                   increment:double, index:integer, source:key
 *   [ ... ]         an optional group
 *   < ... >         a required group
 *   a | b           one of the two, within a group or the whole line
 *   x ...           any number of times; at the end of a group, the whole group
 *   x [x ...]       at least once: a group that repeats what stands in front of it
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

enum arg_type {
    ARG_STRING,
    ARG_INTEGER,
    ARG_DOUBLE,
    ARG_KEY,
    ARG_PATTERN,
    ARG_UNIX_TIME,
    ARG_PURE_TOKEN, /* only the token */
    ARG_ONEOF,      /* one of its children */
    ARG_BLOCK,      /* all of its children */
};

/* Slices point into the text. Links are indexes, -1 at the end. */
struct synopsis_arg {
    enum arg_type type;
    struct slice name;  /* empty: a group */
    struct slice token; /* in capitals; empty: none */
    bool optional, multiple;
    bool multiple_token; /* the token is given each time */
    int child, next;     /* the first child; the next sibling */
};

#define SYNOPSIS_ARGS_MAX  64
#define SYNOPSIS_DEPTH_MAX 8

struct synopsis {
    /* The index of the first argument (-1: none), and the number of arguments at all depths. */
    int first, count;
    struct synopsis_arg args[SYNOPSIS_ARGS_MAX];
};

/* Borrows the text for as long as the result is used. ERR_SYNTAX; ERR_FULL: beyond the limits. */
enum err synopsis_parse(const char *text, struct synopsis *out);
