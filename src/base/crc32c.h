#pragma once
/* CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected; RFC 3720 appendix B.4): by the processor's
 * instruction where there is one, else eight bytes a step by table. */
#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, which is 0 at the start: crc32c(crc32c(0, a), b) is the CRC of ab. */
uint32_t crc32c(uint32_t crc, const void *p, size_t len);
/* The same without the instruction: for tests. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t len);
