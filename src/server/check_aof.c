#include "server/check_aof.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "cmd/table.h"
#include "engine/replay.h"
#include "log/check.h"
#include "server/server.h"

static int usage(const char *problem, const char *word)
{
    fprintf(
        stderr,
        "%s%s\nUsage: corsac --check-aof PATH [--fix | --rebuild-manifest | --truncate-to-timestamp UNIX-SECONDS]\n",
        problem, word);
    return CHECK_USAGE;
}

int check_aof_main(int argc, char **argv)
{
    struct check_options o = {0};
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--fix") == 0) {
            o.fix = true;
        } else if (strcmp(argv[i], "--rebuild-manifest") == 0) {
            o.rebuild = true;
        } else if (strcmp(argv[i], "--truncate-to-timestamp") == 0) {
            const char *word = i + 1 < argc ? argv[++i] : "";
            if (!num_parse_i64(slice_from_cstr(word), &o.truncate_unix_s) || o.truncate_unix_s <= 0)
                return usage("--truncate-to-timestamp: no time in seconds since 1970: ", word);
            o.truncate = true;
        } else if (argv[i][0] == '-' || o.path) {
            return usage("what is not known here: ", argv[i]);
        } else {
            o.path = argv[i];
        }
    }
    if (!o.path)
        return usage("the path of a manifest, its directory or a file is missing", "");
    if (o.fix + o.truncate + o.rebuild > 1)
        return usage("--fix, --rebuild-manifest, --truncate-to-timestamp: one at a time", "");
    struct buf out;
    struct cmd_table *table = server_table_new();
    buf_init(&out);
    o.admit = replay_admit;
    o.admit_arg = table;
    enum check_result result = check_aof(&o, &out);
    cmd_table_free(&table);
    fputs(buf_cstr(&out), stdout);
    buf_deinit(&out);
    return fflush(stdout) == 0 ? (int)result : CHECK_DAMAGED;
}
