#pragma once
/* Which sessions CLIENT LIST shows and CLIENT KILL closes: all conditions must hold, and none of the NOT- ones may. */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct cmd_ctx;
struct session;

enum client_condition {
    CLIENT_ID,
    CLIENT_TYPE,
    CLIENT_USER,
    CLIENT_ADDR,
    CLIENT_LADDR,
    CLIENT_IP,
    CLIENT_NAME,
    CLIENT_LIB_NAME,
    CLIENT_LIB_VER,
    CLIENT_FLAGS,
    CLIENT_CAPA,
    CLIENT_DB,
    CLIENT_MAXAGE,
    CLIENT_IDLE,
    CLIENT_CONDITIONS,
};

/* The value that a condition compares with. Slices are borrowed from the request. */
struct client_value {
    struct slice text;
    int64_t number;
    const struct slice *ids; /* of CLIENT_ID: `id_count` words that are integers */
    int id_count;
};

struct client_filter {
    uint32_t asked[2]; /* bits by enum client_condition; [1] of the NOT- ones */
    struct client_value value[2][CLIENT_CONDITIONS];
    bool skip_me; /* leave out the asking session */
};

/* Parses options from argument `first` on. False: the error is replied. `listing`: for CLIENT LIST, whose ids may be
 * any number and which does not skip the asking session. */
bool client_filter_parse(struct cmd_ctx *c, int first, bool listing, struct client_filter *out);
/* A filter by ADDR alone. */
void client_filter_address(struct client_filter *out, struct slice addr);

/* Calls `fn` for each session that matches: in the order of the ids where there are any, else oldest first. Leaves
 * out internal sessions (SESSION_INTERNAL). `fn` may kill the session. */
typedef void (*client_each_fn)(struct session *s, void *arg);
void client_each(struct cmd_ctx *c, const struct client_filter *f, client_each_fn fn, void *arg);
