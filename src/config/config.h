#pragma once
/* The configuration: how it is read from text in the syntax of redis.conf, changed by CONFIG and written back.
 *
 * The server hands in a table with one row for each option (option.h), which says how the option is parsed, checked and
 * printed, and where in struct config its value lies; struct config_host puts changes into force. CONFIG SET works on a
 * copy, which replaces the old configuration when all of it is in force. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct cmd_ctx;
struct cmd_table;
struct config; /* the values: the server's, see server/options.h */
struct logger;
struct options; /* option.h */

#define CONFIG_ERROR_CHARS       512
#define CONFIG_VALUE_BYTES_MAX   (1024 * 1024) /* of one option */
#define CONFIG_FILE_BYTES_MAX    (16 * 1024 * 1024)
#define CONFIG_INCLUDE_DEPTH_MAX 16
#define CONFIG_INCLUDES_MAX      1024 /* files that one configuration reads */
/* Problems whose texts are kept; beyond it fatal ones are still counted. */
#define CONFIG_PROBLEMS_MAX 1024

void config_init(struct config *c, const struct options *t); /* every option at its default */
void config_deinit(struct config *c, const struct options *t);
/* `to` is uninitialised. */
void config_copy(struct config *to, const struct config *from, const struct options *t);
/* The same on the heap. */
struct config *config_new(const struct options *t);
struct config *config_clone(const struct config *c, const struct options *t);
void config_free(struct config **c, const struct options *t);

/* --- problems --------------------------------------------------------------------------------------- */

struct config_problem {
    bool fatal; /* the server must not start */
    char *text; /* owned; one line: place, option, what is wrong, what would be right */
};
struct config_problems {
    struct config_problem *at; /* owned, in order of finding */
    int count, cap;
    int fatal; /* how many are */
};
void config_problems_init(struct config_problems *p);
void config_problems_deinit(struct config_problems *p);
void config_problem(struct config_problems *p, bool fatal, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- reading ---------------------------------------------------------------------------------------- */

/* How `include` reaches files; tests and the fuzzer hand in their own. */
struct config_files {
    /* Appends the content of `path`. ERR_NOTFOUND, ERR_IO (errno); ERR_FULL: larger than CONFIG_FILE_BYTES_MAX;
     * ERR_NOMEM. */
    enum err (*read)(void *arg, const char *path, struct buf *out);
    /* Calls `fn` for each path that a pattern names, in alphabetical order; for a name without wildcards once, whether
     * it exists or not. */
    void (*each)(void *arg, const char *pattern, void (*fn)(void *fn_arg, const char *path),
                 void *fn_arg);
    void *arg;
};
extern const struct config_files config_files_real;

struct config_loader {
    const struct options *options;
    struct config *config;
    struct config_problems *problems;
    const struct config_files *files;
    int depth, includes; /* start at 0 */
};
/* Sets the options that the text gives; `origin` names the text in messages. Goes on behind a problem, to find all. */
void config_load_text(struct config_loader *l, const char *origin, struct slice text);
/* The same for a file. A file that cannot be read is a fatal problem. */
void config_load_file(struct config_loader *l, const char *path);

enum config_mode { CONFIG_RUN, CONFIG_CHECK, CONFIG_VERSION, CONFIG_USAGE };
struct config_args {
    enum config_mode mode;
    const char *file; /* borrowed from argv; NULL: none */
    bool stdin_too;   /* "-": standard input, behind the file */
};
/* `corsac [FILE | -] [--option value ...] [-]`: first finds what to read, then, once that is read, sets the
 * options. argv starts with the program's name. */
void config_args_scan(int argc, char **argv, struct config_args *out);
void config_args_load(struct config_loader *l, int argc, char **argv);
void config_usage(const struct options *t, struct buf *out); /* --help: every option, its default */

/* --- rewriting -------------------------------------------------------------------------------------- */

struct config_rewrite {
    const struct options *options;
    const struct config *config;
    const struct config_files *files;
    bool all; /* options at their default too */
};
/* The text of a configuration file that gives the configuration when it is read again: comments, order and whatever
 * Corsac does not know are kept, changed options change where they stand, others go to the end. */
void config_rewrite_text(const struct config_rewrite *w, struct slice old, struct buf *out);
/* Rewrites a file so that a crash leaves the old or the new one. On failure `error` says what and why. */
enum err config_rewrite_file(const struct config_rewrite *w, const char *path,
                             char error[CONFIG_ERROR_CHARS]);

/* --- CONFIG ------------------------------------------------------------------------------------------ */

/* The server, as far as CONFIG needs it. */
struct config_host {
    const struct options *options;
    struct config *config; /* in force */
    char *file;            /* absolute; NULL: none, or standard input */
    struct logger *logger;
    void *arg; /* of the functions */
    /* Puts what `next` says into force, for these groups of options. `next` may be completed (paths). On failure
     * *failed is the group that failed, everything is as `config` says, and `error` tells why. */
    enum err (*apply)(void *arg, struct config *next, unsigned groups, unsigned *failed,
                      char error[CONFIG_ERROR_CHARS]);
    /* Moves the contents of `takes`, which are in force, to `config`; the caller frees `takes` itself. */
    void (*replace)(void *arg, struct config *takes);
    /* May the client of this request change protected options? */
    bool (*unprotected)(void *arg, const struct cmd_ctx *c);
    /* CONFIG RESETSTAT. */
    void (*reset_stats)(void *arg);
};
/* Writes the configuration to its file, which is there; `all`: options at their default too. */
enum err config_host_rewrite(const struct config_host *h, bool all, char error[CONFIG_ERROR_CHARS]);
/* Adds CONFIG to a table of commands; the host is borrowed for the table's life. */
void config_add_rows(struct cmd_table *t, const struct config_host *host);
