#include "engine/errors.h"

#include <string.h>

#include "engine/engine_impl.h"

void engine_count_error(struct engine *e, const struct resp_writer *w)
{
    e->stats.errors++;
    for (int i = 0; i < e->error_codes; i++) {
        if (strcmp(e->errors[i].code, w->error_code) == 0) {
            e->errors[i].count++;
            return;
        }
    }
    int last = ENGINE_ERROR_CODES_MAX - 1;
    if (e->error_codes == last) { /* a script may make up any number of codes */
        strcpy(e->errors[last].code, "ERRORSTATS_OVERFLOW");
        e->error_codes++;
    }
    if (e->error_codes > last) {
        e->errors[last].count++;
        return;
    }
    struct engine_error_stat *new = &e->errors[e->error_codes++];
    memcpy(new->code, w->error_code, sizeof(new->code));
    new->count = 1;
}
