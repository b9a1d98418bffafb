#include "cmd/ctx.h"

void cmd_add_rows(struct cmd_table *t)
{
    static const struct cmd_row *const families[] = {
        cmd_rows_string,      cmd_rows_counter,  cmd_rows_range,         cmd_rows_lcs,
        cmd_rows_multi,       cmd_rows_key,      cmd_rows_move,          cmd_rows_expire,
        cmd_rows_database,    cmd_rows_object,   cmd_rows_set,           cmd_rows_set_random,
        cmd_rows_set_ops,     cmd_rows_list,     cmd_rows_list_move,     cmd_rows_zset,
        cmd_rows_zset_range,  cmd_rows_zset_pop, cmd_rows_zset_combine,  cmd_rows_zset_random,
        cmd_rows_hash,        cmd_rows_hash_all, cmd_rows_elements,      cmd_rows_set_add,
        cmd_rows_hash_values, cmd_rows_sort,     cmd_rows_list_blocking, cmd_rows_zset_blocking,
    };
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        cmd_table_add(t, families[i], NULL);
}
