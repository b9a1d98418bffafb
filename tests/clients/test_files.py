#!/usr/bin/python3
"""What may lie in the directory of the append-only file, and what a start makes of it."""

import ctypes
import os
import shutil
import subprocess
import time

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
    plain_log(SET_A, command("JSON.SET", "l", "x"), SET_B)
    assert_refused("Unknown command 'JSON.SET' reading the append only file", f"{FILES}/{INCR}, at offset {len(SET_A)}")
    for options in (), ("--fix",):
        before = contents()
        status, text = check(*options)
        assert status == 1 and f"unknown command 'JSON.SET' at offset {len(SET_A)}" in text, text
        assert "is damaged" not in text and contents() == before, text


@test
def a_command_that_fails_is_named():
    plain_log(SET_A, command("RENAME", "nosuch", "b"), SET_B)
    assert_refused("ERR no such key", f"{FILES}/{INCR}", f"at offset {len(SET_A)}, 'RENAME'")


# --- without a manifest -------------------------------------------------------------------------


def small_log():
    """A server's own files, with a base that holds a key and an increment that holds another."""
    begin_anew()
    client = testing.connect(start())
    client.call("SET", "base", "1")
    testing.rewrite(client)
    client.call("SET", "incr", "2")
    Current.server.stop()


@test
def a_lost_manifest_stops_the_start_and_can_be_made_again():
    small_log()
    whole = read(MANIFEST)
    os.remove(MANIFEST)
    assert_refused("has no appendonly.aof.manifest, but holds appendonly.aof.2.base.aof (", "appendonly.aof.2.incr.aof (",
                   f"`corsac --check-aof {os.path.abspath(FILES)} --rebuild-manifest`")
    status, text = check()
    assert status == 2 and "--rebuild-manifest makes it again" in text, text
    status, text = check("--rebuild-manifest")
    assert status == 0 and "names 2 files" in text, text
    assert read(MANIFEST) == whole
    assert testing.connect(start()).call("MGET", "base", "incr") == [b"1", b"2"]
    Current.server.stop()
    status, text = check("--rebuild-manifest")
    assert status == 1 and "is there and can be read. Nothing was changed" in text, text


@test
def a_manifest_that_cannot_be_read_is_kept():
    small_log()
    write(MANIFEST, b"nonsense")
    assert_refused("line 1 of the manifest")
    status, text = check("--rebuild-manifest", path=MANIFEST)
    assert status == 0, text
    assert read(MANIFEST + ".tail-0") == b"nonsense"
    assert testing.connect(start()).call("DBSIZE") == 2


@test
def positions_tell_what_a_base_holds():
    small_log()
    client = testing.connect(start("--aof-disable-auto-gc", "yes"))
    client.call("SET", "more", "3")
    testing.rewrite(client)
    client.call("DEL", "base")
    Current.server.stop()
    os.remove(MANIFEST)
    assert len([name for name in contents() if ".base." in name]) == 2, contents().keys()
    status, text = check("--rebuild-manifest")
    assert status == 0, text
    assert testing.connect(start()).call("MGET", "base", "incr", "more") == [None, b"2", b"3"]


@test
def what_is_in_doubt_is_not_rebuilt():
    def refused(word, **files):
        begin_anew()
        for name, data in files.items():
            write(f"{FILES}/a.{name[1:]}.{'base' if name[0] == 'b' else 'incr'}.aof", data)
        before = contents()
        status, text = check("--rebuild-manifest")
        assert status == 1 and word in text and contents() == before, text
    refused("several bases", b1=SET_A, b2=SET_A, i1=SET_B)
    refused("a number is missing", b1=SET_A, i1=SET_B, i3=SET_B)
    refused("no base", i2=SET_B)
    refused("do not go together", b1=SET_A[:-1], i1=SET_B)
    refused("do not go together", i1=command("JSON.SET", "l", "x"))
    begin_anew()
    os.makedirs(FILES)
    status, text = check("--rebuild-manifest")
    assert status == 1 and "no files of a log" in text, text
    write(f"{FILES}/a.1.base.aof", SET_A)
    write(f"{FILES}/b.1.base.aof", SET_B)
    status, text = check("--rebuild-manifest")
    assert status == 1 and "several logs" in text, text
    status, text = check("--rebuild-manifest", path=f"{FILES}/a.manifest")
    assert status == 0 and read(f"{FILES}/a.manifest") == b"file a.1.base.aof seq 1 type b\n", text


