/* DEBUG PROTOCOL: a sample of each type of reply, the same ones that Redis gives, for tests of clients. */
#include "admin/debug.h"

#include "cmd/ctx.h"
#include "engine/session.h"

static void reply_string(struct resp_writer *w)
{
    resp_bulk_cstr(w, "Hello World");
}

static void reply_integer(struct resp_writer *w)
{
    resp_int(w, 12345);
}

static void reply_double(struct resp_writer *w)
{
    resp_double(w, 3.141);
}

static void reply_array(struct resp_writer *w)
{
    resp_array(w, 3);
    for (int i = 0; i < 3; i++)
        resp_int(w, i);
}

static void reply_set(struct resp_writer *w)
{
    resp_set(w, 3);
    for (int i = 0; i < 3; i++)
        resp_int(w, i);
}

static void reply_map(struct resp_writer *w)
{
    resp_map(w, 3);
    for (int i = 0; i < 3; i++) {
        resp_int(w, i);
        resp_bool(w, i == 1);
    }
}

static void reply_attrib(struct resp_writer *w)
{
    if (w->proto > 2) {
        resp_attribute(w, 1);
        resp_bulk_cstr(w, "key-popularity");
        resp_array(w, 2);
        resp_bulk_cstr(w, "key:123");
        resp_int(w, 90);
    }
    resp_bulk_cstr(w, "Some real reply following the attribute");
}

static void reply_push(struct resp_writer *w)
{
    if (w->proto < 3) {
        resp_error(w, "RESP2 is not supported by this command");
        return;
    }
    resp_bulk_cstr(w, "Some real reply following the push reply");
    resp_push(w, 2);
    resp_bulk_cstr(w, "server-cpu-usage");
    resp_int(w, 42);
}

static void reply_verbatim(struct resp_writer *w)
{
    resp_verbatim(w, "txt", SLICE("This is a verbatim\nstring"));
}

static void reply_true(struct resp_writer *w)
{
    resp_bool(w, true);
}

static void reply_false(struct resp_writer *w)
{
    resp_bool(w, false);
}

static void reply_bignum(struct resp_writer *w)
{
    resp_bignum(w, SLICE("1234567999999999999999999999999999999"));
}

void debug_protocol(struct cmd_ctx *c)
{
    static const struct {
        const char *type;
        void (*reply)(struct resp_writer *w);
    } samples[] = {
        {"string", reply_string},     {"integer", reply_integer}, {"double", reply_double},
        {"null", resp_null},          {"array", reply_array},     {"set", reply_set},
        {"map", reply_map},           {"attrib", reply_attrib},   {"push", reply_push},
        {"true", reply_true},         {"false", reply_false},     {"bignum", reply_bignum},
        {"verbatim", reply_verbatim},
    };
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        if (slice_is(c->argv[2], samples[i].type)) {
            samples[i].reply(c->out);
            return;
        }
    resp_error(c->out,
               "Wrong protocol type name. Please use one of the following: "
               "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}
