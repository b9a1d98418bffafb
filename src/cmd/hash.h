#pragma once
/* Shared by the families of hash commands. */
#include "cmd/ctx.h"
#include "store/hash.h"

/* Replies a field's name or value; a large value is sent by reference, not copied. */
void hash_reply(struct resp_writer *w, const char *entry);
/* Replies a field's value, or null where there is no such field; `it` may be NULL. */
void hash_reply_value(struct cmd_ctx *c, const struct item *it, struct slice name);
/* Logs a field's new value. The field keeps its deadline where `keep_due`, else it has none. */
void hash_effect_set(struct cmd_ctx *c, struct slice name, struct slice value, bool keep_due);
