#!/usr/bin/python3
"""Rewrites of the append-only file as clients ask for them: one at a time, cancelled, and what they leave behind."""

import os
import time

import server as testing
from server import await_rewrite, encode, info, test

SERVER = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--enable-debug-command", "yes")
FILES = "server/appendonlydir"
BUSY = b"-ERR Background append only file rewriting already in progress"
STARTED = b"+Background append only file rewriting started"
SCHEDULED = b"+Background append only file rewriting scheduled"
CANCELLED = b"+Background append only file rewriting cancelled"
NIL = []  # as the client reads a null array
SLOW_US = 10000000


def connect():
    return testing.connect(SERVER)


def manifest():
    with open(f"{FILES}/appendonly.aof.manifest", encoding="ascii") as f:
        return [tuple(line.split()[1::2]) for line in f.read().splitlines()]


def name(seq, kind):
    return f"appendonly.aof.{seq}.{kind}.aof"


def files():
    return sorted(entry for entry in os.listdir(FILES) if not entry.endswith(".manifest"))


def await_files(expected):
    """Until the manifest names these, and there are no others."""
    end = time.monotonic() + testing.PATIENCE_S
    names = sorted(entry[0] for entry in expected)
    while files() != names or manifest() != expected:
        assert time.monotonic() < end, f"{files()}, {manifest()}, not {expected}"
        time.sleep(0.01)


def pipeline(client, *requests):
    client.socket.sendall(b"".join(encode(*words) for words in requests))
    return [client.read() for _ in requests]


def config(client, option, value):
    assert client.call("CONFIG", "SET", option, value) == b"+OK"


def await_rewriting(client, is_on):
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_rewrite_in_progress") != ("1" if is_on else "0"):
        assert time.monotonic() < end
        time.sleep(0.01)


@test
def a_second_one_is_refused_until_the_first_is_over():
    client = connect()
    for appendonly in "yes", "no":
        config(client, "appendonly", appendonly)
        await_rewriting(client, False)
        for keys in 0, 1:
            client.call("FLUSHALL")
            if keys:
                client.call("SET", "k", "v")
            for _ in range(20):
                first, second = pipeline(client, ("BGREWRITEAOF",), ("BGREWRITEAOF",))
                assert first in (STARTED, SCHEDULED) and second == BUSY, (first, second)
                assert await_rewrite(client)
    config(client, "appendonly", "yes")
    assert await_rewrite(client)


@test
def whoever_may_not_begin_yet_is_told_so_and_seen_in_info():
    client = connect()
    for i in range(1000):
        client.call("SET", f"k:{i}", i)
    replies = pipeline(client, ("MULTI",), ("BGREWRITEAOF",), ("BGREWRITEAOF",), ("INFO", "persistence"), ("EXEC",))
    assert replies[-1][:2] == [SCHEDULED, BUSY]
    assert b"\r\naof_rewrite_in_progress:1\r\naof_rewrite_scheduled:1\r\n" in replies[-1][2]
    assert await_rewrite(client)
    # The log is still being closed, or what a rewrite of it left is tidied up.
    config(client, "rdb-key-save-delay", SLOW_US)
    testing.begin_rewrite(client)
    replies = pipeline(client, ("CONFIG", "SET", "appendonly", "no"), ("CONFIG", "SET", "rdb-key-save-delay", 0),
                       ("BGREWRITEAOF",), ("BGREWRITEAOF",))
    assert replies == [b"+OK", b"+OK", SCHEDULED, BUSY], replies
    assert await_rewrite(client)
    assert [entry[2] for entry in manifest()] == ["b"], manifest()
    config(client, "appendonly", "yes")
    assert await_rewrite(client)


@test
def the_first_increment_of_a_log_is_the_one_it_began_with():
    off = testing.Server(folder="first")
    client = testing.connect(off)
    client.call("SET", "before", "1")
    assert pipeline(client, ("CONFIG", "SET", "appendonly", "yes"), ("SET", "behind", "2")) == [b"+OK"] * 2
    assert await_rewrite(client)
    assert sorted(os.listdir("first/appendonlydir")) == [name(1, "base"), name(1, "incr"), "appendonly.aof.manifest"]
    off.kill()
    on = testing.Server("--appendonly", "yes", folder="first")
    assert testing.connect(on).call("MGET", "before", "behind") == [b"1", b"2"]
    on.kill()


