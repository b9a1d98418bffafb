#pragma once
/* Comparing secrets that clients give, in a time that reveals nothing about the right one. */
#include <stdbool.h>

#include "base/slice.h"

/* The time depends on the length of `given` alone. `secret` must not be empty. */
bool secret_equal(struct slice given, struct slice secret);
