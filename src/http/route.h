#pragma once
/* A route is declared in one row: the methods of its path (405, Allow), its access, and its OpenAPI description all
 * come from there. Rows live beside their handlers; routes.c lists the tables. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "http/method.h"

struct http_request;
typedef void (*http_handler_fn)(struct http_request *r);

enum http_route_flag {
    /* Asks for no token, whatever requirepass says. */
    HTTP_OPEN = 1 << 0,
    /* Serves a request that a page of another origin made: it changes nothing, and the page cannot read the answer. */
    HTTP_SIMPLE = 1 << 1,
    /* A catch-all that the OpenAPI description leaves out. */
    HTTP_HIDDEN = 1 << 2,
    /* Its handler decides by the command (http_may) whether a request that is not deliberate may run. */
    HTTP_ASKS = 1 << 3,
    /* Its handler gets the path's parameters with their escapes. */
    HTTP_RAW = 1 << 5,
    /* Reads a large body into a blob, which a command may keep instead of a copy. */
    HTTP_LARGE = 1 << 4,
};

/* A parameter of the query, or of the path, for the OpenAPI description. */
struct http_param_doc {
    const char *name;
    const char *type; /* "integer", "string", "boolean" */
    const char *summary;
};
#define HTTP_PARAM_DOCS 8

struct http_route {
    unsigned methods; /* enum http_method, or-ed; HEAD comes with GET */
    /* "/db/{key*}": literal bytes, {name} for one segment, {name*} for all that is left, which may be empty. */
    const char *path;
    http_handler_fn fn;
    unsigned flags; /* enum http_route_flag */

    const char *summary;             /* for OpenAPI, as the rest */
    const char *consumes, *produces; /* content types; NULL: none */
    struct http_param_doc query[HTTP_PARAM_DOCS];
    /* An example of each parameter of the path and of the body, with which the route answers 2xx. */
    const char *example_path, *example_body;
};

#define HTTP_PARAMS_MAX 2 /* of a path */
struct http_match {
    const struct http_route *route;       /* NULL: none */
    unsigned allowed;                     /* methods that the path has */
    struct slice params[HTTP_PARAMS_MAX]; /* as they came */
    int param_count;
};

/* Every table of routes, up to a NULL; a table ends with a row without a path. The first match wins. */
extern const struct http_route *const http_route_tables[];

/* The route of a path, raw, for that method: the first row that has both. */
void http_route_find(const struct http_route *const *tables, struct slice path,
                     enum http_method method, struct http_match *out);
/* "GET, HEAD, PUT" */
#define HTTP_ALLOW_CHARS 64
void http_route_allow(unsigned methods, char out[HTTP_ALLOW_CHARS]);
