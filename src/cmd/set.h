#pragma once
/* What the families of set commands share. */
#include "cmd/ctx.h"
#include "store/set.h"

/* What a member takes in a reply beside its bytes, about. */
#define SET_MEMBER_EXTRA_BYTES 8

/* All members as RESP's set; of no item none. */
void set_reply_members(struct cmd_ctx *c, const struct item *it);
