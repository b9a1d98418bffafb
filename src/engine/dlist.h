#pragma once
/* Doubly linked lists whose links stand inside what they link, so that a struct leaves any number
 * of lists in constant time. The list itself is a link too; an empty one points at itself.
 *
 *      .-> list <-> first <-> ... <-> last <-.
 *      '-------------------------------------'
 */
#include <stdbool.h>
#include <stddef.h>

struct dlist {
    struct dlist *prev, *next;
};

/* The struct that holds a link. */
#define dlist_owner(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void dlist_init(struct dlist *list)
{
    list->prev = list->next = list;
}

static inline bool dlist_empty(const struct dlist *list)
{
    return list->next == list;
}

static inline void dlist_append(struct dlist *list, struct dlist *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void dlist_remove(struct dlist *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}
