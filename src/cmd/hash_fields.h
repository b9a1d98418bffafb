#pragma once
/* Commands on several fields by name: ... FIELDS n field ... */
#include "base/mem.h"
#include "cmd/deadline.h"
#include "cmd/hash.h"

#define HASH_TEXT_NOT_POSITIVE "Number of fields must be a positive integer"
/* The latest deadline that Redis takes. */
#define HASH_DUE_MS_MAX ((INT64_C(1) << 46) - 1)

/* The fields that a request names, borrowed from it. */
struct hash_fields {
    const struct slice *names;
    int count;
};
/* FIELDS in argument `at`, their number, and as many to the end. False: the error is replied, of a number that is none
 * above 0 `not_positive`. */
bool hash_fields_parse(struct cmd_ctx *c, int at, const char *not_positive,
                       struct hash_fields *out);
/* A deadline in argument i, in the past or not. False: the error is replied. */
bool hash_deadline_parse(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms);

/* What becomes of a field. */
enum hash_change { HASH_REMOVED, HASH_PERSISTED, HASH_DUE_SET };
enum err hash_change(struct cmd_ctx *c, struct ks_edit *e, struct slice name,
                     enum hash_change change, int64_t due_ms);

/* An effect on the fields that changed: room for all of a request is taken ahead. */
#define HASH_EFFECT_HEAD 5
#define HASH_EFFECT_FEW  32
struct hash_effect {
    struct slice *argv, few[HASH_EFFECT_FEW];
    int fields;
};
bool hash_effect_init(struct hash_effect *e, size_t fields); /* false: no memory */
void hash_effect_deinit(struct hash_effect *e);
void hash_effect_add(struct hash_effect *e, struct slice field); /* borrowed until it is sent */
void hash_effect_send(struct cmd_ctx *c, struct hash_effect *e, enum hash_change change,
                      int64_t due_ms);
/* Ends an edit in which this became of the fields of the effect, with event and effect. */
void hash_changed(struct cmd_ctx *c, struct ks_edit *e, struct hash_effect *effect,
                  enum hash_change change, int64_t due_ms);
