#pragma once
/* A heap whose nodes are embedded in their owners; the least key is first. It is a pairing heap: nothing is allocated,
 * adding takes constant time, removing any node O(log n), amortised. */
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key;
    struct heap_node *child; /* the first child */
    /* Siblings. prev of a first child is its parent; prev of the root is NULL. */
    struct heap_node *prev, *next;
};
struct heap {
    struct heap_node *root; /* NULL: empty */
    size_t count;
};

#define heap_owner(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_add(struct heap *h, struct heap_node *node, int64_t key);
void heap_remove(struct heap *h, struct heap_node *node); /* the node must be in this heap */
static inline struct heap_node *heap_first(const struct heap *h)
{
    return h->root;
}
/* For tests: every invariant, by assertion; recurses as deep as the heap is. */
void heap_validate(const struct heap *h);
