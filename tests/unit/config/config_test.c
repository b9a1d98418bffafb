#include "unit/config/config_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum err read_file(void *arg, const char *path, struct buf *out)
{
    for (const struct test_file *f = arg; f && f->path; f++)
        if (strcmp(f->path, path) == 0) {
            buf_append_cstr(out, f->text);
            return out->err;
        }
    errno = ENOENT;
    return ERR_NOTFOUND;
}

static void each_file(void *arg, const char *pattern, void (*fn)(void *fn_arg, const char *path),
                      void *fn_arg)
{
    size_t len = strlen(pattern);
    if (pattern[len - 1] != '*') {
        fn(fn_arg, pattern);
        return;
    }
    for (const struct test_file *f = arg; f && f->path; f++)
        if (strncmp(f->path, pattern, len - 1) == 0)
            fn(fn_arg, f->path);
}

void loaded_init(struct loaded *l, const struct test_file *files)
{
    *l = (struct loaded){.files = {.read = read_file, .each = each_file, .arg = (void *)files}};
    config_init(&l->config, &server_options);
    config_problems_init(&l->problems);
    buf_init(&l->text);
    l->loader = (struct config_loader){.options = &server_options,
                                       .config = &l->config,
                                       .problems = &l->problems,
                                       .files = &l->files};
}

void loaded_deinit(struct loaded *l)
{
    config_deinit(&l->config, &server_options);
    config_problems_deinit(&l->problems);
    buf_deinit(&l->text);
}

const char *loaded_problems(struct loaded *l)
{
    buf_clear(&l->text);
    for (int i = 0; i < l->problems.count; i++)
        buf_printf(&l->text, "%c %s\n", l->problems.at[i].fatal ? 'E' : 'W',
                   l->problems.at[i].text);
    return buf_cstr(&l->text);
}

const char *config_value(const struct config *c, const char *name)
{
    static char value[1024];
    const struct option *o = option_find(&server_options, slice_from_cstr(name));
    struct buf out;
    assert_non_null(o);
    buf_init(&out);
    option_print(o, c, &out);
    assert_true(out.len < sizeof(value));
    strcpy(value, buf_cstr(&out));
    buf_deinit(&out);
    return value;
}

void load_text(struct loaded *l, const char *text)
{
    size_t len = strlen(text);
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    config_load_text(&l->loader, "test.conf", slice_of(exact, len));
    free(exact);
}
