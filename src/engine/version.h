#pragma once
/* The Redis version whose behaviour is kept to: client libraries decide by it what they send. */
#define ENGINE_REDIS_VERSION "7.2.4"
