/* The command line: `corsac [FILE | -] [--option value ...] [-]`.
 *
 * Rules, as redis-server's:
 *   - the word behind an option's name is its value, whatever it looks like; so are all words up to the next
 *     one that starts with "--" (so `--bind a b --port 7000`);
 *   - `--save` alone, or with an option behind it, is `--save ""`;
 *   - name and value may come as one word (`"--maxmemory 100mb"`), and the dashes may be missing where an
 *     option is due. */
#include <stdio.h>

#include "base/mem.h"
#include "base/words.h"
#include "config/line.h"
#include "config/option.h"

#define ORIGIN               "command line"
#define NAME_CHARS_SHOWN_MAX 48

static bool has_dashes(const char *word)
{
    return word[0] == '-' && word[1] == '-';
}

/* The mode that a word such as --version asks for; -1: the word is none of these. */
static int mode_of(const char *word)
{
    static const struct {
        const char *word;
        enum config_mode mode;
    } modes[] = {{"-v", CONFIG_VERSION},
                 {"--version", CONFIG_VERSION},
                 {"-h", CONFIG_USAGE},
                 {"--help", CONFIG_USAGE},
                 {"--check-config", CONFIG_CHECK}};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(word, modes[i].word) == 0)
            return (int)modes[i].mode;
    return -1;
}

struct option_words {
    struct words head; /* of the word with the name */
    struct slice *at;
    int count;
};

/* One option from argv[i] on: its name and values. Returns where the next one starts. */
static int next_option(int argc, char **argv, int i, struct option_words *out, enum err *err)
{
    const char *first = argv[i] + (has_dashes(argv[i]) ? 2 : 0);
    *err = words_split(&out->head, slice_from_cstr(first));
    if (*err == ERR_OK && out->head.count == 0)
        *err = ERR_SYNTAX;
    out->count = 0;
    if (*err != ERR_OK)
        return i + 1;
    out->at = mem_alloc(sizeof(out->at[0]) * (size_t)(out->head.count + argc));
    for (int k = 0; k < out->head.count; k++)
        out->at[out->count++] = out->head.at[k];

    bool save = slice_is(out->at[0], "save");
    for (i++; i < argc; i++) {
        bool due = out->count > 1 || save; /* may the next option start here? */
        if (due && has_dashes(argv[i]))
            break;
        if (i == argc - 1 && strcmp(argv[i], "-") == 0)
            break;
        out->at[out->count++] = slice_from_cstr(argv[i]);
    }
    if (save && out->count == 1)
        out->at[out->count++] = SLICE("");
    return i;
}

void config_args_scan(int argc, char **argv, struct config_args *out)
{
    *out = (struct config_args){.mode = CONFIG_RUN};
    int i = 1;
    if (argc > 1 && argv[1][0] != '-')
        out->file = argv[i++];
    out->stdin_too = argc > 1 && strcmp(argv[argc - 1], "-") == 0;
    if (argc > 1 && strcmp(argv[1], "-") == 0) {
        out->stdin_too = true;
        i++;
    }
    while (i < argc) {
        int mode = mode_of(argv[i]);
        if (mode >= 0) {
            if (out->mode == CONFIG_RUN || out->mode == CONFIG_CHECK)
                out->mode = (enum config_mode)mode;
            i++;
            /* `--check-config FILE` reads best, so the file may stand there too */
            if (mode == CONFIG_CHECK && i < argc && !out->file && argv[i][0] != '-')
                out->file = argv[i++];
            continue;
        }
        struct option_words o = {0};
        enum err err;
        i = next_option(argc, argv, i, &o, &err);
        mem_free(o.at);
        words_deinit(&o.head);
    }
}

/* How much of a word can be an option's name. A message shows no more: a password may follow. */
static int name_chars(const char *word)
{
    size_t n = has_dashes(word) ? 2 : 0;
    while (n < NAME_CHARS_SHOWN_MAX && ((word[n] >= 'a' && word[n] <= 'z') ||
                                        (word[n] >= 'A' && word[n] <= 'Z') || word[n] == '-'))
        n++;
    return (int)n;
}

void config_args_load(struct config_loader *l, int argc, char **argv)
{
    struct config_args scan;
    config_args_scan(argc, argv, &scan);
    int i = 1;
    while (i < argc) {
        if (mode_of(argv[i]) >= 0 || strcmp(argv[i], "-") == 0 || argv[i] == scan.file) {
            i++;
            continue;
        }
        struct option_words o = {0};
        enum err err;
        const char *word = argv[i];
        i = next_option(argc, argv, i, &o, &err);
        struct config_line line = {.origin = ORIGIN, .argv = o.at, .argc = o.count};
        if (err != ERR_OK)
            config_problem(l->problems, true, "%s: '%.*s%s': no option", ORIGIN, name_chars(word),
                           word, word[name_chars(word)] ? " ..." : "");
        else
            config_load_line(l, &line);
        mem_free(o.at);
        words_deinit(&o.head);
    }
}

void config_usage(const struct options *t, struct buf *out)
{
    buf_append_cstr(
        out,
        "Usage: corsac [FILE] [--option value ...] [-]\n"
        "       corsac - reads the configuration from standard input\n"
        "       corsac --check-config [FILE] [--option value ...]\n"
        "       corsac --check-aof PATH [--fix | --rebuild-manifest | --truncate-to-timestamp T]\n"
        "       corsac -v | --version\n"
        "       corsac -h | --help\n"
        "\n"
        "FILE is in the syntax of redis.conf; options here come before those in it.\n"
        "For example: corsac /etc/corsac/corsac.conf --port 7000 --loglevel verbose\n"
        "\n"
        "Options, with their defaults:\n");
    struct config *defaults = config_new(t);
    for (const struct option *o = t->rows; o->name; o++) {
        if ((o->flags & OPTION_TAKEN) == OPTION_TAKEN)
            continue;
        struct buf line;
        buf_init(&line);
        option_print(o, defaults, &line);
        buf_printf(out, "  --%s %s\n      %s", o->name, line.len ? buf_cstr(&line) : "\"\"",
                   o->summary);
        buf_clear(&line);
        option_print_expected(o, &line);
        if (!(o->flags & OPTION_FIXED))
            buf_printf(out, " (%s)", buf_cstr(&line));
        buf_append_char(out, '\n');
        buf_deinit(&line);
    }
    config_free(&defaults, t);
}
