#pragma once
/* A heap of things that have their node within them: the least key is first. A pairing heap, so that nothing is
 * allocated: adding takes constant time, removing any node O(log n), amortised. */
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key;
    struct heap_node *child; /* the first one */
    /* siblings; prev of a first child is its parent, of the root NULL */
    struct heap_node *prev, *next;
};
struct heap {
    struct heap_node *root; /* NULL: empty */
    size_t count;
};

#define heap_owner(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_add(struct heap *h, struct heap_node *node, int64_t key);
void heap_remove(struct heap *h, struct heap_node *node); /* it is in this heap */
static inline struct heap_node *heap_first(const struct heap *h)
{
    return h->root;
}
/* For tests: asserts what always holds; walks it, as deep as it is. */
void heap_validate(const struct heap *h);
