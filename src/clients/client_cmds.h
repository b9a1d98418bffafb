#pragma once
/* What a client says about itself and asks about others: PING ... HELLO, and CLIENT. */
#include "cmd/table.h"

struct cmd_ctx;

extern const struct cmd_row
    clients_rows_connection[];                     /* PING ECHO QUIT RESET SELECT AUTH HELLO WAIT */
extern const struct cmd_row clients_rows_client[]; /* CLIENT and its subcommands */

/* Names go into CLIENT LIST, whose fields are parted by spaces. */
#define CLIENT_TEXT_ERROR " cannot contain spaces, newlines or special characters."
#define CLIENT_NAME_ERROR "Client names" CLIENT_TEXT_ERROR

void cmd_client_help(struct cmd_ctx *c);
