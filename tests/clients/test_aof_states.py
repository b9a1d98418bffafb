#!/usr/bin/python3
"""The append-only file switched, reloaded and rewritten while others are served: nobody but who asked waits."""

import os
import time

import server as testing
from server import encode, info, test

SERVER = testing.Server("--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0",
                        "--enable-debug-command", "yes")
FILES = "server/appendonlydir"
PROMPT_S = 1  # below the rest of a writer that is slowed down


def connect():
    return testing.connect(SERVER)


def manifest():
    with open(f"{FILES}/appendonly.aof.manifest", encoding="ascii") as f:
        return f.read().splitlines()


def await_rewrite(client):
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_rewrite_scheduled") != "0" or info(client, "aof_rewrite_in_progress") != "0":
        assert time.monotonic() < end, "the rewrite does not end"
        time.sleep(0.01)
    assert info(client, "aof_last_bgrewrite_status") == "ok"


def await_snapshot():
    """A rewrite has begun in earnest: what changes from now on is in the next increment."""
    end = time.monotonic() + testing.PATIENCE_S
    while len(manifest()) < 3 or os.path.getsize(f"{FILES}/" + manifest()[-1].split()[1]) == 0:
        assert time.monotonic() < end, manifest()
        time.sleep(0.001)


def await_field(client, field):
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, field) is None:
        assert time.monotonic() < end, field
        time.sleep(0.01)


def log_text():
    return SERVER.log().decode(errors="replace")


def slow_writer(client):
    """The next write to the file rests for two seconds."""
    assert client.call("DEBUG", "AOF-FLUSH-SLEEP", 2000000) == b"+OK"
    client.send("SET", "held", "back")  # its reply waits for the writer
    time.sleep(0.05)


def assert_prompt(client, *words):
    begin = time.monotonic()
    reply = client.call(*words)
    assert time.monotonic() - begin < PROMPT_S, f"{words[0]} took {time.monotonic() - begin:.3f} s"
    return reply


@test
def an_empty_log_begins_with_an_empty_base():
    connect()
    assert manifest() == ["file appendonly.aof.1.base.aof seq 1 type b", "file appendonly.aof.1.incr.aof seq 1 type i"]


@test
def flush_sleep_holds_back_replies_to_writes_only():
    client, other = connect(), connect()
    client.call("SET", "quick", "1")
    begin = time.monotonic()
    slow_writer(client)
    assert assert_prompt(other, "GET", "quick") == b"1"
    assert client.read() == b"+OK"
    assert time.monotonic() - begin > 1
    assert client.call("DEBUG", "AOF-FLUSH-SLEEP", 0) == b"+OK"
    assert client.call("DEBUG", "AOF-FLUSH-SLEEP", -1).startswith(b"-ERR")


@test
def switching_off_makes_nobody_wait():
    client, other = connect(), connect()
    slow_writer(client)
    assert assert_prompt(other, "CONFIG", "SET", "appendonly", "no") == b"+OK"
    assert assert_prompt(other, "SET", "in", "memory") == b"+OK"
    assert info(other, "aof_enabled") == "0"
    assert client.read() == b"+OK"
    assert assert_prompt(other, "CONFIG", "SET", "appendonly", "yes") == b"+OK"
    await_rewrite(other)
    assert info(other, "aof_enabled") == "1"
    SERVER.kill()
    SERVER.start()
    assert connect().call("MGET", "in", "held") == [b"memory", b"back"]


@test
def a_transaction_may_switch_and_rewrite():
    client = connect()
    requests = [("MULTI",), ("SET", "t", "1"), ("BGREWRITEAOF",), ("CONFIG", "SET", "appendonly", "no"),
                ("SET", "t", "2"), ("CONFIG", "SET", "appendonly", "yes"), ("SET", "t", "3"), ("EXEC",)]
    client.socket.sendall(b"".join(encode(*words) for words in requests))
    replies = [client.read() for _ in requests]
    assert replies[-1] == [b"+OK", b"+Background append only file rewriting scheduled"] + [b"+OK"] * 4, replies[-1]
    await_rewrite(client)
    requests = [("MULTI",), ("CONFIG", "SET", "appendonly", "no"), ("SET", "t", "4"), ("EXEC",)]
    for words in requests:
        client.call(*words)
    requests = [("MULTI",), ("SET", "t", "5"), ("CONFIG", "SET", "appendonly", "yes"), ("SET", "t", "6"), ("EXEC",)]
    for words in requests:
        client.call(*words)
    await_rewrite(client)
    SERVER.kill()
    SERVER.start()
    assert connect().call("GET", "t") == b"6"


