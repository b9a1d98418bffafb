#!/usr/bin/python3
"""A disk that is full or stands still under the whole server: what clients see, and what is left."""

import ctypes
import os
import resource
import socket
import subprocess
import time

import server as testing
from server import Client, Skip, info, test

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
HELD_S = 0.3  # a reply that takes longer may be held back
SOON_S = 10  # a reply that takes longer waited for the disk, which stands still; generous, for slow machines
FAULT_S = 0.7  # a fault that lasts longer closes the connections of whoever waits
POLICIES = ("always", "everysec", "no")
BALLAST = "disk/ballast"


def mount():
    """A small disk at ./disk, which goes with this process; without root an ordinary directory."""
    os.makedirs("disk", exist_ok=True)
    if os.geteuid() != 0 or LIBC.unshare(CLONE_NEWNS) != 0:
        return False
    commands = (["mount", "--make-rprivate", "/"], ["mount", "-t", "tmpfs", "-o", "size=4m", "none", "disk"])
    return all(subprocess.run(c, stderr=subprocess.DEVNULL, check=False).returncode == 0 for c in commands)


MOUNTED = mount()
SERVER = testing.Server("--dir", "disk", "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")


def connect():
    return testing.connect(SERVER)


def reply_or_none(client):
    """The reply, unless it is held back."""
    client.socket.settimeout(HELD_S)
    try:
        first = client.socket.recv(1, socket.MSG_PEEK)
    except (TimeoutError, BlockingIOError):
        return None
    finally:
        client.socket.settimeout(testing.PATIENCE_S)
    assert first, "the server closed the connection"
    return client.read()


def write_until_held(client, other, keys):
    """Returns the number of acknowledged keys, and when the next one was sent, whose reply is on its way: the log has a
    fault."""
    value = b"v" * 20000
    for i in range(1000):
        sent = time.monotonic()
        client.send("SET", f"{keys}:{i}", value + str(i).encode())
        while (reply := reply_or_none(client)) is None:
            if info(other, "aof_last_write_status") == "err":
                return i, sent
            assert time.monotonic() - sent < testing.PATIENCE_S, "no reply, and no fault"
        assert reply == b"+OK", reply
    raise AssertionError("the disk does not get full")


def await_status(client, status):
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_last_write_status") != status:
        assert time.monotonic() < end, f"the status does not become {status}"
        time.sleep(0.01)


def answer_after_fault(writer, began):
    """The write that met the fault is acknowledged by itself, unless that took too long. True: it is."""
    try:
        assert writer.read() == b"+OK"
        return True
    except (EOFError, OSError):
        assert time.monotonic() - began > FAULT_S, "closed, and the fault did not last"
        return False


def serves_reads_beside_a_fault(other, policy, acknowledged, reason):
    refused = other.call("SET", "refused", "1")
    assert refused.startswith(b"-MISCONF") and reason in refused, refused
    assert other.call("EXISTS", "refused") == 0
    assert other.call("PING") == b"+PONG"
    assert other.call("MGET", "refused", "old") == [None, None]
    assert acknowledged == 0 or other.call("STRLEN", f"{policy}:0") == 20001


def fill_and_free(policy, free, reason):
    writer, other = connect(), connect()
    assert other.call("CONFIG", "SET", "appendfsync", policy) == b"+OK"
    acknowledged, began = write_until_held(writer, other, policy)
    serves_reads_beside_a_fault(other, policy, acknowledged, reason)
    free()
    heard = answer_after_fault(writer, began)
    await_status(other, "ok")
    assert other.call("SET", f"{policy}:after", "1") == b"+OK"
    SERVER.kill()
    SERVER.start()
    client = connect()
    for i in range(acknowledged + heard):
        value = client.call("GET", f"{policy}:{i}")
        assert value == b"v" * 20000 + str(i).encode(), f"{policy}:{i} is lost"
    assert client.call("GET", f"{policy}:after") == b"1"
    assert client.call("EXISTS", "refused") == 0
    client.call("FLUSHALL")
    testing.rewrite(client)
    return acknowledged


def add_ballast():
    """Half the disk, which may still be full of what a rewrite replaced: that goes a little later."""
    end = time.monotonic() + testing.PATIENCE_S
    while True:
        try:
            with open(BALLAST, "wb") as ballast:
                ballast.write(b"x" * (2 << 20))
            return
        except OSError:
            assert time.monotonic() < end, "the disk stays full"
            time.sleep(0.01)


