#include "unit/cmd/cmd_test.h"

static const struct cmd_case cases[] = {
    {"command getkeys get key", "*1 $3 key"},
    {"command getkeys mset a b c d", "*2 $1 a $1 c"},
    {"command getkeys mset a b c", "*2 $1 a $1 c"},
    {"command getkeys get", "-ERR Invalid number of arguments specified for command"},
    {"command getkeys mset a", "-ERR Invalid number of arguments specified for command"},
    {"command getkeys nosuch a", "-ERR Invalid command specified"},
    {"command getkeys dbsize", "-ERR The command has no key arguments"},
    {"command getkeys msetex 1 a b", "*1 $1 a"},
    {"command getkeys msetex 0 a b", "-ERR Invalid arguments specified for command"},
    {"command getkeysandflags msetex 0 a b", "-ERR Invalid arguments specified for command"},
    {"command getkeys object encoding k", "*1 $1 k"},
    {"command getkeys object foo k", "-ERR Invalid command specified"},
    {"command getkeys object encoding", "-ERR Invalid number of arguments specified for command"},
    {"command getkeys rename a b", "*2 $1 a $1 b"},
    {"command getkeys lcs a b", "*2 $1 a $1 b"},
    {"command getkeys del a b c", "*3 $1 a $1 b $1 c"},
    {"command getkeysandflags rename a b",
     "*2 *2 $1 a *3 +RW +access +delete *2 $1 b *2 +OW +update"},
    {"command getkeysandflags mset a b c d", "*2 *2 $1 a *2 +OW +update *2 $1 c *2 +OW +update"},
    {"command getkeysandflags nosuch", "-ERR Invalid command specified"},
    {"command getkeys", "-ERR wrong number of arguments for 'command|getkeys' command"},
    {"command list filterby pattern mge*", "*1 $4 mget"},
    {"command list filterby pattern MGE*", "*1 $4 mget"},
    {"command list filterby module x", "*0"},
    {"command list filterby aclcat nosuch", "*0"},
    {"command list foo", "-ERR syntax error"},
    {"command list filterby", "-ERR syntax error"},
    {"command list filterby x y", "-ERR syntax error"},
    {"command list filterby aclcat", "-ERR syntax error"},
    {"command list filterby aclcat string x", "-ERR syntax error"},
    {"command list filterby pattern nosuch*", "*0"},
    {"command docs nosuch", "*0"},
    {"command count x", "-ERR wrong number of arguments for 'command|count' command"},
    {"command help x", "-ERR wrong number of arguments for 'command|help' command"},
    {"~3"},
    {"command getkeysandflags mset a b", "*1 *2 $1 a ~2 +OW +update"},
    {"command list filterby pattern mget", "*1 $4 mget"},
    {"command docs nosuch", "%0"},
    {"command getkeys msetex 2 a b c d", "*2 $1 a $1 c"},
    {"command getkeys msetex 5 a b c d", "-ERR Invalid arguments specified for command"},
    {"command getkeys msetex x a b c d", "-ERR Invalid arguments specified for command"},
};

/* clang-format off */
static const struct cmd_case info_cases[] = {
    {"command info get",
     "*1 *10 $3 get :2 *2 +readonly +fast :1 :1 :1 *3 +@read +@string +@fast *0 *1 *6 "
     "$5 flags *2 +RO +access $12 begin_search *4 $4 type $5 index $4 spec *2 $5 index "
     ":1 $9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 keystep :1 $5 "
     "limit :0 *0"},
    {"command info mset rename",
     "*2 *10 $4 mset :-3 *2 +write +denyoom :1 :-1 :2 *3 +@write +@string +@slow *2 $26"
     " request_policy:multi_shard $29 response_policy:all_succeeded *1 *6 $5 flags *2 "
     "+OW +update $12 begin_search *4 $4 type $5 index $4 spec *2 $5 index :1 $9 "
     "find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :-1 $7 keystep :2 $5 limit :0"
     " *0 *10 $6 rename :3 *1 +write :1 :2 :1 *3 +@keyspace +@write +@slow *0 *2 *6 $5 "
     "flags *3 +RW +access +delete $12 begin_search *4 $4 type $5 index $4 spec *2 $5 "
     "index :1 $9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 keystep :1 "
     "$5 limit :0 *6 $5 flags *2 +OW +update $12 begin_search *4 $4 type $5 index $4 "
     "spec *2 $5 index :2 $9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 "
     "keystep :1 $5 limit :0 *0"},
    {"command info msetex",
     "*1 *10 $6 msetex :-4 *3 +write +denyoom +movablekeys :0 :0 :0 *3 +@write +@string"
     " +@slow *2 $26 request_policy:multi_shard $29 response_policy:all_succeeded *1 *6"
     " $5 flags *2 +OW +update $12 begin_search *4 $4 type $5 index $4 spec *2 $5 index"
     " :1 $9 find_keys *4 $4 type $6 keynum $4 spec *6 $9 keynumidx :0 $8 firstkey :1 "
     "$7 keystep :2 *0"},
    {"command info object|encoding",
     "*1 *10 $15 object|encoding :3 *1 +readonly :2 :2 :1 *3 +@keyspace +@read +@slow "
     "*1 $23 nondeterministic_output *1 *6 $5 flags *1 +RO $12 begin_search *4 $4 type "
     "$5 index $4 spec *2 $5 index :2 $9 find_keys *4 $4 type $5 range $4 spec *6 $7 "
     "lastkey :0 $7 keystep :1 $5 limit :0 *0"},
    {"command info nosuch get|x",
     "*2 $-1 $-1"},
    {"~3"},
    {"command info rename",
     "*1 *10 $6 rename :3 ~1 +write :1 :2 :1 ~3 +@keyspace +@write +@slow ~0 ~2 %3 $5 "
     "flags ~3 +RW +access +delete $12 begin_search %2 $4 type $5 index $4 spec %1 $5 "
     "index :1 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 $7 keystep :1 "
     "$5 limit :0 %3 $5 flags ~2 +OW +update $12 begin_search %2 $4 type $5 index $4 "
     "spec %1 $5 index :2 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 $7 "
     "keystep :1 $5 limit :0 ~0"},
    {"command info object|help nosuch",
     "*2 *10 $11 object|help :2 ~2 +loading +stale :0 :0 :0 ~2 +@keyspace +@slow ~0 ~0 "
     "~0 _"},
};
/* clang-format on */

