#pragma once
/* Classes of keyspace notifications (enum notify_class) as notify-keyspace-events writes them: "KEA". */
#include <stdbool.h>

#include "base/slice.h"

#define NOTIFY_PRINT_BYTES 32

/* False: an unknown letter. */
bool notify_parse(struct slice letters, unsigned *classes);
void notify_print(unsigned classes, char out[NOTIFY_PRINT_BYTES]);
