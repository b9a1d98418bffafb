"""What a run leaves under build/bench/: Markdown, JSON, and the plot."""

import datetime
import json
import os
import platform
import subprocess

import servers

def machine():
    """The machine in a line."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        models = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    with open("/proc/meminfo", encoding="utf-8") as f:
        gib = int(f.readline().split()[1]) / (1 << 20)
    model = models[0] if models else platform.machine()
    return f"{os.cpu_count()} x {model}, {gib:.0f} GiB, {platform.system()} {platform.release()}"


def cpu_times():
    """(ticks that the hypervisor gave to others, all ticks) since the machine started."""
    with open("/proc/stat", encoding="ascii") as f:
        ticks = [int(n) for n in f.readline().split()[1:]]
    return ticks[7], sum(ticks[:8])


def head(bench, command, before):
    """When, where and what was measured; `before`: cpu_times() at the start."""
    stolen, total = (now - then for now, then in zip(cpu_times(), before))
    benchmark = subprocess.run(["redis-benchmark", "--version"], capture_output=True, text=True, check=False)
    return {
        "date": datetime.datetime.now().isoformat(" ", "minutes"),
        "machine": machine(),
        "disturbance": f"load average {os.getloadavg()[1]:.1f} at the end (a quiet machine: 2 or less), "
                       f"{stolen / max(total, 1):.1%} of CPU time taken by the hypervisor (0 % is best)",
        "command": command,
        "rounds": f"medians of {bench.rounds}, interleaved",
        "servers": {name: servers.version(command) for name, command in bench.commands.items()},
        "load generator": benchmark.stdout.strip(),
    }


def number(value, unit=""):
    """For people."""
    if value is None:
        return "-"
    if unit == "/s":
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def figures_table(bench):
    """One row for each figure, one column for each server."""
    names = list(dict.fromkeys(name for by_server in bench.figures.values() for name in by_server))
    lines = []
    last = None
    for (part, figure), by_server in bench.figures.items():
        unit = bench.units[part, figure]
        if part != last:
            lines += ["", f"## {part}", "", "| | unit | " + " | ".join(names) + " |",
                      "| --- | --- |" + " ---: |" * len(names)]
            last = part
        cells = " | ".join(number(by_server.get(name), unit) for name in names)
        lines.append(f"| {figure} | {unit} | {cells} |")
    return lines


def targets_table(bench, targets):
    """Targets beside what was reached."""
    lines = ["| target | asked | reached | |", "| --- | ---: | ---: | --- |"]
    for target in targets:
        value, verdict = target.judge(bench)
        sign = {">=": "≥", "<=": "≤"}[target.sign]
        lines.append(f"| {target.text} | {sign} {target.limit:.3g} | {number(value)} | {verdict} |")
    return lines


def markdown(facts, tables, targets):
    """The whole report; `tables` and `targets` are lines."""
    lines = ["# Benchmark", ""]
    for key, value in facts.items():
        lines += [f"- {name}: {said}" for name, said in value.items()] if isinstance(value, dict) \
            else [f"- {key}: {value}"]
    return "\n".join([*lines, "", *tables, "", "## Targets", "", *targets, ""])


def write(bench, facts, folder, plot, targets, *, stem="bench", tables=None):
    """Writes STEM.md, STEM.json and STEM.svg; returns the Markdown. `tables`: lines in place of those of all figures."""
    text = markdown(facts, tables or figures_table(bench), targets_table(bench, targets))
    os.makedirs(folder, exist_ok=True)
    records = [{"part": part, "figure": figure, "unit": bench.units[part, figure], "values": by_server}
               for (part, figure), by_server in bench.figures.items()]
    results = {"md": text, "json": json.dumps({**facts, "figures": records}, indent=1), "svg": plot}
    for extension, content in results.items():
        if content:
            with open(os.path.join(folder, f"{stem}.{extension}"), "w", encoding="utf-8") as f:
                f.write(content)
    return text
