#!/usr/bin/python3
"""Corsac beside the servers that are installed: CPU, speed and memory; `make bench` calls it.

    make bench                          everything, about a quarter of an hour
    make bench QUICK=1                  fewer requests, one round, no `store`: two minutes or so, and noisier
    make bench BENCH="memory large"     only these parts, such as pipelines, memory, collections; a wrong name lists all
    make bench PEERS='redis8=/opt/redis8/redis-server "valkey=valkey-server --io-threads 1"'

redis-server and valkey-server are measured where they are on PATH, and what PEERS names. Results are printed and
written to build/bench/bench.md, .json and .svg; the last table is that of the targets (targets.py).
"""

import argparse
import os
import shutil
import signal
import sys
import time

import parts
import plot
import report
import servers
import targets

INTERRUPTED = 130  # exit status


def announce(text):
    print(text, file=sys.stderr, flush=True)


def measure(bench, chosen):
    """Runs the parts; one that fails is told, and the others go on. Returns how many failed."""
    failed = 0
    for name in chosen:
        begin = time.monotonic()
        announce(f"{name}: {parts.ALL[name].__doc__.splitlines()[0]}")
        try:
            parts.ALL[name](bench)
        except (servers.Failed, AssertionError, OSError) as e:
            announce(f"{name} failed: {e}")
            failed += 1
        announce(f"    {time.monotonic() - begin:.0f} s")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--peers", default="", help="NAME=COMMAND ...")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, help="of each measurement (3; quick: 1)")
    parser.add_argument("--command", default=" ".join(sys.argv), help="how it was called, for the record")
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(parts.ALL))
    args = parser.parse_args()
    unknown = set(args.parts) - set(parts.ALL)
    if unknown:
        parser.error(f"no such part: {' '.join(unknown)}; there are: {' '.join(parts.ALL)}")

    # A terminated run must stop its servers as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    build = os.path.abspath(args.build)
    bench = servers.Bench(build, servers.find(build, args.peers), args.quick,
                          args.rounds or (1 if args.quick else 3))
    chosen = args.parts or (parts.QUICK if args.quick else list(parts.ALL))
    before = report.cpu_times()
    try:
        failed = measure(bench, chosen)
    except KeyboardInterrupt:
        announce("interrupted: only what was measured so far follows")
        failed = INTERRUPTED
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    folder = os.path.join(build, "bench")
    asked = [target for target in targets.TARGETS if target.part in chosen]
    text = report.write(bench, report.head(bench, args.command, before), folder, plot.overview(bench), asked)
    print(text)
    announce(f"written: {os.path.relpath(folder)}/bench.md, bench.json and bench.svg")
    return failed if failed == INTERRUPTED else failed > 0


if __name__ == "__main__":
    sys.exit(main())
