#include "raft/members.h"

#include <stddef.h>

const struct member *members_find(const struct members *m, uint64_t id)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->list[i].id == id)
            return &m->list[i];
    return NULL;
}

bool members_votes(const struct members *m, uint64_t id)
{
    const struct member *found = members_find(m, id);
    return found && found->role == MEMBER_VOTER;
}

uint32_t members_voters(const struct members *m)
{
    uint32_t voters = 0;
    for (uint32_t i = 0; i < m->count; i++)
        voters += m->list[i].role == MEMBER_VOTER;
    return voters;
}

bool members_valid(const struct members *m)
{
    uint32_t voters = m->count <= MEMBERS_MAX ? members_voters(m) : 0;
    if (voters == 0 || voters > MEMBERS_VOTERS_MAX)
        return false;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->list[i].id == 0 || members_find(m, m->list[i].id) != &m->list[i])
            return false;
    return true;
}

static uint32_t voters_of_first_only(const struct members *a, const struct members *b)
{
    uint32_t only = 0;
    for (uint32_t i = 0; i < a->count; i++)
        only += a->list[i].role == MEMBER_VOTER && !members_votes(b, a->list[i].id);
    return only;
}

uint32_t members_voters_changed(const struct members *a, const struct members *b)
{
    return voters_of_first_only(a, b) + voters_of_first_only(b, a);
}