@test
def one_can_be_cancelled():
    client = connect()
    refused = b"-ERR Background append only file rewriting is currently not in progress or scheduled"
    assert client.call("BGREWRITEAOF", "CANCEL") == refused
    assert client.call("BGREWRITEAOF", "NONSENSE") == b"-ERR syntax error"
    assert client.call("BGREWRITEAOF", "CANCEL", "CANCEL") == b"-ERR syntax error"
    for i in range(100):
        client.call("SET", f"cancel:{i}", i)
    config(client, "rdb-key-save-delay", SLOW_US)
    base, rewrites = manifest()[0], info(client, "aof_rewrites")
    testing.begin_rewrite(client)
    client.call("SET", "meanwhile", "1")
    assert client.call("BGREWRITEAOF", "cancel") == CANCELLED
    assert client.call("BGREWRITEAOF", "CANCEL") == refused
    assert info(client, "aof_rewrite_in_progress") == "0"
    assert info(client, "aof_last_bgrewrite_status") == "ok"
    assert info(client, "aof_rewrites") == rewrites
    assert manifest()[0] == base
    # One that is only scheduled; and one more begins when it is asked for.
    assert pipeline(client, ("MULTI",), ("BGREWRITEAOF",), ("BGREWRITEAOF", "CANCEL"), ("EXEC",))[-1] == \
        [SCHEDULED, CANCELLED]
    assert info(client, "aof_rewrite_in_progress") == "0"
    config(client, "rdb-key-save-delay", 0)
    end = time.monotonic() + testing.PATIENCE_S
    while any("temp" in entry for entry in files()):  # its thread has the last word
        assert time.monotonic() < end, files()
        time.sleep(0.001)
    SERVER.kill()
    SERVER.start()
    client = connect()
    assert client.call("MGET", "cancel:99", "meanwhile") == [b"99", b"1"]
    testing.rewrite(client)
    assert len(manifest()) == 2, manifest()


@test
def one_that_is_slowed_down_ends_all_the_same():
    client = connect()
    client.call("MSET", *[word for i in range(100) for word in (f"slow:{i}", i)])
    config(client, "rdb-key-save-delay", SLOW_US)
    begin = time.monotonic()
    testing.begin_rewrite(client)
    assert await_rewrite(client)
    assert time.monotonic() - begin > 4.5
    config(client, "rdb-key-save-delay", 0)


@test
def none_begins_by_itself_after_one_was_cancelled():
    client = connect()
    config(client, "rdb-key-save-delay", SLOW_US)
    for option, value in ("auto-aof-rewrite-min-size", 0), ("auto-aof-rewrite-percentage", 1):
        config(client, option, value)
    client.call("SET", "grown", "g" * 100000)
    await_rewriting(client, True)
    assert client.call("BGREWRITEAOF", "CANCEL") == CANCELLED
    for _ in range(20):
        time.sleep(0.02)
        assert info(client, "aof_rewrite_in_progress") == "0"
    config(client, "auto-aof-rewrite-percentage", 0)
    config(client, "rdb-key-save-delay", 0)


@test
def the_first_one_of_a_log_is_not_cancelled():
    client = connect()
    config(client, "appendonly", "no")
    config(client, "rdb-key-save-delay", SLOW_US)
    config(client, "appendonly", "yes")
    await_rewriting(client, True)
    assert client.call("BGREWRITEAOF", "CANCEL").startswith(b"-ERR Can't cancel"), "it was"
    config(client, "rdb-key-save-delay", 0)
    config(client, "appendonly", "no")
    # One that leaves a base only is.
    await_rewriting(client, False)
    config(client, "rdb-key-save-delay", SLOW_US)
    assert client.call("BGREWRITEAOF") in (STARTED, SCHEDULED)
    assert client.call("BGREWRITEAOF", "CANCEL") == CANCELLED
    await_rewriting(client, False)
    config(client, "rdb-key-save-delay", 0)
    config(client, "appendonly", "yes")
    assert await_rewrite(client)


