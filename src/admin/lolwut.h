#pragma once
/* The picture that LOLWUT answers with. */
#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"

/* Version 1 is the fox alone, any other has the steppe at night around it. Ends in the line with the versions. */
void lolwut_draw(int64_t version, struct rng *rng, struct buf *out);
