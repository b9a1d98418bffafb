#!/usr/bin/python3
"""Many clients at once that send whatever a seed says: commands with any arguments, halves of requests, garbage;
that close at any moment, stop reading, kill and pause each other. The server must go on serving everybody else,
and afterwards have nothing left of them.

    test_hostile_clients.py [SEED [SECONDS]]
"""

import random
import selectors
import signal
import socket
import sys
import time

import server as testing
from server import test

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 4
CLIENTS = 40
QUEUED_BYTES_MAX = 1 << 20  # of a client that the server does not read from: it is closed

SERVER = testing.Server("--client-output-buffer-limit", "normal 8mb 0 0", "--client-query-buffer-limit", "4mb",
                        "--notify-keyspace-events", "KEA", "--unixsocket", "socket",
                        "--maxclients", str(CLIENTS + 20), "--loglevel", "debug")
rng = random.Random(SEED)

# --- a client that behaves -------------------------------------------------------------------------------------


def request(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class Sane:
    """Blocking, one request after the other."""

    def __init__(self):
        end = time.monotonic() + testing.PATIENCE_S
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", SERVER.port), testing.PATIENCE_S)
                break
            except ConnectionRefusedError:
                if time.monotonic() > end or SERVER.process.poll() is not None:
                    raise
                time.sleep(0.02)
        self.file = self.socket.makefile("rb")

    def reply(self):
        line = self.file.readline()
        assert line.endswith(b"\r\n"), f"the connection ends with {line!r}"
        kind, rest = line[:1], line[1:-2]
        if kind == b"$" and rest != b"-1":
            return self.file.read(int(rest) + 2)[:-2]
        if kind in b"*%~":
            return [self.reply() for _ in range(int(rest) * (2 if kind == b"%" else 1))]
        return line[:-2]

    def ask(self, *words):
        self.socket.sendall(request(*words))
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()


# --- what the others say ---------------------------------------------------------------------------------------

KEYS = [b"k%d" % i for i in range(8)] + [b"{tag}a", b"{tag}b", b"", b"\0\xff\r\n"]
WORDS = (b"EX PX EXAT PXAT KEEPTTL NX XX GT LT GET IFEQ ID TYPE ADDR LADDR SKIPME USER MAXAGE normal pubsub yes no "
         b"on off skip MATCH COUNT string DB REPLACE ASYNC SYNC LEN IDX MINMATCHLEN WITHMATCHLEN AUTH SETNAME default "
         b"ERROR TIMEOUT FILTERBY PATTERN ACLCAT MODULE WRITE ALL lib-name lib-ver help get set reset list * k* [a-z]* "
         b"__key*__:* SAMPLES PERSIST").split()
NUMBERS = (b"0 1 -1 2 3 7 10 100 -100 1.5 -0 1e3 nan inf 007 2147483648 -9223372036854775808 9223372036854775807 "
           b"9223372036854775808 536870912 99999999999999999999").split()
SETTINGS = [("shards", range(1, 20)), ("hz", (1, 100)), ("timeout", (0, 1)), ("maxmemory", (0,)),
            ("notify-keyspace-events", ("", "KEA", "Kx")), ("slowlog-log-slower-than", (-1, 0, 10000)),
            ("slowlog-max-len", (0, 3, 128)), ("latency-monitor-threshold", (0, 1)), ("loglevel", ("debug", "notice")),
            ("proto-max-bulk-len", ("1mb", "512mb")), ("client-query-buffer-limit", ("1mb", "4mb")),
            ("client-output-buffer-limit", ("normal 1mb 0 0 pubsub 64kb 32kb 1", "pubsub 8mb 2mb 60")),
            ("maxclients", (CLIENTS, CLIENTS + 20)), ("requirepass", ("",)), ("nonsense", ("1",))]
NEVER = {b"shutdown", b"config|set", b"config|rewrite", b"client|pause", b"auth", b"debug", b"wait", b"lcs"}


def argument():
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(KEYS)
    if kind < 0.6:
        return rng.choice(WORDS)
    if kind < 0.8:
        return rng.choice(NUMBERS)
    if kind < 0.85:
        return b"%d" % rng.randrange(1, 3000)  # perhaps somebody's id
    if kind < 0.99:
        return rng.randbytes(rng.randrange(40))
    return rng.randbytes(rng.choice((5000, 17000, 70000)))


def any_command(names):
    name, arity = rng.choice(names)
    count = abs(arity) if arity > 0 or rng.random() < 0.4 else abs(arity) + rng.randrange(6)
    if rng.random() < 0.03:
        count += rng.choice((-1, 1, 200))
    words = name.split(b"|")
    return request(*words, *(argument() for _ in range(count - len(words))))


def often(client):
    """What makes trouble is not left to chance alone."""
    key = rng.choice(KEYS)
    option, values = rng.choice(SETTINGS)
    return rng.choice((
        lambda: request("SET", key, rng.randbytes(rng.choice((3, 300, 5000))), "PX", rng.randrange(1, 300)),
        lambda: request("MULTI") + request("INCR", key) + request("CONFIG", "SET", "shards", rng.randrange(1, 9)) +
        request("PUBLISH", "c", "m") + request("CLIENT", "KILL", "ID", client.id, "SKIPME", "no") + request("EXEC"),
        lambda: request("WATCH", *rng.choices(KEYS, k=3)) + request("MULTI") + request("FLUSHALL") + request("EXEC"),
        lambda: request("MULTI") + request("SUBSCRIBE", "c") + request("MONITOR") + request("GET", key),
        lambda: request("SUBSCRIBE", *rng.choices(KEYS, k=5)),
        lambda: request("PSUBSCRIBE", "*", "__key*__:*"),
        lambda: request("PUBLISH", rng.choice(KEYS), rng.randbytes(rng.choice((0, 10, 4000, 100000)))),
        lambda: request("MONITOR"),
        lambda: request("CLIENT", "REPLY", rng.choice(("ON", "OFF", "SKIP"))),
        lambda: request("CLIENT", "KILL", "ID", rng.randrange(1, client.id + 3), "SKIPME", rng.choice(("yes", "no"))),
        lambda: request("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "no"),
        lambda: request("CLIENT", "PAUSE", rng.randrange(20), rng.choice(("WRITE", "ALL"))) +
        request("SET", key, 1) * rng.randrange(200) + request("SET", "large", rng.randbytes(90000)) * rng.randrange(9),
        lambda: request("CLIENT", "UNPAUSE"),
        lambda: request("WAIT", 1, rng.choice((0, 1, 30))) + request("GET", key) * 3,
        lambda: request("CLIENT", "UNBLOCK", rng.randrange(1, client.id + 3), rng.choice(("TIMEOUT", "ERROR"))),
        lambda: request("CONFIG", "SET", option, rng.choice(values)),
        lambda: request("HELLO", rng.choice((2, 3))),
        lambda: request("RESET"),
        lambda: request("QUIT") + request("PING"),
        lambda: request("GET", key) * rng.choice((5, 70, 500)),
        lambda: request("DEBUG", "JMAP"),
        lambda: request("FLUSHALL", rng.choice(("SYNC", "ASYNC"))),
        lambda: request("CLIENT", "LIST"),
    ))()


def garbage():
    return rng.choice((
        lambda: rng.randbytes(rng.randrange(1, 200)),
        lambda: b"*%d\r\n" % rng.choice((-2, -1, 0, 1, 3, 1048576, 1048577, 1 << 40)),
        lambda: b"*1\r\n$%d\r\n" % rng.choice((-1, 0, 5, 536870912, 536870913)),
        lambda: b"*2\r\n$3\r\nGET\r\n!3\r\n",
        lambda: b"set 'k0' \"\\x41\\n\" \r\n",
        lambda: b"get \"k0\r\n",
        lambda: b"x" * 70000,
        lambda: b"\r\n" * rng.randrange(3000),
        lambda: b"POST / HTTP/1.1\r\nHost: me\r\n\r\n",
    ))()


class Hostile:
    """Never waits for anything."""

    def __init__(self, id_guess):
        if rng.random() < 0.2:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect("server/socket")
        else:
            self.socket = socket.create_connection(("127.0.0.1", SERVER.port))
        self.socket.setblocking(False)
        self.id = id_guess
        self.out = b""
        self.said = 0
        self.deaf_until = 0

    def say(self, names):
        kind = rng.random()
        if kind < 0.45:
            said = any_command(names)
        elif kind < 0.96:
            said = often(self)
        else:
            said = garbage()
        if rng.random() < 0.02:
            said = said[:rng.randrange(len(said) + 1)]  # the rest never comes: what follows is taken for it
        self.out += said
        self.said += len(said)
        if rng.random() < 0.05:
            self.deaf_until = time.monotonic() + rng.random()

    def talk(self):
        """False: the connection has ended."""
        try:
            if self.out:
                self.out = self.out[self.socket.send(self.out[:rng.choice((1, 7, 100, 5000, 1 << 20))]):]
        except BlockingIOError:
            if len(self.out) > QUEUED_BYTES_MAX:
                return False
        except OSError:
            return False
        try:
            return time.monotonic() < self.deaf_until or self.socket.recv(1 << 20) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self):
        # With a reset instead of an orderly end, which would wait behind bytes that the server does not read yet.
        if rng.random() < 0.5 or self.said > 500000:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


# --- tests -----------------------------------------------------------------------------------------------------


def commands():
    sane = Sane()
    found = []
    for row in sane.ask("COMMAND"):
        subs = [(sub[0], int(sub[1][1:])) for sub in row[9]]
        found += subs or [(row[0], int(row[1][1:]))]
    sane.close()
    return [(name, arity) for name, arity in found if name not in NEVER and not name.startswith(b"debug|")]


@test
def hostile_clients_do_not_stop_the_server():
    names = commands()
    clients, made = [], 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert SERVER.process.poll() is None, f"the server has died, with seed {SEED}"
        try:
            while len(clients) < CLIENTS:
                made += 1
                clients.append(Hostile(made))
        except OSError:
            time.sleep(0.01)
        for client in rng.sample(clients, len(clients) // 2):
            if rng.random() < 0.3:
                client.say(names)
            if not client.talk() or rng.random() < 0.005:
                client.close()
                clients.remove(client)
    for client in clients:
        client.close()
    print(f"# seed {SEED}: {made} clients")


@test
def others_are_served_afterwards():
    end = time.monotonic() + testing.PATIENCE_S
    while True:  # until the server has seen that the others are gone, and run what they left
        sane = Sane()
        replies = sane.ask("SET", "after", "all"),
        if replies[0] == b"+OK":
            replies += sane.ask("GET", "after"),
        sane.close()
        if replies == (b"+OK", b"all"):
            return
        assert time.monotonic() < end, f"SET and GET are answered {replies!r}"
        time.sleep(0.05)


@test
def nothing_is_left_of_clients_that_are_gone():
    sane = Sane()
    end = time.monotonic() + testing.PATIENCE_S
    while True:
        info = dict(line.split(b":", 1) for line in sane.ask("INFO", "all").split(b"\r\n") if b":" in line)
        left = {name: int(info[name]) for name in (b"connected_clients", b"blocked_clients", b"pubsub_clients",
                                                   b"watching_clients", b"pubsub_channels", b"pubsub_patterns",
                                                   b"pubsubshard_channels") if name in info}
        if left.pop(b"connected_clients") == 1 and not any(left.values()):
            break
        assert time.monotonic() < end, f"left: {left}"
        time.sleep(0.05)
    sane.close()


signal.alarm(int(SECONDS) + 3 * testing.PATIENCE_S)
testing.run(SERVER)
