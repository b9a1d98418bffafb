#!/usr/bin/python3
"""What README tells people to type, typed: the way from Redis to Corsac, from a server with its log off and from one whose
log has an RDB base, as Redis' default is (Redis is redis-server, or Debian's redis-tools, which hold it by another name);
and the lines of curl."""

import os
import re
import shlex
import shutil
import subprocess
import time

import server as testing
from http_server import HttpServer
from server import test

SERVER = testing.Server()
VALUES = {b"text": b"a value", b"number": b"42", b"\x00bin\r\n": b"\r\n\x00", b"": b"of the empty key", b"large": b"x" * 100000}
DEADLINE_MS = 4102444800000  # 2100-01-01


def redis_server():
    return shutil.which("redis-server") or shutil.which("redis-check-rdb")


def lines_below(heading):
    """The indented lines of a section, without the comments behind them."""
    with open(f"{os.environ['CORSAC_ROOT']}/README.md", encoding="utf-8") as readme:
        section = re.search(rf"^## {heading}\n(.*?)(?=^## )", readme.read(), re.MULTILINE | re.DOTALL)
    assert section, f"README has no section {heading!r}"
    return [line.split("#")[0].strip() for line in section[1].splitlines() if line.startswith("    ")]


def follow(lines, redis, conf):
    """Types the lines, on the ports of the test, and waits where they say to wait. Returns what `corsac` was started with."""
    started = None
    for line in lines:
        words = shlex.split(line)
        if words[0] == "redis-cli":
            said = subprocess.run(["redis-cli", "-p", str(redis.port), *words[1:]], check=False, capture_output=True, text=True)
            assert "ERR" not in said.stdout, f"{line}: {said.stdout}"
            if words[1:3] == ["info", "persistence"]:
                assert testing.await_rewrite(testing.connect(redis)), "Redis could not write the file"
            if words[1] == "shutdown":
                redis.process.wait(testing.PATIENCE_S)
        else:
            assert words[0] == "corsac" and len(words) == 2, f"README has a line that this test does not know: {line}"
            started = [conf]
    return started


def move(name, *options):
    redis = testing.Server(*options, program="redis-server", executable=redis_server(), folder=name)
    client = testing.connect(redis)
    for key, value in VALUES.items():
        client.call("SET", key, value)
    client.call("SET", "kept until", "2100", "PXAT", DEADLINE_MS)
    client.call("SELECT", 3)
    client.call("SET", "elsewhere", "in database 3")
    conf = os.path.abspath(f"{name}.conf")
    with open(conf, "w", encoding="utf-8") as out:
        out.write(f"port {SERVER.port}\nbind 127.0.0.1\ndir {os.path.abspath(name)}\nappendonly yes\nsave 3600 1\n")
    started = follow(lines_below("Coming from Redis"), redis, conf)
    assert started, "README's lines start no corsac"
    SERVER.kill()
    SERVER.command = [os.environ["CORSAC_BIN"], *started]
    SERVER.start()
    corsac = testing.connect(SERVER)
    found = testing.contents(corsac, range(16))
    expected = {db: {} for db in range(16)}
    expected[0] = {key: (value, -1) for key, value in VALUES.items()} | {b"kept until": (b"2100", DEADLINE_MS)}
    expected[3] = {b"elsewhere": (b"in database 3", -1)}
    assert found == expected, f"{found!r:.1000}"


@test
def from_redis_without_a_log_to_corsac():
    move("plain")


@test
def from_redis_with_a_log_of_its_default_form_to_corsac():
    move("logged", "--appendonly", "yes", "--aof-use-rdb-preamble", "yes")


def event_of(line, client):
    """The first line that a stream of events gives, once somebody publishes."""
    with subprocess.Popen(shlex.split(line), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as curl:
        end = time.monotonic() + testing.PATIENCE_S
        while client.call("PUBLISH", "news", "hello") != 1:
            assert time.monotonic() < end, "nobody listens"
            time.sleep(0.01)
        said = [curl.stdout.readline().strip() for _ in range(5)]
        curl.kill()
    return said


@test
def over_http():
    web = HttpServer(folder="web")
    client = testing.connect(web)
    lines = [line.replace("127.0.0.1:8379", f"127.0.0.1:{web.web}") for line in lines_below("Over HTTP") if "curl" in line]
    answers = ['{"result":"OK"}', "hello", '[{"result":1},{"result":"hello"}]', '{"results":["1"]}']
    for line, answer in zip(lines, answers):
        said = subprocess.run(["sh", "-c", line], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert said.stdout == answer, f"{line}: {said.stdout}"
    said = event_of(lines[-1], client)
    assert any("hello" in event for event in said), said
    assert len(lines) == len(answers) + 1, f"README has other lines than this test: {lines}"
    assert web.stop() == 0


testing.run(SERVER)
