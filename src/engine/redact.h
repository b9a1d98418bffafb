#pragma once
/* Requests as the slow log and MONITOR may show them. */
#include "base/slice.h"

/* Argument i of a request; "(redacted)" in place of passwords and user names. */
struct slice redact_argument(const struct slice *argv, int argc, int i);
