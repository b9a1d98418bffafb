#pragma once
/* Configurations out of memory: files that exist in a table only, and problems as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "server/options.h"

/* Up to a row without a path; include patterns end in "*" and take every path that starts like them. */
struct test_file {
    const char *path, *text;
};

struct loaded {
    struct config config;
    struct config_problems problems;
    struct config_files files;
    struct config_loader loader;
    struct buf text;
};

void loaded_init(struct loaded *l, const struct test_file *files);
void loaded_deinit(struct loaded *l);
/* The problems, one a line: "E " or "W ", then the text. Good until the next call. */
const char *loaded_problems(struct loaded *l);
/* An option's value as CONFIG GET tells it. Good until the next call. */
const char *config_value(const struct config *c, const char *name);

/* Loads a text as "test.conf", in a block of its exact size. */
void load_text(struct loaded *l, const char *text);