@test
def a_torn_end_is_no_reason_not_to_rebuild():
    small_log()
    os.remove(MANIFEST)
    path = f"{FILES}/appendonly.aof.2.incr.aof"
    write(path, read(path)[:-1])
    status, text = check("--rebuild-manifest")
    assert status == 0 and "The last one ends as said above" in text, text
    assert testing.connect(start()).call("MGET", "base", "incr") == [b"1", b"2"]


@test
def nothing_is_written_over():
    small_log()
    os.remove(MANIFEST)
    before = contents()
    server = start("--appendonly", "no")
    client = testing.connect(server)
    client.call("SET", "other", "data")
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    testing.await_rewrite(client)
    after = contents()
    assert all(after[name] == data for name, data in before.items()), (before.keys(), after.keys())
    assert "holds files that appendonly.aof.manifest does not name" in server.log().decode()
    server.kill()
    server = start()
    assert testing.connect(server).call("MGET", "other", "base") == [b"data", None]
    assert "holds files that appendonly.aof.manifest does not name, and that are not loaded" in server.log().decode()


@test
def files_of_another_name_are_told_of():
    small_log()
    server = start("--appendfilename", "other.aof")
    assert testing.connect(server).call("DBSIZE") == 0
    assert "holds files of another appendfilename than other.aof" in server.log().decode()
    plain_log()
    server = start()
    testing.connect(server)
    assert f"{INCR}, which appendonly.aof.manifest names, is empty" in server.log().decode()


@test
def a_start_that_was_cut_off_is_no_log():
    """Killed before it named its first files: an empty base, whole or torn, and an empty increment."""
    small = File(0, 1700000000, base=True)
    small.text, small.batches = b"", 0
    small.batch(b"#TS:%020d\r\n#CORSAC:1\r\n#BASE\r\n#END batches=%020d\r\n" % (1700000000, 1))
    for length in (0, 1, 30, len(small.text) - 1, len(small.text)):
        begin_anew()
        write(f"{FILES}/appendonly.aof.1.base.aof", small.text[:length])
        write(f"{FILES}/{INCR}", b"")
        assert testing.connect(start()).call("DBSIZE") == 0, length
        assert read(MANIFEST).count(b"\n") == 2


# --- what is no file ------------------------------------------------------------------------------


def place(name, kind):
    path = f"{FILES}/{name}"
    if os.path.lexists(path):
        os.rename(path, f"{FOLDER}/moved")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    else:
        write(f"{FOLDER}/moved", b"") if not os.path.exists(f"{FOLDER}/moved") else None
        os.symlink("../moved", path)


@test
def only_files_are_loaded():
    for name in "appendonly.aof.2.base.aof", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest":
        for kind, why in ("fifo", "no regular file"), ("directory", "no regular file"), ("link", "a symbolic link"):
            small_log()
            place(name, kind)
            assert_refused(why, name)
            status, text = check()
            assert status != 0 and (why in text), text


@test
def what_is_no_file_is_not_written_to():
    for kind in "fifo", "link":
        begin_anew()
        os.makedirs(FILES)
        place("appendonly.aof.1.base.aof", kind)
        if kind == "fifo":
            assert_refused("has no appendonly.aof.manifest, but holds appendonly.aof.1.base.aof")
            continue
        os.remove(f"{FILES}/appendonly.aof.1.base.aof")
        place("temp-appendonly.aof.manifest", kind)
        client = testing.connect(start())
        client.call("SET", "a", "1")
        testing.rewrite(client)
        assert read(f"{FOLDER}/moved") == b""


