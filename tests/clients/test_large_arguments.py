#!/usr/bin/python3
"""Large arguments, which are read where they are to stay: in whatever pieces they come, held back or not, among others."""

import random
import threading
import time

import server as testing
from server import encode, test

SEED = 1
ROUNDS = 40
KEYS = 6
SIZES = (0, 5, 100, 32767, 32768, 32769, 40000, 65536, 100000, 300000, 1 << 20, 2500000)
PIECES = (1, 3, 20, 1000, 1024, 30000, 80000, 1 << 20, 1 << 24)
SERVER = testing.Server("--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0")


class Model:
    """Strings, and requests on them with the replies that they get."""

    def __init__(self, rng):
        self.rng, self.strings = rng, {}

    def requests(self):
        sent, replies = [], []
        for _ in range(self.rng.randint(1, 12)):
            words, reply = self.request(b"k%d" % self.rng.randrange(KEYS), self.rng.randbytes(self.rng.choice(SIZES)))
            sent.extend(words)
            replies.extend(reply)
        return b"".join(encode(*words) for words in sent), replies

    def request(self, key, value):
        old = self.strings.get(key)
        kind = self.rng.choice(("set", "set", "expiring", "getset", "append", "append", "setrange", "mset", "msetnx", "msetex", "setnx", "ping", "multi", "get", "get"))
        if kind == "ping":
            return [("PING",)], [b"+PONG"]
        if kind == "get":
            return [("GET", key)], [old]
        if kind == "setnx":
            self.strings.setdefault(key, value)
            return [("SETNX", key, value)], [int(old is None)]
        if kind == "append":
            self.strings[key] = (old or b"") + value
            return [("APPEND", key, value)], [len(self.strings[key])]
        if kind == "setrange":
            at = self.rng.choice((0, 3, 70000, 2000000))
            if value:
                filled = (old or b"").ljust(at, b"\0")
                self.strings[key] = filled[:at] + value + filled[at + len(value):]
            return [("SETRANGE", key, at, value)], [len(self.strings.get(key, b""))]
        if kind == "msetnx":
            if old is None:
                self.strings[key] = value
            return [("MSETNX", key, value)], [int(old is None)]
        self.strings[key] = value
        if kind == "msetex":  # a key may come twice: the last one counts
            return [("MSETEX", 3, "a", value, key, value[:40000], key, value, "EX", 1000)], [1]
        if kind == "getset":
            return [("GETSET", key, value)], [old]
        if kind == "mset":
            return [("MSET", "a", value, key, value, "b", value[:100])], [b"+OK"]
        if kind == "multi":
            return [("MULTI",), ("SET", key, value), ("GET", key), ("EXEC",)], \
                [b"+OK", b"+QUEUED", b"+QUEUED", [b"+OK", value]]
        return [("SET", key, value, *(("EX", 1000) if kind == "expiring" else ()))], [b"+OK"]


def send_in_pieces(client, data, seed):
    rng, at = random.Random(seed), 0
    while at < len(data):
        size = rng.choice(PIECES)
        client.socket.sendall(data[at:at + size])
        at += size
        if rng.random() < 0.1:
            time.sleep(0.001)


def exchange(client, data, replies, seed, meanwhile=lambda: None):
    sender = threading.Thread(target=send_in_pieces, args=(client, data, seed))
    sender.start()
    meanwhile()
    for expected in replies:
        reply = client.read()
        assert reply == expected, f"{reply!r:.100}, not {expected!r:.100}"
    sender.join()


def check_contents(model):
    client = testing.connect(SERVER)
    for key, value in model.strings.items():
        assert client.call("GET", key) == value, key
    client.close()


@test
def whatever_pieces_they_come_in():
    client, model = testing.connect(SERVER), Model(random.Random(SEED))
    for number in range(ROUNDS):
        exchange(client, *model.requests(), number)
    check_contents(model)
    SERVER.stop()
    SERVER.start()
    check_contents(model)
    testing.connect(SERVER).call("FLUSHALL")


