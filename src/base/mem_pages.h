#pragma once
/* Inside mem: where in jemalloc large values live. */
#include <stddef.h>

/* Flags for mallocx and rallocx. */
int mem_pages_flags(size_t bytes);
