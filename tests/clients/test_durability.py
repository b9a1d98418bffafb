#!/usr/bin/python3
"""What each durability policy promises, by killing the server with -9 under load and looking at what is left."""

import os
import random
import threading
import time

import server as testing
from server import encode, info, test

ROUNDS = int(os.environ.get("DURABILITY_ROUNDS", "4"))  # of each policy; more by hand
CLIENTS = 4
SERVER = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-min-size", "64kb",
                        "--enable-debug-command", "yes")


def connect():
    return testing.connect(SERVER)


class Load(threading.Thread):
    """Counts two keys up together, in transactions, and one by itself, until the server is gone."""

    def __init__(self, number):
        super().__init__(daemon=True)
        self.client = connect()
        self.keys = [f"a{number}", f"b{number}", f"c{number}"]
        self.sent = self.acknowledged = 0
        self.client.call("MSET", *[word for key in self.keys for word in (key, 0)])

    def run(self):
        try:
            while True:
                self.sent += 1
                n = self.sent
                pipeline = [("MULTI",), ("SET", self.keys[0], n), ("INCR", self.keys[1]), ("EXEC",),
                            ("INCRBY", self.keys[2], 1), ("SET", f"{self.keys[0]}:{n % 50}", "x" * 100, "EX", 1000)]
                self.client.socket.sendall(b"".join(encode(*words) for words in pipeline))
                for _ in pipeline:
                    reply = self.client.read()
                    assert not isinstance(reply, bytes) or not reply.startswith(b"-"), reply
                self.acknowledged = n
        except (OSError, EOFError):
            pass

    def check(self, client):
        a, b, c = (int(client.call("GET", key)) for key in self.keys)
        assert a == b, f"half a transaction: {a} and {b}"
        for value in (a, c):
            assert self.acknowledged <= value <= self.sent, \
                f"{value} is not between {self.acknowledged}, which was acknowledged, and {self.sent}"


def kill_rounds(policy):
    chance = random.Random(policy)
    for _ in range(ROUNDS):
        client = connect()
        assert client.call("CONFIG", "SET", "appendfsync", policy) == b"+OK"
        loads = [Load(number) for number in range(CLIENTS)]
        for load in loads:
            load.start()
        time.sleep(chance.uniform(0.05, 0.4))
        if chance.random() < 0.5:
            client.call("BGREWRITEAOF")
            time.sleep(chance.uniform(0, 0.05))
        SERVER.kill()
        client.close()
        for load in loads:
            load.join(testing.PATIENCE_S)
        SERVER.start()
        client = connect()
        for load in loads:
            load.check(client)
        client.close()


@test
def nothing_acknowledged_is_lost_with_always():
    kill_rounds("always")


@test
def nothing_acknowledged_is_lost_with_everysec():
    kill_rounds("everysec")


@test
def nothing_acknowledged_is_lost_with_no():
    kill_rounds("no")


def contents(client):
    keys = sorted(client.call("KEYS", "*"))
    return [(key, client.call("GET", key), client.call("PEXPIRETIME", key)) for key in keys]


@test
def data_are_the_same_after_a_restart():
    client = connect()
    client.call("FLUSHALL")
    for i in range(2000):
        client.call("SET", f"key:{i}", "v" * (i % 300))
    for i in range(0, 2000, 3):
        client.call("EXPIRE", f"key:{i}", 1000 + i)
    for i in range(0, 2000, 7):
        client.call("APPEND", f"key:{i}", b"\r\n#SEAL\x00\xff")
    for i in range(0, 2000, 11):
        client.call("RENAME", f"key:{i}", f"renamed:{i}")
    client.call("SET", "large", b"l" * 300000)
    before = contents(client)
    assert SERVER.stop() == 0
    SERVER.start()
    client = connect()
    assert contents(client) == before
    assert client.call("DEBUG", "LOADAOF") == b"+OK"
    assert contents(client) == before


def rewrite(client):
    end = time.monotonic() + testing.PATIENCE_S
    while b"rewriting started" not in client.call("BGREWRITEAOF"):
        assert time.monotonic() < end, "no rewrite begins"  # one that began by itself comes first
        time.sleep(0.01)
    while info(client, "aof_rewrite_in_progress") != "0":
        assert time.monotonic() < end, "the rewrite does not end"
        time.sleep(0.01)
    assert info(client, "aof_last_bgrewrite_status") == "ok"


@test
def a_rewrite_keeps_the_data_and_drops_their_history():
    client = connect()
    client.call("FLUSHALL")
    for i in range(20000):
        client.send("INCR", f"counter:{i % 100}")
    for _ in range(20000):
        client.read()
    rewrite(client)
    assert int(info(client, "aof_current_size")) < 20000
    before = contents(client)
    names = sorted(os.listdir("server/appendonlydir"))
    assert len(names) == 3 and any(name.endswith(".base.aof") for name in names), names
    SERVER.kill()
    SERVER.start()
    client = connect()
    assert contents(client) == before
    assert client.call("GET", "counter:1") == b"200"


@test
def a_torn_tail_is_cut_and_damage_is_refused():
    client = connect()
    client.call("SET", "last", "1")
    assert SERVER.stop() == 0
    directory = "server/appendonlydir"
    newest = max((name for name in os.listdir(directory) if ".incr." in name),
                 key=lambda name: int(name.split(".")[2]))
    path = f"{directory}/{newest}"
    with open(path, "rb") as file:
        whole = file.read()
    with open(path, "ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nlast\r\n$1")
    SERVER.start()
    client = connect()
    assert client.call("GET", "last") == b"1"
    assert SERVER.stop() == 0
    assert os.path.getsize(path) == len(whole)

    at = whole.index(b"last")
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"lost")
    SERVER.start()
    assert SERVER.process.wait(testing.PATIENCE_S) == 1
    with open("server/log", "rb") as log:
        said = log.read()
    assert b"damaged at offset" in said and newest.encode() in said and b"--check-aof" in said
    with open(path, "r+b") as file:
        file.write(whole)
    SERVER.start()
    assert connect().call("GET", "last") == b"1"


@test
def a_second_server_on_the_directory_refuses_to_start():
    connect()
    command = [os.environ["CORSAC_BIN"], "--port", "0", "--unixsocket", "second.sock", "--dir", "server"]
    import subprocess  # pylint: disable=import-outside-toplevel
    second = subprocess.run(command, capture_output=True, timeout=testing.PATIENCE_S, check=False)
    assert second.returncode == 1
    assert b"another server uses" in second.stdout + second.stderr


@test
def clients_choose_what_their_replies_wait_for():
    client = connect()
    for level in ("fsync", "written", "none", "default"):
        assert client.call("CLIENT", "DURABILITY", level) == b"+OK"
        assert client.call("SET", "k", level) == b"+OK"
        assert client.call("GET", "k") == level.encode()
    assert client.call("CLIENT", "DURABILITY", "perhaps").startswith(b"-ERR")
    client.call("SET", "k", "w")
    assert client.call("WAITAOF", 1, 0, 5000) == [1, 0]


@test
def switched_off_and_on_while_serving():
    client = connect()
    client.call("SET", "before", "1")
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    assert info(client, "aof_enabled") == "0"
    client.call("SET", "between", "2")
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_rewrite_in_progress") != "0" or info(client, "aof_rewrite_scheduled") != "0":
        assert time.monotonic() < end
        time.sleep(0.01)
    client.call("SET", "after", "3")
    SERVER.kill()
    SERVER.start()
    client = connect()
    assert [client.call("GET", key) for key in ("before", "between", "after")] == [b"1", b"2", b"3"]


testing.run(SERVER)