@test
def held_back_and_let_go():
    client, admin, model = testing.connect(SERVER), testing.connect(SERVER), Model(random.Random(SEED + 1))

    def pause():
        for _ in range(3):
            assert admin.call("CLIENT", "PAUSE", 20, rng.choice(("WRITE", "ALL"))) == b"+OK"
            time.sleep(rng.choice((0, 0.001, 0.01)))
        assert admin.call("CLIENT", "UNPAUSE") == b"+OK"

    rng = random.Random(SEED)
    for number in range(ROUNDS):
        exchange(client, *model.requests(), number, pause)
    check_contents(model)
    testing.connect(SERVER).call("FLUSHALL")


def peak_kb():
    with open(f"/proc/{SERVER.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def clear_peak_kb():
    """From here on the peak is that of what follows; returns it."""
    with open(f"/proc/{SERVER.process.pid}/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")
    return peak_kb()


def wait_for_info(client, section, good):
    end = time.monotonic() + testing.PATIENCE_S
    while True:
        info = dict(line.split(":", 1) for line in client.call("INFO", section).decode().splitlines() if ":" in line)
        if good(info):
            return
        assert time.monotonic() < end, info
        time.sleep(0.01)


@test
def a_value_takes_its_room_once():
    client, before, size = testing.connect(SERVER), peak_kb(), 128 << 20
    client.call("CONFIG", "SET", "appendonly", "no")
    assert client.call("SET", "large", bytes(size)) == b"+OK"
    assert peak_kb() - before < 1.5 * size / 1024, "it was copied"
    assert client.call("STRLEN", "large") == size and client.call("DEL", "large") == 1
    assert client.call("MULTI") == b"+OK" and client.call("SET", "large", bytes(size)) == b"+QUEUED"
    assert client.call("EXEC") == [b"+OK"]
    assert peak_kb() - before < 1.5 * size / 1024, "EXEC copied it"
    assert client.call("STRLEN", "large") == size and client.call("DEL", "large") == 1


@test
def many_values_take_their_room_once():
    """Nor are they copied for the log."""
    client, count, size = testing.connect(SERVER), 4, 48 << 20
    client.call("FLUSHALL")
    for appendonly in ("no", "yes"):
        client.call("CONFIG", "SET", "appendonly", appendonly)
        wait_for_info(client, "persistence", lambda info: info["aof_rewrite_in_progress"] == "0"
                      and info["aof_rewrite_scheduled"] == "0")
        for command in (("MSET",), ("MSETNX",), ("MSETEX", count)):
            before = clear_peak_kb()
            pairs = [word for i in range(count) for word in (f"large{i}", bytes([65 + i]) * size)]
            assert client.call(*command, *pairs) in (b"+OK", 1), command
            assert peak_kb() - before < 1.5 * count * size / 1024, f"{command} with appendonly {appendonly} copied them"
            for i in range(count):
                assert client.call("GETRANGE", f"large{i}", size - 3, -1) == bytes([65 + i]) * 3
            assert client.call("DEL", *pairs[::2]) == count
            wait_for_info(client, "memory", lambda info: int(info["used_memory"]) < size)  # freed, and written


@test
def who_sends_too_much_ahead_is_closed():
    client, other = testing.connect(SERVER), testing.connect(SERVER)
    assert other.call("CONFIG", "SET", "client-query-buffer-limit", "1mb") == b"+OK"
    try:
        client.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4000000\r\n" + bytes(3000000))
        client.read()
        raise AssertionError("not closed")
    except (EOFError, OSError):
        pass
    assert other.call("EXISTS", "k") == 0
    assert other.call("CONFIG", "SET", "client-query-buffer-limit", "1gb") == b"+OK"


@test
def what_has_come_counts_as_the_clients():
    client, other = testing.connect(SERVER), testing.connect(SERVER)
    client.call("CLIENT", "SETNAME", "sender")
    client.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n" + bytes(70000))
    end = time.monotonic() + testing.PATIENCE_S
    while True:
        line = next(line for line in other.call("CLIENT", "LIST").splitlines() if b"name=sender" in line)
        if int(line.split(b" qbuf=")[1].split()[0]) > 70000:
            break
        assert time.monotonic() < end, line
        time.sleep(0.01)
    client.close()


testing.run(SERVER)
