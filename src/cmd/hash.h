#pragma once
/* What the families of hash commands share. */
#include "cmd/ctx.h"
#include "store/hash.h"

/* The field's value: a long one is pointed at, not copied. */
void hash_reply(struct resp_writer *w, const char *entry);
/* The value, or null where there is no such field; `it` may be NULL. */
void hash_reply_value(struct cmd_ctx *c, const struct item *it, struct slice name);
/* Effect: a field has this value, and no deadline or, where that is kept, the one that it had. */
void hash_effect_set(struct cmd_ctx *c, struct slice name, struct slice value, bool keep_due);
