#pragma once
/* Parts of DEBUG with a file of their own. */
struct cmd_ctx;

void debug_protocol(struct cmd_ctx *c); /* DEBUG PROTOCOL type */