@test
def history_is_kept_as_long_as_it_is_asked_for():
    client = connect()
    (base, _, _), (incr, _, _) = manifest()
    first, increment = int(base.split(".")[2]), int(incr.split(".")[2])
    config(client, "aof-disable-auto-gc", "yes")
    for i in range(2):
        client.call("SET", "kept", i)
        testing.rewrite(client)
    kept = [(name(increment + 1, "incr"), str(increment + 1), "h"), (name(first + 1, "base"), str(first + 1), "h"),
            (name(increment, "incr"), str(increment), "h"), (name(first, "base"), str(first), "h")]
    live = [(name(first + 2, "base"), str(first + 2), "b"), (name(increment + 2, "incr"), str(increment + 2), "i")]
    await_files([live[0]] + kept + [live[1]])
    # A restart keeps it, too, and loads what counts; so does one more rewrite, and a log that begins anew.
    SERVER.kill()
    SERVER.command += ["--aof-disable-auto-gc", "yes"]
    SERVER.start()
    SERVER.command = SERVER.command[:-2]
    client = connect()
    assert client.call("GET", "kept") == b"1"
    assert manifest() == [live[0]] + kept + [live[1]], manifest()
    config(client, "appendonly", "no")
    assert client.call("BGREWRITEAOF") in (STARTED, SCHEDULED)
    assert await_rewrite(client)
    config(client, "appendonly", "yes")
    assert await_rewrite(client)
    client.call("SET", "kept", "2")
    assert len([entry for entry in manifest() if entry[2] == "h"]) == 7, manifest()
    live = [manifest()[0], manifest()[-1]]
    assert [entry[2] for entry in live] == ["b", "i"]
    config(client, "aof-disable-auto-gc", "no")
    await_files(live)
    client.call("SET", "last", "3")
    SERVER.kill()
    SERVER.start()
    assert connect().call("MGET", "kept", "last") == [b"2", b"3"]


def commands(path):
    """The commands of a file, without annotations."""
    found = []
    with open(path, "rb") as f:
        for line in f:
            if line[:1] == b"*":
                found.append(" ".join(f.read(int(f.readline()[1:]) + 2)[:-2].decode() for _ in range(int(line[1:]))))
    return found


@test
def flushing_what_is_empty_is_logged_too():
    off = testing.Server("--appendonly", "yes", "--appendfsync", "always", folder="flush")
    client = testing.connect(off)
    sent = ["SET key value", "FLUSHDB", "FLUSHDB", "FLUSHDB", "SET key value2", "FLUSHALL", "FLUSHALL", "FLUSHALL"]
    for line in sent:
        assert client.call(*line.split()) == b"+OK"
    assert commands("flush/appendonlydir/" + name(1, "incr")) == ["SELECT 0"] + sent
    off.kill()


@test
def times_are_recorded_from_when_they_are_asked_for():
    client = connect()
    increment = f"{FILES}/{manifest()[-1][0]}"

    def lines(path):
        with open(path, "rb") as f:
            return [line for line in f.read().split(b"\r\n") if line.startswith(b"#")]

    before = int(time.time())
    assert b"#TS:" in lines(increment)[0], "the date"
    client.call("SET", "timed", "no")
    assert not any(line.startswith(b"#TS:") for line in lines(increment)[1:])
    config(client, "aof-timestamp-enabled", "yes")
    client.call("SET", "timed", "yes")
    client.call("SET", "timed", "again")
    times = [int(line[4:]) for line in lines(increment)[1:] if line.startswith(b"#TS:")]
    assert times and times == sorted(set(times)) and before <= times[0] <= times[-1] <= time.time(), times
    testing.rewrite(client)
    date, header, is_base, of_base = lines(f"{FILES}/{manifest()[0][0]}")[:4]
    assert (header, is_base) == (b"#CORSAC:1", b"#BASE")
    assert len(date) == 24 and int(date[4:]) == int(of_base[4:]) >= times[-1], (date, of_base)
    config(client, "aof-timestamp-enabled", "no")


@test
def a_reload_touches_what_is_watched():
    client = connect()
    client.call("SET", "watched", "1")
    for reload in ("LOADAOF",), ("RELOAD",):
        for key, reply in ("watched", NIL), ("absent", [b"1"]):
            assert client.call("WATCH", key) == b"+OK"
            assert client.call("DEBUG", *reload) == b"+OK"
            assert client.call("MULTI") == b"+OK"
            client.call("GET", "watched")
            assert client.call("EXEC") == reply, (reload, key)
    # A key that was not there, but is in the file.
    config(client, "appendonly", "no")
    await_rewriting(client, False)
    client.call("DEL", "watched")
    assert client.call("WATCH", "watched") == b"+OK"
    assert client.call("DEBUG", "LOADAOF") == b"+OK"
    assert client.call("MULTI") == b"+OK"
    client.call("GET", "watched")
    assert client.call("EXEC") == NIL
    config(client, "appendonly", "yes")
    assert await_rewrite(client)


testing.run(SERVER)
