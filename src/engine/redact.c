#include "engine/redact.h"

#define REDACTED SLICE("(redacted)")

static bool is_one_of(struct slice word, const char *const *names)
{
    for (; *names; names++)
        if (slice_is(word, *names))
            return true;
    return false;
}

/* AUTH user password as an option: both words behind it, be the request well-formed or not. */
static bool follows_auth(const struct slice *argv, int i, int first)
{
    return (i - 1 >= first && slice_is(argv[i - 1], "auth")) ||
           (i - 2 >= first && slice_is(argv[i - 2], "auth"));
}

/* CONFIG SET takes names and values in turn. By its form, as rename-command may have given CONFIG another name. */
static bool is_secret_setting(const struct slice *argv, int argc, int i)
{
    static const char *const secrets[] = {
        "requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass",
        NULL,
    };
    return argc > 3 && slice_is(argv[1], "set") && i >= 3 && i % 2 == 1 &&
           is_one_of(argv[i - 1], secrets);
}

struct slice redact_argument(const struct slice *argv, int argc, int i)
{
    bool secret = false;
    if (i > 0) {
        if (slice_is(argv[0], "auth"))
            secret = true;
        else if (slice_is(argv[0], "hello"))
            secret = follows_auth(argv, i, 2);
        else
            secret = is_secret_setting(argv, argc, i);
    }
    return secret ? REDACTED : argv[i];
}
