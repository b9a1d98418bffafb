#!/usr/bin/python3
"""Connections that send pipelines of whatever there is, cut anywhere, about large values: read so often that they are
lent, and replaced, edited, copied and deleted while what was sent of them before is still unread. Some are killed,
all are paused, and the log is rewritten meanwhile. Each has keys of its own, so that it is known to the byte what it
is to hear.

    test_pipelines.py [SEED [SECONDS]]
"""

import random
import selectors
import socket
import sys
import time

import server as testing
from server import encode, test

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 4
CONNECTIONS = 12
KEYS = 4
UNREAD_BYTES_MAX = 8 << 20  # of a connection that may say more
SMALL = (1, 50, 300, 6000)
LARGE = (40 << 10, 64 << 10, 100 << 10, 300 << 10, 1 << 20, 2 << 20)
RECEIVED = (100, 5000, 200000, 1 << 20, 1 << 20)
PIECES = (1, 5, 30, 200, 3000, 70000, 1 << 20)

SERVER = testing.Server("--appendonly", "yes", "--appendfsync", "no", "--notify-keyspace-events", "KEA",
                        "--auto-aof-rewrite-percentage", "0")
rng = random.Random(SEED)
NOISE = rng.randbytes(4 << 20)


def bulk(data):
    return b"$-1\r\n" if data is None else b"$%d\r\n%s\r\n" % (len(data), data)


def number(n):
    return b":%d\r\n" % n


class Keys:
    """What a connection's keys hold. Each method is a command: (words, its reply)."""

    WEIGHTS = {"make_get": 30, "make_set": 3, "make_small": 6, "make_append": 0.3, "make_setrange": 0.3}

    def __init__(self, name, sizes):
        self.names = [b"%s:%d" % (name, i) for i in range(KEYS)]
        self.sizes = sizes
        self.data = {}
        self.kinds = [getattr(self, name) for name in dir(self) if name.startswith("make_")]
        self.weights = [self.WEIGHTS.get(k.__name__, 1) for k in self.kinds]

    def any(self):
        return rng.choices(self.names, (8, 4, 2, 1))[0]

    def command(self):
        return rng.choices(self.kinds, self.weights)[0]()

    def value(self):
        size = max(rng.choice(self.sizes) - rng.choice((0, 1, 30, 45, 5000)), 0)
        at = rng.randrange(len(NOISE) - size)
        return NOISE[at:at + size]

    def make_get(self):
        key = self.any()
        return ("GET", key), bulk(self.data.get(key))

    def make_mget(self):
        key, other = self.any(), self.any()
        return ("MGET", key, other), b"*2\r\n" + bulk(self.data.get(key)) + bulk(self.data.get(other))

    def make_getrange(self):
        key = self.any()
        return ("GETRANGE", key, 0, -1), bulk(self.data.get(key, b""))

    def make_part(self):
        key, start = self.any(), rng.randrange(50000)
        return ("GETRANGE", key, start, start + 99), bulk(self.data.get(key, b"")[start:start + 100])

    def make_set(self, key=None):
        key = key or self.any()
        self.data[key] = self.value()
        return ("SET", key, self.data[key]), b"+OK\r\n"

    def make_small(self):
        key = self.names[-1]
        self.data[key] = rng.randbytes(rng.randrange(200))
        return ("SET", key, self.data[key]), b"+OK\r\n"

    def make_set_get(self):
        key = self.any()
        old, self.data[key] = self.data.get(key), self.value()
        return ("SET", key, self.data[key], "GET"), bulk(old)

    def make_append(self):
        key = self.any()
        more = NOISE[:rng.choice((1, 100, 50000))] if len(self.data.get(key, b"")) < 3 << 20 else b""
        self.data[key] = self.data.get(key, b"") + more
        return ("APPEND", key, more), number(len(self.data[key]))

    def make_setrange(self, key=None):
        key, part = key or self.any(), rng.randbytes(rng.choice((1, 30)))
        old = self.data.get(key, b"")
        start = rng.randrange(len(old) + 10)
        self.data[key] = old[:start].ljust(start, b"\0") + part + old[start + len(part):]
        return ("SETRANGE", key, start, part), number(len(self.data[key]))

    def make_copy(self):
        key, other = rng.sample(self.names, 2)
        done = key in self.data
        if done:
            self.data[other] = self.data[key]
        return ("COPY", key, other, "REPLACE"), number(done)

    def make_rename(self):
        key, other = rng.sample(self.names, 2)
        if key not in self.data:
            return ("RENAME", key, other), b"-ERR no such key\r\n"
        self.data[other] = self.data.pop(key)
        return ("RENAME", key, other), b"+OK\r\n"

    def make_del(self, key=None):
        key = key or self.any()
        return (rng.choice(("DEL", "UNLINK")), key), number(self.data.pop(key, None) is not None)

    def make_getdel(self):
        key = self.any()
        return ("GETDEL", key), bulk(self.data.pop(key, None))

    def make_wrong(self):
        return ("GET",), b"-ERR wrong number of arguments for 'get' command\r\n"


