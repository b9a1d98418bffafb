"""What `make bench` measures: one function for each part, which records its figures in a Bench.

Rounds are interleaved (A B A B) and their medians count, so that what else the machine does meets all servers alike.
"""

import json
import os
import re
import resource
import socket
import statistics
import subprocess
import time

import collections_parts
import http_parts
from running import Running, medians
from servers import FLOOR, LOAD_CPU, PATIENCE_S, pin

PIPELINES = (1, 16, 64, 256)
AOF_PIPELINES = {"everysec": (16, 64), "always": (1, 16)}
KEYS = 1000000
LOAD_KEYS = 5000000
MANY_KEYS = 20000000
REWRITE_KEYS = 2000000
LOAD_ALONE_S, LOOK_S, LOOKS_AN_ASK = 3, 0.002, 20
SLOW_SYNC_US, SLOW_READS_A_SECOND = 2000, 1000
LARGE = ((64 * 1024, 2000, "64 KiB"), (1024 * 1024, 100, "1 MiB"))  # bytes, keys, name
IDLE_CONNECTIONS, BUSY_CONNECTIONS = 9900, 100


def requests(pipeline, quick):
    """So many that each measurement takes about a second of CPU."""
    count = {1: 120000, 16: 1000000, 64: 2000000}.get(pipeline, 3000000)
    return count // 4 if quick else count


def pipelines(bench):
    """CPU and requests a second of GET and SET, at four depths of pipelining, and the floor's."""
    with Running() as running:
        servers = {name: running.start(bench, name) for name in [*bench.commands, FLOOR]}
        for name, server in servers.items():
            if name != FLOOR:
                bench.fill(server, 0, KEYS, 16)
        for pipeline in PIPELINES:
            for test in ("get", "set"):
                count = requests(pipeline, bench.quick)
                found = medians(bench.rounds, servers, lambda s: bench.load(s, test, count, pipeline))
                for name, (cpu_ns, rate) in found.items():
                    bench.put("pipelines", f"{test.upper()}, P={pipeline}: CPU a request", "ns", name, cpu_ns)
                    bench.put("pipelines", f"{test.upper()}, P={pipeline}: requests a second", "/s", name, rate)


def memory(bench):
    """Growth of resident memory for each key."""
    forever_ms = int(time.time() * 1000) + 1000 * 3600 * 1000
    shapes = (("16 B + 16 B", 16, ()), ("16 B + 16 B, with an expiry", 16, ("pxat", forever_ms)),
              ("16 B + 64 B", 64, ()))
    for figure, value_bytes, options in shapes:
        for name in bench.commands:
            with Running() as running:
                server = running.start(bench, name)
                before = server.resident_bytes()
                bench.fill(server, 0, KEYS, value_bytes, *options)
                time.sleep(0.5)  # whatever moves in the background has moved
                bench.put("memory", figure, "B/key", name, (server.resident_bytes() - before) / KEYS)


def aof(bench):
    """SET with an append-only file; under everysec also what it adds to the same server without one."""
    for policy, depths in AOF_PIPELINES.items():
        with Running() as running:
            logged = {name: running.start(bench, name, aof="everysec") for name in bench.commands}
            plain = {name: running.start(bench, name) for name in bench.commands if policy == "everysec"}
            for server in [*logged.values(), *plain.values()]:
                bench.fill(server, 0, KEYS, 16)
            for server in logged.values():
                server.must("CONFIG", "SET", "appendfsync", policy)
            for pipeline in depths:
                count = requests(pipeline, bench.quick)
                if policy == "always":
                    count //= 2

                def with_and_without(name):
                    cpu_ns, rate = bench.load(logged[name], "set", count, pipeline)
                    without_ns = bench.load(plain[name], "set", count, pipeline)[0] if plain else 0
                    return cpu_ns, rate, cpu_ns - without_ns

                found = medians(bench.rounds, {name: name for name in logged}, with_and_without)
                for name, (cpu_ns, rate, added_ns) in found.items():
                    figure = f"SET, {policy}, P={pipeline}"
                    bench.put("aof", f"{figure}: CPU a request", "ns", name, cpu_ns)
                    bench.put("aof", f"{figure}: requests a second", "/s", name, rate)
                    if plain:
                        bench.put("aof", f"{figure}: CPU that the file adds", "ns", name, added_ns)


