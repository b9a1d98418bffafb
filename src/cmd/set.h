#pragma once
/* Shared by the families of set commands. */
#include "cmd/ctx.h"
#include "store/set.h"

/* About how many bytes of a reply frame a member. */
#define SET_MEMBER_EXTRA_BYTES 8

/* Replies all members as a set; an empty one where `it` is NULL. */
void set_reply_members(struct cmd_ctx *c, const struct item *it);
