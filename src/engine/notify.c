/* Keyspace notifications: what happens to a key, published on two channels named after the key and
 * after the event. */
#include "base/buf.h"
#include "engine/engine.h"
#include "engine/pubsub.h"

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

static void publish(struct engine *e, const char *what, int db, struct slice name,
                    struct slice message)
{
    struct buf channel;
    buf_init(&channel);
    buf_printf(&channel, "__%s@%d__:", what, db);
    buf_append_slice(&channel, name);
    if (channel.err == ERR_OK)
        pubsub_publish(e->pubsub, buf_slice(&channel), message);
    buf_deinit(&channel);
}

void notify_event(struct engine *e, int db, struct slice key, unsigned class, const char *event)
{
    unsigned wanted = e->config->notify;
    if (!(wanted & class))
        return;
    if (pubsub_channel_count(e->pubsub) == 0 && pubsub_pattern_count(e->pubsub) == 0)
        return;
    struct slice name = slice_from_cstr(event);
    if (wanted & NOTIFY_KEYSPACE)
        publish(e, "keyspace", db, key, name);
    if (wanted & NOTIFY_KEYEVENT)
        publish(e, "keyevent", db, name, key);
}

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
