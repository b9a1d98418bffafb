#pragma once
/* The title of the process, as ps shows it. */
#include <stdbool.h>

#include "base/buf.h"
#include "config/config.h"

struct server;

/* Finds where the kernel reads the title. Call ahead of everything that changes the environment. */
struct title *title_new(int argc, char **argv);
void title_free(struct title **t);
/* The title takes the memory of arguments and environment: argv must not be read from here on. */
void title_claim(struct title *t);
void title_set(struct title *t, struct slice title); /* cut off where there is no room for it */
struct title_values {
    const char *name;
    const char *file; /* the configuration's; NULL: none */
    const struct config *config;
};
/* False: the template is invalid, or expands to nothing. */
bool title_expand(const char *template, const struct title_values *v, struct buf *out);
/* Gives the process the title of `next`. */
enum err server_title(struct server *s, const struct config *next, char error[CONFIG_ERROR_CHARS]);
