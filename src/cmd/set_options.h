#pragma once
/* The options that SET, GETEX, MSETEX and DELEX share: the condition and the deadline. */
#include "cmd/ctx.h"
#include "cmd/deadline.h"

enum set_option {
    SET_NX = 1 << 0,
    SET_XX = 1 << 1,
    SET_IFEQ = 1 << 2,
    SET_GET = 1 << 3,
    SET_KEEPTTL = 1 << 4,
    SET_PERSIST = 1 << 5,
    SET_DEADLINE = 1 << 6, /* EX, PX, EXAT or PXAT */
    SET_IFNE = 1 << 7,
    SET_IFDEQ = 1 << 8,
    SET_IFDNE = 1 << 9,

    SET_COMPARISONS = SET_IFEQ | SET_IFNE | SET_IFDEQ | SET_IFDNE,
    SET_CONDITIONS = SET_NX | SET_XX | SET_COMPARISONS,
    SET_EXPIRIES = SET_KEEPTTL | SET_PERSIST | SET_DEADLINE,
};

#define SET_DIGEST_CHARS 16

struct set_options {
    unsigned given;          /* enum set_option */
    struct slice comparison; /* SET_IFEQ, SET_IFNE: what the value must be, or must not be */
    uint64_t digest;         /* SET_IFDEQ, SET_IFDNE: what its digest must be, or must not be */
    enum deadline_unit unit; /* SET_DEADLINE */
    int deadline;            /* SET_DEADLINE: the index of the argument */
};

/* Reads arguments first to the last, of which `allowed` (enum set_option) are known. False: the error is replied. The
 * deadline itself is parsed by set_options_expiry. */
bool set_options_parse(struct cmd_ctx *c, int first, unsigned allowed, struct set_options *out);
/* True: the condition allows changing `old`; NULL: there is no such key. */
bool set_options_hold(const struct set_options *o, const struct item *old);
/* The deadline as ks_set_string takes it. False: the error is replied. */
bool set_options_expiry(struct cmd_ctx *c, const struct set_options *o, int64_t *out_ms);
