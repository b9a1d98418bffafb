"""Random traffic of several clients, checked against a model while it runs and after the server was killed.

Each client has databases of its own, so that what it finds there depends on nothing but what it sent: after a crash,
its databases are as they were after some of its units (a command, or a whole transaction), in order, with at least
those that were safe when the server went.
"""

import collections
import os
import random
import select
import signal
import threading
import time

import model as models
import server as testing

DATABASES = 16
FAR_MS = 4102444800000  # deadlines from 2100 on
DAY_S = 86400
MOMENT_S = 0.001
EVERYSEC_S = 2  # what a power cut may take with everysec: a second, and what the sync itself takes
KILLED, POWER_CUT = "killed", "power cut"
# How many rounds a test makes, where that is not left to time, and what they begin with.
ROUNDS = int(os.environ.get("DURABILITY_ROUNDS", "0"))
SOAK_SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))
SEED = os.environ.get("DURABILITY_SEED", str(time.time_ns()) if ROUNDS or SOAK_SECONDS else "1")

# What the administrator does, in Crowd.traffic.
REWRITE = ("BGREWRITEAOF",)
BUSY = (b"already in progress", b"still being tidied up", b"still being cleaned up", b"still moving")
RESHARD = ("CONFIG", "SET", "shards", lambda rng: rng.randint(1, 24))


def wall_ms():
    return int(time.time() * 1000)


