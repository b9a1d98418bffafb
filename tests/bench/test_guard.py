#!/usr/bin/python3
"""Instructions per request against tests/bench/guard.txt: a guard that does not depend on the machine's speed.

guard.c plays a fixed script of GET and SET through the network room, the parser, the engine and the store; callgrind
counts what the server executes (the kernel's part is not seen). More than TOLERANCE over the record fails, and so
does more than TOLERANCE below it: then the record is to be renewed, or the gain could be lost again unnoticed.

    make guard           count and compare
    make guard-record    write what is counted into guard.txt

The figures hold for the compiler, processor architecture and optimisation that the record names; with others the
comparison is skipped. Counts of one build repeat within 0.3 %.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

TOLERANCE = 0.05
RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guard.txt")
HEAD = """\
# Instructions per request, in user space, of the script in guard.c: command, pipeline, instructions.
# `make guard-record` writes this file; what it is for stands in test_guard.py.
"""
EXIT_SKIPPED = 77


def built_by(build):
    """Compiler, architecture and optimisation of a build directory."""
    with open(os.path.join(build, "release", "flags"), encoding="utf-8") as f:
        flags = f.read().split()
    if os.path.basename(flags[0]) == "ccache":
        del flags[0]  # it runs the compiler that stands behind it
    version = subprocess.run([flags[0], "-dumpfullversion"], capture_output=True, text=True, check=True)
    return " ".join([os.path.basename(flags[0]), version.stdout.strip(), platform.machine(),
                     *(f for f in flags if re.match(r"-O|-m|-flto", f))])


def count(program):
    """Runs the script; {(command, pipeline): instructions of one request}."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--toggle-collect=guard_turn",
             "--dump-before=guard_figure_ends", program], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{program} under callgrind: exit status {done.returncode}\n{done.stderr}")
        figures = {}
        for number, line in enumerate(done.stdout.splitlines(), 1):
            command, pipeline, requests = line.split()
            with open(f"{out}.{number}", encoding="utf-8") as f:
                instructions = int(re.search(r"^totals: (\d+)", f.read(), re.MULTILINE)[1])
            figures[command, int(pipeline)] = instructions / int(requests)
        return figures


def judge(recorded, counted):
    """Why `counted` is not within TOLERANCE of `recorded`; None: it is."""
    change = counted / recorded - 1
    if change > TOLERANCE:
        return f"{change:+.1%}: find out what the request does now that it did not"
    if change < -TOLERANCE:
        return f"{change:+.1%}, better than recorded: keep the gain with `make guard-record`"
    return None


def read_record():
    """What the figures were built by, and the figures."""
    by, figures = None, {}
    with open(RECORD, encoding="utf-8") as f:
        for line in f:
            if line.startswith("built by: "):
                by = line.removeprefix("built by: ").strip()
            elif line.strip() and not line.startswith("#"):
                command, pipeline, instructions = line.split()
                figures[command, int(pipeline)] = float(instructions)
    return by, figures


def write_record(by, figures):
    with open(RECORD, "w", encoding="utf-8") as f:
        f.write(f"{HEAD}built by: {by}\n")
        for (command, pipeline), instructions in figures.items():
            f.write(f"{command} {pipeline:2} {instructions:6.0f}\n")


def compare(recorded, counted):
    """Prints TAP; True: all is well."""
    results = [("growth and gains past the tolerance are seen",
                None if judge(100, 105.1) and judge(100, 94.9) and not judge(100, 104.9) and not judge(100, 95.1)
                else "judge() is broken"),
               ("the record has the figures of the script",
                None if recorded.keys() == counted.keys() else "not the same: `make guard-record`")]
    for key in (key for key in recorded if key in counted):
        command, pipeline = key
        name = f"{command}, pipeline {pipeline}: {counted[key]:.0f} instructions, {recorded[key]:.0f} recorded"
        results.append((name, judge(recorded[key], counted[key])))
    for number, (name, fault) in enumerate(results, 1):
        print(f"ok {number} - {name}" if fault is None else f"not ok {number} - {name}; {fault}")
    print(f"1..{len(results)}")
    return all(fault is None for _, fault in results)


def main():
    build = os.path.dirname(os.path.abspath(os.environ["CORSAC_BIN"]))
    if not shutil.which("valgrind"):
        print("valgrind is not installed")
        return EXIT_SKIPPED
    by = built_by(build)
    recorded_by, recorded = read_record() if os.path.exists(RECORD) else (None, {})
    record = sys.argv[1:] == ["--record"]
    if not record and by != recorded_by:
        print(f"the record is of another build ({recorded_by}; this is {by}): `make guard-record`")
        return EXIT_SKIPPED
    counted = count(os.path.join(build, "release", "tests", "bench", "guard"))
    if record:
        write_record(by, counted)
        print(f"{RECORD} is written")
        return 0
    return 0 if compare(recorded, counted) else 1


if __name__ == "__main__":
    sys.exit(main())
