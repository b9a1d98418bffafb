#!/usr/bin/python3
"""A disk on which everything takes its time: switching the append-only file on, and rewriting, stall nobody."""

import time

import disk as disks
import server as testing
from server import info, test

DELAY_S = 0.2  # of each call but plain writes
PROMPT_S = 0.15  # a reply that takes longer waited for the disk; generous, for slow machines
DISK = disks.Disk()
SERVER = testing.Server("--appendonly", "no", "--auto-aof-rewrite-percentage", "0", environ=DISK.environ)


def prompt(client, *words):
    begin = time.monotonic()
    reply = client.call(*words)
    took_s = time.monotonic() - begin
    assert took_s < PROMPT_S, f"{words} took {took_s:.3f} s"
    return reply


def serve_until(client, done, *words):
    """Sends one request after the other, each answered at once, until `done` says so."""
    end, served = time.monotonic() + testing.PATIENCE_S, 0
    while not done():
        assert time.monotonic() < end
        prompt(client, *words)
        served += 1
        time.sleep(0.005)
    assert served > 20, f"only {served}: was the disk slow at all?"


@test
def rewriting_without_a_log_stalls_nobody():
    client = testing.connect(SERVER)
    assert client.call("SET", "kept", "1") == b"+OK"
    DISK.delay(disks.NAMES | disks.SYNC, int(DELAY_S * 1e6))
    reply = prompt(client, "BGREWRITEAOF")
    assert b"started" in reply or b"scheduled" in reply, reply
    serve_until(client, lambda: info(client, "aof_rewrites") == "1", "SET", "other", "2")
    DISK.calm()


@test
def switching_the_log_on_stalls_nobody():
    client, patient = testing.connect(SERVER), testing.connect(SERVER)
    DISK.delay(disks.NAMES | disks.SYNC, int(DELAY_S * 1e6))
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
    DISK.delay(disks.SYNC, int(3 * DELAY_S * 1e6))
    begin = time.monotonic()
    client.send("SET", "told", "1")
    publisher = testing.connect(SERVER)
    prompt(publisher, "PUBLISH", "news", "now")
    assert other.read() == [b"message", b"news", b"now"]
    assert time.monotonic() - begin < PROMPT_S, "PUBLISH waited"
    assert listener.read() == [b"message", b"__keyevent@0__:set", b"told"]
    assert time.monotonic() - begin > 2 * DELAY_S, "the message came before the change was safe"
    assert client.read() == b"+OK"
    DISK.calm()


@test
def who_waits_for_a_log_that_is_switched_off_hears_so():
    client, waiter = testing.connect(SERVER), testing.connect(SERVER)
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    while waiter.call("WAITAOF", 1, 0, 1) == [1, 0]:  # until it is closed
        time.sleep(0.01)
    DISK.delay(disks.NAMES | disks.SYNC, int(3 * DELAY_S * 1e6))
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    end = time.monotonic() + testing.PATIENCE_S
    while isinstance(reply := waiter.call("WAITAOF", 1, 0, 1), bytes) and b"disabled" in reply:
        assert time.monotonic() < end
    assert waiter.call("SET", "late", "1") == b"+OK"
    waiter.send("WAITAOF", 1, 0, 0)  # in the middle of the first rewrite
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    assert b"appendonly is disabled" in waiter.read()
    DISK.calm()


testing.run(SERVER)
