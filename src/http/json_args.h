#pragma once
/* Commands in JSON: `["SET","k","v","EX",100]`, or an array of commands. Decoded in place: an argument is a slice of
 * the text. A number, true, false and null are taken as they are written, so that 1e21 or 12345678901234567890 come
 * through unchanged; an object or array within a command is refused. Pure. Source: RFC 8259. */
#include <stdbool.h>

#include "base/slice.h"

#define JSON_ARGS_MAX     (1024 * 1024) /* arguments of all commands */
#define JSON_COMMANDS_MAX (128 * 1024)

struct json_args {
    struct slice *argv; /* owned */
    size_t argc, arg_cap;
    int *counts; /* owned: arguments of each command */
    size_t commands, command_cap;
    const char *error; /* static text */
};

void json_args_init(struct json_args *a);
void json_args_deinit(struct json_args *a);
/* Changes `text`, which the arguments borrow. `many`: an array of commands; else one. False: error says why. */
bool json_args_parse(struct json_args *a, char *text, size_t len, bool many);