@test
def reloading_makes_only_who_asked_wait():
    client, other, held = connect(), connect(), connect()
    client.call("SET", "kept", "1")
    slow_writer(held)
    client.send("DEBUG", "LOADAOF")
    time.sleep(0.05)
    assert assert_prompt(other, "CONFIG", "GET", "port")[0] == b"port"
    assert assert_prompt(other, "SET", "kept", "2").startswith(b"-LOADING")
    assert assert_prompt(other, "DEBUG", "RELOAD").startswith(b"-ERR")
    assert held.read() == b"+OK"
    assert client.read() == b"+OK"
    assert client.call("MGET", "kept", "held") == [b"1", b"back"]
    assert client.call("MULTI") == b"+OK"
    client.call("DEBUG", "LOADAOF")
    assert client.call("EXEC")[0].startswith(b"-ERR")
    # Whoever asked may go away.
    gone = connect()
    gone.send("DEBUG", "RELOAD")
    gone.close()
    end = time.monotonic() + testing.PATIENCE_S
    while client.call("SET", "kept", "3") != b"+OK":
        assert time.monotonic() < end
    assert client.call("GET", "kept") == b"3"


@test
def rewriting_without_a_log_leaves_a_base():
    client = connect()
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    client.call("SET", "once", "1")
    reply = client.call("BGREWRITEAOF")
    assert b"started" in reply or b"scheduled" in reply, reply
    await_rewrite(client)
    end = time.monotonic() + testing.PATIENCE_S
    while len(os.listdir(FILES)) != 2:
        assert time.monotonic() < end, os.listdir(FILES)
        time.sleep(0.01)
    assert len(manifest()) == 1 and manifest()[0].endswith("type b"), manifest()
    client.call("SET", "once", "2")
    assert client.call("DEBUG", "RELOAD").startswith(b"-ERR")
    assert client.call("DEBUG", "LOADAOF") == b"+OK"
    assert client.call("GET", "once") == b"1"
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    await_rewrite(client)
    assert [line.split()[-1] for line in manifest()] == ["b", "i"]


@test
def large_values_are_rewritten_as_they_were():
    client, other = connect(), connect()
    large = bytes(range(256)) * (32 << 12)  # 32 MiB
    for key in "kept", "changed", "gone":
        assert client.call("SET", key, large) == b"+OK"
    assert client.call("PEXPIREAT", "kept", 99999999999999) == 1
    rewrites = int(info(client, "aof_rewrites"))
    assert b"started" in client.call("BGREWRITEAOF")
    await_snapshot()
    assert other.call("APPEND", "changed", "more") == len(large) + 4
    assert other.call("DEL", "gone") == 1
    assert other.call("SET", "kept small", "1") == b"+OK"
    await_rewrite(client)
    assert int(info(client, "aof_rewrites")) == rewrites + 1
    assert client.call("DEBUG", "LOADAOF") == b"+OK"
    assert client.call("GET", "kept") == large and client.call("PEXPIRETIME", "kept") == 99999999999999
    assert client.call("GET", "changed") == large + b"more" and client.call("EXISTS", "gone") == 0
    assert client.call("GET", "kept small") == b"1"
    assert client.call("FLUSHALL") == b"+OK"


@test
def frequent_flushes_do_not_starve_a_rewrite():
    client = connect()
    for i in range(300):
        client.call("SET", f"old:{i}", i)
    assert client.call("CONFIG", "SET", "rdb-key-save-delay", 1000) == b"+OK"
    rewrites = int(info(client, "aof_rewrites"))
    testing.begin_rewrite(client)
    await_snapshot()
    flushes, end = 0, time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_rewrite_in_progress") == "1":
        assert time.monotonic() < end, "the rewrite does not end"
        client.call("FLUSHALL")
        client.call("SET", "new", flushes)
        flushes += 1
    assert flushes > 10, flushes
    assert int(info(client, "aof_rewrites")) == rewrites + 1
    client.call("CONFIG", "SET", "rdb-key-save-delay", 0)
    with open(f"{FILES}/" + manifest()[0].split()[1], "rb") as f:
        base = f.read()
    assert all(b"\r\nold:%d\r\n" % i in base for i in range(300)), "the base is not as of one instant"
    SERVER.kill()
    SERVER.start()
    client = connect()
    assert client.call("KEYS", "*") == [b"new"] and client.call("GET", "new") == b"%d" % (flushes - 1)


@test
def a_rewrite_ends_with_the_log():
    client = connect()
    for i in range(100):
        client.call("SET", f"k:{i}", i)
    client.call("CONFIG", "SET", "rdb-key-save-delay", 10000000)
    testing.begin_rewrite(client)
    assert client.call("BGREWRITEAOF") == b"-ERR Background append only file rewriting already in progress"
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_rewrite_in_progress") != "0":
        assert time.monotonic() < end
    assert "Killing the running AOF rewrite" in log_text()
    assert info(client, "aof_last_bgrewrite_status") == "err"
    client.call("CONFIG", "SET", "rdb-key-save-delay", 0)


