/* Batches of a base. Many of its strings share one MSET: the file is smaller than with a SET for each, and loading
 * parses, looks up and accounts for one command instead of many.
 *
 * The head counts the arguments, whose number is not known ahead. The head is written for a full command, as nearly all
 * are, and corrected where the command is not full. The buffer remembers lack of memory: see base_batch_put. */
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

static void begin_mset(struct base_batch *b)
{
    char head[HEAD_BYTES_MAX];
    b->mset_at = b->bytes.len;
    buf_append(&b->bytes, head, put_head(head, AOF_MSET_PAIRS_MAX));
}

void base_batch_end_mset(struct base_batch *b)
{
    char full[HEAD_BYTES_MAX], head[HEAD_BYTES_MAX];
    if (b->mset_pairs == 0 || b->bytes.err != ERR_OK)
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

void base_batch_select(struct base_batch *b, int db)
{
    if (b->db == db)
        return;
    base_batch_end_mset(b);
    format_select(&b->bytes, db);
    b->db = db;
}

static void put_pair(struct base_batch *b, const struct slice pair[2])
{
    if (b->mset_pairs && b->bytes.len - b->mset_at >= AOF_MSET_BYTES_MAX)
        base_batch_end_mset(b);
    if (b->mset_pairs == 0)
        begin_mset(b);
    format_bulks(&b->bytes, 2, pair);
    if (++b->mset_pairs == AOF_MSET_PAIRS_MAX)
        base_batch_end_mset(b);
}

enum err base_batch_put(struct base_batch *b, int db, int argc, const struct slice *argv)
{
    base_batch_select(b, db);
    if (argc == 3 && slice_equal(argv[0], SLICE("SET"))) {
        put_pair(b, argv + 1);
    } else {
        base_batch_end_mset(b);
        format_command(&b->bytes, argc, argv);
    }
    return b->bytes.err;
}

enum err base_batch_seal(struct base_batch *b, uint64_t pos)
{
    base_batch_end_mset(b);
    format_seal_all(&b->bytes, pos);
    return b->bytes.err;
}
