#pragma once
/* Methods of HTTP: one bit each, so that one mask holds a route's methods. */
#include "base/slice.h"

enum http_method {
    HTTP_OTHER = 0, /* none of these */
    HTTP_GET = 1 << 0,
    HTTP_HEAD = 1 << 1,
    HTTP_POST = 1 << 2,
    HTTP_PUT = 1 << 3,
    HTTP_DELETE = 1 << 4,
    HTTP_OPTIONS = 1 << 5,
};
#define HTTP_METHODS 6

/* "GET" and so on, in the order of their bits. */
extern const char *const http_method_names[HTTP_METHODS];
/* As written on the wire: in capitals. */
enum http_method http_method_of(struct slice name);