def slow_sync(bench):
    """GET beside a client that sets other keys under `always`, on a disk whose sync takes 2 ms."""
    environ = bench.slow_disk(SLOW_SYNC_US)
    seconds = 2 if bench.quick else 5

    def read_beside_writes(server):
        writes = subprocess.Popen([os.path.join(bench.tools, "fill"), str(server.port), str(KEYS), str(KEYS), "16",
                                   "pipeline", "1"], stderr=subprocess.DEVNULL, preexec_fn=pin(LOAD_CPU))
        said = bench.run(os.path.join(bench.tools, "latency"), server.port, SLOW_READS_A_SECOND, seconds, 10, 1000, 0)
        writes.kill()
        writes.wait()
        return [json.loads(said.splitlines()[-1])[percentile] for percentile in ("p50", "p99")]

    with Running() as running:
        servers = {name: running.start(bench, name, aof="always", environ=environ) for name in bench.commands}
        for server in servers.values():
            bench.fill(server, 0, 1000, 16)
        for name, found in medians(bench.rounds, servers, read_beside_writes).items():
            for percentile, us in zip(("p50", "p99"), found):
                bench.put("slow_sync", f"GET beside SETs that wait for 2 ms: {percentile}", "us", name, us)


def loading(bench):
    """Seconds from the start until all keys are served, from a base that the server itself wrote."""
    keys = LOAD_KEYS // 10 if bench.quick else LOAD_KEYS
    with Running() as running:
        servers = {}
        for name in bench.commands:
            server = servers[name] = running.start(bench, name, aof="everysec")
            bench.fill(server, 0, keys, 64)
            server.must("BGREWRITEAOF")
            server.wait_until("persistence", "aof_rewrite_scheduled", "0")
            server.wait_until("persistence", "aof_rewrite_in_progress", "0")
            server.stop(keep=True)

        def start(server):
            seconds = server.start(ready=("DBSIZE",))
            assert server.must("DBSIZE") == b":%d\r\n" % keys, f"{server.name} has lost keys"
            server.stop(keep=True)
            return (seconds,)

        for name, (seconds,) in medians(bench.rounds, servers, start).items():
            bench.put("loading", f"{keys / 1e6:g} million keys of 16 B + 64 B", "s", name, seconds)


def large(bench):
    """Bytes for each second of the server's CPU, for values of 64 KiB and 1 MiB."""
    with Running() as running:
        servers = {name: running.start(bench, name) for name in bench.commands}
        for value_bytes, keys, figure in LARGE:
            count = keys * (4 if bench.quick else 20)
            for server in servers.values():
                server.must("FLUSHALL")
                with socket.create_connection(("127.0.0.1", server.port)) as s:
                    for number in range(keys):
                        s.sendall(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n"
                                  % (number, value_bytes, b"v" * value_bytes))
                        assert s.recv(64) == b"+OK\r\n"
                # As values that are read often: Corsac sends those another way, from the 17th time on.
                bench.load(server, "get", 2 * count, 1, clients=10, keys=keys, value_bytes=value_bytes)
            for test in ("get", "set"):
                found = medians(bench.rounds, servers, lambda s: bench.load(
                    s, test, count, 1, clients=10, keys=keys, value_bytes=value_bytes))
                for name, (cpu_ns, _) in found.items():
                    bench.put("large", f"{test.upper()} of {figure}", "MB/CPU s", name, value_bytes / cpu_ns * 1000)


def large_logged(bench):
    """SETs of large values with an append-only file: bytes for each second of CPU, and memory at the peak."""
    for value_bytes, keys, figure in LARGE:
        count = keys * (2 if bench.quick else 4)
        with Running() as running:
            servers = {name: running.start(bench, name, aof="everysec") for name in bench.commands}

            def measure(server):
                before = server.resident_bytes()
                server.clear_peak()
                cpu_ns, _ = bench.load(server, "set", count, 1, clients=10, keys=keys, value_bytes=value_bytes)
                return cpu_ns, server.peak_bytes() - before
            for server in servers.values():  # nearly all keys are there afterwards
                measure(server)
            for name, (cpu_ns, more) in medians(bench.rounds, servers, measure).items():
                bench.put("large_logged", f"SET of {figure}, everysec", "MB/CPU s", name, value_bytes / cpu_ns * 1000)
                bench.put("large_logged", f"SET of {figure}, everysec: memory at the peak", "MB", name, more / 1e6)


def peak_bytes(server, seconds, ended=lambda: False):
    """The most resident memory that was seen until then; asks `ended` now and then."""
    most, looks, until = 0, 0, time.monotonic() + seconds
    while time.monotonic() < until and not (looks % LOOKS_AN_ASK == LOOKS_AN_ASK - 1 and ended()):
        most = max(most, server.resident_bytes())
        looks += 1
        time.sleep(LOOK_S)
    return most


