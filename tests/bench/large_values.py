"""The longest turns of the event loop while something is done with one very large value; part of `make bench-latency`.

No value is to be too large for a turn: each operation on a hash, list, set and sorted set of ten million elements is
told with the CPU time of the longest turn that it caused, and whole replies with the memory that they took on the way.
"""

import socket
import threading
import time
from contextlib import closing

from collections_parts import fill, score
from running import Running
from targets import CORSAC, Target

VALUES = "values"  # the scenario's name
ELEMENTS, ELEMENTS_QUICK = 10000000, 1000000
PART = 10  # of so many elements, one in so many is in what is filled again to be freed
TURN_US_MAX = 1000
REPLY_MEMORY_MIB_MAX = 32  # that a whole reply may take on the way: buffers of a socket and a queue
LOOK_S = 0.005
WORK_S = 0.5  # after an operation: what it left to be done in slices is under way

TYPES = {  # command that adds, its words for element i, command that gives all
    "list": (b"RPUSH", lambda i: (b"e%011d" % i,), ("LRANGE", "big", "0", "-1")),
    "hash": (b"HSET", lambda i: (b"f%011d" % i, b"v%011d" % i), ("HGETALL", "big")),
    "set": (b"SADD", lambda i: (b"m%011d" % i,), ("SMEMBERS", "big")),
    "sorted set": (b"ZADD", lambda i: (score(i), b"m%011d" % i), ("ZRANGE", "big", "0", "-1")),
}


def read_all(server, words):
    """A request whose reply is read to its end; the most resident memory that was seen meanwhile, over that before, in
    MiB."""
    before, most, ended = server.resident_bytes(), [0], threading.Event()

    def watch():
        while not ended.wait(LOOK_S):
            most[0] = max(most[0], server.resident_bytes() - before)
    watcher = threading.Thread(target=watch)
    watcher.start()
    with closing(socket.create_connection(("127.0.0.1", server.port))) as s:
        s.sendall(b" ".join(word.encode() for word in words) + b"\r\nPING\r\n")
        tail = b""
        while not tail.endswith(b"\r\n+PONG\r\n"):
            got = s.recv(1 << 20)
            assert got, f"{server.name} closes the connection in the middle of {words[0]}"
            tail = tail[-16:] + got if len(got) < 16 else got
    ended.set()
    watcher.join()
    return most[0] / (1 << 20)


def rewrite(server, add):
    """A rewrite from its beginning to its end, with an element added now and then."""
    server.begin_rewrite()
    number = 0
    while server.info("persistence", "aof_rewrite_in_progress") != "0":
        add(b"while%d" % number)
        number += 1
        time.sleep(LOOK_S)


def endings(refill):
    """Ways for a value to go that shares nothing with another one: all of it is freed."""
    def of_one_alone(*command):
        return lambda server: (refill(server), server.longest_turn_us(), server.must(*command))
    return [(name, of_one_alone(*command)) for name, command in (
        ("DEL of one alone", ("DEL", "big")), ("SET over one alone", ("SET", "big", "x")),
        ("the end of one alone whose time has come", ("PEXPIRE", "big", "1")))]


def operations(kind, verb, words):
    """(name, what is done with a server) in an order in which each finds what it needs."""
    def add(server, name, to="big"):
        server.must(verb, to, *({"hash": (name, b"v"), "sorted set": (b"1", name)}.get(kind, (name,))))

    def copied(server):
        server.must("COPY", "big", "copy", "REPLACE")

    def after_copy(*command):
        return lambda server: (copied(server), server.must(*command))
    return [
        ("COPY", copied),
        (f"{verb.decode()} into it while a copy is there", lambda s: add(s, b"another")),
        ("DEL of the copy", lambda s: s.must("DEL", "copy")),
        ("UNLINK", after_copy("UNLINK", "copy")),
        ("RENAME", lambda s: (s.must("RENAME", "big", "other"), s.must("RENAME", "other", "big"))),
        ("EXPIRE and PERSIST", lambda s: (s.must("EXPIRE", "big", "1000"), s.must("PERSIST", "big"))),
        ("SET over a copy", after_copy("SET", "copy", "x")),
        (words[0], lambda s: read_all(s, words)),
        (f"a rewrite, with {verb.decode()}", lambda s: rewrite(s, lambda name: add(s, name))),
        ("FLUSHALL", lambda s: s.must("FLUSHALL", "ASYNC")),
    ]


def measure(bench):
    """Corsac only: what others do in one turn takes seconds."""
    count = ELEMENTS_QUICK if bench.quick else ELEMENTS
    for kind, (verb, words, whole) in TYPES.items():
        with Running() as running:
            server = running.start(bench, CORSAC, aof="everysec", watch=True)
            server.longest_turn_us()
            fill(server, verb, b"big", count, words)
            server.must("WAITAOF", "1", "0", "0")
            time.sleep(WORK_S)  # what filling left to be done is no operation's
            bench.put(VALUES, f"{kind}: filling it", "us", CORSAC, server.longest_turn_us()[0])
            def refill(server, verb=verb, words=words):
                server.must("DEL", "big")
                fill(server, verb, b"big", count // PART, words)
            for name, do in operations(kind, verb, whole) + endings(refill):
                server.longest_turn_us()
                took_mib = do(server)
                time.sleep(WORK_S)
                bench.put(VALUES, f"{kind}: {name}", "us", CORSAC, server.longest_turn_us()[0])
                if name == whole[0]:
                    bench.put(VALUES, f"{kind}: memory that {name} takes", "MiB", CORSAC, took_mib)


def targets(bench):
    """Each operation's longest turn, and each whole reply's memory."""
    def figure(name):
        return lambda b: b.get(VALUES, name, CORSAC)
    return [Target(VALUES, f"{name}: {bench.units[part, name]}", "<=",
                   TURN_US_MAX if bench.units[part, name] == "us" else REPLY_MEMORY_MIB_MAX, figure(name))
            for part, name in bench.figures if part == VALUES]
