#!/usr/bin/python3
"""Latency at a fixed rate of requests, alone and while something large goes on; `make bench-latency` calls it.

    make bench-latency                          everything, some five minutes
    make bench-latency BENCH="flush delete"     only these scenarios
    make bench-latency PEERS='name=command ...' ROUNDS=3

Requests come by schedule and not after the reply to the one before (latency.c), so stalls count. Requests that the
generator itself was late for, as other programs had its CPU, are left out, and told as a share; so is the time that a
hypervisor took, which meets the server, too. As root, server and generator go before other programs. What is left of
others lengthens latencies and never shortens them, so targets go by the best of several rounds.

Each scenario has its own server, fresh, and lasts some seconds; what goes on begins a second after the first request, and
rewrites follow each other up to the end. The longest turn of the server's event loop is told as well (loop_shim.c), as it
is what every other client waited for; its CPU time counts no other programs, but what a hypervisor takes, and the heaps
of requests that such absences leave. redis-server and valkey-server are measured where they are on PATH. Written to
build/bench/latency.md, .json and .svg.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Callable, Optional

import large_values
import plot
import report
import servers
from running import Running
from targets import CORSAC, Target

RATE, CONNECTIONS, SET_PERCENT = 20000, 50, 20
SECONDS, BEFORE_S = 6, 1  # of a scenario; and until its event
KEYS = 1000000
WRITES_RATE, WRITES_PIPELINE = 200000, 16  # a second: of the load that makes a table grow
LARGE_BYTES = 256 << 20
STALL_KEYS, STALL_PIPELINE = 20000000, 64
QUANTILES = ("p50", "p99", "p99.9", "p99.99", "max")
# Longest turns of the server's loop; share of requests left out; of CPU time that the hypervisor gave to others.
OTHERS = ("turn_cpu", "turn_wall", "disturbed", "taken")
PERCENT = ("disturbed", "taken")
BEST = "p99.9 of the best round"
TIMES_MAX = 2  # target: p99.9 during each over p99.9 alone
STALL_US_MAX = 1000
INTERRUPTED = 130  # exit status


@dataclass
class Scenario:
    """What goes on: `prepare` before the requests begin, `event` while they come."""
    text: str
    prepare: Optional[Callable] = None
    event: Optional[Callable] = None
    beside: str = "alone"  # the scenario that it is compared with; "": it is one of those
    aof: str = "no"
    only_corsac: bool = False


def fill_more(bench, server):
    """Twice the keys."""
    bench.fill(server, KEYS, KEYS, 16)


def write(bench, server, first):
    """A second load, of sets in small pipelines; it ends with the scenario."""
    count = int(WRITES_RATE * (SECONDS - BEFORE_S))
    bench.fill(server, first, count, 16, "rate", WRITES_RATE, "pipeline", WRITES_PIPELINE)


def set_expiring(bench, server):
    """A million keys that expire together, in twice the time that it took to set a million; waits until just before."""
    at_ms = int((time.time() + 2 * bench.last_fill_s + 2) * 1000)
    bench.fill(server, KEYS, KEYS, 16, "pxat", at_ms)
    left_s = at_ms / 1000 - time.time() - BEFORE_S
    if left_s < 0:
        raise servers.Failed("a million keys took too long to set: they expire before they are measured")
    time.sleep(left_s)


def set_large(_, server):
    """A string of 256 MiB."""
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.sendall(b"*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n" % LARGE_BYTES)
        for _ in range(LARGE_BYTES >> 20):
            s.sendall(b"v" * (1 << 20))
        s.sendall(b"\r\n")
        assert s.recv(64) == b"+OK\r\n"


def rewrite(_, server):
    """Rewrites, one after the other, until the requests end: a single one would be over after a second."""
    end = time.monotonic() + SECONDS - BEFORE_S
    while time.monotonic() < end:
        if server.info("persistence", "aof_rewrite_in_progress") == "0":
            server.begin_rewrite()
        time.sleep(0.02)


def command(*words):
    """An event that is one command."""
    return lambda bench, server: server.must(*words)


SCENARIOS = {
    "alone": Scenario("nothing else", beside=""),
    "writes": Scenario(f"{WRITES_RATE:,} more SET a second, of keys that exist", beside="",
                       event=lambda bench, server: write(bench, server, 0)),
    "growth": Scenario("the same SETs, of new keys: the table grows", beside="writes",
                       event=lambda bench, server: write(bench, server, KEYS)),
    "expiry": Scenario("a million of two million keys expire together", prepare=set_expiring),
    "reshard": Scenario("CONFIG SET shards 2, two million keys", prepare=fill_more,
                        event=command("CONFIG", "SET", "shards", 2), only_corsac=True),
    "flush": Scenario("FLUSHALL ASYNC, two million keys", prepare=fill_more, event=command("FLUSHALL", "ASYNC")),
    "delete": Scenario("DEL of a string of 256 MiB", prepare=set_large, event=command("DEL", "large")),
    "logged": Scenario("append-only file, everysec", beside="", aof="everysec"),
    "rewrite": Scenario("BGREWRITEAOF again and again, two million keys", prepare=fill_more, event=rewrite,
                        beside="logged", aof="everysec"),
    "rewrite-large": Scenario("the same with a string of 256 MiB", prepare=set_large, event=rewrite, beside="logged",
                              aof="everysec"),
}
STALL = "stall"  # a scenario of its own kind, see measure_stall


def play(bench, scenario, name):
    """One scenario with one server: the latencies that latency.c prints."""
    with Running() as running:
        server = running.start(bench, name, aof=scenario.aof, watch=True)
        bench.fill(server, 0, KEYS, 16)
        if scenario.prepare:
            scenario.prepare(bench, server)
        load = subprocess.Popen(
            [os.path.join(bench.tools, "latency"), *(str(n) for n in (
                server.port, RATE, SECONDS, CONNECTIONS, KEYS, SET_PERCENT))],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=servers.pin(servers.LOAD_CPU, first=True))
        running.callback(load.kill)
        assert load.stdout.readline() == "ready\n", load.stderr.read()
        server.longest_turn_us()  # forget what was before
        cpu_before = report.cpu_times()
        event = None
        if scenario.event:
            time.sleep(BEFORE_S)
            event = threading.Thread(target=scenario.event, args=(bench, server), daemon=True)
            event.start()
        said, complaint = load.communicate(timeout=SECONDS + servers.PATIENCE_S)
        if event:
            event.join(servers.PATIENCE_S)
        if load.returncode:
            raise servers.Failed(f"{name}: {complaint.strip()}")
        found = json.loads(said)
        assert not found["errors"], f"{name} answered {found['errors']} requests with an error"
        found["turn_cpu"], found["turn_wall"] = server.longest_turn_us()
        taken, total = (now - then for now, then in zip(report.cpu_times(), cpu_before))
        found["taken"] = 100 * taken / max(total, 1)
        found["disturbed"] = 100 * (1 - found["undisturbed"] / found["requests"])
        return found


def measure(bench, chosen):
    """Plays the scenarios, servers in turn; returns how many failed."""
    failed = 0
    for key in chosen:
        if key in ALONE:
            try:
                ALONE[key](bench)
            except (servers.Failed, AssertionError, OSError) as e:
                print(f"{key} failed: {e}", file=sys.stderr)
                failed += 1
            continue
        scenario = SCENARIOS[key]
        print(f"{key}: {scenario.text}", file=sys.stderr, flush=True)
        seen = {}
        for name in [n for n in bench.commands if n == CORSAC or not scenario.only_corsac] * bench.rounds:
            try:
                found = play(bench, scenario, name)
                seen.setdefault(name, []).append(found)
            except (servers.Failed, AssertionError, OSError) as e:
                print(f"{key} failed: {e}", file=sys.stderr)
                failed += 1
        for name, found in seen.items():
            for quantile in (*QUANTILES, *OTHERS):
                bench.put(key, quantile, "%" if quantile in PERCENT else "us", name,
                          statistics.median(f[quantile] for f in found), show=quantile in ("p99.9", *OTHERS))
            bench.put(key, BEST, "us", name, min(f["p99.9"] for f in found))
    return failed


def measure_stall(bench):
    """The longest turn of the loop while a table grows to 20 million keys: by the clock of its thread, as other
    programs would only lengthen it; the best of the rounds, as they do so even then."""
    print(f"{STALL}: growth to {STALL_KEYS // 1000000} million keys", file=sys.stderr, flush=True)
    found = []
    for _ in range(bench.rounds):
        with Running() as running:
            server = running.start(bench, CORSAC, watch=True)
            server.longest_turn_us()
            bench.fill(server, 0, STALL_KEYS, 16, "pipeline", STALL_PIPELINE)
            found.append(server.longest_turn_us()[0])
    bench.put(STALL, "turn_cpu", "us", CORSAC, min(found))


# Scenarios without requests by schedule.
ALONE = {STALL: measure_stall, large_values.VALUES: large_values.measure}


def times(key, name):
    """p99.9 in a scenario over that of the one it is compared with, of the best round of each."""
    def reached(bench):
        during, alone = bench.get(key, BEST, name), bench.get(SCENARIOS[key].beside, BEST, name)
        return during / alone if during is not None and alone else None
    return reached


def targets(bench, chosen):
    """p99.9 in each scenario, and the longest turns."""
    found = [Target(key, f"{key}: p99.9 over that of '{SCENARIOS[key].beside}'", "<=", TIMES_MAX, times(key, CORSAC))
             for key in chosen if key not in ALONE and SCENARIOS[key].beside]
    if STALL in chosen:
        found.append(Target(STALL, f"us of the longest turn, growing to {STALL_KEYS // 1000000} million keys", "<=",
                            STALL_US_MAX, lambda bench: bench.get(STALL, "turn_cpu", CORSAC)))
    return found + large_values.targets(bench)


def table(bench, chosen):
    """One row for each scenario and server."""
    lines = [f"{RATE:,} requests a second by schedule, {SET_PERCENT} % SET, {CONNECTIONS} connections, "
             f"{KEYS:,} keys; microseconds from when a request was due. Requests that other programs made the generator "
             "late for are left out.",
             "", "| scenario | server | " + " | ".join(QUANTILES) + " | p99.9, best rounds | longest turn, CPU | wall "
             "| left out, % | hypervisor, % |", "| --- | --- |" + " ---: |" * (len(QUANTILES) + len(OTHERS) + 1)]
    for key in (k for k in chosen if k not in ALONE):
        scenario = SCENARIOS[key]
        for name in bench.figures.get((key, "p50"), {}):
            cells = [report.number(bench.get(key, q, name)) for q in QUANTILES]
            ratio = times(key, name)(bench) if scenario.beside else None
            beside = f"{ratio:.2f} of '{scenario.beside}'" if ratio else "-"
            others = [report.number(bench.get(key, other, name)) for other in OTHERS]
            lines.append(f"| {key}: {scenario.text} | {name} | {' | '.join([*cells, beside, *others])} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--peers", default="", help="NAME=COMMAND ...")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="without the stall of a large table and very large values")
    parser.add_argument("--command", default=" ".join(sys.argv), help="how it was called, for the record")
    parser.add_argument("scenarios", nargs="*", help=" ".join([*SCENARIOS, *ALONE]))
    args = parser.parse_args()
    everything = [*SCENARIOS, *ALONE]
    unknown = set(args.scenarios) - set(everything)
    if unknown:
        parser.error(f"no such scenario: {' '.join(unknown)}; there are: {' '.join(everything)}")
    asked = args.scenarios or (list(SCENARIOS) if args.quick else everything)
    needed = {SCENARIOS[key].beside for key in asked if key not in ALONE}
    chosen = [key for key in everything if key in asked or key in needed]

    # A terminated run must stop its servers as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    build = os.path.abspath(args.build)
    bench = servers.Bench(build, servers.find(build, args.peers), args.quick, args.rounds)
    before = report.cpu_times()
    try:
        failed = measure(bench, chosen)
    except KeyboardInterrupt:
        print("interrupted: only what was measured so far follows", file=sys.stderr)
        failed = INTERRUPTED
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    folder = os.path.join(build, "bench")
    text = report.write(bench, report.head(bench, args.command, before), folder, plot.latencies(bench, chosen),
                        targets(bench, chosen), stem="latency", tables=table(bench, chosen))
    print(text)
    print(f"written: {os.path.relpath(folder)}/latency.md, latency.json and latency.svg", file=sys.stderr)
    return failed if failed == INTERRUPTED else failed > 0


if __name__ == "__main__":
    sys.exit(main())