class Talker:
    """A connection that never waits. `said`: what is to be sent yet, `unread`: what is to arrive yet."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket()
        if rng.random() < 0.5:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
        self.socket.connect(("127.0.0.1", SERVER.port))
        self.keys = Keys(name, rng.choice((SMALL, LARGE)))
        self.killed = False
        self.said, self.unread, self.heard = bytearray(), bytearray(), 0
        self.deaf_until = self.changes_at = 0
        self.changes = None  # the key that is changed, when what was sent has had the time to be answered
        self.id = self.ask("CLIENT", "ID")
        self.ask("DEL", *self.keys.names)  # of the one before
        self.socket.setblocking(False)

    def ask(self, *words):
        self.socket.sendall(encode(*words))
        return int(self.socket.recv(100)[1:-2])

    def expect(self, request, reply):
        self.said += request
        self.unread += reply

    def one(self, reply=True):
        words, answer = self.keys.command()
        self.expect(encode(*words), answer if reply else b"")

    def often(self):
        """What is lent by now is changed, or its memory used for something else, before it is heard."""
        key, now = self.keys.any(), time.monotonic()
        answer = bulk(self.keys.data.get(key))
        for _ in range(20):
            if len(self.unread) < UNREAD_BYTES_MAX:
                self.expect(encode("GET", key), answer)
        self.changes, self.changes_at, self.deaf_until = key, now + 0.01, now + 0.03

    def change(self):
        key, keys, self.changes = self.changes, self.keys, None
        for make in rng.choice(([keys.make_setrange], [keys.make_set], [keys.make_del, keys.make_set])):
            words, answer = make(key)
            self.expect(encode(*words), answer)

    def transaction(self):
        end = rng.choice(("EXEC", "EXEC", "DISCARD"))
        before = dict(self.keys.data)
        self.expect(encode("MULTI"), b"+OK\r\n")
        replies = []
        for _ in range(rng.randrange(5)):
            words, answer = self.keys.command()
            if words == ("GET",):
                continue
            self.expect(encode(*words), b"+QUEUED\r\n")
            replies.append(answer)
        if end == "EXEC":
            self.expect(encode("EXEC"), b"*%d\r\n" % len(replies) + b"".join(replies))
        else:
            self.keys.data = before
            self.expect(encode("DISCARD"), b"+OK\r\n")

    def unheard(self):
        if rng.random() < 0.5:
            self.expect(encode("CLIENT", "REPLY", "SKIP"), b"")
            self.one(reply=False)
            return
        self.expect(encode("CLIENT", "REPLY", "OFF"), b"")
        for _ in range(rng.randrange(4)):
            self.one(reply=False)
        self.expect(encode("CLIENT", "REPLY", "ON"), b"+OK\r\n")

    def listening(self):
        self.expect(encode("SUBSCRIBE", self.name), b"*3\r\n$9\r\nsubscribe\r\n" + bulk(self.name) + b":1\r\n")
        self.expect(encode("GET", "x"), b"-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "
                    b"QUIT / RESET are allowed in this context\r\n")
        self.expect(encode("UNSUBSCRIBE"), b"*3\r\n$11\r\nunsubscribe\r\n" + bulk(self.name) + b":0\r\n")

    def say(self, now):
        if self.changes:
            if not self.said and now > self.changes_at:
                self.change()
            return
        for _ in range(rng.choice((1, 3, 20, 100))):
            if self.changes or len(self.unread) > UNREAD_BYTES_MAX:
                break
            rng.choices((self.one, self.often, self.transaction, self.unheard, self.listening,
                         lambda: self.expect(b"PING\r\n", b"+PONG\r\n"),
                         lambda: self.expect(encode("WAIT", 0, 0), b":0\r\n"),
                         lambda: self.expect(encode("BLPOP", "nosuch", rng.choice((0.001, 0.02))), b"*-1\r\n")),
                        (90, 6, 4, 2, 1, 3, 1, 3))[0]()

    def talk(self, now):
        """False: the connection has ended, as it may when it was killed."""
        try:
            if self.said and not self.killed:
                del self.said[:self.socket.send(memoryview(self.said)[:rng.choice(PIECES)].tobytes())]
            if now > self.deaf_until:
                return self.hear(now)
        except BlockingIOError:
            pass
        except ConnectionError:
            assert self.killed, "the connection is lost"
            return False
        return True

    def hear(self, now):
        got = self.socket.recv(rng.choice(RECEIVED))
        if not got:
            assert self.killed, f"the connection ends, {len(self.unread)} bytes are missing"
            return False
        expected = self.unread[:len(got)]
        if got != expected:
            at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), len(expected))
            raise AssertionError(f"seed {SEED}: byte {self.heard + at} of {self.name} is "
                                 f"{bytes(got[at:at + 60])!r} instead of {bytes(expected[at:at + 60])!r}")
        del self.unread[:len(got)]
        self.heard += len(got)
        if rng.random() < 0.05:
            self.deaf_until = now + rng.random() / 5
        return True


class Crowd:
    """Everybody, and somebody who kills, pauses and rewrites."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.talkers = []
        self.admin = testing.connect(SERVER)
        self.kills = self.heard = 0
        for i in range(CONNECTIONS):
            self.add(b"t%d" % i)

    def add(self, name):
        talker = Talker(name)
        self.talkers.append(talker)
        self.selector.register(talker.socket, selectors.EVENT_READ, talker)

    def remove(self, talker):
        self.selector.unregister(talker.socket)
        talker.socket.close()
        self.talkers.remove(talker)
        self.heard += talker.heard

    def lent(self):
        return next(int(line[21:]) for line in self.admin.call("INFO", "stats").split(b"\r\n")
                    if line.startswith(b"total_net_lent_bytes:"))

    def disturb(self):
        dice = rng.random()
        if dice < 0.3:
            victim = rng.choice(self.talkers)
            if not victim.killed and self.admin.call("CLIENT", "KILL", "ID", victim.id) == 1:
                victim.killed = True
                self.kills += 1
        elif dice < 0.6:
            self.admin.call("CLIENT", "PAUSE", rng.randrange(30), rng.choice(("WRITE", "ALL")))
        elif dice < 0.8:
            self.admin.call("CONFIG", "SET", "shards", rng.randint(1, 9))
        elif dice < 0.9:
            self.admin.call("BGREWRITEAOF")

    def round(self, more):
        now = time.monotonic()
        for talker in self.talkers[:]:
            if more and len(talker.said) < 1000:
                talker.say(now)
            if not talker.talk(now):
                self.remove(talker)
                self.add(talker.name)

    def end(self):
        end = time.monotonic() + testing.PATIENCE_S
        while any((t.said or t.unread) and not t.killed for t in self.talkers):
            assert time.monotonic() < end, "some replies do not come"
            self.selector.select(0.01)
            self.round(more=False)


