#pragma once
/* Values of any type: functions for all of them, and the row by which each type answers.
 *
 * A value lies in its item while it is small. Structure outside the item is shared: COPY, a snapshot and a reply hold
 * it in O(1), and an edit copies the parts that it changes, a large value in pieces. So no function here takes longer
 * for a larger value, but for the digest. */
#include "base/err.h"
#include "base/num.h"
#include "base/prefetch.h"
#include "store/item.h"

/* --- questions -------------------------------------------------------------------------------------- */

/* "embstr", "int", "raw", ... as OBJECT ENCODING answers. Static storage. */
const char *value_encoding_name(const struct item *it);
/* Bytes set aside for key and value together. Parts that several items hold count in full. */
size_t value_memory(const struct item *it);
/* They are more than `bytes`, but for the rounding up of the item's own. */
bool value_exceeds(const struct item *it, size_t bytes);
/* The part of these that would be freed with the item, in O(1): an estimate where other items hold a part of its
 * value. */
size_t value_memory_alone(const struct item *it);
/* Work to free it: 1 for its item and for each more allocation, or page of a large one. */
#define VALUE_PAGE_BYTES 4096
size_t value_effort(const struct item *it);

/* A step of the way to an element, member or field, of this name. False: there is nothing more to be asked for. */
bool value_fetch(const struct item *it, struct prefetch_way *way);

/* --- a value as commands -------------------------------------------------------------------------------- */

/* A longer argument is given in runs of at most so many bytes. */
#define VALUE_COMMAND_BYTES_MAX (64 * 1024)
#define VALUE_COMMAND_ARGS_MAX  130
#define VALUE_NUMBER_CHARS      32

/* One of the commands that make a key with its value and deadline. All are canonical, and hold at most
 * VALUE_COMMAND_BYTES_MAX bytes of the value, but where `in_runs` is not -1: of that argument argv has the length only
 * (ptr is NULL), and value_cursor_run its bytes. */
struct value_command {
    int argc;
    const struct slice *argv; /* borrowed until the next call */
    int in_runs;
    bool last; /* no command follows, which the type may know already */
};

struct keyspace;
/* Where a walk through a value is. Begins at the first command with value_cursor_init. */
struct value_cursor {
    const struct item *item;
    const struct item *held; /* `item` where the cursor holds it; NULL: the item is borrowed */
    struct keyspace *ks;     /* the held item's */
    uint64_t at;             /* how far the cursor has come, in terms of the type */
    uint8_t phase;           /* 0 at first, else the type's */
    size_t run_at;           /* bytes given of the argument in runs */
    char numbers[VALUE_COMMAND_ARGS_MAX][VALUE_NUMBER_CHARS]; /* room for printed numbers */
    struct slice argv[VALUE_COMMAND_ARGS_MAX];
};

/* Borrows the item, which must neither change nor go before value_cursor_deinit or value_cursor_hold. */
void value_cursor_init(struct value_cursor *c, const struct item *it);
void value_cursor_deinit(struct value_cursor *c);
/* The next command; false: there is none. The rest of an argument in runs is skipped. */
bool value_cursor_next(struct value_cursor *c, struct value_command *out);
/* The next bytes of the argument in runs: at most VALUE_COMMAND_BYTES_MAX, borrowed until the item goes or, once it is
 * held, the cursor. Empty: that was all. */
struct slice value_cursor_run(struct value_cursor *c);
/* From now on the cursor shows the value as it is at this moment, across changes of the key. O(1) but for the key's
 * name. The bytes of the last command are good no longer; runs go on. False: no memory. */
bool value_cursor_hold(struct value_cursor *c, struct keyspace *ks);

/* --- inside store/: the row of a type ----------------------------------------------------------------------- */

struct digest;
struct ks_edit;
struct value_ops {
    const char *name; /* the answer of TYPE */
    const char *(*encoding)(const struct item *it);
    /* Holds nothing any more: ks_edit_end removes the key. NULL: an empty value is one like any other. */
    bool (*is_empty)(const struct item *it);

    /* These are asked of values with something outside their item only. */
    void (*share)(
        const struct item *it); /* one more item has the same value: COPY, a cursor that holds it */
    /* Frees a part and takes its effort, at least 1, off *effort. True: all of it is gone. */
    bool (*free_some)(struct item *it, size_t *effort);
    size_t (*memory)(const struct item *it); /* memory outside the item, in O(1) */
    /* The part of that memory which no other item holds, estimated in O(1), by the children of a root for example.
     * NULL: none. */
    size_t (*memory_alone)(const struct item *it);
    size_t (*effort)(const struct item *it); /* effort of freeing it, in O(1) */
    uint32_t (*sum)(const struct item *it);  /* over its beginning and end: store/item_check.h */
    /* value_fetch. NULL: its elements have no names, or a look-up waits for nothing that could be asked for. */
    bool (*fetch)(const struct item *it, struct prefetch_way *way);

    /* For ks_edit_keep: from now on what is done to a value outside its item is noted, until it stands or is undone,
     * for which no memory is needed. NULL: the value is held as a whole, which may cost the edit more. */
    bool (*keep)(struct item *it);
    void (*keep_end)(struct item *it, bool undo);

    /* These are asked of values with ITEM_DUES only: no element is due before; up to `max` (at most DUES_MAX) that
     * are due by the keyspace's clock, as entries of a pack; to remove one. */
    int64_t (*due_ms)(const struct item *it);
    size_t (*due)(const struct ks_edit *e, const char **out, size_t max);
    enum err (*remove)(struct ks_edit *e, struct slice name);

    void (*digest)(const struct item *it, struct digest *out);
    bool (*command)(struct value_cursor *c, struct value_command *out); /* value_cursor_next */
    struct slice (*run)(const struct value_cursor *c); /* from run_at; NULL: has none in runs */
};

/* By type. A row without a name: the type does not exist yet. */
extern const struct value_ops value_ops_string;
extern const struct value_ops value_ops_list;
extern const struct value_ops value_ops_set;
extern const struct value_ops value_ops_zset;
extern const struct value_ops value_ops_hash;
const struct value_ops *value_ops(enum item_type t);

/* Frees some of an item that is in no table, as free_some does. True: the item is gone. */
bool value_free_some(struct item *it, size_t *effort);
