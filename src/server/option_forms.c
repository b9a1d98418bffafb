/* Options with a form of their own: several words with a meaning each. */
#include "server/options.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "cmd/notify.h"

/* --- bind ------------------------------------------------------------------------------------------- */

/* A character of addresses and host names. */
static bool is_address_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(".:-_%*", c));
}

const char *option_check_bind(struct slice value)
{
    int count = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != ' ' && !is_address_char(value.ptr[i]))
            return "Invalid bind address";
        count += value.ptr[i] != ' ' && (i == 0 || value.ptr[i - 1] == ' ');
    }
    return count > NET_BIND_MAX ? "Too many bind addresses specified." : NULL;
}

/* --- save: there are no snapshots yet, so that it can only be switched off ---------------------------- */

static enum option_result save_set(struct config *c, int argc, const struct slice *argv,
                                   struct option_error *e)
{
    (void)c;
    if (argc == 0 || (argc == 1 && argv[0].len == 0))
        return OPTION_OK;
    for (int i = 0; i < argc; i++) {
        int64_t n;
        if (argc % 2 || !num_parse_i64(argv[i], &n) || n < (i % 2 ? 0 : 1))
            return option_bad(e, "Invalid save parameters");
    }
    snprintf(e->text, sizeof(e->text),
             "snapshots are not supported yet, the append-only file keeps data");
    return OPTION_UNSUPPORTED;
}

static void print_nothing(const struct config *c, struct buf *out)
{
    (void)c;
    (void)out;
}

const struct option_special option_save = {
    .set = save_set, .print = print_nothing, .expects = "\"\", or pairs of seconds and changes"};

/* --- replicaof: the same -------------------------------------------------------------------------------- */

static enum option_result replicaof_set(struct config *c, int argc, const struct slice *argv,
                                        struct option_error *e)
{
    int64_t port;
    (void)c;
    if (argc == 0 || (argc == 1 && argv[0].len == 0))
        return OPTION_OK;
    if (argc != 2)
        return option_bad(e, "wrong number of arguments");
    if (slice_is(argv[0], "no") && slice_is(argv[1], "one"))
        return OPTION_OK;
    if (!num_parse_i64(argv[1], &port) || port < 0 || port > 65535)
        return option_bad(e, "Invalid master port");
    snprintf(e->text, sizeof(e->text),
             "replication is not supported yet, this server follows nobody");
    return OPTION_UNSUPPORTED;
}

const struct option_special option_replicaof = {
    .set = replicaof_set, .print = print_nothing, .expects = "a host and a port, or \"\""};

/* --- shutdown-on-sigterm, shutdown-on-sigint ----------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned flag; /* 0: the default */
} shutdown_words[] = {
    {"default", 0},
    {"nosave", OPTION_SHUTDOWN_NOSAVE},
    {"now", OPTION_SHUTDOWN_NOW},
    {"force", OPTION_SHUTDOWN_FORCE},
};
#define SHUTDOWN_WORDS (sizeof(shutdown_words) / sizeof(shutdown_words[0]))

static enum option_result shutdown_set(unsigned *flags, int argc, const struct slice *argv,
                                       struct option_error *e)
{
    unsigned given = 0;
    bool save = false;
    for (int i = 0; i < argc; i++) {
        size_t k = 0;
        while (k < SHUTDOWN_WORDS && !slice_is(argv[i], shutdown_words[k].name))
            k++;
        if (k < SHUTDOWN_WORDS)
            given |= shutdown_words[k].flag;
        else if (slice_is(argv[i], "save"))
            save = true;
        else
            argc = 0;
    }
    if (argc == 0)
        return option_bad(
            e, "argument(s) must be one of the following: default, save, nosave, now, force");
    if (save) {
        snprintf(e->text, sizeof(e->text),
                 "saving is not supported yet, the append-only file keeps data");
        return OPTION_UNSUPPORTED;
    }
    *flags = given;
    return OPTION_OK;
}