@test
def every_reply_of_every_pipeline_is_right():
    crowd = Crowd()
    begun = time.monotonic()
    while time.monotonic() < begun + SECONDS or not (crowd.kills and crowd.lent()):
        assert time.monotonic() < begun + testing.PATIENCE_S, (crowd.kills, crowd.lent())
        crowd.round(more=True)
        if rng.random() < 0.1:
            crowd.disturb()
    crowd.end()
    heard = crowd.heard + sum(t.heard for t in crowd.talkers)
    print(f"# {crowd.kills} killed, {heard >> 20} MiB heard, {crowd.lent() >> 20} MiB lent")
    testing.await_rewrite(crowd.admin)
    SERVER.kill()
    SERVER.start()
    crowd.admin = testing.connect(SERVER)
    for talker in crowd.talkers:
        if not talker.killed:
            for key in talker.keys.names:
                assert crowd.admin.call("GET", key) == talker.keys.data.get(key), f"{key} after a restart"


def await_query(admin, name, size):
    """The server has read so many bytes of that client's that it has not run yet."""
    end = time.monotonic() + testing.PATIENCE_S
    while True:
        line = next(line for line in admin.call("CLIENT", "LIST").decode().splitlines() if f" name={name} " in line)
        if f" qbuf={size} " in line:
            return
        assert time.monotonic() < end, (size, line)
        time.sleep(0.001)


@test
def a_large_value_comes_whole_while_its_client_waits():
    """It is read to where it is to stay; what follows it is read while the client waits, too."""
    admin, client = testing.connect(SERVER), testing.Client(SERVER.port)
    client.call("CLIENT", "SETNAME", "waiter")
    for size in (40 << 10, 300 << 10, 900 << 10):  # of more than a mebibyte the rest waits in the socket
        value, never = NOISE[:size], b"never:%d" % size
        set_large = encode("SET", "large", value)
        client.socket.sendall(encode("BLPOP", never, 0) + set_large[:100])
        sent = 100
        for piece in (set_large[100:], encode("SET", "behind", value[:40000]), encode("STRLEN", "large")):
            await_query(admin, "waiter", sent)
            client.socket.sendall(piece)
            sent += len(piece)
        await_query(admin, "waiter", sent)
        assert admin.call("RPUSH", never, "now") == 1
        assert [client.read() for _ in range(4)] == [[never, b"now"], b"+OK", b"+OK", size]
        assert client.call("GET", "large") == value and client.call("GET", "behind") == value[:40000]


testing.run(SERVER)
