#!/usr/bin/python3
"""Hundreds of clients that wait for keys, while some are killed, unblocked or leave: who came first is served first,
and each element is given to one of them, or is still there.

    test_blocking.py [SEED [SECONDS]]
"""

import random
import select
import socket
import sys
import time

import server as testing
from server import PATIENCE_S, encode, test

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 4
IN_LINE = 200
WAITERS = 300
LISTS = [b"l%d" % i for i in range(6)]
SETS = [b"z%d" % i for i in range(3)]
AWAY = b"moved"  # where elements are moved to, and waited for, too

SERVER = testing.Server("--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0",
                        "--maxclients", "1000")
rng = random.Random(SEED)


def parse(data, at=0):
    """(reply, where the next one begins), or None if it is not whole."""
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    kind, rest, at = bytes(data[at:at + 1]), bytes(data[at + 1:end]), end + 2
    if kind == b"$" and int(rest) >= 0:
        end = at + int(rest)
        return (bytes(data[at:end]), end + 2) if len(data) >= end + 2 else None
    if kind == b"*" and int(rest) >= 0:
        items = []
        for _ in range(int(rest)):
            item = parse(data, at)
            if item is None:
                return None
            items.append(item[0])
            at = item[1]
        return items, at
    if kind in b"$*":
        return None, at
    return (rest if kind == b":" else kind + rest), at


