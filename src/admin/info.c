/* INFO: chooses the sections, and writes the values of their rows. */
#include "admin/info.h"

#include <assert.h>
#include <stdio.h>

#include "admin/admin_impl.h"

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

void info_append_value(const struct info_facts *f, const struct info_field *row, struct buf *out)
{
    const void *at = (const char *)f + row->at;
    char human[INFO_HUMAN_CHARS];
    switch (row->kind) {
    case INFO_U64: buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at); break;
    case INFO_I64: buf_printf(out, "%lld", (long long)*(const int64_t *)at); break;
    case INFO_BOOL: buf_printf(out, "%d", *(const bool *)at); break;
    case INFO_WHOLE: buf_printf(out, "%.0f", *(const double *)at); break;
    case INFO_DECIMAL: buf_printf(out, "%.2f", *(const double *)at); break;
    case INFO_PERCENT: buf_printf(out, "%.2f%%", *(const double *)at); break;
    case INFO_BYTES:
        info_human(*(const uint64_t *)at, human);
        buf_append_cstr(out, human);
        break;
    case INFO_SECONDS: {
        int64_t us = *(const int64_t *)at;
        buf_printf(out, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
        break;
    }
    case INFO_TEXT: buf_append_cstr(out, *(const char *const *)at); break;
    case INFO_CHARS: buf_append_cstr(out, at); break;
    case INFO_FIXED:
    case INFO_ABSENT: buf_append_cstr(out, row->text); break;
    case INFO_LINES: assert(!"has no value of its own");
    }
}

bool info_shown(const struct info_facts *f, const struct info_field *row)
{
    return !row->only || *(const bool *)((const char *)f + row->only);
}

static void append_section(struct admin *a, const struct info_section *section, struct buf *out)
{
    struct info_facts facts = {0};
    if (out->len > 0)
        buf_append_cstr(out, "\r\n");
    info_line(out, "# %s", section->title);
    if (section->gather)
        section->gather(a, &facts);
    for (size_t i = 0; i < section->count; i++) {
        const struct info_field *row = &section->fields[i];
        if (!info_shown(&facts, row))
            continue;
        if (row->kind == INFO_LINES) {
            row->lines(a, out);
            continue;
        }
        buf_printf(out, "%s:", row->name);
        info_append_value(&facts, row, out);
        buf_append(out, "\r\n", 2);
    }
}

/* Ignores names that are no section's. */
static bool asked_for(const struct cmd_ctx *c, const struct info_section *section)
{
    bool yes = c->argc == 1 && section->by_default;
    for (int k = 1; k < c->argc && !yes; k++)
        yes = slice_is(c->argv[k], section->name) || slice_is(c->argv[k], "all") ||
              slice_is(c->argv[k], "everything") ||
              (slice_is(c->argv[k], "default") && section->by_default);
    return yes;
}

static void info(struct cmd_ctx *c)
{
    struct buf out;
    size_t count;
    const struct info_section *sections = info_sections(&count);
    buf_init(&out);
    for (size_t i = 0; i < count; i++)
        if (asked_for(c, &sections[i]))
            append_section(admin_of(c), &sections[i], &out);
    ctx_reply_text(c, &out);
}

const struct cmd_row admin_rows_info[] = {
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
