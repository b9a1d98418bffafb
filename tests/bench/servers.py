"""The servers that are measured: found, started on a CPU of their own, asked, watched and stopped."""

import ctypes
import mmap
import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import time

SERVER_CPU, LOAD_CPU = 0, 1
PATIENCE_S = 60
TURNS = struct.Struct("3Q")  # struct loop_turns of tests/shim/loop_shim.c
PEERS = {"redis": "redis-server", "valkey": "valkey-server"}  # as they are called on PATH
FLOOR = "floor"
DISK_SYNC = 1 << 2  # enum disk_call of tests/shim/disk_shim.h


class Failed(Exception):
    """A server or a load generator did not do what it should; the text says what."""


def pin(cpu, first=False):
    """For Popen's preexec_fn: the child stays on one CPU, where there are two; `first`: ahead of other programs, where
    that is permitted."""
    def in_child():
        if len(os.sched_getaffinity(0)) > 1:
            os.sched_setaffinity(0, {cpu})
        if first and os.geteuid() == 0:
            os.setpriority(os.PRIO_PROCESS, 0, -20)
    return in_child


def find(build, peers):
    """{name: command} of all servers: Corsac first, then those of `peers` ("name=command ...") and of PATH."""
    commands = {"corsac": os.path.join(build, "corsac")}
    for spec in shlex.split(peers):
        name, found, command = spec.partition("=")
        if not found:
            raise Failed(f"PEERS: {spec}: name=command is expected")
        commands[name] = command
    for name, program in PEERS.items():
        path = shutil.which(program)
        if path and name not in commands:
            commands[name] = path
    return commands


def version(command):
    """What the server says of itself, on one line."""
    program, *options = shlex.split(command)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return " ".join([said.stdout.strip() or program, *options])