class Commands:
    """Makes up units of commands. `keys`: names of each kind. `plain`: only what every Redis from 7.0 on knows. `newer`: what is in
    the log as such and not every Redis can load, too: deadlines of fields; `newest`: and of members."""

    def __init__(self, rng, databases, keys=24, plain=False, newer=True, newest=True):
        self.rng, self.databases, self.keys, self.plain = rng, databases, keys, plain
        self.newer = newer and not plain
        self.newest = newest and self.newer
        self.serial = 0
        self.kinds = [name for name in dir(self) if name.startswith("make_")]
        self.weights = [self.WEIGHTS.get(name[5:], 2) for name in self.kinds]

    WEIGHTS = {"set": 12, "number": 10, "append": 6, "setrange": 4, "volatile": 6, "set_members": 8, "read": 6, "delete": 3, "select": 4,
               "flushdb": 0.15, "flushall": 0.1, "swapdb": 0.6, "large": 0.4, "expire": 5}

    def key(self, kind):
        number = self.rng.randrange(self.keys)
        if kind == "s" and number % 5 == 0:
            return b"s:\r\n#SEAL\0\xff%d" % number
        return b"%s:%d" % (kind.encode(), number)

    def any_key(self):
        return self.key(self.rng.choice("nsf"))

    def value(self, key):
        self.serial += 1
        if key.startswith(b"n"):
            return self.rng.choice((b"%d" % self.rng.randint(-1000, 1000), b"%d" % models.I64_MAX,
                                    b"%d" % (-models.I64_MAX - 1), b"%d" % self.serial))
        if key.startswith(b"f"):
            return self.rng.choice((b"1.25", b"-0.5", b"10", b"x%d" % self.serial))
        return b"x%d" % self.serial + self.rng.randbytes(self.rng.choice((0, 1, 7, 30, 100, 700)))

    def far(self):
        return FAR_MS + self.rng.randrange(10**9)

    def deadline_words(self):
        return self.rng.choice((("PXAT", self.far()), ("EXAT", self.far() // 1000), ("EX", DAY_S + self.serial),
                                ("PX", DAY_S * 1000 + self.serial), ("KEEPTTL",), (), (), ()))

    # --- commands -------------------------------------------------------------------------------

    def make_set(self):
        key = self.any_key()
        condition = self.rng.choice(((), (), (), ("NX",), ("XX",), () if self.plain else
                                     (self.rng.choice(("IFEQ", "IFNE")), self.value(key))))
        get = self.rng.choice(((), (), ("GET",)))
        return ("SET", key, self.value(key), *condition, *get, *self.deadline_words())

    def make_set_alike(self):
        key = self.any_key()
        return self.rng.choice((
            ("SETNX", key, self.value(key)), ("GETSET", key, self.value(key)), ("SETEX", key, DAY_S, self.value(key)),
            ("PSETEX", key, DAY_S * 1000, self.value(key)), ("SET", key, self.value(key), "PXAT", 1)))

    def make_several(self):
        keys = self.rng.sample([b"%s:%d" % (kind, i) for kind in (b"n", b"s", b"f") for i in range(self.keys)], 3)
        pairs = [word for key in keys for word in (key, self.value(key))]
        if self.plain:
            return self.rng.choice((("MSET", *pairs), ("MSETNX", *pairs)))
        return self.rng.choice((("MSET", *pairs), ("MSETNX", *pairs), ("MSETEX", 3, *pairs, *self.deadline_words()),
                                ("MSETEX", 3, *pairs, "XX", "PXAT", self.far())))

    def make_large(self):
        key = b"s:large%d" % self.rng.randrange(3)
        return ("SET", key, b"x" + self.rng.randbytes(self.rng.choice((20000, 70000, 300000))))

    def make_volatile(self):
        key = self.key("v")
        self.serial += 1
        return self.rng.choice((("SET", key, b"v%d" % self.serial, "PX", self.rng.randint(1, 500)), ("GET", key),
                                ("PSETEX", key, self.rng.randint(1, 5000), b"v%d" % self.serial)))

    def make_append(self):
        key = self.any_key()
        return ("APPEND", key, b"7" if key.startswith(b"n") else b"x" * self.rng.randrange(20))

    def make_setrange(self):
        return ("SETRANGE", self.key("s"), self.rng.randrange(200), b"y" * self.rng.randrange(20))

    def make_number(self):
        key = self.any_key()
        return self.rng.choice((("INCR", key), ("DECR", key), ("INCRBY", key, self.rng.randint(-10**6, 10**6)),
                                ("DECRBY", key, self.rng.randint(-10**6, 10**6)),
                                ("INCRBYFLOAT", self.key("f"), self.rng.choice(("0.25", "-1.5", "3")))))

    def make_delete(self):
        key = self.any_key()
        return self.rng.choice((("DEL", key, self.any_key()), ("UNLINK", key), ("GETDEL", key), ("DEL", self.key("v")),
                                ("PEXPIREAT", key, 1), ("GETEX", key, "PXAT", 1),
                                ("DEL", key) if self.plain else ("DELIFEQ", key, self.value(key)),
                                ("DEL", key) if self.plain else ("DELEX", key, "IFNE", self.value(key))))

    def make_expire(self):
        key, condition = self.any_key(), self.rng.choice(((), ("NX",), ("XX",), ("GT",), ("LT",)))
        return self.rng.choice((
            ("PEXPIREAT", key, self.far(), *condition), ("EXPIREAT", key, self.far() // 1000, *condition),
            ("PEXPIRE", key, DAY_S * 1000), ("EXPIRE", key, DAY_S), ("PERSIST", key), ("GETEX", key, "PERSIST"),
            ("GETEX", key, "PXAT", self.far())))

    def make_rename(self):
        kind = self.rng.choice("nsf")
        return (self.rng.choice(("RENAME", "RENAMENX")), self.key(kind), self.key(kind))

    def make_copy(self):
        kind = self.rng.choice("nsf")
        db = self.rng.choice(((), ("DB", self.rng.choice(self.databases))))
        return ("COPY", self.key(kind), self.key(kind), *db, *self.rng.choice(((), ("REPLACE",))))

    def make_move(self):
        return ("MOVE", self.any_key(), self.rng.choice(self.databases))

    def make_read(self):
        key = self.any_key()
        return self.rng.choice((("GET", key), ("MGET", key, self.key("v")), ("STRLEN", key), ("PEXPIRETIME", key),
                                ("GETRANGE", key, 1, 5), ("EXISTS", key, self.any_key()), ("TYPE", key),
                                ("TOUCH", key)))

    def members(self, most):
        """Of a set that is small mostly, sometimes of integers, sometimes large."""
        kind = self.rng.choice((b"%d", b"%d", b"member:%d", b"a member that is longer than its set may be small with: "
                                b"there is a limit to that %d"))
        return [kind % self.rng.randrange(300) for _ in range(self.rng.randint(1, most))]

    def fields(self, most):
        """Fields of numbers with numbers, or of a hash that is large at times."""
        return [b"field:%d" % self.rng.randrange(300) for _ in range(self.rng.randint(1, most))]

    def make_hash_fields(self):
        key = self.key("h")
        pairs = [word for name in self.fields(self.rng.choice((3, 8, 200)))
                 for word in (name, b"%d" % self.rng.randrange(10**6))]
        return self.rng.choice((
            ("HSET", key, *pairs), ("HMSET", key, *pairs[:2]), ("HSETNX", key, *pairs[:2]), ("HDEL", key, *self.fields(20)),
            ("HINCRBY", key, *self.fields(1), self.rng.randrange(1000)),
            ("HINCRBYFLOAT", key, *self.fields(1), self.rng.randrange(1000))))

    def make_hash_alone(self):
        key = self.key("h")
        return self.rng.choice((
            ("HGETALL", key), ("HGET", key, *self.fields(1)), ("TYPE", key), ("PEXPIREAT", key, self.far()),
            ("PERSIST", key), ("RENAME", key, self.key("h")), ("COPY", key, self.key("h"), "REPLACE"),
            ("MOVE", key, self.rng.choice(self.databases)), ("DEL", key, self.key("h"))))

    def make_hash_of_deadlines(self):
        if not self.newer:
            return self.make_hash_fields()
        key, (name,) = self.key("h"), self.fields(1)
        of = ("FIELDS", 1, name)
        return self.rng.choice((
            ("HPEXPIREAT", key, self.far(), *of), ("HEXPIREAT", key, self.far() // 1000, *of),
            ("HPEXPIRE", key, 10**9, *of), ("HEXPIRE", key, 10**6, *of), ("HPERSIST", key, *of),
            ("HGETEX", key, "PX", 10**9, *of), ("HGETEX", key, "PERSIST", *of), ("HGETDEL", key, *of),
            ("HSETEX", key, "PX", 10**9, *of, b"7"), ("HSETEX", key, "KEEPTTL", *of, b"8")))

    def elements(self, most):
        """Elements of a list: numbers, words, and at times ones that fill a node or more."""
        kinds = (b"%d", b"%d", b"word %d", b"a word of some length %d", b"%d" + b"x" * self.rng.choice((120, 900, 3000)))
        return [self.rng.choice(kinds) % self.rng.randrange(40) for _ in range(self.rng.randint(1, most))]

    def make_list_ends(self):
        key, most = self.key("l"), self.rng.choice((1, 3, 8, 120))
        return self.rng.choice((
            ("RPUSH", key, *self.elements(most)), ("LPUSH", key, *self.elements(most)), ("LPOP", key), ("RPOP", key),
            ("RPUSHX", key, *self.elements(most)), ("LPUSHX", key, *self.elements(most)), ("LPOP", key, most),
            ("RPOP", key, most), ("LMPOP", 2, key, self.key("l"), self.rng.choice(("LEFT", "RIGHT")), "COUNT", most)))

    def make_member_waits(self):
        keys = (self.key("z"), self.key("z"))
        return self.rng.choice((("BZPOPMIN", *keys, MOMENT_S), ("BZPOPMAX", *keys, MOMENT_S),
                                ("BZMPOP", MOMENT_S, 2, *keys, self.rng.choice(("MIN", "MAX")), "COUNT", 3)))

    def make_list_waits(self):
        """Waits for a moment where there is nothing."""
        keys, ends = (self.key("l"), self.key("l")), [self.rng.choice(("LEFT", "RIGHT")) for _ in range(2)]
        return self.rng.choice((
            ("BLPOP", *keys, MOMENT_S), ("BRPOP", *keys, MOMENT_S), ("BLMPOP", MOMENT_S, 2, *keys, ends[0], "COUNT", 3),
            ("BLMOVE", *keys, *ends, MOMENT_S), ("BRPOPLPUSH", *keys, MOMENT_S),
            ("BLMOVE", *keys, *ends, MOMENT_S) if self.plain else ("BLMOVEM", *keys, *ends, MOMENT_S, "COUNT", 4, "OBO")))

    def make_list_moves(self):
        keys, ends = (self.key("l"), self.key("l")), [self.rng.choice(("LEFT", "RIGHT")) for _ in range(2)]
        return self.rng.choice((("LMOVE", *keys, *ends), ("RPOPLPUSH", *keys), ("LMOVE", *keys, *ends) if self.plain else (
            "LMOVEM", *keys, *ends, self.rng.choice(("COUNT", "EXACTLY")), self.rng.randint(1, 9),
            self.rng.choice(("OBO", "BULK")))))

    def make_list_edits(self):
        key, (word, other) = self.key("l"), (self.elements(1)[0], self.elements(1)[0])
        return self.rng.choice((
            ("LSET", key, self.rng.randint(-30, 30), word), ("LREM", key, self.rng.randint(-3, 3), word),
            ("LINSERT", key, self.rng.choice(("BEFORE", "AFTER")), word, other), ("LLEN", key),
            ("LTRIM", key, self.rng.randint(0, 5), self.rng.choice((-1, -2, -9, 200))), ("LRANGE", key, 0, -1)))

    def make_list_alone(self):
        key = self.key("l")
        return self.rng.choice((
            ("TYPE", key), ("PEXPIREAT", key, self.far()), ("PERSIST", key), ("RENAME", key, self.key("l")),
            ("COPY", key, self.key("l"), "REPLACE"), ("MOVE", key, self.rng.choice(self.databases)),
            ("DEL", key, self.key("l"))))

    def make_set_members(self):
        key = self.key("m")
        return self.rng.choice((("SADD", key, *self.members(3)), ("SADD", key, *self.members(8)),
                                ("SADD", key, *self.members(200)), ("SREM", key, *self.members(20)),
                                ("SMOVE", key, self.key("m"), *self.members(1))))

    def make_set_of_sets(self):
        keys = [self.key("m") for _ in range(self.rng.randint(1, 6))]
        name = self.rng.choice(("SINTER", "SUNION", "SDIFF"))
        return self.rng.choice(((name, *keys), (name + "STORE", self.key("m"), *keys)))

    def make_set_of_deadlines(self):
        if not self.newest:
            return self.make_set_members()
        key, (name,) = self.key("m"), self.members(1)
        of = ("MEMBERS", 1, name)
        return self.rng.choice((
            ("SPEXPIREAT", key, self.far(), *of), ("SEXPIREAT", key, self.far() // 1000, *of),
            ("SPEXPIRE", key, 10**9, *of), ("SEXPIRE", key, 10**6, *of), ("SPERSIST", key, *of),
            ("SADDEX", key, "PX", 10**9, *of), ("SADDEX", key, "KEEPTTL", *of), ("SADDEX", key, *of)))

    def make_set_alone(self):
        key = self.key("m")
        return self.rng.choice((
            ("SMEMBERS", key), ("SCARD", key), ("SISMEMBER", key, *self.members(1)), ("TYPE", key),
            ("SPOP", key, 10**6), ("SPOP", key, 0), ("DEL", key, self.key("m")), ("PEXPIREAT", key, self.far()),
            ("SORT", key, "ALPHA"), ("SORT", key, "ALPHA", "STORE", b"sorted"), ("PERSIST", key),
            ("RENAME", key, self.key("m")), ("COPY", key, self.key("m"), "REPLACE"),
            ("MOVE", key, self.rng.choice(self.databases))))

    def pairs(self, most):
        """Scores that a double holds exactly, and many that are equal."""
        return [word for member in self.members(most)
                for word in (self.rng.choice((self.rng.randrange(20), self.rng.randrange(10**6) / 2,
                                              1700000000000 + self.rng.randrange(10**9))), member)]

    def make_sorted_members(self):
        key, most = self.key("z"), self.rng.choice((1, 3, 8, 200))
        flags = self.rng.choice(((), (), (), ("NX",), ("XX",), ("GT", "CH"), ("LT",)))
        return self.rng.choice((
            ("ZADD", key, *flags, *self.pairs(most)), ("ZADD", key, *flags, *self.pairs(most)),
            ("ZADD", key, "INCR", *self.pairs(1)), ("ZINCRBY", key, *self.pairs(1)),
            ("ZREM", key, *self.members(most))))

    def make_sorted_ranges(self):
        key, end, most = self.key("z"), self.rng.choice(("MIN", "MAX")), self.rng.choice((1, 3, 60))
        first = self.rng.randint(-20, 20)
        return self.rng.choice((
            ("ZPOP" + end, key), ("ZPOP" + end, key, most), ("ZMPOP", 2, key, self.key("z"), end, "COUNT", most),
            ("ZREMRANGEBYRANK", key, 5, 5 + most), ("ZREMRANGEBYSCORE", key, first, first + 3),
            ("ZREMRANGEBYLEX", self.key("zlex"), b"[member:1", b"[member:2"),
            ("ZADD", self.key("zlex"), *(word for member in self.members(9) for word in (0, member)))))

    def make_sorted_sets_of_sorted_sets(self):
        keys = [self.key("z") for _ in range(self.rng.randint(1, 4))]
        name = self.rng.choice(("ZINTERSTORE", "ZUNIONSTORE", "ZDIFFSTORE"))
        return self.rng.choice(((name, self.key("z"), len(keys), *keys),
                                ("ZRANGESTORE", self.key("z"), self.key("z"), 0, self.rng.randint(0, 200))))

    def make_sorted_alone(self):
        key = self.key("z")
        return self.rng.choice((
            ("ZRANGE", key, 0, -1, "WITHSCORES"), ("ZCARD", key), ("ZSCORE", key, *self.members(1)), ("TYPE", key),
            ("ZRANK", key, *self.members(1)), ("ZCOUNT", key, 3, 9), ("DEL", key, self.key("z")),
            ("PEXPIREAT", key, self.far()), ("PERSIST", key), ("RENAME", key, self.key("z")),
            ("COPY", key, self.key("z"), "REPLACE"), ("MOVE", key, self.rng.choice(self.databases))))

    def make_select(self):
        return ("SELECT", self.rng.choice(self.databases))

    def make_swapdb(self):
        return ("SWAPDB", self.rng.choice(self.databases), self.rng.choice(self.databases))

    def make_flushdb(self):
        return ("FLUSHDB", *self.rng.choice(((), ("ASYNC",), ("SYNC",))))

    def make_flushall(self):
        return ("FLUSHALL",) if len(self.databases) == DATABASES else ("FLUSHDB",)

    # --- units ----------------------------------------------------------------------------------

    def command(self):
        return getattr(self, self.rng.choices(self.kinds, self.weights)[0])()

    def commands(self, most):
        return [self.command() for _ in range(self.rng.randint(1, most))]

    def unit(self):
        dice = self.rng.random()
        if dice < 0.8:
            return [self.command()]
        if dice < 0.95:
            return [("MULTI",), *self.commands(6), ("EXEC",)]
        if dice < 0.97:
            return [("WATCH", self.any_key()), ("MULTI",), *self.commands(3), ("EXEC",)]
        if dice < 0.99:
            return [("MULTI",), *self.commands(3), ("DISCARD",)]
        return [self.command() if self.plain else ("WAITAOF", 1, 0, 0)]


class Actor:
    """A client with databases of its own: sends, judges replies, and recognises its databases after a crash."""

    def __init__(self, rng, databases, **options):
        self.commands = Commands(rng, databases, **options)
        self.rng = rng
        self.model = models.Databases(databases)  # of everything acknowledged
        self.safe = None  # of everything that must survive; None: the same
        self.horizon_s = 0
        self.unsafe = collections.deque()  # (unit, now, when acknowledged), behind `safe`
        self.sent = collections.deque()  # (unit, when sent), not yet acknowledged whole
        self.client = None
        self.cut_off = False  # by a fault of the log: what was sent last may have been done or not
        self.units = self.refused = 0

    def join(self, server, level, horizon_s):
        """Connects. `level`: of CLIENT DURABILITY. What was acknowledged longer than `horizon_s` ago is safe."""
        self.client = testing.Client(server.port)
        self.horizon_s = max(horizon_s, self.horizon_s if self.safe else 0)
        if horizon_s and not self.safe:
            self.safe = self.model.copy()
        if level != "default":
            assert self.client.call("CLIENT", "DURABILITY", level) == models.OK
        self.sent.append(([("SELECT", self.model.numbers[0])], wall_ms()))
        self.client.send("SELECT", self.model.numbers[0])
        self.receive()

    def fileno(self):
        return self.client.socket.fileno()

    def send(self):
        units = [self.commands.unit() for _ in range(self.rng.choice((1, 1, 4, 16, 48)))]
        now = wall_ms()
        self.sent.extend((unit, now) for unit in units)
        self.client.socket.sendall(b"".join(testing.encode(*words) for unit in units for words in unit))

    def receive(self):
        """Reads the replies to everything sent."""
        while self.sent:
            unit, sent_ms = self.sent[0]
            replies = [self.client.read() for _ in unit]
            now = (sent_ms, wall_ms())
            self.sent.popleft()
            self.units += 1
            if any(isinstance(reply, bytes) and reply.startswith(b"-MISCONF") for reply in replies):
                self.refused += 1  # while the disk fails: nothing of the unit was done
                continue
            expected = self.model.apply(unit, now)
            if not models.fits(expected, replies):
                raise AssertionError(f"{unit} is answered by {replies!r:.500}, not by {models.show(expected)}")
            if self.safe:
                self.unsafe.append((unit, now, time.monotonic()))
                if unit[0][0] == "WAITAOF":
                    self.settle(time.monotonic())
        if self.safe and self.horizon_s != float("inf"):
            self.settle(time.monotonic() - self.horizon_s)

    def settle(self, until):
        while self.unsafe and self.unsafe[0][2] <= until:
            unit, now, _ = self.unsafe.popleft()
            self.safe.apply(unit, now)

    def leave(self):
        if self.client:
            self.client.close()
        self.client = None
        self.cut_off = False

    def recognise(self, actual, ended_ms, ended, starved_s):
        """The databases are `actual` after the server ended; goes on from there. Anything else is an error."""
        now = (ended_ms, wall_ms())
        if self.safe and self.horizon_s != float("inf"):
            self.settle(ended - self.horizon_s - starved_s)
        state = self.safe or self.model
        ahead = [(unit, when) for unit, when, _ in self.unsafe]
        ahead += [(unit, (sent_ms, ended_ms)) for unit, sent_ms in self.sent]
        place = first = state.differs(actual, now)
        trail = []
        for unit, when in ahead:
            if place is None:
                break
            state.apply(unit, when)
            trail.append(unit)
            place = state.differs(actual, now, place)
        if place is not None:
            db, key = first
            raise AssertionError(
                f"databases {state.numbers} are as they never were: of {len(ahead)} units that may be there or not "
                f"({len(self.sent)} not acknowledged), none leads to {key!r} in database {db} being "
                f"{actual[db].get(key)!r:.200}; at the end it should be {state.keys[db].get(key)!r:.200}, "
                f"and {place[1]!r} in {place[0]} {state.keys[place[0]].get(place[1])!r:.200}, "
                f"not {actual[place[0]].get(place[1])!r:.200}. Units on it: "
                f"{[unit for unit in trail if any(key in words for words in unit)][-5:]!r:.1000}; on the other: "
                f"{[unit for unit in trail if any(place[1] in words for words in unit)][-8:]!r:.3000}; "
                f"lengths {len(state.keys[place[0]].get(place[1]) or '')}, {len(actual[place[0]].get(place[1]) or '')}")
        state.adopt(actual)
        self.model, self.safe = state, None
        self.unsafe.clear()
        self.sent.clear()


class Crowd:
    """Several actors at a server that is emptied for them, and what is done to it meanwhile."""

    def __init__(self, server, name, actors=4, disk=None, **options):
        """`disk`: one that is made to fail."""
        self.server, self.name, self.disk = server, name, disk
        seed = f"{SEED} {name}"
        self.rng = random.Random(seed)
        share = DATABASES // actors
        self.actors = [Actor(random.Random(f"{seed} {i}"), range(i * share, (i + 1) * share), **options)
                       for i in range(actors)]
        self.admin = None
        self.starved_s = 0
        self.ended = self.ended_ms = 0
        self.counts = collections.Counter()
        self.rounds = 0
        self.empty()

    def empty(self):
        if self.server.process.poll() is not None:  # since a test before failed
            self.server.start()
        client = testing.connect(self.server)
        assert client.call("FLUSHALL") == models.OK
        if not self.actors[0].commands.plain:
            assert client.call("WAITAOF", 1, 0, 0) == [1, 0]
        client.close()

    def join(self, policy="always", fate=KILLED):
        """Connects everybody. What is safe follows from the policy and from what is going to happen."""
        self.rounds += 1
        self.admin = testing.connect(self.server)
        assert self.admin.call("CONFIG", "SET", "appendfsync", policy) == models.OK
        for actor in self.actors:
            level = "default" if actor.commands.plain else self.rng.choice(self.LEVELS)
            actor.join(self.server, level, self.horizon_s(policy, level, fate))

    # CLIENT DURABILITY: how much of what was acknowledged may be lost, whatever the policy.
    LEVELS = ("default", "default", "default", "fsync", "none")

    @staticmethod
    def horizon_s(policy, level, fate):
        if level == "none":
            return float("inf")
        if fate == KILLED or level == "fsync" or policy == "always":
            return 0
        return EVERYSEC_S if policy == "everysec" else float("inf")

    def traffic(self, seconds, actions=(), share=0.1):
        """For some time, or until the server is gone: True. `actions`: what the administrator does now and then, in
        `share` of the rounds."""
        until = last = time.monotonic()
        until += seconds
        self.starved_s = 0
        waiting = {actor for actor in self.actors if self.served(actor, actor.send)}
        try:
            while waiting:
                ready, _, _ = select.select(list(waiting), [], [], 0.05)
                now = time.monotonic()
                self.starved_s = max(self.starved_s, now - last - 0.05)
                last = now
                for actor in ready:
                    if not self.served(actor, actor.receive) or now >= until or not self.served(actor, actor.send):
                        waiting.remove(actor)
                if actions and self.rng.random() < share:
                    self.act(self.rng.choice(actions))
                assert now < until + testing.PATIENCE_S, "no replies"
        except (EOFError, OSError):
            self.gone()
            return True
        if self.ended_meanwhile():
            self.gone()
            return True
        return False

    def served(self, actor, do):
        """False: its connection is closed, as the server ended, or for a fault of the log that lasts."""
        try:
            do()
        except (EOFError, OSError):
            actor.cut_off = True
        return not actor.cut_off

    def ended_meanwhile(self):
        """A connection was closed, and that was for the end of the server."""
        cut_off = [actor for actor in self.actors if actor.cut_off]
        if not cut_off:
            return False
        try:
            self.admin.call("PING")
        except (EOFError, OSError):
            return True
        assert self.disk and self.disk.failed, "connections were closed, and the disk did not fail"
        self.counts["cut off"] += len(cut_off)
        return False

    def act(self, words):
        words = [word(self.rng) if callable(word) else word for word in words]
        reply = self.admin.call(*words)
        refused = isinstance(reply, bytes) and reply.startswith(b"-")
        assert not refused or any(why in reply for why in BUSY), (words, reply)
        self.counts[" ".join(map(str, words[:3])) + (" refused" if refused else "")] += 1

    def gone(self):
        """The server has ended, or will at once."""
        self.server.process.wait(testing.PATIENCE_S)
        self.ended, self.ended_ms = time.monotonic(), wall_ms()
        for actor in self.actors:  # what arrived before counts as acknowledged
            try:
                actor.receive()
            except (EOFError, OSError):
                pass
        self.leave()

    def settle(self):
        """The server is alive and quiet: all is synced, so that whatever comes next takes nothing of it. A fault of the disk,
        which is over, may be refused for a moment yet."""
        self.patiently(self.write_and_sync)
        for actor in self.actors:
            actor.settle(float("inf"))
            actor.safe = None

    def write_and_sync(self):
        testing.await_writable(self.admin)
        if (reply := self.admin.call("SET", "settled", 1)) != models.OK:
            raise testing.Refused(reply)
        if (reply := self.admin.call("DEL", "settled")) != 1:
            raise testing.Refused(reply)
        if (reply := self.admin.call("WAITAOF", 1, 0, 0)) != [1, 0]:
            raise testing.Refused(reply)

    def patiently(self, do):
        """Does it, again while the log has a fault: which refuses, or closes the connection if it lasts."""
        end = time.monotonic() + testing.PATIENCE_S
        while True:
            try:
                return do()
            except (testing.Refused, EOFError, OSError) as why:
                assert self.disk and time.monotonic() < end, why
                self.admin.close()
                self.admin = testing.connect(self.server)

    def leave(self):
        for actor in self.actors:
            actor.leave()
        if self.admin:
            self.admin.close()
        self.admin = None

    def recognise(self):
        """Everything safe is there, and nothing that never was. The server is a fresh one."""
        client = testing.connect(self.server)
        actual = testing.contents(client, range(DATABASES))
        client.close()
        for actor in self.actors:
            actor.recognise(actual, self.ended_ms, self.ended, self.starved_s)

    def contents(self):
        testing.await_writable(self.admin)
        return testing.contents(self.admin, range(DATABASES))

    def compare(self):
        """The server is alive and quiet: its databases are the model's, those of whoever was cut off, too, which may have got
        further than it heard."""
        actual = self.patiently(self.contents)
        self.admin.call("SELECT", 0)
        for actor in self.actors:
            if actor.cut_off:
                actor.recognise(actual, wall_ms(), time.monotonic(), self.starved_s)
                continue
            place = actor.model.differs(actual, (wall_ms(), wall_ms()))
            assert place is None, (f"{place} is {actual[place[0]].get(place[1])!r:.300}, not "
                                   f"{actor.model.keys[place[0]].get(place[1])!r:.300}")

    def summary(self):
        units, refused = (sum(getattr(actor, what) for actor in self.actors) for what in ("units", "refused"))
        print(f"# {self.name}: {self.rounds} rounds, {units} units, {refused} refused, seed {SEED}, {dict(self.counts)}")


def rounds(seconds, least=4):
    """Numbers the rounds of a test: DURABILITY_ROUNDS, or as many as there is time for, but some."""
    until = time.monotonic() + seconds
    number = 0
    while number < ROUNDS if ROUNDS else (number < least or time.monotonic() < until):
        yield number
        number += 1


def kill_later(server, seconds):
    """Kills the server with -9 in a while."""
    pid = server.process.pid
    timer = threading.Timer(seconds, os.kill, (pid, signal.SIGKILL))
    timer.daemon = True
    timer.start()
    return timer
