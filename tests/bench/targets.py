"""The targets: what each asks for, and which figures tell whether it is reached.

A target's `reached` gives the value that is compared with its limit; None where a figure was not measured.
"""

from dataclasses import dataclass
from typing import Callable

CORSAC, VALKEY, FLOOR = "corsac", "valkey", "floor"
TOLERANCE = 0.02  # "no more" between two measurements of the same thing


@dataclass
class Target:
    """`reached` is to be at least (or at most) `limit`."""
    part: str
    text: str
    sign: str  # ">=" or "<="
    limit: float
    reached: Callable

    def judge(self, bench):
        """(value or None, "PASS", "MISS" or "-")."""
        value = self.reached(bench)
        if value is None:
            return None, "-"
        return value, "PASS" if (value >= self.limit if self.sign == ">=" else value <= self.limit) else "MISS"


def ratio(part, figure, over, under, over_figure=None):
    """What server `over` needs (in over_figure) for each one that `under` needs."""
    def reached(bench):
        a, b = bench.get(part, over_figure or figure, over), bench.get(part, figure, under)
        return a / b if a is not None and b else None
    return reached


def corsac(part, figure):
    """Corsac's own figure."""
    return lambda bench: bench.get(part, figure, CORSAC)


def difference(part, figure, without):
    """What Corsac needs more for one figure than for another."""
    def reached(bench):
        a, b = bench.get(part, figure, CORSAC), bench.get(part, without, CORSAC)
        return a - b if a is not None and b is not None else None
    return reached


def against_best(part, figure):
    """Corsac's figure over that of the best peer, where less is better."""
    def reached(bench):
        mine = bench.get(part, figure, CORSAC)
        found = bench.figures.get((part, figure), {})
        peers = [value for name, value in found.items() if name not in (CORSAC, FLOOR)]
        return mine / min(peers) if mine is not None and peers else None
    return reached


def loading(bench):
    """Corsac's seconds over those of the faster of Redis and Valkey, however many keys there were."""
    for part, figure in bench.figures:
        if part == "loading":
            return against_best(part, figure)(bench)
    return None


def growth(bench):
    """CPU of a GET among the most keys over that among the fewest."""
    found = [by_server[CORSAC] for (part, _), by_server in bench.figures.items() if part == "growth"]
    return found[-1] / found[0] if len(found) == 2 else None


def filling(what):
    """Corsac's seconds over Valkey's, however many elements there were."""
    def reached(bench):
        for part, figure in bench.figures:
            if part == "filling" and figure.startswith(what):
                return ratio(part, figure, CORSAC, VALKEY)(bench)
        return None
    return reached


def cpu(test, pipeline):
    return f"{test}, P={pipeline}: CPU a request"


def fewer(test, pipeline, times):
    return Target("pipelines", f"{test}, P={pipeline}: Valkey's CPU a request over Corsac's", ">=", times,
                  ratio("pipelines", cpu(test, pipeline), VALKEY, CORSAC))


