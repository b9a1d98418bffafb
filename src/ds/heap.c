#include "ds/heap.h"

#include <assert.h>

/* Merges two heaps: the root with the greater key becomes the first child of the other. */
static struct heap_node *merge(struct heap_node *a, struct heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->key < a->key) {
        struct heap_node *c = a;
        a = b;
        b = c;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    a->prev = a->next = NULL;
    return a;
}

/* Merges siblings into one heap: in pairs from the front, then the pairs from the back. */
static struct heap_node *merge_all(struct heap_node *first)
{
    struct heap_node *pairs = NULL, *all = NULL;
    while (first) {
        struct heap_node *a = first, *b = first->next;
        first = b ? b->next : NULL;
        a = merge(a, b);
        a->prev = NULL;
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct heap_node *next = pairs->next;
        pairs->next = NULL;
        all = merge(all, pairs);
        pairs = next;
    }
    return all;
}

void heap_add(struct heap *h, struct heap_node *node, int64_t key)
{
    *node = (struct heap_node){.key = key};
    h->root = merge(h->root, node);
    h->count++;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    struct heap_node *rest = merge_all(node->child);
    if (node == h->root) {
        h->root = rest;
    } else {
        if (node->prev->child == node)
            node->prev->child = node->next;
        else
            node->prev->next = node->next;
        if (node->next)
            node->next->prev = node->prev;
        h->root = merge(h->root, rest);
    }
    h->count--;
    *node = (struct heap_node){0};
}

static size_t validate(const struct heap_node *node)
{
    size_t count = 1;
    const struct heap_node *before = node;
    for (const struct heap_node *c = node->child; c; before = c, c = c->next) {
        assert(c->prev == before && c->key >= node->key);
        count += validate(c);
    }
    return count;
}

void heap_validate(const struct heap *h)
{
    assert(!h->root || (!h->root->prev && !h->root->next));
    assert(h->count == (h->root ? validate(h->root) : 0));
}
