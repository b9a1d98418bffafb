/* Any bytes are a configuration, good or bad; and a file that is rewritten gives the configuration it was
 * rewritten for, and does so again.
 *
 * Input:  file  \0  changes
 * Both are configuration text; the changes, which may be missing, come on top of the file. */
#include <assert.h>
#include <stdint.h>

#include "server/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No file is ever touched: every include finds an empty one, so that its limits are reached all the same. */
static enum err read_nothing(void *arg, const char *path, struct buf *out)
{
    (void)arg;
    (void)path;
    return out->err;
}

static void each_itself(void *arg, const char *pattern, void (*fn)(void *fn_arg, const char *path),
                        void *fn_arg)
{
    (void)arg;
    fn(fn_arg, pattern);
}

static const struct config_files files = {.read = read_nothing, .each = each_itself};

static void load(struct config *c, struct config_problems *p, struct slice text)
{
    struct config_loader l = {
        .options = &server_options, .config = c, .problems = p, .files = &files};
    config_load_text(&l, "fuzz", text);
    assert(l.depth == 0);
}

static void check_same(const struct config *a, const struct config *b)
{
    for (const struct option *o = server_options.rows; o->name; o++)
        assert(option_same(o, a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t len = end ? (size_t)(end - data) : size;
    struct slice file = slice_of(data, len);
    struct slice changes = end ? slice_of(end + 1, size - len - 1) : SLICE("");

    struct config c, again;
    struct config_problems p;
    struct buf once, twice;
    buf_init(&once);
    buf_init(&twice);
    config_problems_init(&p);
    config_init(&c, &server_options);
    config_init(&again, &server_options);
    load(&c, &p, file);
    load(&c, &p, changes);
    for (int i = 0; i < p.count; i++)
        for (const char *ch = p.at[i].text; *ch; ch++)
            assert((unsigned char)*ch >= ' '); /* a message is one line */

    const struct options *t = &server_options;
    struct config_rewrite w = {.options = t, .config = &c, .files = &files, .all = size % 2};
    config_rewrite_text(&w, file, &once);
    load(&again, &p, buf_slice(&once));
    check_same(&c, &again);
    w.config = &again;
    config_rewrite_text(&w, buf_slice(&once), &twice);
    assert(slice_equal(buf_slice(&once), buf_slice(&twice)));

    buf_deinit(&once);
    buf_deinit(&twice);
    config_problems_deinit(&p);
    config_deinit(&c, &server_options);
    config_deinit(&again, &server_options);
    return 0;
}
