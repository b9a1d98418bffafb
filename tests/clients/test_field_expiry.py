#!/usr/bin/python3
"""Deadlines of a hash's fields, end to end: they come without anybody asking, are told and touch who watches as any change
does, go with copies, and survive kill -9 and rewrites."""

import glob
import time

import server as testing
from server import test

SERVER = testing.Server("--appendonly", "yes", "--appendfsync", "always", "--notify-keyspace-events", "KEA",
                        "--auto-aof-rewrite-percentage", "0", "--enable-debug-command", "yes")
SOON_MS = 60
FAR_MS = 4102444800000


def connect():
    return testing.connect(SERVER)


def listen():
    """A client that hears of every event in database 0."""
    listener = testing.Client(SERVER.port)
    listener.call("PSUBSCRIBE", "__keyevent@0__:*")
    return listener


def await_event(listener, event, key):
    """Reads on until it comes; returns the events before it of that key."""
    before = []
    while True:
        _, _, channel, name = listener.read()
        found = channel.split(b":", 1)[1].decode()
        if name.decode() == key and found == event:
            return before
        if name.decode() == key:
            before.append(found)


def logged():
    parts = []
    for path in sorted(glob.glob("server/appendonlydir/*.aof")):
        with open(path, "rb") as part:
            parts.append(part.read())
    return b"".join(parts)


@test
def fields_go_without_anybody_asking_and_the_key_with_its_last():
    client, listener = connect(), listen()
    assert client.call("HSET", "h", "a", 1, "b", 2, "c", 3) == 3
    assert client.call("HPEXPIRE", "h", SOON_MS, "FIELDS", 2, "a", "b") == [1, 1]
    assert await_event(listener, "hexpired", "h") == ["hset", "hexpire"]
    while client.call("HLEN", "h") > 1:  # they may not go in the same slice
        await_event(listener, "hexpired", "h")
    assert client.call("HGETALL", "h") == [b"c", b"3"]
    assert client.call("HPEXPIRE", "h", SOON_MS, "FIELDS", 1, "c") == [1]
    assert "hexpired" in await_event(listener, "del", "h")
    assert client.call("EXISTS", "h") == 0


@test
def a_large_hash_forgets_them_as_well():
    client, listener = connect(), listen()
    for i in range(1000):
        client.send("HSET", "large", f"field:{i}", i)
    assert [client.read() for _ in range(1000)] == [1] * 1000
    assert client.call("OBJECT", "ENCODING", "large") == b"hashtable"
    some = [f"field:{i}" for i in range(0, 1000, 2)]
    assert client.call("HPEXPIRE", "large", SOON_MS, "FIELDS", len(some), *some) == [1] * len(some)
    while client.call("HLEN", "large") > 500:
        await_event(listener, "hexpired", "large")
    assert sorted(client.call("HKEYS", "large")) == sorted(b"field:%d" % i for i in range(1, 1000, 2))


def executes_nothing(client):
    client.call("MULTI")
    client.call("HLEN", "watched")
    client.send("EXEC")
    return client.replies.readline() == b"*-1\r\n"


@test
def a_field_that_expires_touches_whoever_watches_its_key():
    client, other, listener = connect(), connect(), listen()
    client.call("HSET", "watched", "a", 1, "b", 2)
    assert client.call("WATCH", "watched") == b"+OK"
    assert other.call("HPEXPIRE", "watched", 10**9, "FIELDS", 1, "b") == [1]
    assert executes_nothing(client)
    soon_ms = SOON_MS
    while True:  # until the key is watched before the time has come
        assert other.call("HPEXPIRE", "watched", soon_ms, "FIELDS", 1, "a") == [1]
        client.call("WATCH", "watched")
        if client.call("HEXISTS", "watched", "a"):
            break
        client.call("UNWATCH")
        other.call("HSET", "watched", "a", 1)
        soon_ms *= 2
    await_event(listener, "hexpired", "watched")
    assert executes_nothing(client)


@test
def a_copy_has_the_deadlines_and_keeps_them():
    client, listener = connect(), listen()
    client.call("HSET", "from", "near", 1, "far", 2, "none", 3)
    assert client.call("HPEXPIRE", "from", SOON_MS, "FIELDS", 1, "near") == [1]
    near, = client.call("HPEXPIRETIME", "from", "FIELDS", 1, "near")
    assert client.call("HPEXPIREAT", "from", FAR_MS, "FIELDS", 1, "far") == [1]
    assert client.call("COPY", "from", "to") == 1
    assert client.call("HPEXPIRETIME", "to", "FIELDS", 3, "near", "far", "none") in ([near, FAR_MS, -1], [-2, FAR_MS, -1])
    assert client.call("HPERSIST", "from", "FIELDS", 2, "near", "far")[1] == 1
    assert client.call("HPEXPIRETIME", "to", "FIELDS", 1, "far") == [FAR_MS]
    if client.call("HEXISTS", "to", "near"):
        await_event(listener, "hexpired", "to")
    assert client.call("HGET", "to", "near") is None
    assert client.call("RENAME", "to", "moved") == b"+OK"
    assert client.call("HPEXPIRETIME", "moved", "FIELDS", 1, "far") == [FAR_MS]


@test
def deadlines_survive_the_death_of_the_process_and_rewrites():
    for rewritten in (False, True):
        client = connect()
        client.call("FLUSHALL")
        for kind, count in (("small", 20), ("big", 700)):
            client.call("HSET", kind, *(word for i in range(count) for word in (f"f{i}", i)))
            client.call("HPEXPIREAT", kind, FAR_MS, "FIELDS", 2, "f1", "f2")
            assert client.call("HPEXPIRE", kind, SOON_MS, "FIELDS", 2, "f3", "f4") == [1, 1]
        near = int(time.time() * 1000) + SOON_MS
        if rewritten:
            testing.rewrite(client)
        SERVER.kill()
        while int(time.time() * 1000) <= near:
            time.sleep(0.005)
        SERVER.start()
        client = connect()
        for kind, count in (("small", 20), ("big", 700)):
            assert client.call("HMGET", kind, "f1", "f3", "f4", "f5") == [b"1", None, None, b"5"]
            assert client.call("HPEXPIRETIME", kind, "FIELDS", 5, "f1", "f2", "f3", "f4", "f5") == [FAR_MS, FAR_MS, -2, -2, -1]
            end = time.monotonic() + testing.PATIENCE_S
            while client.call("HLEN", kind) != count - 2:
                assert time.monotonic() < end, client.call("HLEN", kind)
        digest = client.call("DEBUG", "DIGEST")
        testing.rewrite(client)
        assert client.call("DEBUG", "LOADAOF") == b"+OK"
        assert client.call("DEBUG", "DIGEST") == digest


@test
def the_log_holds_what_depends_on_no_clock():
    client, listener = connect(), listen()
    client.call("FLUSHALL")
    testing.rewrite(client)
    client.call("HSET", "h", "a", 1, "b", 2, "c", 3)
    client.call("HEXPIRE", "h", 1000, "FIELDS", 1, "b")
    client.call("HPEXPIRE", "h", SOON_MS, "FIELDS", 1, "a")
    await_event(listener, "hexpired", "h")
    client.call("HPEXPIREAT", "h", 1, "FIELDS", 1, "c")  # which deletes it
    assert client.call("HGETALL", "h") == [b"b", b"2"]
    text = logged().split(b"\r\n")
    assert text.count(b"HPEXPIREAT") == 2 and b"HEXPIRE" not in text and b"HPEXPIRE" not in text
    assert text.count(b"HDEL") == 2


testing.run(SERVER)
