#include "store/item_check.h"

#ifdef CORSAC_CHECK_EDITS

#include "base/crc32c.h"
#include "store/item_impl.h"

static uint32_t sum(const struct item *it)
{
    uint8_t head[] = {it->kind, it->flags & (uint8_t)~ITEM_PARITY, it->klen};
    uint32_t crc = crc32c(0, head, sizeof(head));
    crc = crc32c(crc, &it->vlen, sizeof(it->vlen));
    size_t body = item_bytes(it) - sizeof(*it) - ITEM_SEAL_BYTES;
    crc = crc32c(crc, it->body, body);
    const struct value_ops *ops = value_ops(item_type(it));
    return item_is_outside(it) ? crc ^ ops->sum(it) : crc;
}

static char *place(const struct item *it)
{
    return (char *)it + item_bytes(it) - ITEM_SEAL_BYTES;
}

void item_seal(struct item *it)
{
    uint32_t now = sum(it);
    memcpy(place(it), &now, sizeof(now));
}

void item_check(const struct item *it)
{
    uint32_t sealed;
    memcpy(&sealed, place(it), sizeof(sealed));
    assert(sum(it) == sealed && "an item was changed outside ks_edit");
}

#endif
