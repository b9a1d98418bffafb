"""What the Python tests share: a server of their own, and TAP."""

import fnmatch
import os
import socket
import subprocess
import sys
import time
import traceback

PATIENCE_S = 60  # for what comes in a moment on an idle machine
TESTS = []


class Skip(Exception):
    """Raised by a test that cannot be run, with the reason."""


def test(function):
    """Marks a function as a test; its name is what it tests."""
    TESTS.append(function)
    return function


class Server:
    """CORSAC_BIN, or another `program`, at a free port, in ./server; killed with the object. `executable`: the file,
    where the program goes by another name. Each start adds `environ` to the environment."""

    def __init__(self, *options, program=None, executable=None, folder="server", environ=None):
        os.makedirs(folder, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.log_path = f"{folder}.log"
        self.executable = executable
        self.command = [program or os.environ["CORSAC_BIN"], "--port", str(self.port), "--dir", folder,
                        "--save", "", "--appendonly", "no", *options]
        self.environ = environ or {}
        self.process = None
        self.start()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, executable=self.executable, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **self.environ})

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read()

    def stop(self):
        """Ends it; returns its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def encode(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Client:
    """A connection that reads replies one by one."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.replies = self.socket.makefile("rb")

    def send(self, *words):
        self.socket.sendall(encode(*words))

    def read(self):
        line = self.replies.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            data = self.replies.read(size + 2)
            if len(data) < size + 2:
                raise EOFError
            return data[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return line[:-2] if kind in b"+-" else int(rest)

    def call(self, *words):
        self.send(*words)
        return self.read()

    def close(self):
        self.replies.close()
        self.socket.close()


def connect(server):
    """A client of a server that has loaded its data."""
    end = time.monotonic() + PATIENCE_S
    while True:
        assert server.process.poll() is None, f"the server ended: {server.log()[-2000:].decode(errors='replace')}"
        try:
            client = Client(server.port)
            if client.call("EXISTS", "x") in (0, 1):
                return client
            client.close()
        except (OSError, EOFError):
            pass
        assert time.monotonic() < end, "the server does not serve"
        time.sleep(0.002)


class Refused(Exception):
    """A read was, as the log has a fault."""


def _taken(reply):
    if isinstance(reply, bytes) and reply.startswith(b"-MISCONF"):
        raise Refused(reply)
    return reply


# How a value of a type is read whole, and what a model has for the reply.
READS = {b"+string": (("GET",), lambda reply: reply), b"+set": (("SMEMBERS",), frozenset),
         b"+list": (("LRANGE", 0, -1), list),
         b"+hash": (("HGETALL",), lambda reply: tuple(sorted(zip(reply[::2], reply[1::2])))),
         b"+zset": (("ZRANGE", 0, -1, "WITHSCORES"), lambda reply: dict(zip(reply[::2], map(float, reply[1::2]))))}


def contents(client, databases):
    """{database: {key: (data, PEXPIRETIME)}} of a server; leaves the client in the last one."""
    found = {}
    for db in databases:
        client.call("SELECT", db)
        keys = _taken(client.call("KEYS", "*"))
        client.socket.sendall(b"".join(encode("TYPE", key) for key in keys))
        types = [(key, _taken(client.read())) for key in keys]
        reads = [(key, *READS[kind]) for key, kind in types if kind != b"+none"]  # gone meanwhile
        client.socket.sendall(b"".join(encode(words[0], key, *words[1:]) + encode("PEXPIRETIME", key)
                                       for key, words, _ in reads))
        values = []
        for key, _, made in reads:
            data = _taken(client.read())
            values.append((key, (made(data) if data else data, client.read())))
        found[db] = {key: value for key, value in values if value[0] is not None and value[1] != -2}
    return found


def await_rewrite(client):
    """Waits until no rewrite is under way. True: the last one went well."""
    end = time.monotonic() + PATIENCE_S
    while info(client, "aof_rewrite_in_progress") != "0":
        assert time.monotonic() < end, "the rewrite does not end"
        time.sleep(0.01)
    return info(client, "aof_last_bgrewrite_status") == "ok"


def begin_rewrite(client):
    end = time.monotonic() + PATIENCE_S
    while not client.call("BGREWRITEAOF").startswith(b"+Background"):  # started or scheduled
        assert time.monotonic() < end, "no rewrite begins"  # one that began by itself comes first
        time.sleep(0.01)
    while info(client, "aof_rewrite_scheduled") != "0":  # the last one is still being tidied up
        assert time.monotonic() < end, "no rewrite begins"
        time.sleep(0.001)


def rewrite(client):
    begin_rewrite(client)
    assert await_rewrite(client), "the rewrite failed"


def info(client, field):
    """A field of the persistence section."""
    for line in client.call("INFO", "persistence").splitlines():
        if line.startswith(field.encode() + b":"):
            return line.split(b":", 1)[1].decode()
    return None


def await_writable(client):
    """Waits until the log has no fault."""
    end = time.monotonic() + PATIENCE_S
    while info(client, "aof_last_write_status") != "ok":
        assert time.monotonic() < end, "the log's fault does not end"
        time.sleep(0.01)


def run(server):
    """Runs all tests, then stops the server; ends the program."""
    failed = 0
    pattern = os.environ.get("TEST_NAME", "*")
    TESTS[:] = [function for function in TESTS if fnmatch.fnmatchcase(function.__name__, pattern)]
    if not TESTS:
        server.kill()
        sys.exit(0)  # of that name
    print(f"1..{len(TESTS) + 1}")
    for number, function in enumerate(TESTS, 1):
        what = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {what}")
        except Skip as why:
            print(f"ok {number} - {what} # SKIP {why}")
        except Exception:  # pylint: disable=broad-except; whatever went wrong, the others are run
            failed += 1
            print(f"not ok {number} - {what}")
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        sys.stdout.flush()
    try:
        status = server.stop()
    except subprocess.TimeoutExpired:
        status = "none, in time"
    print(f"{'ok' if status == 0 else 'not ok'} {len(TESTS) + 1} - the server ends with exit status 0")
    if status != 0:
        print(f"# but it is: {status}")
    sys.exit(1 if failed or status != 0 else 0)
