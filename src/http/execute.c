/* Transactions: several commands as one unit, where conditions hold.
 *
 *   POST /v1/execute
 *   {"commands":[{"cmd_type":"set","key":"foo","value":"bar"},{"cmd_type":"get","key":"foo"}],
 *    "if":[{"key":"lock","value":null}]}                             ->  200 {"results":["bar","bar"]}
 *
 * All commands are checked before any runs: one that is unknown, has too few words or may not run over HTTP is answered
 * by 400 or 403, and nothing has happened. Then all run as one EXEC. As in EXEC, a command that finds a value of
 * another type fails alone: its result is {"error":"WRONGTYPE ..."}, and the others have happened.
 *
 * Conditions are read ahead of the commands, under a WATCH: where a key changes in between, they are read again. */
#include <jansson.h>

#include "base/num.h"
#include "engine/engine.h"
#include "engine/multi.h"
#include "http/http_impl.h"
#include "http/json_text.h"
#include "http/reply_json.h"
#include "http/request.h"

/* Parsing is not sliced, and the loop waits for it: larger values go by /db. */
#define EXECUTE_BODY_BYTES_MAX ((size_t)4 << 20)
#define EXECUTE_VALUES_MAX     131072 /* in the body: the parser allocates for each */
#define EXECUTE_TRIES_MAX      16
#define EXECUTE_ERROR_CHARS    256

struct step {
    const struct slice *argv;
    int argc;
    bool set; /* its result is the value that it stored, instead of OK */
    struct slice value;
};

struct condition {
    struct slice key, value;
    bool absent; /* the key is not to be there */
    bool holds;
    size_t seen; /* bytes of the value that were compared */
};

enum phase { PHASE_IF, PHASE_MULTI, PHASE_RUN };

/* A request at work; all of it lives in the request's memory (http_keep). */
struct execute {
    struct step *steps;
    struct condition *conditions;
    const struct slice *watch; /* WATCH and the conditions' keys */
    int step_count, condition_count;
    enum phase phase;
    int tries;
    bool changed; /* a condition's key, before the commands ran */
    /* of the results */
    struct reply_json json;
    int element;
    bool replaced;                     /* the element at hand is the value that SET stored */
    char refused[EXECUTE_ERROR_CHARS]; /* why a command was not queued; empty: all were */
};

/* --- reading the body ------------------------------------------------------------------------------------- */

struct reading {
    struct http_request *r;
    struct execute *x;
    int status; /* 0: all is well so far */
    const char *error;
};

static bool fail(struct reading *in, int status, const char *error)
{
    in->status = status;
    in->error = error;
    return false;
}

static void *keep(struct reading *in, size_t bytes)
{
    void *p = http_keep(in->r, bytes);
    if (!p)
        fail(in, 503, "OOM there is no memory for the request");
    return p;
}

/* A copy of a scalar: numbers, true and false are as JSON writes them. */
static bool read_word(struct reading *in, const json_t *v, struct slice *out)
{
    char number[32];
    struct slice s;
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_STRING: s = slice_of(json_string_value(v), json_string_length(v)); break;
    case JSON_INTEGER:
        s = slice_of(number, (size_t)num_print_i64(number, json_integer_value(v)));
        break;
    case JSON_REAL:
        s = slice_of(number, (size_t)num_print_double(number, json_real_value(v)));
        break;
    case JSON_TRUE: s = SLICE("true"); break;
    case JSON_FALSE: s = SLICE("false"); break;
    default:
        return fail(in, 400, "ERR a key, value or argument is no string, number, true or false");
    }
    char *copy = keep(in, s.len + 1);
    if (!copy)
        return false;
    memcpy(copy, s.ptr, s.len);
    *out = slice_of(copy, s.len);
    return true;
}

/* Refuses members that nothing reads: the client has made a mistake. */
static bool has_only(struct reading *in, json_t *object, const char *const *names, size_t count)
{
    const char *name;
    json_t *v;
    json_object_foreach(object, name, v)
    {
        size_t i = 0;
        while (i < count && strcmp(name, names[i]) != 0)
            i++;
        if (i == count)
            return fail(in, 400, "ERR unknown member of a transaction");
    }
    return true;
}
#define HAS_ONLY(in, object, names) has_only(in, object, names, sizeof(names) / sizeof((names)[0]))