@test
def an_old_file_that_is_a_link_is_not_taken_over():
    begin_anew()
    write(f"{FOLDER}/elsewhere", SET_A)
    os.makedirs(FILES)
    os.symlink("elsewhere", f"{FOLDER}/appendonly.aof")
    assert_refused("appendonly.aof", "a symbolic link")


@test
def a_link_to_the_directory_is_the_operators():
    begin_anew()
    os.makedirs(f"{FOLDER}/disk")
    os.symlink("disk", FILES)
    client = testing.connect(start())
    client.call("SET", "a", "1")
    testing.rewrite(client)
    Current.server.stop()
    assert os.path.exists(f"{FOLDER}/disk/appendonly.aof.manifest")
    assert testing.connect(start()).call("GET", "a") == b"1"


# --- manifests ------------------------------------------------------------------------------------


@test
def a_manifest_names_files_of_a_log():
    for line in (b"file appendonly.aof.manifest seq 1 type h\n", b"file temp-appendonly.aof.manifest seq 1 type h\n",
                 b"file temp-rewriteaof-7.aof seq 3 type i\n", b"file appendonly.aof.2.base.aof seq 2 type h\n",
                 b"file x seq 18446744073709551615 type i\n", b"file x seq 4611686018427387904 type i\n",
                 b"file ../x seq 3 type h\n"):
        small_log()
        write(MANIFEST, read(MANIFEST) + line)
        assert_refused("nvalid AOF manifest file format" if b"2.base" not in line else "named before")
        assert check()[0] == 1


@test
def the_last_number_can_be_loaded():
    small_log()
    last = 2**62 - 1
    write(MANIFEST, b"file appendonly.aof.2.base.aof seq 2 type b\nfile appendonly.aof.2.incr.aof seq %d type i\n" % last)
    client = testing.connect(start())
    assert client.call("DBSIZE") == 2
    client.call("SET", "more", "3")
    client.call("BGREWRITEAOF")
    Current.server.stop()
    assert b"seq %d type i" % last in read(MANIFEST)
    assert testing.connect(start()).call("DBSIZE") == 3


# --- files that lose their names ------------------------------------------------------------------


def keep_setting(client, until):
    """SETs until that is so; returns the keys that were acknowledged, and the errors."""
    acknowledged, errors = [], []
    end = time.monotonic() + testing.PATIENCE_S
    while not until(errors):
        assert time.monotonic() < end, errors[-1:]
        key = b"k%d" % len(acknowledged)
        reply = client.call("SET", key, "v")
        if reply == b"+OK":
            acknowledged.append(key)
        else:
            errors.append(reply)
        time.sleep(0.002)
    return acknowledged, errors


def is_whole(_=None):
    """The files that the manifest names are there, and are not those that were moved away."""
    text = Current.server.log()
    return b"is complete again: writes are taken" in text


def assert_mended(take_away, word):
    begin_anew()
    server = start("--appendfsync", "always")
    client = testing.connect(server)
    client.call("MSET", "a", "1", "b", "2")
    testing.rewrite(client)
    client.call("SET", "c", "3")
    take_away()
    begin = time.monotonic()
    acknowledged, errors = keep_setting(client, is_whole)
    assert time.monotonic() - begin < 5
    assert all(error.startswith(b"-MISCONF") and word in error for error in errors), errors
    assert word.split()[-1] in server.log().decode().lower().encode()
    while client.call("SET", "last", "4") != b"+OK":  # until the loop has heard of it
        assert time.monotonic() - begin < 5
    server.kill()
    client = testing.connect(start())
    assert client.call("MGET", "a", "b", "c", "last") == [b"1", b"2", b"3", b"4"]
    assert client.call("EXISTS", *acknowledged) == len(acknowledged) if acknowledged else True


@test
def a_directory_that_was_renamed_is_made_anew():
    assert_mended(lambda: os.rename(FILES, f"{FOLDER}/elsewhere"), b"the directory")


