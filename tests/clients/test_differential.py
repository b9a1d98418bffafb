#!/usr/bin/python3
"""Random commands on every type, beside Debian's redis-server: each reply is the same byte for byte, where an order is
not defined but for that. In between the server is killed and loads its log, and all keys are compared.

DIFFERENTIAL_STEPS is how many commands each type gets (3,000), DIFFERENTIAL_SEED what they are drawn from.
"""

import os
import random

import drawing
import server as testing
from server import test

STEPS = int(os.environ.get("DIFFERENTIAL_STEPS", "3000"))
SEED = os.environ.get("DIFFERENTIAL_SEED", "1")
BATCH, KILL_EVERY = 40, 1500
# redis-tools has the server under another name: which one it is started by decides what it does.
REDIS = "/usr/bin/redis-check-rdb"
# Limits of small encodings, so low that they are crossed again and again.
LOW = {"hash-max-listpack-entries": 8, "zset-max-listpack-entries": 8, "set-max-intset-entries": 8,
       "list-max-listpack-size": 8}
DEFAULTS = {"hash-max-listpack-entries": 512, "zset-max-listpack-entries": 128, "set-max-intset-entries": 512,
            "list-max-listpack-size": -2}
WHOLE = {"list": ("LRANGE", 0, -1), "hash": ("HGETALL",), "set": ("SMEMBERS",), "zset": ("ZRANGE", 0, -1, "WITHSCORES"),
         "string": ("GET",)}
PICKS = {"set": ("SRANDMEMBER", "SPOP"), "hash": ("HRANDFIELD",), "zset": ("ZRANDMEMBER",)}


def key_of(reply):
    return repr(reply)


def comparable(words, reply):
    """The reply, in an order of ours where it has none."""
    if words[0] not in drawing.ORDERLESS or not isinstance(reply, list):
        return reply
    if words[0] == "HGETALL":
        reply = list(zip(reply[::2], reply[1::2]))
    return sorted(reply, key=key_of)


SERVER = testing.Server("--appendonly", "yes")


class Pair:
    """Corsac, which logs everything, and Redis beside it."""

    def __init__(self):
        self.redis = testing.Server(program="redis-server", executable=REDIS, folder="redis")
        self.ours = self.theirs = None
        self.seen = []
        self.killed = False

    def begin(self, limits):
        """Nothing is there, and the limits are these. Connections are new, as a test that failed leaves replies unread."""
        self.ours, self.theirs = testing.connect(SERVER), testing.connect(self.redis)
        self.killed = False
        for client in (self.ours, self.theirs):
            client.call("FLUSHALL")
            for name, value in limits.items():
                reply = client.call("CONFIG", "SET", name, value)
                assert reply == b"+OK", reply

    def both(self, commands):
        """Sends them to both, and compares what is answered."""
        for client in (self.ours, self.theirs):
            client.socket.sendall(b"".join(testing.encode(*words) for words in commands))
        for words in commands:
            self.seen.append(words)
            ours, theirs = self.ours.read(), self.theirs.read()
            assert comparable(words, ours) == comparable(words, theirs), (
                f"{words!r:.600} is answered with {ours!r:.600}, not {theirs!r:.600}, after {self.history(words)}")

    def history(self, words):
        """The last commands that named a key of this one."""
        keys = {w for w in words[1:] if ":" in str(w)}
        return [f"{w!r:.200}" for w in self.seen[:-1] if keys & set(map(str, w))][-5:]

    def pick(self, rng, kind):
        """A random pick: of what is there, and gone from both if it is popped."""
        name, key = rng.choice(PICKS[kind]), f"{kind}:{rng.randrange(6)}"
        there = self.theirs.call(*WHOLE[kind][:1], key, *WHOLE[kind][1:])
        if not isinstance(there, list):
            return
        there = set(there[::2] if kind in ("hash", "zset") else there)
        count = rng.choice((1, 2, 5, 1000) if name == "SPOP" else (1, 3, 1000, -5))
        picked = self.ours.call(name, key, count)
        assert set(picked) <= there, f"{name} gives {picked!r:.300}, which is not in {key}"
        if count > 0:
            assert len(picked) == len(set(picked)) == min(count, len(there)), f"{name} {count} gives {len(picked)}"
        else:
            assert len(picked) == (-count if there else 0)
        if name == "SPOP" and picked:
            assert self.theirs.call("SREM", key, *picked) == len(picked)

    def scan(self, rng, kind):
        """A whole iteration, which gives everything that is there."""
        name, key = {"set": "SSCAN", "hash": "HSCAN", "zset": "ZSCAN"}[kind], f"{kind}:{rng.randrange(6)}"
        there = self.theirs.call(*WHOLE[kind][:1], key, *WHOLE[kind][1:])
        if not isinstance(there, list):
            return
        found, cursor = [], b"0"
        while True:
            cursor, some = self.ours.call(name, key, cursor, "COUNT", rng.choice((1, 10, 100)))
            found += some
            if cursor == b"0":
                break
        if kind != "set":
            found, there = list(zip(found[::2], found[1::2])), list(zip(there[::2], there[1::2]))
        assert sorted(set(found)) == sorted(there), f"{name} {key} gives {found!r:.300}, not {there!r:.300}"

    def compare(self):
        """All keys of both, and up to the first kill, as a log is loaded with the limits of the configuration, the
        encodings that both have."""
        keys = sorted(self.theirs.call("KEYS", "*"))
        assert sorted(self.ours.call("KEYS", "*")) == keys
        for key in keys:
            kind = self.theirs.call("TYPE", key)[1:].decode()
            self.both([(WHOLE[kind][0], key, *WHOLE[kind][1:])])
            ours, theirs = (client.call("OBJECT", "ENCODING", key) for client in (self.ours, self.theirs))
            if self.killed:
                continue
            if kind in ("hash", "zset") or (kind == "set" and theirs == b"intset"):
                assert ours == theirs, f"{key} of {kind} is {ours}, not {theirs}"

    def kill(self):
        """The server dies and loads its log."""
        limits = {name: self.ours.call("CONFIG", "GET", name)[1] for name in LOW}
        self.killed = True
        SERVER.kill()
        self.ours.close()
        SERVER.start()
        self.ours = testing.connect(SERVER)
        for name, value in limits.items():
            self.ours.call("CONFIG", "SET", name, value)


PAIR = Pair()


def compare_kind(kind, limits):
    rng = random.Random(f"{SEED} {kind} {limits}")
    draw = drawing.Draw(rng, kind)
    PAIR.begin(limits)
    for step in range(0, STEPS, BATCH):
        PAIR.both([draw.command() for _ in range(BATCH)])
        if kind in PICKS:
            PAIR.pick(rng, kind)
            PAIR.scan(rng, kind)
        if step % KILL_EVERY < BATCH and step:
            PAIR.compare()
            PAIR.kill()
            PAIR.compare()
    PAIR.compare()


@test
def lists():
    compare_kind("list", DEFAULTS)


@test
def hashes():
    compare_kind("hash", DEFAULTS)


@test
def sets():
    compare_kind("set", DEFAULTS)


@test
def sorted_sets():
    compare_kind("zset", DEFAULTS)


@test
def lists_at_low_limits():
    compare_kind("list", LOW)


@test
def hashes_at_low_limits():
    compare_kind("hash", LOW)


@test
def sets_at_low_limits():
    compare_kind("set", LOW)


@test
def sorted_sets_at_low_limits():
    compare_kind("zset", LOW)


try:
    testing.run(SERVER)
finally:
    SERVER.kill()
    PAIR.redis.kill()
