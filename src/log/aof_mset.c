/* Strings of a base, many to a command: its file is a quarter smaller than with a SET for each, and whoever loads
 * it parses, looks up and accounts for one command instead of many.
 *
 * The head counts the arguments, which are not known ahead. It is written as if the command were full, as nearly all
 * of them are, and put right where it is not. */
#include <assert.h>
#include <string.h>

#include "base/num.h"
#include "log/aof_impl.h"

#define HEAD_BYTES_MAX (1 + NUM_I64_CHARS + 2 + NAME_BYTES)
#define NAME           "$4\r\nMSET\r\n"
#define NAME_BYTES     (sizeof(NAME) - 1)

/* "*33\r\n$4\r\nMSET\r\n"; returns its length. */
static size_t put_head(char out[HEAD_BYTES_MAX], int pairs)
{
    size_t len = 1;
    out[0] = '*';
    len += (size_t)num_print_i64(out + len, 1 + 2 * pairs);
    memcpy(out + len, "\r\n" NAME, 2 + NAME_BYTES);
    return len + 2 + NAME_BYTES;
}

static void begin_mset(struct aof_batch *b, int db)
{
    char head[HEAD_BYTES_MAX];
    if (b->db != db)
        aof_batch_select(b, db);
    b->mset_at = b->bytes.len;
    buf_append(&b->bytes, head, put_head(head, AOF_MSET_PAIRS_MAX));
}

void aof_batch_end_mset(struct aof_batch *b)
{
    char full[HEAD_BYTES_MAX], head[HEAD_BYTES_MAX];
    if (b->mset_pairs == 0)
        return;
    size_t there = put_head(full, AOF_MSET_PAIRS_MAX), len = put_head(head, b->mset_pairs);
    char *at = b->bytes.ptr + b->mset_at;
    if (len < there) {
        memmove(at + len, at + there, b->bytes.len - b->mset_at - there);
        b->bytes.len -= there - len;
    }
    memcpy(at, head, len);
    b->mset_pairs = 0;
}

void aof_batch_add_string(struct aof_batch *b, int db, struct slice key, struct slice value)
{
    const struct slice pair[2] = {key, value};
    if (b->db != db || (b->mset_pairs && b->bytes.len - b->mset_at >= AOF_MSET_BYTES_MAX))
        aof_batch_end_mset(b);
    if (b->mset_pairs == 0)
        begin_mset(b, db);
    format_bulks(&b->bytes, 2, pair);
    assert(b->bytes.err == ERR_OK); /* as for any effect: it would be missing in the base */
    if (++b->mset_pairs == AOF_MSET_PAIRS_MAX)
        aof_batch_end_mset(b);
}