def rewriting(bench):
    """Memory that a rewrite takes while SETs come as fast as they are answered: Corsac only, as others fork."""
    with Running() as running:
        server = running.start(bench, "corsac", aof="everysec")
        empty = server.resident_bytes()
        bench.fill(server, 0, REWRITE_KEYS, 16)
        data = server.resident_bytes() - empty
        load = subprocess.Popen(
            ["redis-benchmark", "-p", str(server.port), "-t", "set", "-P", "16", "-c", "50", "-d", "16", "-q",
             "-r", str(REWRITE_KEYS), "-n", "1000000000"], stdout=subprocess.DEVNULL, preexec_fn=pin(LOAD_CPU))
        running.callback(load.wait)
        running.callback(load.kill)
        before = peak_bytes(server, LOAD_ALONE_S)  # with what the log takes under this load
        found = []
        for _ in range(bench.rounds):
            server.begin_rewrite()
            begin = time.monotonic()
            most = peak_bytes(server, PATIENCE_S, lambda: server.info("persistence", "aof_rewrite_in_progress") == "0")
            found.append(((most - before) / data * 100, time.monotonic() - begin))
        assert load.poll() is None, "the load ended early"
        bench.put("rewriting", "data set", "MB", "corsac", data / 1e6)
        bench.put("rewriting", "memory under load, over that of the data set", "%", "corsac",
                  (before - empty - data) / data * 100)
        bench.put("rewriting", "memory that a rewrite takes, at most, over that of the data set", "%", "corsac",
                  max(extra for extra, _ in found))
        bench.put("rewriting", "a rewrite", "s", "corsac", statistics.median(took for _, took in found))


def growth(bench):
    """CPU of a GET among 1 and among 20 million keys: Corsac only."""
    with Running() as running:
        server = running.start(bench, "corsac")
        have = 0
        for keys in (KEYS, MANY_KEYS // 10 if bench.quick else MANY_KEYS):
            bench.fill(server, have, keys - have, 16)
            have = keys
            time.sleep(0.5)
            found = medians(bench.rounds, {"corsac": server}, lambda s: bench.load(
                s, "get", requests(64, bench.quick), 64, keys=keys))
            bench.put("growth", f"GET, P=64, {keys // 1000000} million keys", "ns", "corsac", found["corsac"][0])


def connect_many(server, count):
    """Connections that do nothing, each known to be served."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    idle = []
    for _ in range(count):
        idle.append(socket.create_connection(("127.0.0.1", server.port)))
        idle[-1].sendall(b"PING\r\n")
        assert idle[-1].recv(16) == b"+PONG\r\n", f"{server.name} refuses connection {len(idle)}"
    return idle


def connections(bench):
    """CPU of a GET on 100 connections, alone and beside 9,900 that are idle."""
    for name in bench.commands:
        with Running() as running:
            servers = {idle: running.start(bench, name, "--maxclients", "11000") for idle in (0, IDLE_CONNECTIONS)}
            for server in servers.values():
                bench.fill(server, 0, KEYS // 10, 16)
            held = connect_many(servers[IDLE_CONNECTIONS], IDLE_CONNECTIONS)
            count = requests(1, bench.quick)
            found = medians(bench.rounds, servers, lambda s: bench.load(
                s, "get", count, 1, clients=BUSY_CONNECTIONS, keys=KEYS // 10))
            for idle, (cpu_ns, _) in found.items():
                figure = f"GET on {BUSY_CONNECTIONS} of {BUSY_CONNECTIONS + idle:,} connections"
                bench.put("connections", figure, "ns", name, cpu_ns)
            for connection in held:
                connection.close()


def store(bench):
    """GET and SET of the store alone, without network and protocol: what `make bench-store` prints."""
    said = bench.run(os.path.join(bench.tools, "bench_store"))
    for row in re.findall(r"^ *(\d+) M keys, (.*?) +([\d.]+) ns, in batches of (\d+) +([\d.]+) ns", said, re.MULTILINE):
        keys, operation, single_ns, batch, batched_ns = row
        bench.put("store", f"{operation} of {keys} M keys", "ns", "corsac", float(single_ns))
        bench.put("store", f"{operation} of {keys} M keys, in batches of {batch}", "ns", "corsac", float(batched_ns))


ALL = {part.__name__: part for part in (pipelines, memory, aof, slow_sync, loading, large, large_logged, rewriting, growth,
                                        connections, store)}
ALL.update(collections_parts.ALL)
ALL.update(http_parts.ALL)
QUICK = [name for name in ALL if name != "store"]  # which takes its time, however few rounds there are
