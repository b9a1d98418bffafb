#pragma once
/* The title of the process, as ps shows it. */
#include <stdbool.h>

#include "base/buf.h"
#include "config/config.h"

struct server;

/* Finds where the kernel looks for the title. Ahead of everything that changes the environment. */
struct title *title_new(int argc, char **argv);
void title_free(struct title **t);
/* The memory of arguments and environment is the title's from here on: argv is not to be read any more. */
void title_claim(struct title *t);
void title_set(struct title *t, struct slice title); /* cut off where there is no room for it */
struct title_values {
    const char *name;
    const char *file; /* the configuration's; NULL: none */
    const struct config *config;
};
/* False: the template is none, or gives nothing. */
bool title_expand(const char *template, const struct title_values *v, struct buf *out);
/* Gives the process the title that `next` says. */
enum err server_title(struct server *s, const struct config *next, char error[CONFIG_ERROR_CHARS]);