/* cmd_type, key, value and args, in this order. */
static bool read_words(struct reading *in, const json_t *command, struct step *step)
{
    const json_t *args = json_object_get(command, "args");
    const json_t *key = json_object_get(command, "key");
    const json_t *value = json_object_get(command, "value");
    if (args && !json_is_array(args))
        return fail(in, 400, "ERR args is no array");
    struct slice *argv = (struct slice *)keep(in, (3 + json_array_size(args)) * sizeof(*argv));
    if (!argv)
        return false;
    step->argv = argv;
    step->argc = 1;
    if (!read_word(in, json_object_get(command, "cmd_type"), &argv[0]))
        return fail(in, in->status, "ERR a command has no cmd_type");
    if (slice_is(argv[0], "delete"))
        argv[0] = SLICE("del");
    if ((key && !read_word(in, key, &argv[step->argc++])) ||
        (value && !read_word(in, value, &argv[step->argc++])))
        return false;
    step->set = slice_is(argv[0], "set") && value;
    step->value = value ? argv[step->argc - 1] : slice_of(NULL, 0);
    for (size_t i = 0; i < json_array_size(args); i++)
        if (!read_word(in, json_array_get(args, i), &argv[step->argc++]))
            return false;
    return true;
}

static bool read_command(struct reading *in, json_t *command, struct step *step)
{
    static const char *const members[] = {"cmd_type", "key", "value", "args"};
    const char *error;
    bool forbidden;
    if (!json_is_object(command))
        return fail(in, 400, "ERR a command is no object");
    if (!HAS_ONLY(in, command, members) || !read_words(in, command, step))
        return false;
    const struct cmd *cmd = cmd_lookup(engine_table(http_engine(in->r)), step->argv[0]);
    if (!cmd)
        return fail(in, 400, "unknown command");
    if (!http_may(in->r, step->argv, step->argc, &forbidden, &error))
        return fail(in, forbidden ? 403 : 400, error);
    return true;
}

static bool read_commands(struct reading *in, const json_t *commands)
{
    size_t count = json_array_size(commands);
    if (!json_is_array(commands))
        return fail(in, 400, "ERR commands is no array");
    in->x->steps = keep(in, (count + 1) * sizeof(*in->x->steps));
    for (size_t i = 0; in->x->steps && i < count; i++) {
        in->x->steps[i] = (struct step){0};
        if (!read_command(in, json_array_get(commands, i), &in->x->steps[i]))
            return false;
        in->x->step_count++;
    }
    return in->x->steps != NULL;
}

static bool read_condition(struct reading *in, json_t *object, struct condition *c)
{
    static const char *const members[] = {"key", "value"};
    const json_t *value = json_is_object(object) ? json_object_get(object, "value") : NULL;
    *c = (struct condition){.absent = json_is_null(value)};
    if (!value)
        return fail(in, 400, "ERR a condition is no object of key and value");
    return HAS_ONLY(in, object, members) &&
           read_word(in, json_object_get(object, "key"), &c->key) &&
           (c->absent || read_word(in, value, &c->value));
}

static bool read_conditions(struct reading *in, const json_t *conditions)
{
    struct execute *x = in->x;
    size_t count = json_array_size(conditions);
    if (conditions && !json_is_array(conditions))
        return fail(in, 400, "ERR if is no array");
    if (count == 0)
        return true;
    struct slice *watch = keep(in, (count + 1) * sizeof(*watch));
    x->conditions = keep(in, count * sizeof(*x->conditions));
    if (!watch || !x->conditions)
        return false;
    watch[0] = SLICE("WATCH");
    for (size_t i = 0; i < count; i++) {
        if (!read_condition(in, json_array_get(conditions, i), &x->conditions[i]))
            return false;
        watch[++x->condition_count] = x->conditions[i].key;
    }
    x->watch = watch;
    return true;
}

/* Counts values ahead of parsing: outside of strings, each begins behind a comma or bracket. */
static bool has_few_values(struct slice body)
{
    size_t values = 0;
    bool quoted = false;
    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            i++;
        else if (!quoted && (c == ',' || c == '[' || c == '{'))
            values++;
    }
    return values <= EXECUTE_VALUES_MAX;
}

