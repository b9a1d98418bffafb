#pragma once
/* Secrets that clients give: compared in a time that tells nothing of them. */
#include <stdbool.h>

#include "base/slice.h"

/* The time that it takes tells the length of what was given, and nothing of the secret, which is not empty. */
bool secret_equal(struct slice given, struct slice secret);
