#pragma once
/* Splits a line into words by Redis' quoting rules, for inline commands and the configuration file.
 * Words are separated by white space. "..." has the escapes \n \r \t \b \a \xHH and \<any>, '...'
 * only \'. A closing quote must be followed by white space or the end. */
#include "base/err.h"
#include "base/slice.h"

struct words {
    struct slice *at; /* owned; `count` words, whose bytes are in `store` */
    int count, cap;
    char *store; /* owned: the bytes of all words, one behind the other */
    size_t store_cap;
};

void words_init(struct words *w);
void words_deinit(struct words *w);
#define WORDS_MAX (1024 * 1024)
/* Replaces the content, which is empty after an error. ERR_SYNTAX: unbalanced quotes; ERR_FULL:
 * more than WORDS_MAX words; ERR_NOMEM. */
enum err words_split(struct words *w, struct slice line);
