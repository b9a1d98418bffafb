/* conf/corsac.conf names every option, at its default. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/config/config_test.h"

static struct buf text; /* the file */

static int read_it(void **state)
{
    (void)state;
    char path[4096];
    const char *root = getenv("CORSAC_ROOT");
    snprintf(path, sizeof(path), "%s/conf/corsac.conf", root ? root : ".");
    return config_files_real.read(NULL, path, &text) == ERR_OK ? 0 : -1;
}

static int forget_it(void **state)
{
    (void)state;
    buf_deinit(&text);
    return 0;
}

static void test_loads_cleanly(void **state)
{
    (void)state;
    struct loaded l;
    loaded_init(&l, NULL);
    load_text(&l, buf_cstr(&text));
    assert_string_equal(loaded_problems(&l), "");
    loaded_deinit(&l);
}

/* The file with the '#' taken off the options: "#port 6379", but not "# A comment." */
static void uncomment(struct buf *out)
{
    const char *p = buf_cstr(&text);
    bool line_start = true;
    for (; *p; p++) {
        if (!(line_start && p[0] == '#' && islower((unsigned char)p[1])))
            buf_append_char(out, *p);
        line_start = *p == '\n';
    }
}

static void test_tells_the_defaults(void **state)
{
    (void)state;
    struct buf plain;
    struct loaded l;
    struct config defaults;
    buf_init(&plain);
    uncomment(&plain);
    loaded_init(&l, NULL);
    config_init(&defaults, &server_options);
    load_text(&l, buf_cstr(&plain));
    assert_string_equal(loaded_problems(&l), "");
    for (const struct option *o = server_options.rows; o->name; o++) {
        char line[128];
        snprintf(line, sizeof(line), "\n%s ", o->name);
        bool taken = (o->flags & OPTION_TAKEN) == OPTION_TAKEN;
        if (!taken && !strstr(buf_cstr(&plain), line))
            fail_msg("%s is not in conf/corsac.conf", o->name);
        bool loopback = strcmp(o->name, "bind") == 0 &&
                        strcmp(config_value(&l.config, "bind"), "127.0.0.1 -::1") == 0;
        /* HTTP is on, for a newcomer to see the console. */
        bool http = strcmp(o->name, "http-port") == 0 &&
                    strcmp(config_value(&l.config, "http-port"), "8379") == 0;
        if (!loopback && !http && !option_same(o, &l.config, &defaults))
            fail_msg("%s is not at its default in conf/corsac.conf", o->name);
    }
    config_deinit(&defaults, &server_options);
    loaded_deinit(&l);
    buf_deinit(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads_cleanly),
        cmocka_unit_test(test_tells_the_defaults),
    };
    return cmocka_run_group_tests(tests, read_it, forget_it);
}
