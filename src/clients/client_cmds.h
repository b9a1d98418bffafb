#pragma once
/* Commands about connections: PING ... HELLO, WAIT and CLIENT. */
#include "cmd/table.h"

struct cmd_ctx;

/* PING ECHO QUIT RESET SELECT AUTH HELLO WAIT */
extern const struct cmd_row clients_rows_connection[];
/* CLIENT and its subcommands */
extern const struct cmd_row clients_rows_client[];

/* Names go into CLIENT LIST, whose fields are separated by spaces. */
#define CLIENT_TEXT_ERROR " cannot contain spaces, newlines or special characters."
#define CLIENT_NAME_ERROR "Client names" CLIENT_TEXT_ERROR

void cmd_client_help(struct cmd_ctx *c);
