#pragma once
/* COMMAND DOCS: the purpose of a command, and the tree of its arguments. */
#include "cmd/table.h"
#include "resp/writer.h"

/* One pair of a map: the full name and the documentation. */
void docs_reply(struct resp_writer *w, const struct cmd *c);
