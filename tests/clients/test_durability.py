#!/usr/bin/python3
"""The append-only file of the whole server: what restarts, rewrites, damage and settings make of it."""

import os
import subprocess
import time

import server as testing
from server import info, test

SERVER = testing.Server("--appendonly", "yes", "--enable-debug-command", "yes")


def connect():
    return testing.connect(SERVER)


def contents(client):
    return testing.contents(client, [0])[0]


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


@test
def a_rewrite_keeps_the_data_and_drops_their_history():
    client = connect()
    client.call("FLUSHALL")
    for i in range(20000):
        client.send("INCR", f"counter:{i % 100}")
    for _ in range(20000):
        client.read()
    testing.rewrite(client)
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
    said = SERVER.log()
    assert b"damaged at offset" in said and newest.encode() in said and b"--check-aof" in said
    with open(path, "r+b") as file:
        file.write(whole)
    SERVER.start()
    assert connect().call("GET", "last") == b"1"


@test
def a_second_server_on_the_directory_refuses_to_start():
    connect()
    command = [os.environ["CORSAC_BIN"], "--port", "0", "--unixsocket", "second.sock", "--dir", "server"]
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
    client.call("MSET", *[word for i in range(30000) for word in (f"filler:{i}", "f" * 100)])
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_rewrite_scheduled") != "0" or info(client, "aof_rewrite_in_progress") != "0":
        assert time.monotonic() < end
        time.sleep(0.01)
    client.call("SET", "after", "3")
    assert client.call("WAITAOF", 1, 0, 0) == [1, 0]  # not before the first rewrite is done
    SERVER.kill()
    SERVER.start()
    client = connect()
    assert [client.call("GET", key) for key in ("before", "between", "after")] == [b"1", b"2", b"3"]


testing.run(SERVER)
