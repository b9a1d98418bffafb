#include "cmd/notify.h"

#include "cmd/ctx.h"

/* In the order in which Redis prints them. */
static const struct {
    char letter;
    unsigned class;
} letters[] = {
    {'g', NOTIFY_GENERIC},  {'$', NOTIFY_STRING},   {'l', NOTIFY_LIST},    {'s', NOTIFY_SET},
    {'h', NOTIFY_HASH},     {'z', NOTIFY_ZSET},     {'x', NOTIFY_EXPIRED}, {'e', NOTIFY_EVICTED},
    {'t', NOTIFY_STREAM},   {'d', NOTIFY_MODULE},   {'n', NOTIFY_NEW},     {'K', NOTIFY_KEYSPACE},
    {'E', NOTIFY_KEYEVENT}, {'m', NOTIFY_KEY_MISS},
};
#define LETTERS (sizeof(letters) / sizeof(letters[0]))
_Static_assert(LETTERS + 2 <= NOTIFY_PRINT_BYTES, "'A', every letter and the NUL fit");

static unsigned class_of(char letter)
{
    if (letter == 'A')
        return NOTIFY_ALL;
    for (size_t i = 0; i < LETTERS; i++)
        if (letters[i].letter == letter)
            return letters[i].class;
    return 0;
}

bool notify_parse(struct slice text, unsigned *classes)
{
    unsigned found = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned class = class_of(text.ptr[i]);
        if (!class)
            return false;
        found |= class;
    }
    *classes = found;
    return true;
}

void notify_print(unsigned classes, char out[NOTIFY_PRINT_BYTES])
{
    if ((classes & NOTIFY_ALL) == NOTIFY_ALL) {
        *out++ = 'A';
        classes &= ~(unsigned)NOTIFY_ALL;
    }
    for (size_t i = 0; i < LETTERS; i++)
        if (classes & letters[i].class)
            *out++ = letters[i].letter;
    *out = '\0';
}
