#include "log/positions.h"

#include <stdio.h>

static enum positions_verdict broken(char why[READER_ERROR_CHARS], const struct reader_batch *b,
                                     const char *what, uint64_t from, uint64_t to)
{
    snprintf(why, READER_ERROR_CHARS, "at offset %llu: %s (log positions %llu to %llu)",
             (unsigned long long)b->at, what, (unsigned long long)from, (unsigned long long)to);
    return POSITIONS_BROKEN;
}

static enum positions_verdict take_base(struct positions *p, const struct reader_batch *b,
                                        char why[READER_ERROR_CHARS])
{
    if (b->at > 0 && b->end_pos != p->pos)
        return broken(why, b, "batches of different instants in one base", p->pos, b->end_pos);
    p->known = true;
    p->pos = b->end_pos;
    return POSITIONS_APPLY;
}

enum positions_verdict positions_take(struct positions *p, bool base, bool sealed,
                                      const struct reader_batch *b, char why[READER_ERROR_CHARS])
{
    if (!sealed)
        return p->torn
                   ? broken(why, b, "the file before ends in an incomplete write", p->pos, p->pos)
                   : POSITIONS_APPLY;
    if (base)
        return take_base(p, b, why);
    if (!p->known)
        p->pos = b->start_pos;
    p->known = true;
    p->torn = false;
    if (b->start_pos > p->pos)
        return broken(why, b, "commands are missing before it", p->pos, b->start_pos);
    if (b->end_pos <= p->pos)
        return b->start_pos == b->end_pos && b->end_pos == p->pos ? POSITIONS_APPLY
                                                                  : POSITIONS_SKIP;
    if (b->start_pos < p->pos)
        return broken(why, b, "only a part of the batch is new", b->start_pos, b->end_pos);
    p->pos = b->end_pos;
    return POSITIONS_APPLY;
}

const char *positions_torn(struct positions *p, bool base, const struct reader_report *report)
{
    /* A base is safe on disk before it takes its place. */
    if (base || !(report->sealed || report->tail))
        return report->error;
    p->torn = true;
    return NULL;
}
