#pragma once
/* Results of functions that can fail: 0 is fine. A value itself comes back by out-parameter. */
enum err {
    ERR_OK = 0,
    ERR_NOMEM,    /* an allocation failed; nothing changed */
    ERR_RANGE,    /* a number or size outside what is allowed */
    ERR_SYNTAX,   /* text that does not parse */
    ERR_NOTFOUND, /* what was named does not exist */
    ERR_EXISTS,   /* what was to be made exists */
    ERR_TYPE,     /* a value of another type than the operation takes */
    ERR_IO,       /* the operating system refused; errno says why */
    ERR_FULL,     /* a named limit is reached */
    ERR_BUSY,     /* cannot be done now; the same call may go through later */
};

/* Short English text of a code, for log messages. Static storage. */
const char *err_text(enum err e);