class Server:
    """One running server. Redis-style options are appended to its command; its files lie in `folder`/NAME."""

    def __init__(self, name, command, folder, port, *options, aof="no", watch=None, environ=None):
        self.name, self.port = name, port
        self.folder = os.path.join(folder, f"{name}-{port}")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        # No rewrite by itself: it would come at another moment in each server, and is measured on its own.
        self.command = [*shlex.split(command), "--port", str(port), "--dir", self.folder, "--save", "",
                        "--bind", "127.0.0.1", "--enable-debug-command", "yes",
                        "--auto-aof-rewrite-percentage", "0",
                        "--appendonly", "no" if aof == "no" else "yes", *options]
        if aof != "no":
            self.command += ["--appendfsync", aof]
        self.environment = {**os.environ, **(environ or {})}
        self.turns = None
        if watch:
            self.watch_turns(watch)
        self.process = None
        self.start()

    def start(self, ready=("PING",)):
        """Starts it, anew on the same files. Returns the seconds until it answered `ready` without an error."""
        begin = time.monotonic()
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment,
                                            preexec_fn=pin(SERVER_CPU, first=self.turns is not None))
        while True:
            try:
                if not self.call(*ready).startswith(b"-"):
                    return time.monotonic() - begin
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() - begin > PATIENCE_S:
                self.process.kill()
                raise Failed(f"{self.name} does not start; its log: {self.folder}/log")
            time.sleep(0.005)

    def call(self, *words):
        """One command over a connection of its own; the first bytes of its reply, or -ERR ... as they are."""
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as s:
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            return s.recv(1 << 16)

    def must(self, *words):
        """call(), where an error ends the benchmark."""
        reply = self.call(*words)
        if reply.startswith(b"-") or not reply:
            raise Failed(f"{self.name} answers {words[0]} with {reply[:200]!r}")
        return reply

    def info(self, section, field):
        """A field of INFO; None: it has none of that name."""
        for line in self.must("INFO", section).decode().splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1]
        return None

    def cpu_ns(self):
        """CPU time of all its threads, user and system."""
        folder = f"/proc/{self.process.pid}/task"
        total = 0
        for thread in os.listdir(folder):
            with open(f"{folder}/{thread}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
        return total

    def resident_bytes(self):
        """Resident memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise Failed(f"{self.name} has ended")

    def clear_peak(self):
        """From here on peak_bytes() is of what follows."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")

    def peak_bytes(self):
        """The most resident memory that there was."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:"))

    def watch_turns(self, shim):
        """Before start(): the turns of its event loop are timed by a preloaded library, loop_shim.c."""
        path = os.path.join(self.folder, "turns")
        with open(path, "wb") as f:
            f.write(bytes(TURNS.size))
        with open(path, "r+b") as f:
            self.turns = mmap.mmap(f.fileno(), TURNS.size)
        self.environment.update(LD_PRELOAD=shim, LOOP_SHIM_FILE=path)

    def longest_turn_us(self):
        """(CPU time, wall time) of the longest turns since the last call."""
        _, cpu_ns, wall_ns = TURNS.unpack(self.turns[:])
        self.turns[:] = bytes(TURNS.size)
        return cpu_ns / 1000, wall_ns / 1000

    def wait_until(self, section, field, value):
        """Until INFO's field has that value."""
        until = time.monotonic() + PATIENCE_S
        while self.info(section, field) != value:
            if time.monotonic() > until:
                raise Failed(f"{self.name}: {field} does not become {value}")
            time.sleep(0.02)

    def begin_rewrite(self):
        """BGREWRITEAOF, once the server is done with the one before."""
        until = time.monotonic() + PATIENCE_S
        while self.call("BGREWRITEAOF").startswith(b"-"):
            if time.monotonic() > until:
                raise Failed(f"{self.name} does not begin to rewrite")
            time.sleep(0.01)

    def stop(self, keep=False):
        """Ends it and removes its files, unless they are to be kept for another start."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


class Bench:
    """What every part needs: the servers' commands, the tools, a folder, and where figures go."""

    def __init__(self, build, commands, quick, rounds, folder=None):
        self.tools = os.path.join(build, "release", "tests", "bench")
        shims = os.path.join(build, "release", "tests", "shim")
        self.shim = os.path.join(shims, "loop_shim.so")
        self.disk_shim = os.path.join(shims, "disk_shim.so")
        self.folder = folder or os.path.join(build, "bench", "data")
        self.commands, self.quick, self.rounds = commands, quick, rounds
        self.figures = {}  # {(part, figure): {server: value}}
        self.units = {}
        self.last_fill_s = 0.0
        self.next_port = 21000 + os.getpid() % 8000
        os.makedirs(self.folder, exist_ok=True)

    def slow_disk(self, sync_us):
        """The environment of servers whose files, below this folder, take so long to sync."""
        control = os.path.join(self.folder, "disk_control")
        library = ctypes.CDLL(self.disk_shim)
        library.disk_control_open.restype = ctypes.c_void_p
        disk = library.disk_control_open(control.encode(), self.folder.encode(), self.folder.encode())
        library.disk_control_delay(ctypes.c_void_p(disk), DISK_SYNC, sync_us)
        return {"LD_PRELOAD": self.disk_shim, "DISK_SHIM": control}

    def server(self, name, *options, aof="no", watch=False, environ=None):
        """Starts a server by its name, or the floor; `watch`: with the turns of its loop timed."""
        while True:
            self.next_port += 1
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.next_port)) != 0:
                    break
        command = os.path.join(self.tools, FLOOR) if name == FLOOR else self.commands[name]
        return Server(name, command, self.folder, self.next_port, *options, aof=aof,
                      watch=self.shim if watch else None, environ=environ)

    def put(self, part, figure, unit, server, value, show=True):
        """Records a figure of a server, and shows that something goes on."""
        if show:
            print(f"    {server:8} {figure}: {value:,.4g} {unit}", file=sys.stderr, flush=True)
        self.figures.setdefault((part, figure), {})[server] = value
        self.units[part, figure] = unit

    def get(self, part, figure, server):
        """A recorded figure; None: it was not measured."""
        return self.figures.get((part, figure), {}).get(server)

    def run(self, *command, timeout=300):
        """A load generator, on its CPU; its output."""
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout,
                              preexec_fn=pin(LOAD_CPU), check=False)
        if done.returncode:
            raise Failed(f"{' '.join(map(str, command))}: {done.stderr[:500] or done.stdout[:500]}")
        return done.stdout

    def fill(self, server, first, count, value_bytes, *options):
        """Stores keys by number, see fill.c; last_fill_s is how long it took."""
        begin = time.monotonic()
        self.run(os.path.join(self.tools, "fill"), server.port, first, count, value_bytes, *options)
        self.last_fill_s = time.monotonic() - begin

    def load(self, server, test, requests, pipeline, *, clients=50, keys=1000000, value_bytes=16):
        """redis-benchmark's test against a server. Returns (nanoseconds of the server's CPU a request, requests a
        second)."""
        return self.load_words(server, (), requests, pipeline, clients=clients, keys=keys,
                               options=("-t", test, "-d", value_bytes))

    def load_words(self, server, words, requests, pipeline, *, clients=50, keys=1000000, options=()):
        """The same with a request of its own."""
        before = server.cpu_ns()
        said = self.run("redis-benchmark", "-p", server.port, "-n", requests, "-P", pipeline, "-c", clients, "-r", keys,
                        *options, "--csv", *words)
        spent = server.cpu_ns() - before
        rows = [r for r in said.splitlines() if r.startswith('"') and not r.startswith('"test"')]
        if not rows:
            raise Failed(f"redis-benchmark says nothing of {server.name}: {said[:300]}")
        return spent / requests, float(rows[-1].split(",")[1].strip('"'))
