#pragma once
/* Replies of RESP3 as RESP2, token by token: for clients that ask for it (Upstash-Response-Format). Pure. */
#include "base/buf.h"
#include "resp/reply.h"

/* Appends the token as RESP2. `skipped`: state, 0 at the beginning of each reply. True: the reply ended. */
bool resp2_text_token(unsigned *skipped, const struct reply_token *t, struct buf *out);
