"""Servers that run for a part, and rounds that take turns."""

import statistics
from contextlib import ExitStack


class Running(ExitStack):
    """Servers that run for a part and are stopped after it, whatever happens."""

    def start(self, bench, name, *options, **how):
        """As Bench.server."""
        server = bench.server(name, *options, **how)
        self.callback(server.stop)
        return server


def medians(rounds, servers, measure):
    """{name: [medians of each value that measure(server) returns]}, in interleaved rounds."""
    seen = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            seen[name].append(measure(server))
    return {name: [statistics.median(column) for column in zip(*rows)] for name, rows in seen.items()}
