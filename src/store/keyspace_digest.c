/* The digest of a whole keyspace: the digests of its keys, joined in any order. */
#include "store/digest.h"

struct walk {
    uint32_t db;
    int64_t now_ms;
    struct digest *sum;
};

static void add_item(const struct item *it, void *arg)
{
    struct walk *w = arg;
    struct digest d;
    if (item_due_ms(it) <= w->now_ms)
        return;
    digest_value(it, &d);
    digest_add(&d, item_key(it));
    digest_add(&d, slice_of((const char *)&w->db, sizeof(w->db)));
    digest_join(w->sum, &d);
}

void digest_keyspace(struct keyspace *ks, struct digest *out)
{
    struct walk w = {.now_ms = ks_now_ms(ks), .sum = out};
    *out = (struct digest){0};
    for (int db = 0; db < ks_databases(ks); db++) {
        w.db = (uint32_t)db;
        ks_each(ks, db, add_item, &w);
    }
}