static void shutdown_print(unsigned flags, struct buf *out)
{
    if (flags == 0)
        buf_append_cstr(out, shutdown_words[0].name);
    const char *space = "";
    for (size_t k = 1; k < SHUTDOWN_WORDS; k++)
        if (flags & shutdown_words[k].flag) {
            buf_printf(out, "%s%s", space, shutdown_words[k].name);
            space = " ";
        }
}

static enum option_result on_sigterm_set(struct config *c, int argc, const struct slice *argv,
                                         struct option_error *e)
{
    return shutdown_set(&c->on_sigterm, argc, argv, e);
}

static enum option_result on_sigint_set(struct config *c, int argc, const struct slice *argv,
                                        struct option_error *e)
{
    return shutdown_set(&c->on_sigint, argc, argv, e);
}

static void on_sigterm_print(const struct config *c, struct buf *out)
{
    shutdown_print(c->on_sigterm, out);
}

static void on_sigint_print(const struct config *c, struct buf *out)
{
    shutdown_print(c->on_sigint, out);
}

#define SHUTDOWN_EXPECTS "default, or some of nosave, now and force"

const struct option_special option_on_sigterm = {
    .set = on_sigterm_set, .print = on_sigterm_print, .expects = SHUTDOWN_EXPECTS};
const struct option_special option_on_sigint = {
    .set = on_sigint_set, .print = on_sigint_print, .expects = SHUTDOWN_EXPECTS};

/* --- oom-score-adj-values ----------------------------------------------------------------------------- */

static enum option_result oom_values_set(struct config *c, int argc, const struct slice *argv,
                                         struct option_error *e)
{
    int64_t values[OPTION_OOM_VALUES];
    if (argc != OPTION_OOM_VALUES)
        return option_bad(e, "wrong number of arguments");
    for (int i = 0; i < argc; i++)
        if (!num_parse_i64(argv[i], &values[i]) || values[i] < -OPTION_OOM_VALUE_MAX ||
            values[i] > OPTION_OOM_VALUE_MAX)
            return option_bad(e,
                              "Invalid oom-score-adj-values, elements must be between -%d and %d.",
                              OPTION_OOM_VALUE_MAX, OPTION_OOM_VALUE_MAX);
    for (int i = 0; i < argc; i++)
        c->oom_score_values[i] = (int)values[i];
    return OPTION_OK;
}

static void oom_values_print(const struct config *c, struct buf *out)
{
    for (int i = 0; i < OPTION_OOM_VALUES; i++)
        buf_printf(out, i ? " %d" : "%d", c->oom_score_values[i]);
}

const struct option_special option_oom_values = {.set = oom_values_set,
                                                 .print = oom_values_print,
                                                 .expects = "three numbers from -2000 to 2000"};

/* --- client-output-buffer-limit ---------------------------------------------------------------------- */

/* CONFIG GET shows the first name of a class, as Redis does. */
static const struct {
    const char *name, *other;
} classes[NET_CLASS_COUNT] = {
    [NET_CLASS_NORMAL] = {"normal", NULL},
    [NET_CLASS_REPLICA] = {"slave", "replica"},
    [NET_CLASS_PUBSUB] = {"pubsub", NULL},
};

static int class_by_name(struct slice name)
{
    for (int i = 0; i < NET_CLASS_COUNT; i++)
        if (slice_is(name, classes[i].name) ||
            (classes[i].other && slice_is(name, classes[i].other)))
            return i;
    return -1;
}