COLLECTION_LIMITS = {  # of Corsac's CPU a request over Valkey's, by the depth of the pipeline
    **{test: {16: 0.65, 64: 0.4} for test in ("LPUSH", "RPUSH", "LPOP", "RPOP", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN",
                                              "MSET (10 keys)")},
    **{f"LRANGE_{n}": {16: 0.7, 64: 0.4} for n in (100, 300, 500, 600)},
    **{request: {16: 0.6} for request in ("HGETALL of 50 fields", "ZRANGE of 100", "ZRANK among 1M",
                                          "ZRANGEBYSCORE LIMIT 10 among 1M", "SINTER of two sets of 1,000")},
}
SLOW_P50 = "GET beside SETs that wait for 2 ms: p50"
TARGETS = [
    *(Target("pipelines", f"{test}, P=1: CPU over the floor's", "<=", 1.05,
             ratio("pipelines", cpu(test, 1), CORSAC, FLOOR)) for test in ("GET", "SET")),
    *(Target("pipelines", f"{test}, P=1: CPU over the best peer's", "<=", 1.0,
             against_best("pipelines", cpu(test, 1))) for test in ("GET", "SET")),
    *(fewer(test, pipeline, times) for pipeline, times in ((16, 2), (64, 3.5), (256, 4)) for test in ("GET", "SET")),
    Target("memory", "bytes a key, 16 B + 16 B", "<=", 58, corsac("memory", "16 B + 16 B")),
    Target("memory", "bytes more with an expiry", "<=", 8,
           difference("memory", "16 B + 16 B, with an expiry", "16 B + 16 B")),
    Target("memory", "bytes a key, 16 B + 64 B", "<=", 110, corsac("memory", "16 B + 64 B")),
    Target("aof", "SET, everysec, P=16: CPU over Valkey's", "<=", 0.6,
           ratio("aof", "SET, everysec, P=16: CPU a request", CORSAC, VALKEY)),
    Target("aof", "SET, everysec, P=64: CPU over Valkey's", "<=", 0.4,
           ratio("aof", "SET, everysec, P=64: CPU a request", CORSAC, VALKEY)),
    *(Target("aof", f"SET, everysec, P={pipeline}: ns of CPU that the file adds", "<=", 60,
             corsac("aof", f"SET, everysec, P={pipeline}: CPU that the file adds")) for pipeline in (16, 64)),
    Target("aof", "SET, always, P=1: requests a second over Valkey's", ">=", 2,
           ratio("aof", "SET, always, P=1: requests a second", CORSAC, VALKEY)),
    Target("slow_sync", "GET beside SETs under `always`, a sync of 2 ms, p50: us", "<=", 100,
           corsac("slow_sync", SLOW_P50)),
    Target("slow_sync", "GET beside SETs under `always`, p50 over the best peer's", "<=", 0.1,
           against_best("slow_sync", SLOW_P50)),
    Target("loading", "loading: time over that of the fastest peer", "<=", 1 / 3, loading),
    *(Target("large", f"{test} of {size}: bytes for CPU over Valkey's", ">=", times,
             ratio("large", f"{test} of {size}", CORSAC, VALKEY))
      for test, times in (("GET", 1.5), ("SET", 1.0)) for size in ("64 KiB", "1 MiB")),
    Target("rewriting", "memory that a rewrite takes under load, % of the data set", "<=", 5,
           corsac("rewriting", "memory that a rewrite takes, at most, over that of the data set")),
    Target("growth", "GET among the most keys: CPU over that among 1 million", "<=", 1.5, growth),
    Target("connections", "10,000 connections, 100 busy: CPU over 100 connections", "<=", 1 + TOLERANCE,
           ratio("connections", "GET on 100 of 100 connections", CORSAC, CORSAC, "GET on 100 of 10,000 connections")),
    *(Target("elements", f"{shape}: bytes", "<=", limit, corsac("elements", shape)) for shape, limit in (
        ("sorted set, 1M members of 12 B", 40), ("hash, 1M fields of 12 B, values of 16 B", 48),
        ("set, 1M members of 12 B", 26), ("list, 1M elements of 16 B", 18.2),
        ("200,000 hashes of 5 fields (6 B, 12 B), a field", 29),
        ("200,000 sorted sets of 5 members of 11 B, a member", 25),
        ("200,000 lists of 5 elements of 12 B, an element", 22), ("200,000 sets of 5 integers, a member", 13))),
    *(Target("collections", f"{request}, P={pipeline}: CPU over Valkey's", "<=", limit,
             ratio("collections", cpu(request, pipeline), CORSAC, VALKEY))
      for request, limits in COLLECTION_LIMITS.items() for pipeline, limit in limits.items()),
    *(Target("filling", f"filling {what}: CPU over Valkey's", "<=", 0.5, filling(what))
      for what in ("a sorted set", "a hash")),
    Target("http", "GET /db/KEY: CPU over that of a GET over RESP, P=1", "<=", 1.5,
           ratio("http", "GET over RESP, P=1: CPU", CORSAC, CORSAC, "GET /db/KEY: CPU")),
    *(Target("http", f"/pipeline of 100 {test}: CPU over that of RESP's pipeline", "<=", 3,
             ratio("http", f"{test} over RESP, P=100: CPU a command", CORSAC, CORSAC,
                   f"/pipeline of 100 {test}: CPU a command")) for test in ("GET", "SET")),
    *(Target("store", f"store alone, {operation} of {keys} M keys, unbatched: ns", "<=", limit,
             corsac("store", f"{operation} of {keys} M keys"))
      for operation, limit in (("GET", 100), ("SET", 200)) for keys in (1, 10)),
]
