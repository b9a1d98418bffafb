#pragma once
/* Inside mem: where in jemalloc what wants huge pages lives. */
#include <stddef.h>

/* Flags for mallocx. */
int mem_huge_pages_flags(void);
