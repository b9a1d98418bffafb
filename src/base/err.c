#include "base/err.h"

const char *err_text(enum err e)
{
    switch (e) {
    case ERR_OK: return "no error";
    case ERR_NOMEM: return "out of memory";
    case ERR_RANGE: return "out of range";
    case ERR_SYNTAX: return "syntax error";
    case ERR_NOTFOUND: return "not found";
    case ERR_EXISTS: return "already exists";
    case ERR_TYPE: return "wrong type";
    case ERR_IO: return "input/output error";
    case ERR_FULL: return "limit reached";
    case ERR_BUSY: return "busy, try again";
    }
    return "unknown error";
}
