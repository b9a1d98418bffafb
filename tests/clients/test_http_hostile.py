#!/usr/bin/python3
"""Many HTTP clients at once that send whatever a seed says: requests with bytes changed, cut, doubled, that close at any
moment or never read. The server must go on serving everybody else, and afterwards have nothing left of them.

    test_http_hostile.py [SEED [SECONDS]]
"""

import json
import random
import socket
import sys
import time

import server as testing
from server import test

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 4
CLIENTS = 30

with socket.create_server(("127.0.0.1", 0)) as free:
    PORT = free.getsockname()[1]
SERVER = testing.Server("--bind", "127.0.0.1", "--http-port", str(PORT), "--http-max-body", "1mb",
                        "--notify-keyspace-events", "KA")
CLIENT = testing.connect(SERVER)


def request(line, *fields, body=b""):
    fields = [b"Host: localhost", *fields, *([b"Content-Length: %d" % len(body)] if body else [])]
    return b"\r\n".join([line + b" HTTP/1.1", *fields, b"", body])


JSON, OWN = b"Content-Type: application/json", b"X-Corsac: 1"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n9c40\r\n" + b"y" * 40000 + b"\r\n0"
REQUESTS = [
    request(b"GET /db/k"), request(b"HEAD /db/k", b"If-None-Match: *"), request(b"GET /db/k?format=json"),
    request(b"PUT /db/k?ex=5", body=b"x" * 40000), request(b"PUT /db/k", CHUNKED), request(b"DELETE /db/k"),
    request(b"DELETE /db/k", b'If-Match: "0123456789abcdef"'), request(b"GET /info"), request(b"OPTIONS /pipeline"),
    request(b"POST /pipeline", JSON, body=b'[["SET","k","v"],["GET","k"],["HGETALL","h"],["LRANGE","l"]]'),
    request(b"POST /multi-exec", JSON, b"Upstash-Encoding: base64", body=b'[["GET","k"],["INCR","n"],["SET","k","w"]]'),
    request(b"POST /", JSON, b"Upstash-Response-Format: resp2", body=b'["CONFIG","GET","*"]'),
    request(b"POST /v1/execute", JSON, body=b'{"commands":[{"cmd_type":"set","key":"foo","value":"bar"}]}'),
    request(b"POST /set/k?PX=100", OWN, b"Expect: 100-continue", body=b"abc"), request(b"GET /publish/c/m", OWN),
    request(b"GET /events?channel=c&key=k&pattern=*"), request(b"GET /monitor", OWN), request(b"GET /subscribe/c"),
    request(b"GET /metrics"), request(b"GET /openapi.json"), request(b"GET /"), request(b"GET /echo/x", b"Connection: close"),
]
PIECES = [b"\r\n", b"\0", b"%zz", b'"', b"[", b"99999999", b"Content-Length: 3\r\n", b"\r\n\r\n", b"\xff"]


def spoilt(rng):
    """Some requests, of which some bytes are others."""
    data = bytearray(b"".join(rng.choice(REQUESTS) for _ in range(rng.choice([1, 1, 1, 2, 5]))))
    for _ in range(rng.choice([0, 0, 1, 2, 5])):
        at = rng.randrange(len(data)) if rng.random() < 0.3 else rng.randrange(min(len(data), 200))
        kind = rng.random()
        if kind < 0.4:
            data[at] = rng.randrange(256)
        elif kind < 0.7:
            del data[at:at + rng.randrange(1, 10)]
        else:
            data[at:at] = rng.choice(PIECES)
        if not data:
            data = bytearray(b"x")
    return bytes(data[:rng.randrange(len(data)) + 1] if rng.random() < 0.2 else data)


def misbehave(rng, clients):
    if len(clients) < CLIENTS:
        client = socket.create_connection(("127.0.0.1", PORT), testing.PATIENCE_S)
        client.setblocking(False)
        clients.append(client)
    client = rng.choice(clients)
    try:
        client.send(spoilt(rng))
        if rng.random() < 0.7:
            client.recv(100000)
        if rng.random() < 0.05:
            client.shutdown(socket.SHUT_WR)
        gone = rng.random() < 0.1
    except BlockingIOError:
        gone = False
    except OSError:
        gone = True
    if gone:
        client.close()
        clients.remove(client)


@test
def everybody_else_is_served():
    rng, clients = random.Random(SEED), []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for _ in range(20):
            misbehave(rng, clients)
        assert CLIENT.call("ECHO", "there") == b"there"
    for client in clients:
        client.close()


@test
def nothing_is_left_of_them():
    end = time.monotonic() + testing.PATIENCE_S
    while b"lib-name=http" in CLIENT.call("CLIENT", "LIST") or CLIENT.call("PUBSUB", "CHANNELS"):
        assert time.monotonic() < end, CLIENT.call("CLIENT", "LIST")
        time.sleep(0.01)
    sane = socket.create_connection(("127.0.0.1", PORT), testing.PATIENCE_S)
    sane.sendall(request(b"GET /echo/x"))
    assert json.loads(sane.recv(4096).partition(b"\r\n\r\n")[2]) == {"result": "x"}
    sane.close()


testing.run(SERVER)