static bool read_body(struct reading *in)
{
    static const char *const members[] = {"commands", "if"};
    struct slice body = http_body(in->r);
    json_error_t why;
    if (!has_few_values(body))
        return fail(in, 413, "ERR too many values in one transaction");
    json_t *root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!root && json_error_code(&why) == json_error_out_of_memory)
        return fail(in, 503, "OOM there is no memory for the request");
    if (!root)
        return fail(in, 400, "ERR the body is not valid JSON");
    bool ok = json_is_object(root) || fail(in, 400, "ERR the body is no object");
    ok = ok && HAS_ONLY(in, root, members) && read_conditions(in, json_object_get(root, "if")) &&
         read_commands(in, json_object_get(root, "commands"));
    json_decref(root);
    return ok;
}

/* --- conditions ------------------------------------------------------------------------------------------- */

/* The first error of queueing says more than EXEC's, which follows. */
static void note_refusal(struct execute *x, const struct reply_token *t)
{
    size_t len = t->text.len < EXECUTE_ERROR_CHARS - 1 ? t->text.len : EXECUTE_ERROR_CHARS - 1;
    if (t->type != REPLY_ERROR || !t->first || x->refused[0])
        return;
    memcpy(x->refused, t->text.ptr, len);
    x->refused[len] = '\0';
}

/* Compares a part of GET's reply. A key of another type than string (WRONGTYPE) fails the condition. */
static void compare(struct execute *x, struct condition *c, const struct reply_token *t)
{
    if (t->type == REPLY_ERROR && t->first &&
        !(t->text.len >= 9 && memcmp(t->text.ptr, "WRONGTYPE", 9) == 0))
        note_refusal(x, t);
    if (t->type == REPLY_NULL)
        c->holds = c->absent;
    if (t->type != REPLY_BULK || c->absent)
        return;
    bool same = c->seen + t->text.len <= c->value.len &&
                memcmp(c->value.ptr + c->seen, t->text.ptr, t->text.len) == 0;
    c->holds = (t->first || c->holds) && same;
    c->seen += t->text.len;
    if (!t->more)
        c->holds = c->holds && c->seen == c->value.len;
}

/* --- results ---------------------------------------------------------------------------------------------- */

static void put_result(struct http_request *r, struct execute *x, const struct reply_token *t)
{
    struct buf *out = http_out(r);
    if (reply_token_begins(t, 1)) {
        const struct step *step = &x->steps[x->element];
        if (x->element++ > 0)
            buf_append_char(out, ',');
        x->replaced = step->set && t->type == REPLY_STATUS;
        if (x->replaced)
            json_text_put(step->value, false, out);
    }
    struct reply_token element = reply_token_element(t);
    if (!x->replaced)
        reply_json_token(&x->json, &element, out);
}

static void token_of_exec(struct http_request *r, struct execute *x, const struct reply_token *t)
{
    if (t->depth > 0) {
        put_result(r, x, t);
    } else if (t->type == REPLY_NULL) {
        x->changed = true;
    } else if (t->type == REPLY_ERROR) {
        note_refusal(x, t);
    } else if (t->type == REPLY_ARRAY) {
        http_begin(r, 200, HTTP_JSON);
        buf_append_cstr(http_out(r), "{\"results\":[");
    } else if (t->type == REPLY_END) {
        buf_append_cstr(http_out(r), "]}");
    }
}

static void on_token(struct http_request *r, void *arg, int command, const struct reply_token *t)
{
    struct execute *x = arg;
    if (command < 0)
        return;
    if (x->phase == PHASE_RUN && command == http_command_count(r) - 1)
        token_of_exec(r, x, t);
    else if (x->phase == PHASE_IF && command > 0)
        compare(x, &x->conditions[command - 1], t);
    else
        note_refusal(x, t);
}

/* --- one phase after the other ---------------------------------------------------------------------------- */

static void run(struct http_request *r, struct execute *x, enum phase phase);

static bool all_hold(const struct execute *x)
{
    for (int i = 0; i < x->condition_count; i++)
        if (!x->conditions[i].holds)
            return false;
    return true;
}

/* Errors that pass with time are a 503, so that the client may try again. */
static int status_of(const char *error)
{
    static const char *const passing[] = {"LOADING", "MISCONF", "OOM", "BUSY"};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        if (strncmp(error, passing[i], strlen(passing[i])) == 0)
            return 503;
    return 400;
}