static enum option_result limits_set(struct config *c, int argc, const struct slice *argv,
                                     struct option_error *e)
{
    struct net_output_limit limit[NET_CLASS_COUNT];
    memcpy(limit, c->net.output_limit, sizeof(limit));
    if (argc == 0 || argc % 4 != 0)
        return option_bad(e, "Wrong number of arguments in buffer limit configuration.");
    for (int i = 0; i < argc; i += 4) {
        int64_t hard, soft, seconds;
        int class = class_by_name(argv[i]);
        if (class < 0)
            return option_bad(e, "Invalid client class specified in buffer limit configuration.");
        if (!num_parse_memory(argv[i + 1], &hard) || !num_parse_memory(argv[i + 2], &soft) ||
            !num_parse_i64(argv[i + 3], &seconds) || hard < 0 || soft < 0 || seconds < 0)
            return option_bad(
                e, "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
        limit[class] = (struct net_output_limit){(uint64_t)hard, (uint64_t)soft, seconds};
    }
    memcpy(c->net.output_limit, limit, sizeof(limit));
    return OPTION_OK;
}

static void limit_print(const struct config *c, int class, struct buf *out)
{
    const struct net_output_limit *l = &c->net.output_limit[class];
    buf_printf(out, "%s %llu %llu %lld", classes[class].name, (unsigned long long)l->hard_bytes,
               (unsigned long long)l->soft_bytes, (long long)l->soft_s);
}

static void limits_print(const struct config *c, struct buf *out)
{
    for (int i = 0; i < NET_CLASS_COUNT; i++) {
        if (i)
            buf_append_char(out, ' ');
        limit_print(c, i, out);
    }
}

static void limits_print_lines(const struct config *c, struct buf *out)
{
    for (int i = 0; i < NET_CLASS_COUNT; i++) {
        buf_append_cstr(out, "client-output-buffer-limit ");
        limit_print(c, i, out);
        buf_append_char(out, '\n');
    }
}

const struct option_special option_output_limits = {
    .set = limits_set,
    .print = limits_print,
    .print_lines = limits_print_lines,
    .expects = "a class (normal, replica, pubsub), a hard limit, a soft limit and seconds, such as "
               "pubsub 32mb 8mb 60",
};

/* --- notify-keyspace-events -------------------------------------------------------------------------- */

static enum option_result notify_set(struct config *c, int argc, const struct slice *argv,
                                     struct option_error *e)
{
    (void)argc;
    if (!notify_parse(argv[0], &c->engine.notify))
        return option_bad(e, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    return OPTION_OK;
}

static void notify_print_value(const struct config *c, struct buf *out)
{
    char letters[NOTIFY_PRINT_BYTES];
    notify_print(c->engine.notify, letters);
    buf_append_cstr(out, letters);
}

const struct option_special option_notify = {.set = notify_set,
                                             .print = notify_print_value,
                                             .expects = "letters of Ag$lshzxeKEtmdn, or \"\""};

/* --- latency-tracking-info-percentiles ---------------------------------------------------------------- */

static enum option_result percentiles_set(struct config *c, int argc, const struct slice *argv,
                                          struct option_error *e)
{
    double p[ENGINE_PERCENTILES_MAX];
    if (argc == 1 && argv[0].len == 0)
        argc = 0;
    if (argc > ENGINE_PERCENTILES_MAX)
        return option_bad(e, "latency-tracking-info-percentiles takes at most %d values",
                          ENGINE_PERCENTILES_MAX);
    for (int i = 0; i < argc; i++) {
        if (!num_parse_double(argv[i], &p[i]))
            return option_bad(e, "Invalid latency-tracking-info-percentiles parameters");
        if (p[i] < 0 || p[i] > 100)
            return option_bad(
                e, "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
    }
    memcpy(c->engine.percentiles, p, sizeof(p[0]) * (size_t)argc);
    c->engine.percentile_count = argc;
    return OPTION_OK;
}

static void percentiles_print(const struct config *c, struct buf *out)
{
    for (int i = 0; i < c->engine.percentile_count; i++) {
        char text[32];
        if (i)
            buf_append_char(out, ' ');
        buf_append(out, text, (size_t)num_print_double(text, c->engine.percentiles[i]));
    }
}

const struct option_special option_percentiles = {
    .set = percentiles_set, .print = percentiles_print, .expects = "numbers from 0 to 100"};
