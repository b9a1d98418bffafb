#pragma once
/* A configuration: the nodes of a group. Ids are random, never 0, and never used twice. */
#include <stdbool.h>
#include <stdint.h>

#define MEMBERS_MAX          9
#define MEMBERS_VOTERS_MAX   7
#define MEMBER_ADDRESS_BYTES 48 /* with the NUL: host:port */

enum member_role { MEMBER_LEARNER, MEMBER_VOTER };
struct member {
    uint64_t id;
    enum member_role role;
    char peers[MEMBER_ADDRESS_BYTES];   /* where other nodes reach it; "": unknown */
    char clients[MEMBER_ADDRESS_BYTES]; /* where clients do */
};
struct members {
    uint32_t count;
    struct member list[MEMBERS_MAX]; /* no two of one id */
};

const struct member *members_find(const struct members *m, uint64_t id); /* NULL: not one of them */
bool members_votes(const struct members *m, uint64_t id); /* it is there, and a voter */
uint32_t members_voters(const struct members *m);         /* how many vote */
/* Ids are unique and not 0, limits hold, and there is a voter. */
bool members_valid(const struct members *m);
/* How many voters only one of the two configurations has. Where that is at most one, each majority of the one shares a
 * node with each majority of the other (Ongaro's thesis, 4.1). */
uint32_t members_voters_changed(const struct members *a, const struct members *b);
