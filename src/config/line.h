#pragma once
/* Lines of a configuration, for the files that read and rewrite it. */
#include "base/slice.h"
#include "config/config.h"

struct config_line {
    const char *origin; /* file, or "command line" */
    int number;         /* from 1; 0: no line of a file */
    struct slice text;  /* without the white space around it; only of lines of files */
    const struct slice *argv;
    int argc; /* at least 1 */
};

/* Sets one option, or reads what an `include` names. */
void config_load_line(struct config_loader *l, const struct config_line *line);

/* Takes the first line, its line break included, off `rest`. */
struct slice config_next_line(struct slice *rest);
/* A file's text without a byte order mark in front. */
struct slice config_skip_mark(struct slice text);
struct slice config_trim(struct slice s);