@test
def so_is_one_that_was_removed():
    assert_mended(lambda: shutil.rmtree(FILES), b"the directory")


@test
def a_file_that_was_removed_or_replaced_is_noticed():
    assert_mended(lambda: os.remove(f"{FILES}/appendonly.aof.2.incr.aof"), b"a file")
    assert_mended(lambda: os.remove(f"{FILES}/appendonly.aof.2.base.aof"), b"a file")

    def replace():
        shutil.copy(f"{FILES}/appendonly.aof.2.incr.aof", f"{FILES}/copy")
        os.rename(f"{FILES}/copy", f"{FILES}/appendonly.aof.2.incr.aof")
    assert_mended(replace, b"a file")


@test
def so_is_a_manifest():
    assert_mended(lambda: os.remove(MANIFEST), b"the manifest")


def exchange(one, other):
    """In one step: the server, which looks again and again, never finds the name free."""
    libc = ctypes.CDLL(None, use_errno=True)
    at_fdcwd, rename_exchange = -100, 2
    assert libc.renameat2(at_fdcwd, one.encode(), at_fdcwd, other.encode(), rename_exchange) == 0, ctypes.get_errno()


@test
def what_cannot_be_mended_is_a_fault():
    begin_anew()
    server = start("--appendfsync", "always")
    client = testing.connect(server)
    client.call("SET", "a", "1")
    os.rename(FILES, f"{FOLDER}/elsewhere")
    write(FILES, b"a file in the way")
    begin = time.monotonic()
    _, errors = keep_setting(client, lambda errors: errors)
    assert time.monotonic() - begin < 5  # noticed within a second; generous, for slow machines
    assert errors[0].startswith(b"-MISCONF Errors writing to the AOF file: the directory"), errors
    assert b"BGREWRITEAOF" in errors[0] and testing.info(client, "aof_last_write_status") == "err"
    assert client.call("SHUTDOWN").startswith(b"-ERR")
    shutil.copytree(f"{FOLDER}/elsewhere", f"{FOLDER}/another")
    exchange(f"{FOLDER}/another", FILES)  # another log: it is not removed
    before = contents()
    time.sleep(1)
    assert client.call("SET", "a", "2").startswith(b"-MISCONF")
    assert contents() == before
    shutil.rmtree(FILES)
    testing.begin_rewrite(client)
    testing.await_rewrite(client)
    keep_setting(client, is_whole)
    while client.call("SET", "a", "2") != b"+OK":
        time.sleep(0.01)
    server.kill()
    assert testing.connect(start()).call("GET", "a") == b"2"


# --- dir ------------------------------------------------------------------------------------------


@test
def the_directory_is_not_left_behind():
    begin_anew()
    os.makedirs(f"{FOLDER}/other")
    client = testing.connect(start("--enable-protected-configs", "yes"))
    client.call("SET", "a", "1")
    here, other = os.path.abspath(FOLDER), os.path.abspath(f"{FOLDER}/other")
    reply = client.call("CONFIG", "SET", "dir", other)
    assert reply.startswith(b"-ERR CONFIG SET failed") and f"is open in {here}: set appendonly to no".encode() in reply
    assert client.call("CONFIG", "SET", "dir", here) == b"+OK"
    assert client.call("CONFIG", "GET", "dir") == [b"dir", here.encode()]
    assert client.call("CONFIG", "SET", "appendonly", "no") == b"+OK"
    end = time.monotonic() + testing.PATIENCE_S
    while client.call("CONFIG", "SET", "dir", other) != b"+OK":  # until what was written is on disk
        assert time.monotonic() < end
        time.sleep(0.01)
    assert client.call("CONFIG", "SET", "appendonly", "yes") == b"+OK"
    testing.await_rewrite(client)
    assert os.path.exists(f"{other}/appendonlydir/appendonly.aof.manifest")
    Current.server.kill()
    assert testing.connect(start("--dir", other)).call("GET", "a") == b"1"


testing.run(Current)
