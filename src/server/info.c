/* INFO: which sections are asked for, and in which order they come. */
#include "server/info.h"

#include <stdio.h>

static const struct {
    const char *name, *title;
    bool by_default; /* in INFO and INFO default; every section is in INFO all and everything */
    void (*print)(struct server *s, struct buf *out);
} sections[] = {
    {"server", "Server", true, info_server},
    {"clients", "Clients", true, info_clients},
    {"memory", "Memory", true, info_memory},
    {"persistence", "Persistence", true, info_persistence},
    {"stats", "Stats", true, info_stats},
    {"replication", "Replication", true, info_replication},
    {"cpu", "CPU", true, info_cpu},
    {"modules", "Modules", true, info_modules},
    {"commandstats", "Commandstats", false, info_commandstats},
    {"errorstats", "Errorstats", true, info_errorstats},
    {"latencystats", "Latencystats", false, info_latencystats},
    {"cluster", "Cluster", true, info_cluster},
    {"keyspace", "Keyspace", true, info_keyspace},
    {"shards", "Shards", true, info_shards},
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

void info_human(uint64_t bytes, char out[INFO_HUMAN_CHARS])
{
    static const char units[] = "BKMGTP";
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit < sizeof(units) - 2) {
        value /= 1024;
        unit++;
    }
    snprintf(out, INFO_HUMAN_CHARS, unit == 0 ? "%.0f%c" : "%.2f%c", value, units[unit]);
}

/* Names that are no section ask for nothing. */
static unsigned asked_for(const struct cmd_ctx *c)
{
    unsigned asked = 0;
    for (size_t i = 0; i < SECTIONS; i++) {
        bool yes = c->argc == 1 && sections[i].by_default;
        for (int k = 1; k < c->argc; k++)
            yes |= slice_is(c->argv[k], sections[i].name) || slice_is(c->argv[k], "all") ||
                   slice_is(c->argv[k], "everything") ||
                   (slice_is(c->argv[k], "default") && sections[i].by_default);
        asked |= (unsigned)yes << i;
    }
    return asked;
}

static void info(struct cmd_ctx *c)
{
    struct buf out;
    buf_init(&out);
    unsigned asked = asked_for(c);
    for (size_t i = 0; i < SECTIONS; i++) {
        if (!(asked & 1u << i))
            continue;
        if (out.len > 0)
            buf_append_cstr(&out, "\r\n");
        info_line(&out, "# %s", sections[i].title);
        sections[i].print(server_of(c), &out);
    }
    ctx_reply_text(c, &out);
}

const struct cmd_row server_rows_info[] = {
    {.name = "info",
     .fn = info,
     .arity = -1,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_DANGEROUS,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Tells figures and facts about the server.",
     .synopsis = "[section [section ...]]",
     .tips = "nondeterministic_output,request_policy:all_shards,response_policy:special"},
    {.name = NULL},
};
