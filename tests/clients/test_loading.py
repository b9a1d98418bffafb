#!/usr/bin/python3
"""What clients hear while the append-only file is loaded."""

import os
import time

import server as testing
from server import Client, encode, info, test

COMMANDS, KEYS, VALUE = 1000000, 1000, b"v" * 64
SOON_S = 2  # a slice of loading takes milliseconds; generous, for slow machines
TRIES = 20  # to see a load that may be over before we are there


def write_base():
    """As Redis writes it, some keys over and over: much to load, and little memory."""
    block = b"".join(encode("SET", f"key:{i}", VALUE) for i in range(KEYS))
    os.makedirs("server/appendonlydir", exist_ok=True)
    with open("server/appendonlydir/appendonly.aof.1.base.aof", "wb") as base:
        base.write(encode("SELECT", 0))
        for _ in range(COMMANDS // KEYS):
            base.write(block)
        base.write(encode("SET", "last", "1"))
        size = base.tell()
        base.flush()
        os.fsync(base.fileno())  # else the end of loading waits for it
    with open("server/appendonlydir/appendonly.aof.manifest", "wb") as manifest:
        manifest.write(b"file appendonly.aof.1.base.aof seq 1 type b\n")
    return size


SIZE = write_base()
SERVER = testing.Server("--appendonly", "yes")


def connect():
    """To a server that may be about to listen, and is not loaded necessarily."""
    end = time.monotonic() + testing.PATIENCE_S
    while True:
        try:
            return Client(SERVER.port)
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.001)


def timed(client, *words):
    start = time.monotonic()
    reply = client.call(*words)
    assert time.monotonic() - start < SOON_S, f"{words} was answered late"
    return reply


def catch_loading():
    """A client of a server that was loading a moment ago."""
    for _ in range(TRIES):
        SERVER.kill()
        SERVER.start()
        client = connect()
        if timed(client, "GET", "last") == b"-LOADING Redis is loading the dataset in memory":
            return client
    raise AssertionError("clients are let in only when all is loaded")


def await_loaded(client):
    end = time.monotonic() + testing.PATIENCE_S
    while timed(client, "GET", "last") != b"1":
        assert time.monotonic() < end


@test
def clients_are_answered_meanwhile():
    for _ in range(TRIES):
        client = catch_loading()
        assert timed(client, "ECHO", "x") == b"x"
        assert timed(client, "CONFIG", "GET", "port")[0] == b"port"
        assert b"redis" in timed(client, "HELLO")
        assert timed(client, "SET", "key:1", "lost").startswith((b"-LOADING", b"+OK"))
        if info(client, "loading") == "1":
            break
    else:
        raise AssertionError("INFO never says that it is loading")
    await_loaded(client)
    assert info(client, "loading") == "0"
    assert client.call("DBSIZE") == KEYS + 1


@test
def progress_is_told():
    for _ in range(TRIES):
        client = catch_loading()
        text = client.call("INFO", "persistence").decode()
        if "loading:1" in text and "loading_loaded_bytes:0\r" not in text:
            break
    else:
        raise AssertionError("no progress is told")
    fields = dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
    total = int(fields["loading_total_bytes"])
    assert SIZE <= total < SIZE + 1000  # with what was logged since
    assert 0 < int(fields["loading_loaded_bytes"]) <= total
    assert 0 < float(fields["loading_loaded_perc"]) <= 100
    await_loaded(client)


@test
def a_promise_made_meanwhile_is_kept():
    for _ in range(TRIES):
        client = catch_loading()
        assert client.call("CONFIG", "SET", "appendfsync", "always") == b"+OK"
        if info(client, "loading") == "1":
            break
    else:
        raise AssertionError("the load is always over before")
    await_loaded(client)
    for value in range(3):
        assert client.call("SET", "key:2", value) == b"+OK"
        assert info(client, "aof_synced_position") == info(client, "aof_position")


@test
def shutdown_works_meanwhile():
    client = catch_loading()
    client.send("SHUTDOWN", "NOSAVE")
    assert SERVER.process.wait(testing.PATIENCE_S) == 0
    SERVER.start()
    client = connect()
    await_loaded(client)
    assert client.call("DBSIZE") == KEYS + 1


testing.run(SERVER)
