#!/usr/bin/python3
"""A disk on which calls stand still until they are let go: switching the append-only file on, and rewriting, stall nobody."""

import select
import time

import disk as disks
import server as testing
from server import info, test

PROMPT_S = 20  # a reply that takes longer waited for the disk; generous, for slow machines
DISK = disks.Disk()
SERVER = testing.Server("--appendonly", "no", "--auto-aof-rewrite-percentage", "0", environ=DISK.environ)
assert PROMPT_S < disks.HOLD_US / 1e6 and PROMPT_S < testing.PATIENCE_S


def prompt(client, *words):
    begin = time.monotonic()
    reply = client.call(*words)
    took_s = time.monotonic() - begin
    assert took_s < PROMPT_S, f"{words} took {took_s:.3f} s"
    return reply


def serve_until(client, done, *words):
    """Sends one request after the other, each answered while calls stand still, of which one is let go at a time, until
    `done` says so."""
    end, served = time.monotonic() + testing.PATIENCE_S, 0
    while not done():
        assert time.monotonic() < end
        beside = DISK.delayed > 0
        for _ in range(3):
            prompt(client, *words)
        if beside:
            DISK.let_go()
            served += 1
        time.sleep(0.001)
    assert served > 5, f"only {served} calls stood still"


@test
def rewriting_without_a_log_stalls_nobody():
    client = testing.connect(SERVER)
    assert client.call("SET", "kept", "1") == b"+OK"
    DISK.hold(disks.NAMES | disks.SYNC)
    reply = prompt(client, "BGREWRITEAOF")
    assert b"started" in reply or b"scheduled" in reply, reply
    serve_until(client, lambda: info(client, "aof_rewrites") == "1", "SET", "other", "2")
    DISK.calm()


@test
def switching_the_log_on_stalls_nobody():
    client, patient = testing.connect(SERVER), testing.connect(SERVER)
    DISK.hold(disks.NAMES | disks.SYNC)
    assert prompt(client, "CONFIG", "SET", "appendonly", "yes") == b"+OK"
    assert prompt(client, "SET", "behind", "3") == b"+OK"
    serve_until(client, lambda: info(client, "aof_rewrites") == "2", "GET", "kept")
    DISK.calm()
    assert patient.call("WAITAOF", 1, 0, testing.PATIENCE_S * 1000) == [1, 0]
    SERVER.kill()
    DISK.power_cut(1)
    SERVER.command += ["--appendonly", "yes"]
    SERVER.start()
    assert testing.connect(SERVER).call("MGET", "kept", "other", "behind") == [b"1", b"2", b"3"]


@test
def messages_about_a_key_wait_for_its_change():
    client, listener, other = (testing.connect(SERVER) for _ in range(3))
    assert client.call("CONFIG", "SET", "appendfsync", "always", "notify-keyspace-events", "KEA") == b"+OK"
    listener.call("SUBSCRIBE", "__keyevent@0__:set")
    other.call("SUBSCRIBE", "news")
    DISK.hold(disks.SYNC)
    client.send("SET", "told", "1")
    end = time.monotonic() + testing.PATIENCE_S
    while not DISK.delayed:
        assert time.monotonic() < end
        time.sleep(0.001)
    publisher = testing.connect(SERVER)
    prompt(publisher, "PUBLISH", "news", "now")
    assert other.read() == [b"message", b"news", b"now"]
    assert not select.select([listener.socket], [], [], 0.1)[0], "the message came before the change was safe"
    DISK.calm()
    assert listener.read() == [b"message", b"__keyevent@0__:set", b"told"]
    assert client.read() == b"+OK"


@test
def who_waits_for_a_log_that_is_switched_off_hears_so():
    client, waiter = testing.connect(SERVER), testing.connect(SERVER)
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    while waiter.call("WAITAOF", 1, 0, 1) == [1, 0]:  # until it is closed
        time.sleep(0.01)
    DISK.hold(disks.NAMES | disks.SYNC)
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    end = time.monotonic() + testing.PATIENCE_S
    while isinstance(reply := waiter.call("WAITAOF", 1, 0, 1), bytes) and b"disabled" in reply:
        assert time.monotonic() < end
    assert waiter.call("SET", "late", "1") == b"+OK"
    waiter.send("WAITAOF", 1, 0, 0)  # in the middle of the first rewrite
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    DISK.calm()  # what is under way is waited for
    assert b"appendonly is disabled" in waiter.read()


testing.run(SERVER)
