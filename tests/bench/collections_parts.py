"""What `make bench` measures of lists, hashes, sets and sorted sets: memory, CPU a request, and filling large ones."""

import socket
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Callable, Optional

from running import Running, medians

ELEMENTS, SMALL_KEYS, SMALL_ELEMENTS = 1000000, 200000, 5
A_COMMAND = 100  # elements: a command of a filling
PIPELINES = (16, 64)
FIRST_MS = 1760000000000  # scores are times in milliseconds, as in a queue of jobs
FILL_ZSET, FILL_HASH = 5000000, 10000000
SHUFFLE = 2654435761  # times a number, modulo a power of two: all numbers below it, in an order without order


def encode(words):
    """A request in RESP."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def send_all(server, requests):
    """Sends requests over one connection, and reads as many replies, of one line each; none may be an error."""
    with closing(socket.create_connection(("127.0.0.1", server.port))) as s:
        sent = [0, False]

        def send():
            for request in requests:
                sent[0] += 1
                s.sendall(request)
            sent[1] = True
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        seen = 0
        while not (sent[1] and seen == sent[0]):
            got = s.recv(1 << 16)
            assert got and b"-" not in got, f"{server.name} answers {got[:100]!r}"
            seen += got.count(b"\n")
        sender.join()


def fill(server, verb, key, count, words):
    """`count` elements into one key: words(i) are those of element i."""
    def requests():
        for first in range(0, count, A_COMMAND):
            elements = [word for i in range(first, min(first + A_COMMAND, count)) for word in words(i)]
            yield encode([verb, key, *elements])
    send_all(server, requests())


def fill_small(server, verb, words):
    """SMALL_KEYS keys of SMALL_ELEMENTS elements each."""
    def requests():
        for key in range(SMALL_KEYS):
            first = key * SMALL_ELEMENTS
            elements = [word for i in range(first, first + SMALL_ELEMENTS) for word in words(i)]
            yield encode([verb, b"k%07d" % key, *elements])
    send_all(server, requests())


def shuffled(i, bits=30):
    """Number i of an order without order."""
    return (i * SHUFFLE) % (1 << bits)


def score(i):
    """A time in milliseconds."""
    return b"%d" % (FIRST_MS + shuffled(i))


SHAPES = {
    "sorted set, 1M members of 12 B": (ELEMENTS, lambda s: fill(
        s, b"ZADD", b"z", ELEMENTS, lambda i: (score(i), b"m%011d" % i))),
    "hash, 1M fields of 12 B, values of 16 B": (ELEMENTS, lambda s: fill(
        s, b"HSET", b"h", ELEMENTS, lambda i: (b"f%011d" % i, b"v%015d" % i))),
    "set, 1M members of 12 B": (ELEMENTS, lambda s: fill(s, b"SADD", b"s", ELEMENTS, lambda i: (b"m%011d" % i,))),
    "list, 1M elements of 16 B": (ELEMENTS, lambda s: fill(s, b"RPUSH", b"l", ELEMENTS, lambda i: (b"e%015d" % i,))),
    "200,000 hashes of 5 fields (6 B, 12 B), a field": (SMALL_KEYS * SMALL_ELEMENTS, lambda s: fill_small(
        s, b"HSET", lambda i: (b"f%05d" % (i % SMALL_ELEMENTS), b"v%011d" % i))),
    "200,000 sorted sets of 5 members of 11 B, a member": (SMALL_KEYS * SMALL_ELEMENTS, lambda s: fill_small(
        s, b"ZADD", lambda i: (score(i), b"m%010d" % i))),
    "200,000 lists of 5 elements of 12 B, an element": (SMALL_KEYS * SMALL_ELEMENTS, lambda s: fill_small(
        s, b"RPUSH", lambda i: (b"e%011d" % i,))),
    "200,000 sets of 5 integers, a member": (SMALL_KEYS * SMALL_ELEMENTS, lambda s: fill_small(
        s, b"SADD", lambda i: (b"%d" % (shuffled(i) % 1000000),))),
}


def elements(bench):
    """Growth of resident memory for each element of collections, names included."""
    for figure, (count, make) in SHAPES.items():
        for name in bench.commands:
            with Running() as running:
                server = running.start(bench, name)
                before = server.resident_bytes()
                make(server)
                time.sleep(0.5)  # whatever moves in the background has moved
                bench.put("elements", figure, "B", name, (server.resident_bytes() - before) / count)


@dataclass
class Request:
    """A request that redis-benchmark repeats; `prepare` before each measurement."""
    words: tuple
    prepare: Optional[Callable] = None  # of the server and the number of requests
    pipelines: tuple = PIPELINES
    share: int = 1  # one of so many of the usual number of requests, where one is dear


RAND = "__rand_int__"  # redis-benchmark puts a number of 12 digits


def empty(server, _):
    server.must("FLUSHALL")


def with_list(server, count):
    server.must("FLUSHALL")
    fill(server, b"RPUSH", b"mylist", count, lambda i: (b"xxx",))


def with_set(server, count):
    server.must("FLUSHALL")
    fill(server, b"SADD", b"myset", count, lambda i: (b"element:%012d" % i,))


def with_zset(server, count):
    server.must("FLUSHALL")
    fill(server, b"ZADD", b"myzset", count, lambda i: (b"%d" % shuffled(i), b"element:%012d" % i))


def once(make, count):
    """Prepares with so many elements, once for each server."""
    def prepare(server, _):
        if getattr(server, "prepared", None) != (make, count):
            make(server, count)
            server.prepared = (make, count)
    return prepare


def with_hash(server, count):
    server.must("FLUSHALL")
    fill(server, b"HSET", b"myhash", count, lambda i: (b"element:%012d" % i, b"xxx"))


def with_two_sets(server, count):
    """Half of the members are in both."""
    server.must("FLUSHALL")
    fill(server, b"SADD", b"set1", count, lambda i: (b"element:%012d" % i,))
    fill(server, b"SADD", b"set2", count, lambda i: (b"element:%012d" % (i + count // 2),))


REQUESTS = {
    "LPUSH": Request(("LPUSH", "mylist", "xxx"), empty),
    "RPUSH": Request(("RPUSH", "mylist", "xxx"), empty),
    "LPOP": Request(("LPOP", "mylist"), with_list),
    "RPOP": Request(("RPOP", "mylist"), with_list),
    "SADD": Request(("SADD", "myset", f"element:{RAND}"), empty),
    "HSET": Request(("HSET", "myhash", f"element:{RAND}", "xxx"), empty),
    "SPOP": Request(("SPOP", "myset"), with_set),
    "ZADD": Request(("ZADD", "myzset", "0", f"element:{RAND}"), empty),
    "ZPOPMIN": Request(("ZPOPMIN", "myzset"), with_zset),
    **{f"LRANGE_{n}": Request(("LRANGE", "mylist", "0", str(n - 1)), once(with_list, 1000), share=n // 10)
       for n in (100, 300, 500, 600)},
    "MSET (10 keys)": Request(("MSET", *(word for _ in range(10) for word in (f"key:{RAND}", "xxx"))), empty, share=5),
    "HGETALL of 50 fields": Request(("HGETALL", "myhash"), once(with_hash, 50), (16,), 8),
    "ZRANGE of 100": Request(("ZRANGE", "myzset", "0", "99"), once(with_zset, ELEMENTS), (16,), 8),
    "ZRANK among 1M": Request(("ZRANK", "myzset", f"element:{RAND}"), once(with_zset, ELEMENTS), (16,), 2),
    "ZRANGEBYSCORE LIMIT 10 among 1M": Request(
        ("ZRANGEBYSCORE", "myzset", RAND, "+inf", "LIMIT", "0", "10"), once(with_zset, ELEMENTS), (16,), 2),
    "SINTER of two sets of 1,000": Request(("SINTER", "set1", "set2"), once(with_two_sets, 1000), (16,), 200),
}
COUNT = {16: 500000, 64: 1000000}


def collections(bench):
    """CPU a request of commands on collections, as redis-benchmark sends them."""
    for name, request in REQUESTS.items():
        for pipeline in request.pipelines:
            count = COUNT[pipeline] // request.share // (4 if bench.quick else 1)
            with Running() as running:
                started = {server: running.start(bench, server) for server in bench.commands}

                def measure(server):
                    request.prepare(server, count)
                    return bench.load_words(server, request.words, count, pipeline, keys=ELEMENTS)
                for server, (cpu_ns, _) in medians(bench.rounds, started, measure).items():
                    bench.put("collections", f"{name}, P={pipeline}: CPU a request", "ns", server, cpu_ns)


def filling(bench):
    """CPU seconds of filling one sorted set and one hash, in commands of a hundred elements."""
    cut = 10 if bench.quick else 1
    kinds = {
        f"a sorted set, {FILL_ZSET // cut / 1e6:g} million members in random order": lambda s: fill(
            s, b"ZADD", b"z", FILL_ZSET // cut, lambda i: (score(i), b"m%011d" % i)),
        f"a hash, {FILL_HASH // cut / 1e6:g} million fields": lambda s: fill(
            s, b"HSET", b"h", FILL_HASH // cut, lambda i: (b"f%011d" % shuffled(i, 32), b"v%011d" % i)),
    }
    for figure, make in kinds.items():
        for name in bench.commands:
            with Running() as running:
                server = running.start(bench, name)
                before = server.cpu_ns()
                make(server)
                bench.put("filling", figure, "s", name, (server.cpu_ns() - before) / 1e9)


ALL = {part.__name__: part for part in (elements, collections, filling)}
