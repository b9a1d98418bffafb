#pragma once
/* Results of functions that can fail: 0 is success. Values are returned by out-parameter. */
enum err {
    ERR_OK = 0,
    ERR_NOMEM,    /* an allocation failed; nothing changed */
    ERR_RANGE,    /* a number or size is outside its limits */
    ERR_SYNTAX,   /* text does not parse */
    ERR_NOTFOUND, /* the named object does not exist */
    ERR_EXISTS,   /* the object to be made exists already */
    ERR_TYPE,     /* a value has another type than the operation takes */
    ERR_IO,       /* the operating system refused; errno says why */
    ERR_FULL,     /* a named limit is reached */
    ERR_BUSY,     /* not possible at present; the same call may succeed later */
};

/* Short English text of a code, for log messages. Static storage. */
const char *err_text(enum err e);
