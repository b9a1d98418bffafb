#!/usr/bin/python3
"""/metrics, /healthz and /readyz: what Prometheus, Grafana and an orchestrator read."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import time

import server as testing
from disk import SYNC, WRITE, Disk
from http_server import HttpServer
from server import Skip, test

DISK = Disk()
SERVER = HttpServer("--appendonly", "yes", "--appendfsync", "always", "--http-drain-ms", "700",
                    environ=DISK.environ)
CLIENT = testing.connect(SERVER)
DASHBOARD = os.path.join(os.environ["CORSAC_ROOT"], "conf", "grafana", "corsac.json")


def scrape():
    answer = SERVER.ask("GET", "/metrics")
    assert answer.status == 200, answer.status
    assert answer.type == "text/plain; version=0.0.4; charset=utf-8", answer.type
    return answer.body.decode()


def samples(text):
    """{line's name and labels: value}"""
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))


def await_ready(status, meanwhile=lambda: None):
    end = time.monotonic() + testing.PATIENCE_S
    while (answer := SERVER.ask("GET", "/readyz")).status != status:
        meanwhile()
        assert time.monotonic() < end, f"/readyz stays {answer.status} {answer.body}"
        time.sleep(0.01)
    return answer.json


@test
def figures_are_those_of_info():
    before = samples(scrape())
    for i in range(10):
        assert CLIENT.call("SET", f"key:{i}", "1", "EX", 1000) == b"+OK"
    assert CLIENT.call("LPUSH", "key:0", "x").startswith(b"-WRONGTYPE")
    after = samples(scrape())

    def grew(name, by):
        change = float(after[name]) - float(before.get(name, 0))
        assert change == by, f"{name} grew by {change}"

    grew('corsac_command_calls_total{command="set"}', 10)
    grew('redis_commands_total{cmd="set"}', 10)
    grew('corsac_command_duration_seconds_count{command="set"}', 10)
    grew('corsac_errors_total{code="WRONGTYPE"}', 1)
    grew('corsac_database_keys{database="0"}', 10)
    grew('corsac_shard_keys{shard="0"}', 10)
    grew('redis_db_keys_expiring{db="db0"}', 10)
    assert after["redis_up"] == "1" and after["corsac_aof_write_ok"] == "1"
    assert int(after["corsac_connected_clients"]) >= 1
    assert int(after["corsac_aof_synced_position_bytes_total"]) > 0
    assert int(after["corsac_loop_turn_duration_seconds_count"]) > 10


@test
def waits_for_the_log_are_counted():
    name = "corsac_gate_wait_seconds"
    before = samples(scrape())
    DISK.delay(SYNC, 20000)
    for i in range(5):
        assert CLIENT.call("SET", "waits", i) == b"+OK"
    DISK.calm()
    after = samples(scrape())
    assert int(after[f"{name}_count"]) >= int(before[f"{name}_count"]) + 5
    assert float(after[f"{name}_sum"]) >= float(before[f"{name}_sum"]) + 0.1
    shorter = int(after[name + '_bucket{le="0.016384"}']) - int(before[name + '_bucket{le="0.016384"}'])
    assert shorter == 0, f"{shorter} waits were shorter than a sync"


@test
def promtool_has_nothing_to_say():
    if not shutil.which("promtool"):
        raise Skip("promtool is not installed")
    done = subprocess.run(["promtool", "check", "metrics"], input=scrape(), capture_output=True, text=True)
    said = done.stdout + done.stderr
    ours = [line for line in said.splitlines() if not line.startswith("redis_")]
    assert not ours, "\n".join(ours)  # names of Redis' exporters are theirs


@test
def names_of_the_dashboard_are_there():
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    text = scrape()
    families = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            families[name] = kind
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    expressions += [v["definition"] for v in dashboard["templating"]["list"] if "definition" in v]
    names = {name for e in expressions for name in re.findall(r"\bcorsac_\w+", e)}
    assert len(names) > 30, names
    for name in names:
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert families.get(name) or families.get(family) == "histogram" or loading_only(name), name
    # A rate of what is no counter says nothing.
    for name in {n for e in expressions for n in re.findall(r"(?:rate|increase)\((corsac_\w+)", e)}:
        assert families.get(name) == "counter" or name.endswith("_bucket"), name
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


def loading_only(name):
    return name.startswith("corsac_loading_")


@test
def probes_answer():
    alive = SERVER.ask("GET", "/healthz")
    assert (alive.status, alive.json) == (200, {"status": "ok"})
    assert SERVER.ask("GET", "/readyz").json == {"ready": True}
    for path in ("/healthz", "/readyz", "/metrics"):
        assert SERVER.ask("HEAD", path).status == 200
        answer = SERVER.ask("POST", path, {})
        assert answer.status == 405 and "GET" in answer.headers["Allow"], (answer.status, answer.headers["Allow"])