/* Answers an error where nothing has run; the session's WATCH and queue are dropped. */
static void refuse(struct http_request *r, int status, const char *error)
{
    multi_discard(r->conn->session);
    http_reply_error(r, status, error);
}

static void on_done(struct http_request *r, void *arg)
{
    struct execute *x = arg;
    if (x->refused[0])
        refuse(r, status_of(x->refused), x->refused);
    else if (x->phase == PHASE_IF && !all_hold(x))
        refuse(r, 409, "a condition does not hold");
    else if (x->phase == PHASE_IF)
        run(r, x, PHASE_MULTI);
    else if (x->phase == PHASE_MULTI)
        run(r, x, PHASE_RUN);
    else if (!x->changed)
        http_end(r);
    else if (++x->tries < EXECUTE_TRIES_MAX)
        run(r, x, PHASE_IF);
    else
        refuse(r, 409, "a condition's key changes all the time");
}

static const struct http_reader reader = {.token = on_token, .done = on_done};

static bool add_conditions(struct http_request *r, struct execute *x)
{
    bool ok = http_command(r, 1 + x->condition_count, x->watch);
    for (int i = 0; ok && i < x->condition_count; i++) {
        struct condition *c = &x->conditions[i];
        const struct slice get[] = {SLICE("GET"), c->key};
        c->holds = false;
        c->seen = 0;
        ok = http_command(r, 2, get);
    }
    return ok;
}

static bool add_steps(struct http_request *r, const struct execute *x)
{
    static const struct slice exec = {"EXEC", 4};
    bool ok = true;
    for (int i = 0; ok && i < x->step_count; i++)
        ok = http_command(r, x->steps[i].argc, x->steps[i].argv);
    return ok && http_command(r, 1, &exec);
}

/* MULTI goes alone: where it fails, the commands must not run without it. */
static void run(struct http_request *r, struct execute *x, enum phase phase)
{
    static const struct slice multi = {"MULTI", 5};
    x->phase = phase;
    x->changed = false;
    bool ok = phase == PHASE_IF      ? add_conditions(r, x)
              : phase == PHASE_MULTI ? http_command(r, 1, &multi)
                                     : add_steps(r, x);
    if (!ok)
        multi_discard(r->conn->session);
    http_run(r, &reader, x); /* answers a lack of memory */
}

static void handle_execute(struct http_request *r)
{
    struct slice db = SLICE("0");
    struct execute *x = (struct execute *)http_keep(r, sizeof(*x));
    struct reading in = {.r = r, .x = x};
    (void)http_query(r, "db", &db);
    if (!x) {
        http_reply_error(r, 503, "OOM there is no memory for the request");
        return;
    }
    *x = (struct execute){.json = {.bare = true, .natural = true}};
    if (!http_content_type_is(r, HTTP_JSON, true)) {
        http_reply_error(r, 415, "ERR the body is to be application/json");
    } else if (http_body(r).len > EXECUTE_BODY_BYTES_MAX) {
        http_reply_error(r, 413, "ERR a transaction may have 4 MiB: larger values go by /db");
    } else if (!read_body(&in)) {
        http_reply_error(r, in.status, in.error);
    } else if (http_select(r, db)) {
        http_tell_position(r);
        run(r, x, x->condition_count > 0 ? PHASE_IF : PHASE_MULTI);
    }
}

const struct http_route http_routes_execute[] = {
    {.methods = HTTP_POST,
     .path = "/v1/execute",
     .fn = handle_execute,
     .flags = HTTP_ASKS,
     .summary =
         "Run commands as one unit where conditions hold (409 where not); a SET answers with the value "
         "that it stored. What is unknown is refused before any runs; a command that fails on its data "
         "answers {\"error\":...} in its place, and the others have happened",
     .consumes = HTTP_JSON,
     .produces = HTTP_JSON,
     .query = {{"db", "integer", "number of the database to work in; 0 else"}},
     .example_body =
         "{\"commands\":[{\"cmd_type\":\"set\",\"key\":\"greeting\",\"value\":\"hello\"},"
         "{\"cmd_type\":\"get\",\"key\":\"greeting\"}],\"if\":[{\"key\":\"lock\",\"value\":null}]}"},
    {.path = NULL},
};
