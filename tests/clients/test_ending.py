#!/usr/bin/python3
"""Ending while the first file of a log that was just switched on is written: nothing is lost in silence."""

import os
import shutil
import signal
import time

import server as testing
from server import info, test

# Keys are given to a rewrite one by one, with a rest between them.
SERVER = testing.Server("--appendonly", "no", "--auto-aof-rewrite-percentage", "0")
KEYS = 20
REST_US = 20000
REFUSED = b"-ERR Errors trying to SHUTDOWN. Check logs."


def fresh(rest_us=REST_US):
    """A server without a log or data, that is slow to write its first file."""
    SERVER.kill()
    shutil.rmtree("server")
    os.mkdir("server")
    with open(SERVER.log_path, "wb"):
        pass
    SERVER.start()
    client = testing.connect(SERVER)
    for i in range(KEYS):
        assert client.call("SET", f"key:{i}", i) == b"+OK"
    client.call("CONFIG", "SET", "rdb-key-save-delay", rest_us)
    return client


def switch(client, how):
    assert client.call("CONFIG", "SET", "appendonly", how) == b"+OK"


def ended(client):
    try:
        client.read()
    except (EOFError, ConnectionError):
        return SERVER.process.wait(testing.PATIENCE_S)
    raise AssertionError("the connection stays open")


def assert_kept(**more):
    """After a start with the log: all keys, and what was set later."""
    SERVER.command += ["--appendonly", "yes"]
    SERVER.start()
    SERVER.command = SERVER.command[:-2]
    client = testing.connect(SERVER)
    assert client.call("DBSIZE") == KEYS + len(more)
    for key, value in more.items():
        assert client.call("GET", key) == value, key


def log_has(text):
    return text in SERVER.log()


@test
def shutdown_is_refused_until_the_first_file_is_done():
    client = fresh()
    switch(client, "yes")
    for words in ("SHUTDOWN",), ("SHUTDOWN", "SAVE"), ("SHUTDOWN", "NOW"):
        assert client.call(*words) == REFUSED, words
    assert log_has(b"Writing initial AOF, can't exit")
    assert client.call("SET", "later", "1") == b"+OK"
    assert testing.await_rewrite(client)
    client.send("SHUTDOWN")
    assert ended(client) == 0
    assert_kept(later=b"1")


@test
def shutdown_is_refused_while_a_log_waits_to_be_switched_on_again():
    client = fresh()
    switch(client, "yes")
    assert testing.await_rewrite(client)
    switch(client, "no")
    assert client.call("SET", "newer", "1") == b"+OK"
    switch(client, "yes")
    assert client.call("SHUTDOWN") == REFUSED
    assert testing.await_rewrite(client)
    client.send("SHUTDOWN")
    assert ended(client) == 0
    assert_kept(newer=b"1")


@test
def force_and_nosave_end_it_all_the_same():
    for word in "FORCE", "NOSAVE":
        client = fresh()
        switch(client, "yes")
        began = time.monotonic()
        client.send("SHUTDOWN", word)
        assert ended(client) == 0
        assert time.monotonic() - began < 2  # it does not wait
        assert log_has(b"Writing initial AOF. Exit anyway") and log_has(b"20 keys in memory are lost")
        assert not os.path.exists("server/appendonlydir/appendonly.aof.manifest")


@test
def a_signal_lets_the_first_file_be_finished():
    for sig in signal.SIGTERM, signal.SIGINT:
        client = fresh()
        switch(client, "yes")
        SERVER.process.send_signal(sig)
        assert client.call("SET", "behind", "2") == b"+OK"  # it is served meanwhile
        assert ended(client) == 0
        assert_kept(behind=b"2")


@test
def a_signal_lets_a_log_be_switched_on_again():
    client = fresh()
    switch(client, "yes")
    assert testing.await_rewrite(client)
    switch(client, "no")
    assert client.call("SET", "newer", "1") == b"+OK"
    client.socket.sendall(testing.encode("CONFIG", "SET", "appendonly", "yes"))
    assert client.read() == b"+OK"
    SERVER.process.send_signal(signal.SIGTERM)
    assert ended(client) == 0
    assert_kept(newer=b"1")


@test
def an_end_that_waits_can_be_withdrawn():
    client = fresh()
    switch(client, "yes")
    SERVER.process.send_signal(signal.SIGTERM)
    while not log_has(b"Received SIGTERM"):
        time.sleep(0.001)
    assert client.call("SHUTDOWN", "ABORT") == b"+OK"
    assert testing.await_rewrite(client)
    assert client.call("PING") == b"+PONG"
    client.send("SHUTDOWN")
    assert ended(client) == 0


@test
def what_cannot_be_finished_is_said_to_be_lost():
    client = fresh()
    os.makedirs(f"server/appendonlydir/temp-rewriteaof-{SERVER.process.pid}.aof")  # in the way
    switch(client, "yes")
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_rewrites_consecutive_failures") == "0":
        assert time.monotonic() < end
        time.sleep(0.01)
    began = time.monotonic()
    SERVER.process.send_signal(signal.SIGTERM)
    assert ended(client) == 1
    assert time.monotonic() - began < 5
    assert log_has(b"20 keys in memory are lost"), SERVER.log()
    fresh(0)


testing.run(SERVER)