/* clang-format off */
static const struct cmd_case docs_cases[] = {
    {"command docs rename",
     "*2 $6 rename *10 $7 summary $55 Gives a key another name, replacing what has that"
     " name. $5 since $5 1.0.0 $5 group $7 generic $10 complexity $4 O(1) $9 arguments "
     "*2 *8 $4 name $3 key $4 type $3 key $12 display_text $3 key $14 key_spec_index :0"
     " *8 $4 name $6 newkey $4 type $3 key $12 display_text $6 newkey $14 "
     "key_spec_index :1"},
    {"command docs mset nosuch dbsize",
     "*4 $4 mset *10 $7 summary $37 Sets several keys to strings at once. $5 since $5 "
     "1.0.1 $5 group $6 string $10 complexity $15 O(N) for N keys $9 arguments *1 *8 $4"
     " name $4 data $4 type $5 block $5 flags *1 +multiple $9 arguments *2 *8 $4 name "
     "$3 key $4 type $3 key $12 display_text $3 key $14 key_spec_index :0 *6 $4 name $5"
     " value $4 type $6 string $12 display_text $5 value $6 dbsize *8 $7 summary $43 "
     "Returns the number of keys in the database. $5 since $5 1.0.0 $5 group $6 server "
     "$10 complexity $4 O(1)"},
    {"command docs getex",
     "*2 $5 getex *10 $7 summary $68 Returns the string that a key holds and sets or "
     "clears its deadline. $5 since $5 6.2.0 $5 group $6 string $10 complexity $4 O(1) "
     "$9 arguments *2 *8 $4 name $3 key $4 type $3 key $12 display_text $3 key $14 "
     "key_spec_index :0 *8 $4 name $6 choice $4 type $5 oneof $5 flags *1 +optional $9 "
     "arguments *5 *8 $4 name $7 seconds $4 type $7 integer $12 display_text $7 seconds"
     " $5 token $2 EX *8 $4 name $12 milliseconds $4 type $7 integer $12 display_text "
     "$12 milliseconds $5 token $2 PX *8 $4 name $17 unix-time-seconds $4 type $9 "
     "unix-time $12 display_text $17 unix-time-seconds $5 token $4 EXAT *8 $4 name $22 "
     "unix-time-milliseconds $4 type $9 unix-time $12 display_text $22 "
     "unix-time-milliseconds $5 token $4 PXAT *8 $4 name $7 persist $4 type $10 "
     "pure-token $12 display_text $7 persist $5 token $7 PERSIST"},
    {"command docs command|list",
     "*2 $12 command|list *10 $7 summary $30 Returns the names of commands. $5 since $5"
     " 7.0.0 $5 group $6 server $10 complexity $19 O(N) for N commands $9 arguments *1 "
     "*10 $4 name $8 filterby $4 type $5 oneof $5 token $8 FILTERBY $5 flags *1 "
     "+optional $9 arguments *3 *8 $4 name $11 module-name $4 type $6 string $12 "
     "display_text $11 module-name $5 token $6 MODULE *8 $4 name $8 category $4 type $6"
     " string $12 display_text $8 category $5 token $6 ACLCAT *8 $4 name $7 pattern $4 "
     "type $7 pattern $12 display_text $7 pattern $5 token $7 PATTERN"},
    {"~3"},
    {"command docs mset",
     "%1 $4 mset %5 $7 summary $37 Sets several keys to strings at once. $5 since $5 "
     "1.0.1 $5 group $6 string $10 complexity $15 O(N) for N keys $9 arguments *1 %4 $4"
     " name $4 data $4 type $5 block $5 flags ~1 +multiple $9 arguments *2 %4 $4 name "
     "$3 key $4 type $3 key $12 display_text $3 key $14 key_spec_index :0 %3 $4 name $5"
     " value $4 type $6 string $12 display_text $5 value"},
    {"command docs object|help",
     "%1 $11 object|help %4 $7 summary $32 Lists the subcommands of OBJECT. $5 since $5"
     " 6.2.0 $5 group $7 generic $10 complexity $4 O(1)"},
};
/* clang-format on */

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(cases, COUNT_OF(cases));
}

