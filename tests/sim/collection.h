#pragma once
/* Collections of the model: what requests on them say and do. A value's bytes are its entries, each behind its length:
 *
 *   list, set     the elements: a set's are digits, in any order
 *   sorted set    a digit that is the score, and the member behind it; in order
 *   hash          a digit that is the field, and the value behind it */
#include "sim/request.h"

#define SIM_MEMBERS 4 /* of a hash, set or sorted set: 0..3 */

static inline bool sim_is_collection(int key)
{
    return key >= SIM_LIST;
}
/* The request that reads the whole of a collection; returns how many arguments. */
int sim_collection_read(int key, struct slice argv[SIM_REQUEST_ARGS_MAX]);
/* Its arguments, of one that is SIM_ADD to SIM_BLMOVE; `text` as for sim_request_args. */
int sim_collection_args(const struct sim_request *r, struct slice argv[SIM_REQUEST_ARGS_MAX],
                        char text[48]);
/* What reading it says. */
void sim_collection_say(const struct sim_value *v, int key, struct buf *reply);
void sim_collection_apply(const struct sim_request *r, struct sim_model *m, int db,
                          struct sim_effect *out);
