#!/usr/bin/python3
"""What may lie in the directory of the append-only file, and what a start makes of it."""

import os
import shutil
import subprocess

import server as testing
from aof_sample import File, command
from server import test

FOLDER = "server"
FILES = f"{FOLDER}/appendonlydir"
MANIFEST = f"{FILES}/appendonly.aof.manifest"
INCR = "appendonly.aof.1.incr.aof"


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Current:
    """The server of the test at hand."""

    server = None

    @classmethod
    def stop(cls):
        return cls.server.stop() if cls.server.process.poll() is None else 0


def begin_anew():
    if Current.server:
        Current.server.kill()
    shutil.rmtree(FOLDER, ignore_errors=True)
    if os.path.exists(f"{FOLDER}.log"):
        os.remove(f"{FOLDER}.log")


def start(*options):
    if Current.server:
        Current.server.kill()
    Current.server = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", *options,
                                    folder=FOLDER)
    return Current.server


def assert_refused(*words, options=()):
    """The start fails, the log has all of the words, and no file was changed."""
    before = contents()
    server = start(*options)
    assert server.process.wait(testing.PATIENCE_S) == 1, "it ended with status 0"
    text = server.log().decode(errors="replace")
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"
    assert contents() == before


def contents():
    return {name: read(f"{FILES}/{name}") for name in os.listdir(FILES) if os.path.isfile(f"{FILES}/{name}")}


def check(*options, path=FILES):
    done = subprocess.run([os.environ["CORSAC_BIN"], "--check-aof", path, *options], capture_output=True,
                          timeout=testing.PATIENCE_S, check=False)
    return done.returncode, done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")


def plain_log(*commands):
    begin_anew()
    write(f"{FILES}/{INCR}", b"".join(commands))
    write(MANIFEST, b"file %s seq 1 type i\n" % INCR.encode())


def sealed_log(*batches):
    begin_anew()
    increment = File(0, 1700000000)
    for batch in batches:
        increment.batch(b"", *batch)
    write(f"{FILES}/{INCR}", increment.text)
    write(MANIFEST, b"file %s seq 1 type i\n" % INCR.encode())


SET_A, SET_B = command("SET", "a", 1), command("SET", "b", 2)
NO_EFFECTS = [("QUIT",), ("WAIT", 1, 0), ("WAITAOF", 0, 0, 0), ("SHUTDOWN",), ("CONFIG", "SET", "maxclients", 1),
              ("CLIENT", "PAUSE", 10000), ("CLIENT", "KILL", "TYPE", "normal"), ("DEBUG", "SLEEP", 0), ("MONITOR",),
              ("SUBSCRIBE", "x"), ("PING",), ("GET", "a"), ("RESET",), ("CLIENT", "REPLY", "OFF"), ("BGREWRITEAOF",),
              ("EXEC",), ("DISCARD",), ("WATCH", "a")]


@test
def a_log_holds_effects_only():
    for words in NO_EFFECTS:
        name = words[0].lower()
        plain_log(SET_A, command(*words), SET_B)
        assert_refused("Bad file format reading the append only file", f"{FILES}/{INCR}", f"at offset {len(SET_A)}",
                       f"'{name}" if words[0] in ("CONFIG", "CLIENT") else f"'{words[0]}'")
        status, text = check()
        assert status == 1 and f"at offset {len(SET_A)}" in text and "is damaged" in text, text


@test
def what_is_sealed_is_no_exception():
    sealed_log([SET_A], [SET_B, command("QUIT")])
    assert_refused("Bad file format", "'QUIT'")
    status, text = check("--fix")
    assert status == 0 and "is cut to" in text, text
    assert testing.connect(start()).call("MGET", "a", "b") == [b"1", None]


@test
def transactions_are_whole():
    for commands in ([command("MULTI"), SET_A, command("MULTI"), SET_B, command("EXEC")], [SET_A, command("EXEC")]):
        plain_log(*commands)
        assert_refused("Bad file format", "transaction")
        assert check()[0] == 1
    sealed_log([SET_A, command("MULTI"), SET_B])
    assert_refused("Bad file format", "a transaction without an end")
    sealed_log([command("MULTI"), SET_A, SET_B, command("EXEC"), command("SELECT", 1), SET_A])
    assert check()[0] == 0
    assert testing.connect(start()).call("DBSIZE") == 2


@test
def damage_is_cut_where_it_begins():
    plain_log(SET_A, command("MULTI"), SET_B, command("QUIT"), command("EXEC"))
    status, text = check("--fix")
    assert status == 0 and f"is cut to {len(SET_A)} bytes" in text, text
    assert testing.connect(start()).call("MGET", "a", "b") == [b"1", None]


@test
def a_command_of_another_server_is_no_damage():
    plain_log(SET_A, command("RPUSH", "l", "x"), SET_B)
    assert_refused("Unknown command 'RPUSH' reading the append only file", f"{FILES}/{INCR}, at offset {len(SET_A)}")
    for options in (), ("--fix",):
        before = contents()
        status, text = check(*options)
        assert status == 1 and f"unknown command 'RPUSH' at offset {len(SET_A)}" in text, text
        assert "is damaged" not in text and contents() == before, text


@test
def a_command_that_fails_is_named():
    plain_log(SET_A, command("RENAME", "nosuch", "b"), SET_B)
    assert_refused("ERR no such key", f"{FILES}/{INCR}", f"at offset {len(SET_A)}, 'RENAME'")


testing.run(Current)
