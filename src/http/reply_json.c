#include "http/reply_json.h"

enum { KIND_ARRAY, KIND_MAP_KEY, KIND_MAP_VALUE };

void reply_json_init(struct reply_json *j, bool base64)
{
    *j = (struct reply_json){.base64 = base64};
}

/* Writes what stands in front of a value: a brace with the member's name, a colon or a comma. */
static void begin_value(struct reply_json *j, bool error, struct buf *out)
{
    if (j->depth == 0) {
        j->failed = error;
        if (error)
            buf_append_cstr(out, "{\"error\":");
        else if (!j->bare)
            buf_append_cstr(out, "{\"result\":");
        return;
    }
    uint8_t *kind = &j->kinds[j->depth - 1];
    if (*kind == KIND_MAP_VALUE)
        buf_append_char(out, ':');
    else if (j->comma)
        buf_append_char(out, ',');
    if (*kind != KIND_ARRAY)
        *kind = *kind == KIND_MAP_KEY ? KIND_MAP_VALUE : KIND_MAP_KEY;
    j->comma = true;
}

static void end_value(struct reply_json *j, struct buf *out)
{
    if (j->depth == 0 && (j->failed || !j->bare))
        buf_append_char(out, '}');
}

static void open_new(struct reply_json *j, enum reply_type type, struct buf *out)
{
    begin_value(j, false, out);
    bool object = type == REPLY_MAP && j->natural;
    j->kinds[j->depth++] = object ? KIND_MAP_KEY : KIND_ARRAY;
    j->comma = false;
    buf_append_char(out, object ? '{' : '[');
}

static void close_last(struct reply_json *j, struct buf *out)
{
    j->depth--;
    buf_append_char(out, j->kinds[j->depth] == KIND_ARRAY ? ']' : '}');
    j->comma = true;
    end_value(j, out);
}

/* A status that stands alone is kept until it is whole: "OK" is never in base64, as clients look for it before they
 * decode. False: more is to come. */
static bool keep_status(struct reply_json *j, const struct reply_token *t, struct slice *whole)
{
    if (t->first)
        j->status_len = 0;
    for (size_t i = 0; i < t->text.len && j->status_len < sizeof(j->status); i++)
        j->status[j->status_len++] = t->text.ptr[i];
    *whole = slice_of(j->status, j->status_len);
    return !t->more;
}

static void string(struct reply_json *j, const struct reply_token *t, struct buf *out)
{
    bool alone = j->depth == 0, error = t->type == REPLY_ERROR;
    if (alone && t->type == REPLY_STATUS) {
        struct slice whole;
        if (!keep_status(j, t, &whole))
            return;
        begin_value(j, false, out);
        json_text_put(whole, j->base64 && !slice_equal(whole, SLICE("OK")), out);
        end_value(j, out);
        return;
    }
    if (t->first) {
        begin_value(j, error, out);
        json_text_begin(&j->text, j->base64 && !(error && alone), out);
    }
    json_text_add(&j->text, t->text, out);
    if (!t->more) {
        json_text_end(&j->text, out);
        end_value(j, out);
    }
}

static void put_int(int64_t v, bool key, struct buf *out)
{
    if (key)
        buf_append_char(out, '"');
    buf_append_i64(out, v);
    if (key)
        buf_append_char(out, '"');
}

static void number(struct reply_json *j, const struct reply_token *t, struct buf *out)
{
    bool key = j->depth > 0 && j->kinds[j->depth - 1] == KIND_MAP_KEY;
    begin_value(j, false, out);
    if (t->type == REPLY_NULL)
        buf_append_cstr(out, key ? "\"null\"" : "null");
    else if (t->type == REPLY_BOOL && j->natural && !key)
        buf_append_cstr(out, t->integer ? "true" : "false");
    else if (t->type == REPLY_DOUBLE && j->natural && !key && t->number - t->number == 0)
        buf_append_slice(out, t->text);
    else if (t->type == REPLY_DOUBLE)
        json_text_put(t->text, j->base64, out);
    else
        put_int(t->integer, key, out);
    end_value(j, out);
}

/* Is the token an attribute, or within one? Answers leave attributes out, as clients did not ask for them. */
static bool skip(struct reply_json *j, const struct reply_token *t)
{
    if (t->type == REPLY_ATTRIBUTE && !j->skipped)
        j->skipped = t->depth + 1;
    else if (!j->skipped)
        return false;
    else if (t->type == REPLY_END && t->depth + 1 == j->skipped)
        j->skipped = 0;
    return true;
}

bool reply_json_token(struct reply_json *j, const struct reply_token *t, struct buf *out)
{
    if (skip(j, t))
        return false;
    switch (t->type) {
    case REPLY_ARRAY:
    case REPLY_MAP:
    case REPLY_SET:
    case REPLY_PUSH: open_new(j, t->type, out); break;
    case REPLY_END: close_last(j, out); break;
    case REPLY_STATUS:
    case REPLY_ERROR:
    case REPLY_BULK:
    case REPLY_VERBATIM:
    case REPLY_BIGNUM: string(j, t, out); break;
    default: number(j, t, out); break;
    }
    if (t->last) {
        j->comma = false;
        return true;
    }
    return false;
}

bool reply_token_begins(const struct reply_token *t, unsigned depth)
{
    return t->depth == depth && t->type != REPLY_END && t->type != REPLY_ATTRIBUTE &&
           (t->first ||
            (t->type != REPLY_STATUS && t->type != REPLY_ERROR && t->type != REPLY_BULK &&
             t->type != REPLY_VERBATIM && t->type != REPLY_BIGNUM));
}

struct reply_token reply_token_element(const struct reply_token *t)
{
    struct reply_token element = *t;
    element.depth--;
    element.last = t->depth == 1 && !t->more && t->type != REPLY_ARRAY && t->type != REPLY_MAP &&
                   t->type != REPLY_SET;
    return element;
}
