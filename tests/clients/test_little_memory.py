#!/usr/bin/python3
"""A log on, and little memory: what finds none is refused, nothing of it has changed, and the server goes on."""

import resource

import server as testing
from server import Skip, test

LIMIT = 900_000 * 1024
SERVER = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--repl-backlog-size", "1mb")
MUCH = 150_000_000


def limit(bytes_max):
    if b"mem_allocator:libc" in testing.connect(SERVER).call("INFO", "memory"):
        raise Skip("a sanitizer's allocator ends the process")
    pid = SERVER.process.pid
    resource.prlimit(pid, resource.RLIMIT_AS, (bytes_max, resource.RLIM_INFINITY))


def refused_or_done(*words):
    """True: done. A request that is too large to be read for lack of memory closes its connection."""
    client = testing.connect(SERVER)
    try:
        reply = client.call(*words)
    except (ConnectionError, EOFError):
        return False
    finally:
        client.close()
    if isinstance(reply, bytes) and reply.startswith(b"-"):
        assert reply.startswith(b"-OOM"), reply
        return False
    return True


@test
def large_values_go_to_the_log_or_are_refused():
    client = testing.connect(SERVER)
    limit(LIMIT)
    value = bytes(range(256)) * (MUCH // 256)
    kept = {}
    for i in range(12):
        if refused_or_done("SET", f"large:{i}", value):
            kept[f"large:{i}"] = len(value)
        else:
            assert client.call("EXISTS", f"large:{i}") == 0
    assert 1 <= len(kept) < 12, len(kept)
    for key, size in kept.items():
        assert client.call("STRLEN", key) == size
    client.call("DEL", "large:0")
    assert client.call("SET", "small", "1") == b"+OK"
    limit(resource.RLIM_INFINITY)
    assert client.call("WAITAOF", 1, 0, 0) == [1, 0]
    SERVER.kill()
    SERVER.start()
    client = testing.connect(SERVER)
    kept.pop("large:0", None)
    assert client.call("DBSIZE") == len(kept) + 1
    for key in kept:
        assert client.call("GETRANGE", key, 0, 255) == bytes(range(256)), key
        assert client.call("STRLEN", key) == kept[key]
    client.call("FLUSHALL")


@test
def the_log_has_what_the_memory_has_of_many_keys_at_once():
    client = testing.connect(SERVER)
    limit(LIMIT)
    done = 0
    for i in range(40):
        words = [word for n in range(20) for word in (f"m:{i}:{n}", b"v" * 1_000_000)]
        done += refused_or_done("MSET", *words)
    assert 1 <= done < 40, done
    limit(resource.RLIM_INFINITY)
    assert client.call("SET", "small", "1") == b"+OK"
    size = client.call("DBSIZE")
    assert size >= done * 20 + 1
    assert client.call("WAITAOF", 1, 0, 0) == [1, 0]
    SERVER.kill()
    SERVER.start()
    assert done * 20 + 1 <= testing.connect(SERVER).call("DBSIZE") <= size


testing.run(SERVER)
