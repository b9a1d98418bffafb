#pragma once
/* Inside mem: the arena of jemalloc that is on huge pages. */
#include <stddef.h>

/* The flags for mallocx with which it uses that arena. */
int mem_huge_pages_flags(void);
