#include "admin/docs.h"

#include <ctype.h>

#include "cmd/synopsis.h"

#define WORD_BYTES_MAX 64

/* --- arguments -------------------------------------------------------------------------------- */

struct args_writer {
    struct resp_writer *w;
    const struct synopsis *tree;
    int key_specs; /* of the command */
    int keys;      /* arguments that are keys, so far */
};

static const char *type_name(enum arg_type type)
{
    static const char *const names[] = {
        [ARG_STRING] = "string",         [ARG_INTEGER] = "integer",
        [ARG_DOUBLE] = "double",         [ARG_KEY] = "key",
        [ARG_PATTERN] = "pattern",       [ARG_UNIX_TIME] = "unix-time",
        [ARG_PURE_TOKEN] = "pure-token", [ARG_ONEOF] = "oneof",
        [ARG_BLOCK] = "block",
    };
    return names[type];
}

static void reply_lower(struct resp_writer *w, struct slice s)
{
    char lower[WORD_BYTES_MAX];
    size_t len = s.len < sizeof(lower) ? s.len : sizeof(lower);
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)tolower((unsigned char)s.ptr[i]);
    resp_bulk(w, slice_of(lower, len));
}

/* Groups have no name in a synopsis: they are called by their token, or by their kind. */
static void reply_name(struct resp_writer *w, const struct synopsis_arg *a)
{
    if (a->name.len > 0)
        reply_lower(w, a->name);
    else if (a->token.len > 0)
        reply_lower(w, a->token);
    else
        resp_bulk_cstr(w, a->type == ARG_ONEOF ? "choice" : "data");
}

static void reply_arg_flags(struct resp_writer *w, const struct synopsis_arg *a)
{
    resp_bulk_cstr(w, "flags");
    resp_set(w, (size_t)a->optional + a->multiple + a->multiple_token);
    if (a->optional)
        resp_status(w, "optional");
    if (a->multiple)
        resp_status(w, "multiple");
    if (a->multiple_token)
        resp_status(w, "multiple_token");
}

static void reply_args(struct args_writer *to, int first);

static void reply_arg(struct args_writer *to, const struct synopsis_arg *a)
{
    struct resp_writer *w = to->w;
    bool is_group = a->type == ARG_ONEOF || a->type == ARG_BLOCK;
    bool has_spec = a->type == ARG_KEY && to->key_specs > 0;
    bool has_flags = a->optional || a->multiple;
    resp_map(w, 3 + (size_t)has_spec + (a->token.len > 0) + has_flags);
    resp_bulk_cstr(w, "name");
    reply_name(w, a);
    resp_bulk_cstr(w, "type");
    resp_bulk_cstr(w, type_name(a->type));
    if (!is_group) {
        resp_bulk_cstr(w, "display_text");
        reply_name(w, a);
    }
    if (has_spec) {
        resp_bulk_cstr(w, "key_spec_index");
        resp_int(w, to->keys < to->key_specs ? to->keys : to->key_specs - 1);
        to->keys++;
    }
    if (a->token.len > 0) {
        resp_bulk_cstr(w, "token");
        resp_bulk(w, a->token);
    }
    if (has_flags)
        reply_arg_flags(w, a);
    if (is_group) {
        resp_bulk_cstr(w, "arguments");
        reply_args(to, a->child);
    }
}

static void reply_args(struct args_writer *to, int first)
{
    const struct synopsis_arg *args = to->tree->args;
    size_t n = 0;
    for (int i = first; i >= 0; i = args[i].next)
        n++;
    resp_array(to->w, n);
    for (int i = first; i >= 0; i = args[i].next)
        reply_arg(to, &args[i]);
}

/* --- commands --------------------------------------------------------------------------------- */

static int key_specs(const struct cmd_row *row)
{
    int n = 0;
    while (n < CMD_KEYS_MAX && row->keys[n].first)
        n++;
    return n;
}

static void reply_field(struct resp_writer *w, const char *name, const char *value)
{
    if (!value)
        return;
    resp_bulk_cstr(w, name);
    resp_bulk_cstr(w, value);
}

static void reply_subs(struct resp_writer *w, const struct cmd *c)
{
    size_t n = 0;
    while (c->subs[n])
        n++;
    resp_bulk_cstr(w, "subcommands");
    resp_map(w, n);
    for (size_t i = 0; i < n; i++)
        docs_reply(w, c->subs[i]);
}

void docs_reply(struct resp_writer *w, const struct cmd *c)
{
    const struct cmd_row *row = c->row;
    struct synopsis tree = {.first = -1};
    /* The arguments of a container are its subcommands. */
    bool has_args =
        row->synopsis && !c->subs && !synopsis_parse(row->synopsis, &tree) && tree.first >= 0;
    resp_bulk_cstr(w, c->full_name);
    resp_map(w, (size_t)(row->summary != NULL) + (row->since != NULL) + (row->group != NULL) +
                    (row->complexity != NULL) + has_args + (c->subs != NULL));
    reply_field(w, "summary", row->summary);
    reply_field(w, "since", row->since);
    reply_field(w, "group", row->group);
    reply_field(w, "complexity", row->complexity);
    if (has_args) {
        struct args_writer to = {.w = w, .tree = &tree, .key_specs = key_specs(row)};
        resp_bulk_cstr(w, "arguments");
        reply_args(&to, tree.first);
    }
    if (c->subs)
        reply_subs(w, c);
}