@test
def switching_on_waits_for_what_a_rewrite_left():
    client = connect()
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    await_rewrite(client)
    assert client.call("DEBUG", "POPULATE", 200000) == b"+OK"
    assert client.call("CONFIG", "SET", "rdb-key-save-delay", 10000000) == b"+OK"
    testing.begin_rewrite(client)
    requests = [("CONFIG", "SET", "appendonly", "no"), ("PING",), ("CONFIG", "SET", "rdb-key-save-delay", 0),
                ("CONFIG", "SET", "appendonly", "yes")]
    for words in requests:
        client.call(*words)
    await_rewrite(client)
    assert info(client, "aof_enabled") == "1"
    assert "cannot be switched on" not in log_text()
    assert client.call("FLUSHALL") == b"+OK"


@test
def who_waits_for_room_in_a_log_does_not_when_it_is_switched_off():
    client, held, admin = connect(), connect(), connect()
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    await_rewrite(client)
    assert admin.call("DEBUG", "AOF-FLUSH-SLEEP", 20000000) == b"+OK"
    much = encode("SET", "much", b"m" * (16 * 1024 * 1024))
    for _ in range(17):  # more than WRITER_KEPT_BYTES_MAX
        client.socket.sendall(much)
    end = time.monotonic() + testing.PATIENCE_S
    while int(info(admin, "aof_buffer_length")) <= 256 * 1024 * 1024:
        assert time.monotonic() < end
        time.sleep(0.01)
    held.send("SET", "held", "back")
    time.sleep(0.1)
    assert admin.call("EXISTS", "held") == 0
    begin = time.monotonic()
    assert admin.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    assert held.read() == b"+OK"
    assert time.monotonic() - begin < PROMPT_S
    SERVER.kill()
    SERVER.start()


@test
def a_pipeline_is_logged_from_where_the_log_is_switched_on():
    off = testing.Server(folder="later")
    client = testing.connect(off)
    requests = [("SET", "before", "1"), ("CONFIG", "SET", "appendonly", "yes"), ("SET", "behind", "2")]
    client.socket.sendall(b"".join(encode(*words) for words in requests))
    assert [client.read() for _ in requests] == [b"+OK"] * 3
    assert client.call("WAITAOF", 1, 0, testing.PATIENCE_S * 1000) == [1, 0]
    off.kill()
    on = testing.Server("--appendonly", "yes", folder="later")
    assert testing.connect(on).call("MGET", "before", "behind") == [b"1", b"2"]
    on.kill()


@test
def waitaof_goes_by_the_log_that_there_is():
    client, other = connect(), connect()
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    await_rewrite(client)
    assert client.call("FLUSHALL") == b"+OK"
    for i in range(10):
        client.call("SET", f"k{i}", "x" * 1000)  # up to a position that the next log does not reach
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    assert client.call("WAITAOF", 1, 0, 0).startswith(b"-ERR WAITAOF cannot be used")
    assert client.call("CONFIG", "SET", "rdb-key-save-delay", 200000) == b"+OK"
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    await_field(client, "aof_position")
    for each in client, other:  # what they have written, or not, is in no file yet
        assert each.call("WAITAOF", 1, 0, 100) == [0, 0]
    other.send("WAITAOF", 1, 0, testing.PATIENCE_S * 1000)
    assert client.call("CONFIG", "SET", "rdb-key-save-delay", 0) == b"+OK"
    assert client.call("WAITAOF", 1, 0, testing.PATIENCE_S * 1000) == [1, 0]
    assert other.read() == [1, 0]
    assert client.call("WAITAOF", 1, 1, 50) == [1, 0]  # there are no replicas
    await_rewrite(client)


@test
def rewrites_that_fail_are_tried_again_less_and_less_often():
    client = connect()
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    await_rewrite(client)
    in_the_way = f"{FILES}/temp-rewriteaof-{SERVER.process.pid}.aof"
    os.mkdir(in_the_way)
    assert client.call("CONFIG", "SET", "auto-aof-rewrite-min-size", 0, "auto-aof-rewrite-percentage", 1) == b"+OK"
    client.call("MSET", *[word for i in range(1000) for word in (f"grown:{i}", "g" * 100)])
    begin = time.monotonic()
    while int(info(client, "aof_rewrites_consecutive_failures")) < 3:
        assert time.monotonic() < begin + testing.PATIENCE_S
        time.sleep(0.01)
    assert time.monotonic() > begin + 0.5  # the first one waits for 200 ms, the next one for 400
    assert len(manifest()) == 2, manifest()  # what failed left nothing
    os.rmdir(in_the_way)
    end = time.monotonic() + testing.PATIENCE_S
    while info(client, "aof_rewrites_consecutive_failures") != "0":
        assert time.monotonic() < end, manifest()
        time.sleep(0.05)
    assert len(manifest()) == 2, manifest()
    assert client.call("CONFIG", "SET", "auto-aof-rewrite-percentage", 0) == b"+OK"


@test
def options_of_redis_for_bases_are_taken():
    client = connect()
    assert client.call("CONFIG", "SET", "aof-use-rdb-preamble", "yes") == b"+OK"
    assert client.call("CONFIG", "GET", "aof-use-rdb-preamble") == [b"aof-use-rdb-preamble", b"yes"]
    assert "bases are written as commands all the same" in log_text()


testing.run(SERVER)
