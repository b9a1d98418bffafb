#pragma once
/* What the tests of http/ share. */
#include "../base/base_test.h"

#include "base/buf.h"
