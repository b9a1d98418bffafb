#!/usr/bin/python3
"""The tools that `make bench` and `make bench-latency` measure with do what they say."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import servers
import targets

BUILD = os.path.dirname(os.path.abspath(os.environ["CORSAC_BIN"]))
TESTS = []
STALL_S = 0.3


def test(function):
    """Marks a test; its docstring is its name."""
    TESTS.append(function)
    return function


def encode(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


@test
def fill_stores_keys_by_number(bench, server):
    """fill stores the keys from its first number on, and with an expiry"""
    bench.fill(server, 500, 1000, 16)
    assert server.call("DBSIZE") == b":1000\r\n"
    assert server.call("EXISTS", "key:000000000500", "key:000000001499") == b":2\r\n"
    assert server.call("TTL", "key:000000000500") == b":-1\r\n"
    bench.fill(server, 0, 10, 64, "pxat", int(time.time() * 1000) + 100000, "pipeline", 3)
    assert server.call("TTL", "key:000000000009") in (b":99\r\n", b":100\r\n")
    assert server.call("STRLEN", "key:000000000009") == b":64\r\n"


@test
def fill_keeps_its_rate(bench, server):
    """fill keeps a rate"""
    begin = time.monotonic()
    bench.fill(server, 0, 500, 16, "rate", 1000, "pipeline", 10)
    assert 0.45 < time.monotonic() - begin < 5


@test
def fill_fails_on_an_error(bench, server):
    """fill fails when a reply is not OK"""
    server.must("CONFIG", "SET", "requirepass", "secret")
    try:
        bench.fill(server, 0, 10, 16)
    except servers.Failed:
        return
    raise AssertionError("it did not")


@test
def latency_counts_stalls(bench, server):
    """latency counts a stall in all requests that fell due meanwhile"""
    bench.fill(server, 0, 1000, 16)
    load = subprocess.Popen([os.path.join(bench.tools, "latency"), str(server.port), "2000", "1", "10", "1000", "20"],
                            stdout=subprocess.PIPE, text=True)
    assert load.stdout.readline() == "ready\n"
    time.sleep(0.2)
    server.longest_turn_us()
    server.must("DEBUG", "SLEEP", STALL_S)
    found = json.loads(load.communicate(timeout=20)[0])
    assert found["requests"] == 2000 and found["errors"] == 0, found
    # 600 of the 2000 requests fall due during the stall; a closed loop would see 10 slow replies.
    assert found["all"]["max"] >= STALL_S * 1e6 * 0.98 and found["all"]["p99"] > STALL_S * 1e6 * 0.9, found
    assert found["p50"] <= found["p99"] <= found["p99.9"] <= found["p99.99"] <= found["max"], found
    cpu_us, wall_us = server.longest_turn_us()
    assert wall_us >= STALL_S * 1e6 > cpu_us, (cpu_us, wall_us)


@test
def latency_leaves_out_what_it_was_late_for(bench, server):
    """latency leaves out the requests that it was late for itself"""
    bench.fill(server, 0, 1000, 16)
    load = subprocess.Popen([os.path.join(bench.tools, "latency"), str(server.port), "2000", "1", "10", "1000", "20"],
                            stdout=subprocess.PIPE, text=True)
    assert load.stdout.readline() == "ready\n"
    time.sleep(0.2)
    load.send_signal(signal.SIGSTOP)
    time.sleep(STALL_S)
    load.send_signal(signal.SIGCONT)
    found = json.loads(load.communicate(timeout=20)[0])
    assert found["requests"] == 2000 and found["undisturbed"] <= 2000 * (1 - STALL_S * 0.98), found
    assert found["absent_s"] >= STALL_S * 0.98 and found["late_max"] >= STALL_S * 1e6 * 0.98, found
    assert found["all"]["max"] >= STALL_S * 1e6 * 0.98 and found["max"] < STALL_S * 1e6 / 2, found


@test
def latency_counts_errors(bench, server):
    """latency counts replies that are errors"""
    server.must("CONFIG", "SET", "requirepass", "secret")
    said = bench.run(os.path.join(bench.tools, "latency"), server.port, 1000, 0.1, 5, 100, 20)
    assert json.loads(said.splitlines()[1])["errors"] == 100


@test
def floor_answers_every_request(bench, _):
    """floor answers requests that arrive in pieces"""
    floor = bench.server(servers.FLOOR)
    try:
        requests = encode(b"GET", b"key:000000000000") + encode(b"SET", b"key", b"a\r\n$3\r\nvalue") + encode(b"PING")
        value = b"$16\r\nsixteen bytes...\r\n"
        with socket.create_connection(("127.0.0.1", floor.port), timeout=20) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for cut in range(1, len(requests)):
                s.sendall(requests[:cut])
                time.sleep(0.0005)
                s.sendall(requests[cut:])
                got = b""
                while len(got) < len(value) * 2 + 5:
                    got += s.recv(4096)
                assert got == value + b"+OK\r\n" + value, got
    finally:
        floor.stop()


@test
def cpu_time_is_the_servers(bench, server):
    """CPU time a request is plausible, and a second's work no more than a second"""
    begin, before = time.monotonic(), server.cpu_ns()
    cpu_ns, rate = bench.load(server, "set", 20000, 16)
    assert 0 < cpu_ns < 1e6 and rate > 0
    # More than one thread may work, none of them longer than the time that passed.
    assert server.cpu_ns() - before < (time.monotonic() - begin) * 1e9 * len(os.sched_getaffinity(0))


@test
def a_slow_disk_is_slow(bench, _):
    """a write under always waits for the slow disk, and its sync takes as long as was asked for"""
    server = bench.server("corsac", aof="always", environ=bench.slow_disk(50000))
    try:
        begin = time.monotonic()
        server.must("SET", "key", "value")
        assert time.monotonic() - begin >= 0.05
    finally:
        server.stop()


@test
def targets_are_judged(bench, _):
    """a target is reached, missed, or not measured"""
    target = targets.Target("memory", "bytes", "<=", 58, targets.corsac("memory", "16 B + 16 B"))
    assert target.judge(bench) == (None, "-")
    bench.put("memory", "16 B + 16 B", "B/key", "corsac", 58.0)
    assert target.judge(bench) == (58.0, "PASS")
    bench.put("memory", "16 B + 16 B", "B/key", "corsac", 58.1)
    assert target.judge(bench) == (58.1, "MISS")


def run(number, function):
    """One test, with a server of its own; True: passed."""
    with tempfile.TemporaryDirectory() as folder:
        bench = servers.Bench(BUILD, servers.find(BUILD, ""), True, 1, folder=folder)
        server = bench.server("corsac", watch=True)
        try:
            function(bench, server)
            print(f"ok {number} - {function.__doc__}", flush=True)
            return True
        except Exception:  # pylint: disable=broad-except
            print(f"not ok {number} - {function.__doc__}\n# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
            return False
        finally:
            server.stop()


if __name__ == "__main__":
    passed = [run(number, function) for number, function in enumerate(TESTS, 1)]
    print(f"1..{len(TESTS)}")
    sys.exit(not all(passed))
