"""The plot of a run, as SVG written by hand: lines over the depth of pipelining, bars for the rest."""

import math
from xml.sax.saxutils import escape

COLORS = {"corsac": "#0b7285", "valkey": "#7048e8", "redis": "#e8590c", "floor": "#868e96"}
OTHER_COLORS = ("#2b8a3e", "#c2255c", "#1864ab", "#5c940d")
INK, FAINT, GRID = "#212529", "#868e96", "#e9ecef"
WIDTH, MARGIN, GAP = 1040, 32, 40
PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP) // 2
LINES_HEIGHT, HEAD = 300, 44
BAR, BAR_GAP, GROUP_HEAD, GROUP_GAP = 13, 3, 20, 12
LABEL_WIDTH, VALUE_WIDTH = 58, 62
SCALES_APART = 4


def colors(names):
    """A color for each server: always the same for those that are known."""
    others = [name for name in names if name not in COLORS]
    return {**COLORS, **{name: OTHER_COLORS[i % len(OTHER_COLORS)] for i, name in enumerate(others)}}


def text(x, y, words, size=12, color=INK, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def line(x1, y1, x2, y2, color=GRID, width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width}"/>'


def short(value):
    """A value as a label beside a mark."""
    if value >= 10000:
        return f"{value / 1000:,.0f}k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(places, least):
    """Moves labels apart, at least so far, keeping their order: [(y, item)] -> [(y, item)]."""
    placed = []
    for y, item in sorted(places, key=lambda p: p[0]):
        placed.append((max(y, placed[-1][0] + least) if placed else y, item))
    return placed


def lines_panel(x, y, title, series, bounds, color):
    """series: {name: {pipeline: nanoseconds}}, within `bounds`; both axes are logarithmic. Returns (svg, height)."""
    left, right = x + 44, x + PANEL_WIDTH - 84
    top, bottom = y + HEAD, y + LINES_HEIGHT - 34
    depths = sorted({depth for points in series.values() for depth in points})
    steps = [step * 10 ** exponent for exponent in range(7) for step in (1, 2, 5)]
    first = max([i for i, step in enumerate(steps) if step <= bounds[0]], default=0)
    last = min([i for i, step in enumerate(steps) if step >= bounds[1]], default=len(steps) - 1)
    ticks = steps[first:max(last, first + 1) + 1]
    low, high = math.log10(ticks[0]), math.log10(ticks[-1])

    def at(depth, value):
        across = math.log2(depth / depths[0]) / math.log2(depths[-1] / depths[0]) if len(depths) > 1 else 0.5
        up = (math.log10(value) - low) / (high - low)
        return left + across * (right - left), bottom - up * (bottom - top)

    out = [text(x, y + 14, title, 14, weight="bold"),
           text(x, y + 31, "ns of server CPU a request, by requests in flight a client; logarithmic", 11, FAINT)]
    for value in ticks:
        gy = at(depths[0], value)[1]
        out.append(line(left, gy, right, gy))
        out.append(text(left - 6, gy + 4, f"{value:,}", 10, FAINT, "end"))
    for depth in depths:
        out.append(text(at(depth, ticks[0])[0], bottom + 18, str(depth), 11, FAINT, "middle"))
    ends = []
    for name, points in series.items():
        marks = [at(depth, value) for depth, value in sorted(points.items()) if value > 0]
        dash = ' stroke-dasharray="5 4"' if name == "floor" else ""
        width = 3 if name == "corsac" else 1.8
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in marks)
        out.append(f'<polyline points="{path}" fill="none" stroke="{color[name]}" stroke-width="{width}"{dash}/>')
        out += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{width + 1:.1f}" fill="{color[name]}"/>' for px, py in marks]
        ends.append((marks[-1][1], name))
    for ly, name in spread(ends, 14):
        value = series[name][max(series[name])]
        out.append(text(right + 10, ly + 4, f"{name} {short(value)}", 11.5, color[name],
                        weight="bold" if name == "corsac" else "normal"))
    return out, LINES_HEIGHT