static void test_info(void **state)
{
    (void)state;
    cmd_test_cases(info_cases, COUNT_OF(info_cases));
}

static void test_docs(void **state)
{
    (void)state;
    cmd_test_cases(docs_cases, COUNT_OF(docs_cases));
}

/* The elements of a reply "*N $4 name $3 get ..." that is an array of strings. */
static size_t count_names(const struct cmd_test *t, const char *reply)
{
    char name[64];
    size_t n = 0;
    for (const char *p = reply; (p = strchr(p, '$')); n++) {
        p = strchr(p, ' ');
        assert_non_null(p);
        assert_int_equal(sscanf(p, "%63s", name), 1);
        assert_non_null(cmd_lookup_full(t->table, slice_from_cstr(name)));
    }
    return n;
}

/* What all commands are asked for comes once for each of them. */
static void test_all(void **state)
{
    (void)state;
    struct cmd_test t;
    char head[32];
    cmd_test_init(&t, 1);
    size_t top = cmd_table_top_count(t.table), all = cmd_table_count(t.table);
    snprintf(head, sizeof(head), ":%zu", top);
    assert_string_equal(cmd_test_run(&t, "command count"), head);
    snprintf(head, sizeof(head), "*%zu *10 ", top);
    assert_int_equal(strncmp(cmd_test_run(&t, "command"), head, strlen(head)), 0);
    assert_int_equal(strncmp(cmd_test_run(&t, "command info"), head, strlen(head)), 0);
    snprintf(head, sizeof(head), "*%zu ", 2 * top);
    assert_int_equal(strncmp(cmd_test_run(&t, "command docs"), head, strlen(head)), 0);
    assert_int_equal(count_names(&t, cmd_test_run(&t, "command list")), all);
    assert_true(count_names(&t, cmd_test_run(&t, "command list filterby aclcat string")) >= 20);
    cmd_test_deinit(&t);
}

static void test_hidden(void **state)
{
    (void)state;
    static const struct cmd_row rows[] = {
        {.name = "hidden", .arity = 1, .flags = CMD_SENTINEL_HIDDEN},
        {.name = NULL},
    };
    struct cmd_test t;
    cmd_test_init(&t, 1);
    struct buf count;
    buf_init(&count);
    buf_append_cstr(&count, cmd_test_run(&t, "command count"));
    cmd_table_add(t.table, rows, NULL);
    assert_string_equal(cmd_test_run(&t, "command count"), buf_cstr(&count));
    assert_string_equal(cmd_test_run(&t, "command list filterby pattern hidden"), "*0");
    assert_null(strstr(cmd_test_run(&t, "command"), "hidden"));
    assert_null(strstr(cmd_test_run(&t, "command docs"), "hidden"));
    buf_deinit(&count);
    cmd_test_deinit(&t);
}

static void test_notes(void **state)
{
    (void)state;
    struct cmd_test t;
    cmd_test_init(&t, 1);
    assert_non_null(strstr(cmd_test_run(&t, "command info set"),
                           "$5 notes $48 RW and ACCESS due to the optional `GET` argument"));
    assert_non_null(strstr(cmd_test_run(&t, "command info getex"),
                           "$5 notes $40 RW and UPDATE because it changes the TTL"));
    assert_null(strstr(cmd_test_run(&t, "command info get"), "notes"));
    cmd_test_deinit(&t);
}

/* Title and the lines on HELP itself frame what a container has to say. */
static void test_help(void **state)
{
    (void)state;
    static const char *const containers[] = {"command", "object"};
    struct cmd_test t;
    cmd_test_init(&t, 1);
    for (size_t i = 0; i < COUNT_OF(containers); i++) {
        char line[64], title[128];
        snprintf(line, sizeof(line), "%s help", containers[i]);
        snprintf(title, sizeof(title),
                 "+%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are: +",
                 i == 0 ? "COMMAND" : "OBJECT");
        const char *reply = cmd_test_run(&t, line);
        assert_true(reply[0] == '*');
        assert_int_equal(strncmp(strchr(reply, ' ') + 1, title, strlen(title)), 0);
        assert_non_null(strstr(reply, " +HELP +    Print this help."));
    }
    cmd_test_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases), cmocka_unit_test(test_info),   cmocka_unit_test(test_docs),
        cmocka_unit_test(test_all),   cmocka_unit_test(test_hidden), cmocka_unit_test(test_notes),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
