/* The only file that sees the version macros of the Makefile, so that a commit recompiles nothing else. */
#include "engine/version.h"

#include "base/buf.h"
#include "base/mem.h"

#ifndef CORSAC_VERSION
#define CORSAC_VERSION "0.0.0"
#endif
#ifndef CORSAC_GIT_SHA
#define CORSAC_GIT_SHA "00000000"
#endif

const char corsac_version[] = CORSAC_VERSION;
const char corsac_git_sha[] = CORSAC_GIT_SHA;

void version_line(struct buf *out)
{
    buf_printf(out, "Corsac v=%s sha=%s malloc=%s bits=%d redis=%s", corsac_version, corsac_git_sha,
               mem_allocator(), (int)sizeof(void *) * 8, ENGINE_REDIS_VERSION);
}
