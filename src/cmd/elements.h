#pragma once
/* Commands on elements by name, which may have deadlines: fields of a hash (... FIELDS n field ...), members of a set
 * (... MEMBERS n member ...). Both go by the same rules, and the kind says where they differ. */
#include "base/mem.h"
#include "cmd/ctx.h"
#include "cmd/deadline.h"
#include "store/dues.h"

/* What may become of an element. */
enum element_change { ELEMENT_REMOVED, ELEMENT_PERSISTED, ELEMENT_DUE_SET, ELEMENT_CHANGES };

struct elements_kind {
    enum item_type type;
    unsigned class;                 /* of its events */
    const char *word, *upper, *one; /* "fields", "FIELDS", "Fields" */
    struct {
        const char *event;
        struct slice effect;
    } change[ELEMENT_CHANGES];
    /* False: it is not there, or is due. */
    bool (*find)(const struct item *it, struct slice name, int64_t now_ms, int64_t *due_ms);
    enum err (*remove)(struct ks_edit *e, struct slice name);
    enum err (*set_due)(struct ks_edit *e, struct slice name, int64_t due_ms);
};
extern const struct elements_kind elements_of_hash, elements_of_set;

/* The latest deadline that Redis takes. */
#define ELEMENT_DUE_MS_MAX ((INT64_C(1) << 46) - 1)

/* --- arguments ---------------------------------------------------------------------------------------------- */

/* The elements that a request names, borrowed from it. */
struct elements {
    const struct elements_kind *kind;
    const struct slice *names;
    int count;
};
/* The kind's word in argument `at`, their number, and as many to the end; out->kind is given. False: the error is
 * replied; *not_positive of a number that is none above 0, or NULL for the usual one. */
bool elements_parse(struct cmd_ctx *c, int at, const char *not_positive, struct elements *out);
/* A deadline in argument i, in the past or not. False: the error is replied. */
bool element_deadline_parse(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms);
/* EX, PX, EXAT or PXAT in argument i, case aside. */
bool element_unit_parse(struct slice s, enum deadline_unit *out);

/* What HSETEX and SADDEX have ahead of the elements. */
enum element_existence { ELEMENTS_ANY, ELEMENTS_ALL_NEW, ELEMENTS_ALL_THERE };
struct element_options {
    enum element_existence existence;
    bool keep, timed; /* KEEPTTL; EX and its like */
    int64_t due_ms;   /* DUES_NONE unless timed */
};
/* Options from argument 2 to the kind's word, whose place is *at. False: the error is replied. */
bool element_options_parse(struct cmd_ctx *c, const struct elements_kind *kind,
                           struct element_options *o, int *at);

/* --- changes ------------------------------------------------------------------------------------------------- */

enum err element_change(struct ks_edit *e, const struct elements *of, int i,
                        enum element_change change, int64_t due_ms);

/* An effect on the elements that changed: room for all of a request is taken ahead. */
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
void elements_effect_add(struct elements_effect *e,
                         struct slice name); /* borrowed until it is sent */
void elements_effect_send(struct cmd_ctx *c, struct elements_effect *e, enum element_change change,
                          int64_t due_ms);
/* Ends an edit in which this became of the elements of the effect, with event and effect. */
void elements_changed(struct cmd_ctx *c, struct ks_edit *e, struct elements_effect *effect,
                      enum element_change change, int64_t due_ms);
