/* What holds for every command there is: HELP tells of each subcommand, and no argument breaks a reply. */
#include <stdio.h>
#include <string.h>

#include "resp/reply.h"
#include "unit/server/server_test.h"

static struct test_server t;

static int setup(void **state)
{
    (void)state;
    test_server_init(&t, "enable-debug-command local\nappendonly no");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_server_deinit(&t);
    return 0;
}

/* --- HELP ------------------------------------------------------------------------------------------- */

static void to_upper(const char *name, char upper[64])
{
    size_t i = 0;
    for (; name[i] && i < 63; i++)
        upper[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
    upper[i] = '\0';
}

/* Whether a line of the help begins with the name, a word of its own. */
static bool help_tells(const char *help, const char *name)
{
    char upper[64], line[80];
    to_upper(name, upper);
    int len = snprintf(line, sizeof(line), "\r\n+%s", upper);
    const char *at = strstr(help, line);
    return at && (at[len] == ' ' || at[len] == '\r');
}

/* Every line but the first, those that are indented and those in parentheses begins with the name of a subcommand. */
static void check_help_lines(const struct cmd *container, const char *help)
{
    for (const char *p = strstr(strstr(help, "\r\n") + 2, "\r\n"); p && p[2];
         p = strstr(p + 2, "\r\n")) {
        if (p[3] == ' ' || p[3] == '(')
            continue;
        size_t len = strcspn(p + 3, " \r");
        if (!cmd_lookup_sub(container, slice_of(p + 3, len)))
            fail_msg("%s HELP tells of %.*s, which is not there", container->row->name, (int)len,
                     p + 3);
    }
}

/* Their rows are there to refuse what Corsac has not, and their HELP tells of what it does. */
static bool is_absent(const char *container)
{
    return strcmp(container, "acl") == 0 || strcmp(container, "function") == 0 ||
           strcmp(container, "module") == 0 || strcmp(container, "script") == 0;
}

static void help_tells_of_every_subcommand(void **state)
{
    (void)state;
    int containers = 0;
    for (size_t i = 0; i < cmd_table_top_count(t.s->table); i++) {
        const struct cmd *container = cmd_table_top_at(t.s->table, i);
        /* Without a cluster every CLUSTER command but a few is refused, as in Redis. */
        if (!container->subs || strcmp(container->row->name, "cluster") == 0)
            continue;
        char line[80];
        snprintf(line, sizeof(line), "%s HELP", container->row->name);
        const char *help = test_server_run(&t, line);
        assert_int_equal(help[0], '*');
        for (struct cmd **sub = container->subs; *sub; sub++)
            if (!is_absent(container->row->name) && !help_tells(help, (*sub)->row->name))
                fail_msg("%s HELP does not tell of %s", container->row->name, (*sub)->row->name);
        check_help_lines(container, help);
        containers++;
    }
    assert_true(containers >= 6);
}

static void every_container_has_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < cmd_table_top_count(t.s->table); i++) {
        const struct cmd *container = cmd_table_top_at(t.s->table, i);
        if (container->subs && !cmd_lookup_sub(container, SLICE("help")))
            fail_msg("%s has no HELP", container->row->name);
    }
}

/* --- line breaks in arguments ----------------------------------------------------------------------- */

/* Whole replies, none of which is the one that the argument holds. */
static void check_replies(const char *line, const char *bytes, size_t len)
{
    struct reply_parser p;
    struct reply_token token;
    struct slice in = slice_of(bytes, len);
    reply_parser_init(&p);
    enum reply_status status;
    while ((status = reply_next(&p, &in, &token)) == REPLY_TOKEN)
        if (token.type == REPLY_STATUS && slice_is(token.text, "injected"))
            fail_msg("%s: a reply is injected", line);
    if (status == REPLY_BAD || !reply_is_between(&p))
        fail_msg("%s: no whole reply: %s", line, bytes);
}

static void run_with(const struct cmd *c, int argc, const char *argument)
{
    char line[512], name[64];
    snprintf(name, sizeof(name), "%s", c->full_name);
    if (strchr(name, '|'))
        *strchr(name, '|') = ' ';
    int len = snprintf(line, sizeof(line), "%s", name);
    for (int i = c->parent ? 2 : 1; i < argc; i++)
        len += snprintf(line + len, sizeof(line) - (size_t)len, " \"%s\"", argument);
    test_server_run(&t, line);
    check_replies(line, t.reply.ptr, t.reply.len);
}

static void no_argument_breaks_a_reply(void **state)
{
    static const char *const arguments[] = {"x\\r\\n+injected\\r\\n", "0\\r\\n+injected\\r\\n",
                                            "\\r\\n+injected\\r\\n", "-x\\r\\n+injected\\r\\n"};
    (void)state;
    for (size_t i = 0; i < cmd_table_count(t.s->table); i++) {
        const struct cmd *c = cmd_table_at(t.s->table, i);
        if ((c->subs && !c->row->fn) || strcmp(c->full_name, "quit") == 0)
            continue;
        for (int argc = c->parent ? 3 : 2; argc < 7; argc++)
            for (size_t k = 0; k < sizeof(arguments) / sizeof(arguments[0]); k++)
                run_with(c, argc, arguments[k]);
    }
}

static void no_argument_breaks_info(void **state)
{
    (void)state;
    test_server_run(&t, "DEBUG ERROR \"CODE\\r\\ninjected:1 text\"");
    const char *info = test_server_run(&t, "INFO errorstats");
    assert_has(info, "\r\nerrorstat_CODE:count=1\r\n");
    assert_null(strstr(info, "\ninjected"));
}

static void waitaof_tells_ranges_as_redis_does(void **state)
{
    (void)state;
    assert_reply(&t, "WAITAOF 2 0 0", "-ERR value is out of range, value must between 0 and 1\r\n");
    assert_reply(&t, "WAITAOF x 0 0", "-ERR value is not an integer or out of range\r\n");
    assert_reply(&t, "WAITAOF 0 x 0", "-ERR value is out of range, must be positive\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(help_tells_of_every_subcommand, setup, teardown),
        cmocka_unit_test_setup_teardown(every_container_has_help, setup, teardown),
        cmocka_unit_test_setup_teardown(no_argument_breaks_a_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(no_argument_breaks_info, setup, teardown),
        cmocka_unit_test_setup_teardown(waitaof_tells_ranges_as_redis_does, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