@test
def nothing_acknowledged_is_lost_on_a_full_disk():
    if not MOUNTED:
        raise Skip("mounting a small disk needs root")
    for policy in POLICIES:
        add_ballast()
        assert fill_and_free(policy, lambda: os.unlink(BALLAST), b"No space left on device") > 0


@test
def nothing_acknowledged_is_lost_when_a_file_may_not_grow():
    for policy in POLICIES:
        pid = SERVER.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        connect().call("SET", "small", "1")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (500000, limits[1]))
        fill_and_free(policy, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, limits), b"File too large")


@test
def a_fault_is_in_the_log_once_and_its_end_too():
    server = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", folder="told")
    client, other = testing.connect(server), testing.connect(server)
    pid = server.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (100000, limits[1]))
    client.send("SET", "large", b"v" * 200000)
    await_status(other, "err")
    time.sleep(1)
    assert server.log().count(b"Errors writing to the AOF file: File too large") == 1, server.log()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    await_status(other, "ok")
    end = time.monotonic() + testing.PATIENCE_S
    while b"AOF write error looks solved" not in server.log():
        assert time.monotonic() < end
        time.sleep(0.01)
    # An end that cannot write what is left takes five seconds.
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (100000, limits[1]))
    other.send("SET", "lost", b"v")
    await_status(testing.connect(server), "err")
    began = time.monotonic()
    assert server.stop() == 1
    assert time.monotonic() - began < 6
    assert b"Not all of the append-only file could be written" in server.log()


@test
def a_restart_on_a_full_disk_is_refused_or_serves_the_data():
    if not MOUNTED:
        raise Skip("mounting a small disk needs root")
    client = connect()
    assert client.call("SET", "kept", "1") == b"+OK"
    assert SERVER.stop() == 0
    with open(BALLAST, "wb") as ballast:
        try:
            while True:
                os.write(ballast.fileno(), b"x" * 4096)
        except OSError:
            pass
    SERVER.start()
    client = connect()
    assert client.call("GET", "kept") == b"1"
    os.unlink(BALLAST)
    assert client.call("SET", "kept", "2") == b"+OK"


class Stall:
    """The threads that write and sync stand still, as they do while a disk does."""

    def __enter__(self):
        pid = SERVER.process.pid
        self.threads = [int(t) for t in os.listdir(f"/proc/{pid}/task") if int(t) != pid]
        assert self.threads
        for thread in self.threads:
            if self.ptrace(PTRACE_SEIZE, thread) != 0:
                raise Skip("stopping threads is not permitted")
            self.ptrace(PTRACE_INTERRUPT, thread)
            os.waitpid(thread, WALL)
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            self.ptrace(PTRACE_DETACH, thread)

    @staticmethod
    def ptrace(request, thread):
        null = ctypes.c_void_p(None)
        return LIBC.ptrace(ctypes.c_long(request), ctypes.c_long(thread), null, null)


def timed(client, *words):
    start = time.monotonic()
    reply = client.call(*words)
    took_s = time.monotonic() - start
    assert took_s < SOON_S, f"{words} took {took_s:.3f} s"
    return reply


@test
def a_stalled_disk_stalls_only_the_writes_that_wait_for_it():
    for policy in POLICIES:
        with_many = connect()
        writer, reader, cache, curious = (connect() for _ in range(4))
        assert reader.call("CONFIG", "SET", "appendfsync", policy) == b"+OK"
        assert reader.call("MSET", "old", "1", "older", "1", "gone", "1") == b"+OK"
        cache.call("CLIENT", "DURABILITY", "none")
        with Stall():
            writer.send("SET", "new", policy)
            assert reply_or_none(writer) is None, "acknowledged before it was written"
            with_many.send("DEL", "gone", "gone too")
            for i in range(100):
                cached = f"cached:{i % 4}"  # a few keys: one in a place of the gate that "old" has would be waited for
                assert timed(reader, "PING") == b"+PONG"
                assert timed(reader, "GET", "old") == b"1"
                assert timed(reader, "MGET", "old", "older") == [b"1", b"1"]
                assert timed(cache, "SET", cached, i) == b"+OK"
                assert timed(cache, "GET", cached) == str(i).encode()
            assert timed(Client(SERVER.port), "PING") == b"+PONG"
            curious.send("GET", "new")
            assert reply_or_none(curious) is None, "shown before it was written"
        assert writer.read() == b"+OK"
        assert with_many.read() == 1
        assert curious.read() == policy.encode()


testing.run(SERVER)
