#pragma once
/* Which sessions CLIENT LIST shows and CLIENT KILL closes. */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct cmd_ctx;
struct session;

enum client_type { CLIENT_ANY, CLIENT_NORMAL, CLIENT_MASTER, CLIENT_REPLICA, CLIENT_PUBSUB };

struct client_filter {
    uint64_t id; /* 0: any */
    enum client_type type;
    const struct slice *addr; /* NULL: any; borrowed from the request */
    const struct slice *laddr;
    int64_t age_s_min; /* 0: any */
    bool skip_me;      /* not the session that asks */
};

/* False: there is no such type, and the error is replied. */
bool client_type_parse(struct cmd_ctx *c, struct slice name, enum client_type *out);
/* Options of CLIENT KILL from argument `first` on. False: the error is replied. */
bool client_filter_parse(struct cmd_ctx *c, int first, struct client_filter *out);
/* `asking`: whose request it is. No filter matches SESSION_INTERNAL. */
bool client_filter_matches(const struct client_filter *f, const struct session *s,
                           const struct session *asking);
