#pragma once
/* What a client says about itself and asks about others: PING ... HELLO, and CLIENT. */
#include "cmd/table.h"

extern const struct cmd_row engine_rows_connection[]; /* PING ECHO QUIT RESET SELECT AUTH HELLO WAIT */
extern const struct cmd_row engine_rows_client[];     /* CLIENT and its subcommands */