def bars_panel(x, y, title, note, groups, color):
    """groups: [(label, {name: value})], all to one scale, or each to its own where they are far apart and have
    something to compare within. Returns (svg, height)."""
    tops = [max([v for v in by_server.values() if v > 0], default=1) for _, by_server in groups]
    if max(tops) < SCALES_APART * min(tops) or all(len(by_server) == 1 for _, by_server in groups):
        tops = [max(tops)] * len(tops)
    out = [text(x, y + 14, title, 14, weight="bold"), text(x, y + 31, note, 11, FAINT)]
    at = y + HEAD
    for (label, by_server), most in zip(groups, tops):
        out.append(text(x, at + 12, label, 12))
        at += GROUP_HEAD
        for name, value in by_server.items():
            length = max(value, 0) / most * (PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH)
            weight = "bold" if name == "corsac" else "normal"
            out.append(text(x + LABEL_WIDTH - 6, at + BAR - 2.5, name, 11, color[name], "end", weight))
            out.append(f'<rect x="{x + LABEL_WIDTH}" y="{at:.1f}" width="{max(length, 1):.1f}" height="{BAR}" '
                       f'rx="2" fill="{color[name]}"/>')
            out.append(text(x + LABEL_WIDTH + length + 6, at + BAR - 2.5, short(value), 11, INK, weight=weight))
            at += BAR + BAR_GAP
        at += GROUP_GAP
    return out, at - y


def document(title, panels):
    """Two columns of panels, each a function (x, y) -> (svg, height)."""
    out, y = [text(MARGIN, 38, title, 18, weight="bold")], 64
    for first in range(0, len(panels), 2):
        heights = []
        for column, panel in enumerate(panels[first:first + 2]):
            svg, height = panel(MARGIN + column * (PANEL_WIDTH + GAP), y)
            out += svg
            heights.append(height)
        y += max(heights) + 26
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}" '
            f'font-family="system-ui, \'DejaVu Sans\', sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(out) + "\n</svg>\n")


def by_part(bench, part, unit=None):
    """[(figure, {server: value})] of a part, all or those of a unit."""
    return [(figure, values) for (p, figure), values in bench.figures.items()
            if p == part and unit in (None, bench.units[p, figure])]


BARS = (  # part, unit, title, note
    ("memory", "B/key", "Bytes a key", "growth of resident memory; less is better"),
    ("aof", "ns", "SET with an append-only file", "ns of server CPU a request, all threads; less is better"),
    ("aof", "/s", "SET with an append-only file", "requests a second; more is better"),
    ("large", "MB/CPU s", "Large values", "megabytes for each second of the server's CPU; more is better"),
    ("loading", "s", "Loading", "seconds until all keys are served; less is better"),
    ("growth", "ns", "Many keys", "ns of server CPU a request; less is better"),
    ("connections", "ns", "Many connections", "ns of server CPU a request; less is better"),
    ("store", "ns", "The store alone", "ns of an operation, without network and protocol; less is better"),
)


def by_depth(bench, test):
    """CPU a request of the part `pipelines`: {server: {pipeline: nanoseconds}}."""
    series = {}
    for figure, values in by_part(bench, "pipelines", "ns"):
        if figure.startswith(test):
            depth = int(figure.split("P=")[1].split(":")[0])
            for name, value in values.items():
                series.setdefault(name, {})[depth] = value
    return series


def overview(bench):
    """The plot of everything that was measured; "" where nothing was."""
    names = list(dict.fromkeys(name for values in bench.figures.values() for name in values))
    color = colors(names)
    panels = []
    values = [v for _, by_server in by_part(bench, "pipelines", "ns") for v in by_server.values() if v > 0]
    if values:
        bounds = (min(values), max(values))
        for test in ("GET", "SET"):
            panels.append(lambda x, y, t=test: lines_panel(x, y, t, by_depth(bench, t), bounds, color))
    for part, unit, title, note in BARS:
        groups = [(figure.split(": ")[0], values) for figure, values in by_part(bench, part, unit)
                  if "file adds" not in figure]
        if groups:
            panels.append(lambda x, y, t=title, n=note, g=groups: bars_panel(x, y, t, n, g, color))
    return document("Corsac beside its peers", panels) if panels else ""


def latencies(bench, chosen):
    """The plot of the latencies: a group for each scenario; "" where nothing was measured."""
    color = colors(list(dict.fromkeys(name for values in bench.figures.values() for name in values)))
    panels = []
    for figure, title, note in (
            ("p99.9", "Latency, p99.9", "microseconds from when a request was due; less is better"),
            ("turn_cpu", "Longest turn of the loop", "microseconds of CPU time; less is better")):
        groups = [(key, bench.figures[key, figure]) for key in chosen if (key, figure) in bench.figures]
        if groups:
            panels.append(lambda x, y, t=title, n=note, g=groups: bars_panel(x, y, t, n, g, color))
    return document("Latency at a fixed rate of requests", panels) if panels else ""