class Waiter:
    """A connection that sends a request at a time and is asked for what has come."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", SERVER.port), timeout=PATIENCE_S)
        self.socket.sendall(encode("CLIENT", "ID"))
        self.data = bytearray()
        self.words = None  # of the request that waits
        self.left = False  # it says nothing more
        self.socket.setblocking(True)
        self.id = int(self.await_reply())
        self.socket.setblocking(False)

    def await_reply(self):
        while (found := parse(self.data)) is None:
            self.data += self.socket.recv(65536)
        del self.data[:found[1]]
        return found[0]

    def ask(self, *words):
        self.words = words
        self.socket.sendall(encode(*words))

    def replies(self):
        """What has come; None at the end of the connection."""
        try:
            got = self.socket.recv(65536)
        except BlockingIOError:
            return []
        except ConnectionError:
            return None
        if not got:
            return None
        self.data += got
        found = []
        while (reply := parse(self.data)) is not None:
            del self.data[:reply[1]]
            found.append(reply[0])
        return found

    def close(self):
        self.socket.close()


def info(control, field):
    for line in control.call("INFO", "clients").split(b"\r\n"):
        if line.startswith(field + b":"):
            return int(line.partition(b":")[2])
    raise AssertionError(field)


def await_blocked(control, count):
    end = time.monotonic() + PATIENCE_S
    while info(control, b"blocked_clients") != count:
        assert time.monotonic() < end, f"{info(control, b'blocked_clients')} wait, not {count}"


@test
def first_come_first_served():
    control = testing.connect(SERVER)
    line = []
    for i in range(IN_LINE):
        line.append(Waiter())
        line[i].ask(*rng.choice((("BLPOP", "line", 0), ("BLPOP", f"other{i % 7}", "line", 0),
                                 ("BLMOVE", "line", "aside", "LEFT", "RIGHT", 0), ("BLMPOP", 0, 1, "line", "LEFT"))))
        await_blocked(control, i + 1)
    assert 8 == info(control, b"total_blocking_keys")
    gone = set(rng.sample(range(IN_LINE), IN_LINE // 4))
    for i in gone:
        how = ("KILL", "ID", line[i].id) if i % 2 else ("UNBLOCK", line[i].id, "ERROR")
        assert control.call("CLIENT", *how) == 1
    staying = [waiter for i, waiter in enumerate(line) if i not in gone]
    await_blocked(control, len(staying))
    given = 0
    while given < len(staying):
        batch = [b"%d" % i for i in range(given, given + rng.randint(1, 5))]
        control.call("RPUSH", "line", *batch)
        given += len(batch)
    for i, waiter in enumerate(staying):
        waiter.socket.setblocking(True)
        reply, sent = waiter.await_reply(), b"%d" % i
        assert reply in ([b"line", sent], [b"line", [sent]], sent), (i, reply)
    assert info(control, b"blocked_clients") == 0 and info(control, b"total_blocking_keys") == 0
    for waiter in line:
        waiter.close()
    control.call("DEL", "line", "aside")


class Market:
    """Elements on their way from one who gives to many who wait."""

    def __init__(self, control):
        self.control = control
        self.made = 0
        self.given = set()
        self.left = 0  # clients that left while they waited: what they were given at that moment may be lost
        self.waiters = {}
        self.kinds = {}
        while len(self.waiters) < WAITERS:
            self.join()

    def join(self):
        waiter = Waiter()
        self.waiters[waiter.socket.fileno()] = waiter
        self.ask(waiter)

    def ask(self, waiter):
        keys = rng.sample(LISTS + [AWAY], rng.randint(1, 3))
        timeout = rng.choice((0, 0, 0, 0.01, 0.1, 0.5))
        end = rng.choice(("LEFT", "RIGHT"))
        waiter.ask(*rng.choice((
            ("BLPOP", *keys, timeout),
            ("BRPOP", *keys, timeout),
            ("BLMPOP", timeout, len(keys), *keys, end, "COUNT", rng.randint(1, 3)),
            ("BLMOVE", rng.choice(LISTS), AWAY, end, "LEFT", timeout),
            ("BRPOPLPUSH", rng.choice(LISTS), AWAY, timeout),
            ("BZPOPMIN", *rng.sample(SETS, 2), timeout),
            ("BZPOPMAX", rng.choice(SETS), timeout),
            ("BZMPOP", timeout, 2, *rng.sample(SETS, 2), "MIN", "COUNT", 2))))

    def new(self):
        self.made += 1
        return b"e%d" % self.made

    def take(self, waiter, reply):
        name = waiter.words[0]
        if reply is None or name in ("BLMOVE", "BRPOPLPUSH"):
            return
        if isinstance(reply, bytes):
            assert reply.startswith((b"-UNBLOCKED", b"-WRONGTYPE")), reply
            return
        if name in ("BLPOP", "BRPOP"):
            elements = reply[1:]
        elif name in ("BZPOPMIN", "BZPOPMAX"):
            elements = reply[1:2]
        elif name == "BZMPOP":
            elements = [member for member, _score in reply[1]]
        else:
            elements = reply[1]
        for element in elements:
            assert element not in self.given, f"{element} is given twice"
            self.given.add(element)

    def receive(self, seconds):
        ready, _, _ = select.select(list(self.waiters), [], [], seconds)
        for fd in ready:
            waiter = self.waiters[fd]
            replies = waiter.replies()
            for reply in replies or ():
                self.take(waiter, reply)
                waiter.words = None
                if not waiter.left:
                    self.ask(waiter)
            if replies is None:
                del self.waiters[fd]
                waiter.close()

    def give(self):
        call, key = self.control.call, rng.choice(LISTS)
        kind = rng.randrange(10)
        if kind < 4:
            call(rng.choice(("LPUSH", "RPUSH")), key, *(self.new() for _ in range(rng.randint(1, 4))))
        elif kind < 6:
            call("ZADD", rng.choice(SETS), rng.randint(0, 9), self.new(), rng.randint(0, 9), self.new())
        elif kind == 6:
            call("MULTI")
            for key in rng.sample(LISTS, 3):
                call("RPUSH", key, self.new())
            call("ZADD", SETS[0], 1, self.new())
            call("EXEC")
        elif kind == 7:
            # A list that comes by another name, or with another database.
            call("RPUSH", "aside", self.new(), self.new())
            if call("RENAMENX", "aside", key) == 0:
                call("LMOVE", "aside", AWAY, "LEFT", "LEFT")
                call("LMOVE", "aside", AWAY, "LEFT", "LEFT")
        elif kind == 8:
            # A key of another type for a moment; whoever waits goes on waiting.
            if call("SET", key, "text", "NX") == b"+OK":
                call("DEL", key)
        else:
            call("LPUSH", AWAY, self.new())

    def disturb(self):
        waiter = rng.choice(list(self.waiters.values()))
        kind = rng.randrange(4)
        if kind == 0:
            self.control.call("CLIENT", "KILL", "ID", waiter.id)
            self.join()
        elif kind == 1:
            waiter.left = True
            self.left += 1
            try:
                waiter.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            self.join()
        elif kind == 2:
            self.control.call("CLIENT", "UNBLOCK", waiter.id, rng.choice(("TIMEOUT", "ERROR")))
        else:
            self.control.call("CLIENT", "PAUSE", 20, "WRITE")

    def contents(self):
        lists = {key: self.control.call("LRANGE", key, 0, -1) for key in (*LISTS, AWAY, b"aside")}
        return lists | {key: self.control.call("ZRANGE", key, 0, -1) for key in SETS}


@test
def nothing_is_lost_or_given_twice():
    market = Market(testing.connect(SERVER))
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for _ in range(rng.randint(1, 10)):
            market.give()
        if rng.random() < 0.5:
            market.disturb()
        market.receive(0)
    for waiter in list(market.waiters.values()):
        waiter.left = True
        market.control.call("CLIENT", "KILL", "ID", waiter.id)
    deadline = time.monotonic() + PATIENCE_S
    while market.waiters:
        assert time.monotonic() < deadline, "killed clients are still there"
        market.receive(0.1)
    there = [element for elements in market.contents().values() for element in elements]
    assert len(set(there)) == len(there), "an element is there twice"
    assert not market.given & set(there), "an element is given, and there"
    lost = market.made - len(there) - len(market.given)
    print(f"# {market.made} elements, {len(market.given)} given, {market.left} clients left, {lost} lost to them",
          flush=True)
    assert 0 <= lost <= 3 * market.left, f"{lost} elements are lost, and {market.left} clients left"
    assert len(market.given) > 100 and info(market.control, b"total_blocking_keys") == 0


@test
def the_log_tells_what_was_given():
    control = testing.connect(SERVER)
    waiters = [Waiter() for _ in range(20)]
    for i, waiter in enumerate(waiters):
        waiter.ask(*(("BLPOP", "x", "y", 0), ("BLMOVE", "y", AWAY, "LEFT", "LEFT", 0),
                     ("BZPOPMAX", "z", 0), ("BLMPOP", 0, 1, "y", "RIGHT", "COUNT", 2))[i % 4])
    await_blocked(control, len(waiters))
    for i in range(30):
        control.call("RPUSH", b"xy"[i % 2:i % 2 + 1], i, i + 1)
        control.call("ZADD", "z", i, f"m{i}")
    before = {key: control.call("LRANGE", key, 0, -1) for key in ("x", "y", AWAY)}
    members = control.call("ZRANGE", "z", 0, -1)
    SERVER.kill()
    SERVER.start()
    control = testing.connect(SERVER)
    assert before == {key: control.call("LRANGE", key, 0, -1) for key in ("x", "y", AWAY)}
    assert members == control.call("ZRANGE", "z", 0, -1)
    for waiter in waiters:
        waiter.close()


testing.run(SERVER)
