#pragma once
/* Commands on named elements that may have deadlines: fields of a hash (... FIELDS n field ...), members of a set
 * (... MEMBERS n member ...). Both follow the same rules; struct elements_kind holds the differences. */
#include "base/mem.h"
#include "cmd/ctx.h"
#include "cmd/deadline.h"
#include "store/dues.h"

/* Changes of an element. */
enum element_change { ELEMENT_REMOVED, ELEMENT_PERSISTED, ELEMENT_DUE_SET, ELEMENT_CHANGES };

struct elements_kind {
    enum item_type type;
    unsigned class;                 /* of the events */
    const char *word, *upper, *one; /* "fields", "FIELDS", "Fields" */
    struct {
        const char *event;
        struct slice effect;
    } change[ELEMENT_CHANGES];
    /* False: there is no such element, or it is due. */
    bool (*find)(const struct item *it, struct slice name, int64_t now_ms, int64_t *due_ms);
    enum err (*remove)(struct ks_edit *e, struct slice name);
    enum err (*set_due)(struct ks_edit *e, struct slice name, int64_t due_ms);
};
extern const struct elements_kind elements_of_hash, elements_of_set;

/* The latest deadline that Redis accepts. */
#define ELEMENT_DUE_MS_MAX ((INT64_C(1) << 46) - 1)

/* --- arguments ---------------------------------------------------------------------------------------------- */

/* The elements that a request names, borrowed from it. */
struct elements {
    const struct elements_kind *kind;
    const struct slice *names;
    int count;
};
/* Reads the kind's word from argument `at`, then the number of elements, then their names up to the last argument. The
 * caller has set out->kind. False: the error is replied. `not_positive` is the format of the error for a number that is
 * not above 0, and takes the kind's `one`; NULL: the usual error. */
bool elements_parse(struct cmd_ctx *c, int at, const char *not_positive, struct elements *out);
/* Reads a number >= 0 from argument i as milliseconds since the epoch. The deadline may lie in the past, and is at most
 * ELEMENT_DUE_MS_MAX. False: the error is replied. */
bool element_deadline_parse(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms);
/* True: `s` is EX, PX, EXAT or PXAT, in any case. */
bool element_unit_parse(struct slice s, enum deadline_unit *out);

/* The options of HSETEX and SADDEX, which stand ahead of the elements. */
enum element_existence { ELEMENTS_ANY, ELEMENTS_ALL_NEW, ELEMENTS_ALL_THERE };
struct element_options {
    enum element_existence existence;
    bool keep, timed; /* KEEPTTL; EX, PX, EXAT or PXAT */
    int64_t due_ms;   /* DUES_NONE unless timed */
};
/* Reads the options from argument 2 on, up to the kind's word, whose index becomes *at. False: the error is replied. */
bool element_options_parse(struct cmd_ctx *c, const struct elements_kind *kind,
                           struct element_options *o, int *at);

/* --- changes ------------------------------------------------------------------------------------------------- */

/* Changes element i; `due_ms` counts for ELEMENT_DUE_SET only. */
enum err element_change(struct ks_edit *e, const struct elements *of, int i,
                        enum element_change change, int64_t due_ms);

/* The effect of one change on the elements that it changed. Room for all elements of the request is taken ahead, so
 * that a change made is never lost to the log. */
#define ELEMENTS_EFFECT_HEAD 5
#define ELEMENTS_EFFECT_FEW  32
struct elements_effect {
    const struct elements_kind *kind;
    struct slice *argv, few[ELEMENTS_EFFECT_FEW];
    int count;
};
/* False: no memory. */
bool elements_effect_init(struct elements_effect *e, const struct elements_kind *kind,
                          size_t count);
void elements_effect_deinit(struct elements_effect *e);
/* Borrows the name until the effect is sent. */
void elements_effect_add(struct elements_effect *e, struct slice name);
void elements_effect_send(struct cmd_ctx *c, struct elements_effect *e, enum element_change change,
                          int64_t due_ms);
/* Ends an edit that made the change to the elements of `effect`: notifies, and sends the effect. Undoes the edit where
 * there are none. */
void elements_changed(struct cmd_ctx *c, struct ks_edit *e, struct elements_effect *effect,
                      enum element_change change, int64_t due_ms);