@test
def metrics_can_be_closed():
    try:
        CLIENT.call("CONFIG", "SET", "requirepass", "sesame")
        assert SERVER.ask("GET", "/metrics").status == 200
        assert CLIENT.call("CONFIG", "SET", "http-metrics-open", "no") == b"+OK"
        closed = SERVER.ask("GET", "/metrics")
        assert closed.status == 401 and "error" in closed.json and closed.headers["WWW-Authenticate"]
        assert SERVER.ask("GET", "/metrics", headers={"Authorization": "Bearer no"}).status == 401
        assert SERVER.ask("GET", "/metrics", headers={"Authorization": "Bearer sesame"}).status == 200
        assert SERVER.ask("GET", "/healthz").status == 200
        assert SERVER.ask("GET", "/readyz").status == 200
    finally:
        CLIENT.call("CONFIG", "SET", "requirepass", "")
        CLIENT.call("CONFIG", "SET", "http-metrics-open", "yes")


@test
def it_is_not_ready_while_writes_are_refused():
    writer = testing.Client(SERVER.port)

    def fail():
        DISK.fail(WRITE, 1, errno.ENOSPC)  # one write: the log tries again, and is to fail again

    fail()
    writer.send("SET", "refused", "1")
    reason = await_ready(503, fail)["reason"]
    assert "No space left" in reason, reason
    assert SERVER.ask("GET", "/healthz").status == 200
    DISK.calm()
    await_ready(200)
    writer.close()


@test
def it_is_not_ready_while_it_loads():
    """A long log; whoever asks meanwhile is told."""
    block = b"".join(testing.encode("SET", f"load:{i}", b"v" * 64) for i in range(1000))
    os.makedirs("loads/appendonlydir")
    with open("loads/appendonlydir/appendonly.aof.1.base.aof", "wb") as base:
        base.write(testing.encode("SELECT", 0))
        for _ in range(1000):
            base.write(block)
    with open("loads/appendonlydir/appendonly.aof.manifest", "wb") as manifest:
        manifest.write(b"file appendonly.aof.1.base.aof seq 1 type b\n")
    for _ in range(20):
        server = HttpServer("--appendonly", "yes", folder="loads")
        try:
            end = time.monotonic() + testing.PATIENCE_S
            while True:
                try:
                    answer = server.ask("GET", "/readyz")
                    break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.001)
            if answer.status == 503:
                assert answer.json == {"ready": False, "reason": "loading"}
                assert server.ask("GET", "/healthz").status == 200
                assert "corsac_loading_size_bytes" in server.ask("GET", "/metrics").body.decode() or \
                    server.ask("GET", "/readyz").status == 200
                return
        finally:
            server.kill()
    raise AssertionError("loading was never seen")


@test
def it_is_not_ready_before_it_ends():
    """Ready goes first, requests are served for http-drain-ms, then it ends; who asks twice does not wait so long."""
    CLIENT.call("CONFIG", "SET", "http-drain-ms", "600000")
    SERVER.process.send_signal(signal.SIGTERM)
    assert await_ready(503) == {"ready": False, "reason": "shutting down"}
    assert SERVER.ask("GET", "/healthz").status == 200
    assert CLIENT.call("GET", "key:0") == b"1"
    SERVER.process.send_signal(signal.SIGTERM)
    assert SERVER.process.wait(testing.PATIENCE_S) == 0


@test
def shutdown_waits_too_and_shutdown_now_does_not():
    for words, ms in (("SHUTDOWN", 700), (None, 700), ("SHUTDOWN NOW", 600000)):
        SERVER.start()
        client = testing.connect(SERVER)
        client.call("CONFIG", "SET", "http-drain-ms", ms)
        began = time.monotonic()
        if words:
            client.send(*words.split())
        else:
            SERVER.process.send_signal(signal.SIGTERM)
        assert SERVER.process.wait(testing.PATIENCE_S) == 0
        assert words == "SHUTDOWN NOW" or time.monotonic() - began >= 0.7


@test
def an_end_can_be_withdrawn():
    SERVER.start()
    client = testing.connect(SERVER)
    client.call("CONFIG", "SET", "http-drain-ms", "600000")
    SERVER.process.send_signal(signal.SIGTERM)
    await_ready(503)
    assert client.call("SHUTDOWN", "ABORT") == b"+OK"
    await_ready(200)
    client.call("CONFIG", "SET", "http-drain-ms", "0")


testing.run(SERVER)
