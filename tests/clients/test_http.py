#!/usr/bin/python3
"""HTTP: each route through curl, errors too; and whatever a client may send that is no request."""

import base64
import json
import os
import signal
import socket
import subprocess
import time

import server as testing
from server import test

PASSWORD = "sesame"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class HttpServer(testing.Server):
    def __init__(self, *options, folder="server"):
        self.http = free_port()
        super().__init__("--bind", "127.0.0.1", "--http-port", str(self.http), *options, folder=folder)
        self.client = testing.connect(self)


SERVER = HttpServer("--http-max-body", "1mb", "--notify-keyspace-events", "KA", "--enable-debug-command", "local")
LOCKED = HttpServer("--requirepass", "", folder="locked")
LOCKED.client.call("CONFIG", "SET", "requirepass", PASSWORD)


class Answer:
    """What curl got."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100"):
            head, _, self.body = self.body.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            self.fields[name.lower()] = value

    @property
    def json(self):
        assert self.fields["content-type"] == "application/json", self.fields
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]


def curl(path, *options, server=SERVER, data=None):
    url = path if "://" in path else f"http://127.0.0.1:{server.http}{path}"
    done = subprocess.run(["curl", "-sS", "-i", "--path-as-is", "-g", "-m", str(testing.PATIENCE_S), *options, url],
                          input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return Answer(done.stdout)


def ask(path, body, *options, server=SERVER):
    """POST of JSON, as clients of the Upstash protocol do."""
    return curl(path, "-H", "Content-Type: application/json", "-d", json.dumps(body), *options, server=server)


def run(*words, server=SERVER):
    return server.client.call(*words)


# --- the Upstash protocol ----------------------------------------------------------------------------------------


@test
def one_command_in_the_body():
    run("FLUSHALL")
    assert ask("/", ["SET", "k", "v", "EX", 100]).json == {"result": "OK"}
    assert run("TTL", "k") == 100
    assert ask("/", ["GET", "k"]).json == {"result": "v"}
    assert ask("/", ["GET", "none"]).json == {"result": None}
    assert ask("/", ["INCR", "n"]).json == {"result": 1}
    answer = ask("/", ["GET"])
    assert answer.status == 400
    assert answer.error == "ERR wrong number of arguments for 'get' command"


@test
def words_of_every_kind():
    for written, stored in (('1e21', b"1e21"), ("12345678901234567890", b"12345678901234567890"), ("true", b"true"),
                            ("null", b"null"), ("-0.10", b"-0.10"), (r'"\u00e9\ud83d\ude00\n\u0000\"\\\/"',
                                                                    "é😀\n\0\"\\/".encode())):
        answer = curl("/", "-H", "Content-Type: application/json", "-d", f'["SET","k",{written}]')
        assert answer.json == {"result": "OK"}, (written, answer.body)
        assert run("GET", "k") == stored


@test
def json_that_is_none():
    run("SET", "k", "as it was")
    for body in ('', '{}', '[', '["SET"', '["SET","k",[1]]', '["SET","k",{"a":1}]', '["SET","k","v"]x', '[]', '["SET",]',
                 '["SET","k","\\ud800"]', '["SET","k","\\x"]', '["SET","k",01]', '["SET","k",tru]', '["SET","k","a\nb"]',
                 '["SET" "k"]', '[["SET","k","v"]]', "[" * 100000, '"SET"', 'nul'):
        answer = curl("/", "-H", "Content-Type: application/json", "--data-binary", "@-", data=body.encode())
        assert answer.status == 400 and answer.error.startswith("ERR "), (body[:40], answer.body)
    bad = curl("/", "-H", "Content-Type: application/json", "--data-binary", "@-", data=b'["SET","k","\xff"]')
    assert bad.status == 400 and "UTF-8" in bad.error
    assert run("GET", "k") == b"as it was"


@test
def pipelines():
    run("FLUSHALL")
    answer = ask("/pipeline", [["SET", "k", "v"], ["GET", "k"], ["INCR", "k"], ["NOSUCH"], ["GET", "none"]])
    assert answer.status == 200
    results = answer.json
    assert results[:3] == [{"result": "OK"}, {"result": "v"},
                           {"error": "ERR value is not an integer or out of range"}], results
    assert results[3]["error"].startswith("ERR unknown command") and results[4] == {"result": None}
    assert ask("/pipeline", []).json == []
    many = ask("/pipeline?db=2", [["RPUSH", "l", i] for i in range(5000)]).json
    assert [r["result"] for r in many] == list(range(1, 5001))
    assert ask("/?db=2", ["LRANGE", "l", 0, -1]).json["result"] == [str(i) for i in range(5000)]
    assert run("EXISTS", "l") == 0
    assert ask("/?db=99", ["PING"]).status == 400
    assert ask("/pipeline", ["GET", "k"]).status == 400


@test
def transactions():
    run("FLUSHALL")
    assert ask("/multi-exec", [["SET", "k", "1"], ["INCR", "k"], ["HSET", "k", "f", "v"], ["GET", "k"]]).json == [
        {"result": "OK"}, {"result": 2},
        {"error": "WRONGTYPE Operation against a key holding the wrong kind of value"}, {"result": "2"}]
    answer = ask("/multi-exec", [["SET", "k", "changed"], ["SET", "k"]])
    assert answer.status == 400 and answer.error.startswith("EXECABORT "), answer.body
    assert run("GET", "k") == b"2"
    assert ask("/multi-exec", []).json == []
    assert ask("/", ["GET", "k"]).json == {"result": "2"}, "the transaction has ended"


@test
def shapes_of_resp2():
    run("DEL", "h", "z", "s")
    run("HSET", "h", "a", 1)
    run("ZADD", "z", "1.5", "m")
    run("SADD", "s", "x")
    results = ask("/pipeline", [["HGETALL", "h"], ["ZSCORE", "z", "m"], ["ZRANGE", "z", 0, -1, "WITHSCORES"],
                                ["SMEMBERS", "s"], ["CONFIG", "GET", "maxclients"], ["ZSCORE", "z", "none"]]).json
    assert [r["result"] for r in results] == [["a", "1"], "1.5", ["m", "1.5"], ["x"], ["maxclients", "10000"], None]
    raw = ask("/", ["HGETALL", "h"], "-H", "Upstash-Response-Format: resp2")
    assert raw.body == b"*2\r\n$1\r\na\r\n$1\r\n1\r\n" and raw.fields["content-type"] == "application/octet-stream"
    raw = ask("/pipeline", [["GET", "none"], ["ZSCORE", "z", "m"], ["SET", "k", "v"], ["NOSUCH"]], "-H",
              "Upstash-Response-Format: resp2")
    assert raw.body.startswith(b"$-1\r\n$3\r\n1.5\r\n+OK\r\n-ERR unknown command"), raw.body
    for path, options in (("/", ["-H", "Upstash-Response-Format: resp2", "-H", "Upstash-Encoding: base64"]),
                          ("/", ["-H", "Upstash-Response-Format: msgpack"]),
                          ("/multi-exec", ["-H", "Upstash-Response-Format: resp2"])):
        body = ["PING"] if path == "/" else [["PING"]]
        assert ask(path, body, *options).status == 400


@test
def base64_of_results():
    run("DEL", "l")
    binary = bytes(range(256))
    run("SET", "k", binary)
    run("RPUSH", "l", "a", "OK")
    as_base64 = ("-H", "Upstash-Encoding: base64")
    assert base64.b64decode(ask("/", ["GET", "k"], *as_base64).json["result"]) == binary
    assert ask("/", ["SET", "x", "y"], *as_base64).json == {"result": "OK"}
    assert ask("/", ["LRANGE", "l", 0, -1], *as_base64).json == {"result": ["YQ==", "T0s="]}
    assert ask("/", ["TYPE", "l"], *as_base64).json == {"result": base64.b64encode(b"list").decode()}
    assert ask("/", ["INCR", "l"], *as_base64).error.startswith("WRONGTYPE")
    assert ask("/", ["GET", "none"], *as_base64).json == {"result": None}
    assert ask("/multi-exec", [["LLEN", "l"], ["SET", "x", "z"], ["LRANGE", "l", 0, 0]], *as_base64).json == [
        {"result": 2}, {"result": "OK"}, {"result": ["YQ=="]}]
    for size in range(9):
        run("SET", "k", b"\xff" * size)
        got = ask("/", ["GET", "k"], *as_base64).json["result"]
        assert base64.b64decode(got) == b"\xff" * size
    run("SET", "k", b"\xffa\xe2\x82")
    assert ask("/", ["GET", "k"]).json == {"result": "\ufffda\ufffd\ufffd"}


@test
def by_path():
    own = ("-H", "X-Corsac: 1")
    run("FLUSHALL")
    assert curl("/set/k/a%20b%2Fc/EX/100", *own).json == {"result": "OK"}
    assert run("GET", "k") == b"a b/c" and run("TTL", "k") == 100
    assert curl("/get/k").json == {"result": "a b/c"}
    assert curl("/set/k?EX=50&NX", "-X", "POST", "--data-binary", "body", *own).json == {"result": None}
    assert curl("/set/k?EX=50", "-X", "PUT", "--data-binary", "body", *own).json == {"result": "OK"}
    assert run("TTL", "k") == 50 and run("GET", "k") == b"body"
    assert curl("/get/k", "--head").status == 200
    assert curl("/get", *own).status == 400
    assert curl("/get/%zz").status == 400
    assert curl("/get/%0").status == 400
    assert curl("/get/k", "-X", "PATCH").status == 405
    answer = curl("/pipeline", "-X", "DELETE")
    assert answer.status == 405 and "POST" in answer.fields["allow"] and answer.error
    assert curl("/", "-X", "BREW").status == 405


@test
def commands_that_belong_to_connections():
    for words in (["BLPOP", "k", 0], ["WATCH", "k"], ["MULTI"], ["EXEC"], ["SUBSCRIBE", "c"], ["MONITOR"], ["SELECT", 1],
                  ["AUTH", "x"], ["HELLO", 3], ["QUIT"], ["RESET"], ["CLIENT", "REPLY", "OFF"], ["XREAD", "BLOCK", 0],
                  ["CLIENT", "SETNAME", "x"], ["WAIT", 0, 0]):
        answer = ask("/", words)
        assert answer.status == 400, (words, answer.body)
    assert ask("/pipeline", [["PING"], ["BLPOP", "k", 0]]).status == 400
    assert ask("/", ["PING"]).json == {"result": "PONG"}
    assert ask("/", ["ECHO", "x"]).json == {"result": "x"}
    assert "lib-name=http" in ask("/", ["CLIENT", "LIST"]).json["result"]


@test
def the_position_is_told():
    kept = HttpServer("--appendonly", "yes", folder="kept")
    before = int(ask("/", ["SET", "k", "v"], server=kept).fields["upstash-sync-token"])
    after = int(ask("/", ["SET", "k", "w"], "-H", f"upstash-sync-token: {before}", server=kept).fields["upstash-sync-token"])
    assert 0 < before < after
    again = ask("/", ["GET", "k"], "-H", f"upstash-sync-token: {after}", server=kept)
    assert again.json == {"result": "w"} and int(again.fields["upstash-sync-token"]) == after
    assert kept.stop() == 0


# --- keys as resources ---------------------------------------------------------------------------------------------

OCTETS = ("-H", "Content-Type: application/octet-stream")


def put(path, body, *options, server=SERVER):
    return curl(path, "-X", "PUT", *OCTETS, "--data-binary", "@-", *options, server=server, data=body)


@test
def a_key_is_put_and_got():
    run("FLUSHALL")
    binary = bytes(range(256)) * 3
    assert put("/db/k", binary).json == {"result": "OK"}
    assert run("GET", "k") == binary
    answer = curl("/db/k")
    assert answer.body == binary and answer.fields["content-type"] == "application/octet-stream"
    assert int(answer.fields["content-length"]) == len(binary)
    head = curl("/db/k", "--head")
    assert head.status == 200 and head.body == b"" and head.fields["content-length"] == str(len(binary))
    assert head.fields["etag"] == answer.fields["etag"]
    assert curl("/db/none").status == 404 and "no such key" in curl("/db/none").error
    assert curl("/db/k", "-X", "DELETE").json == {"result": 1}
    assert curl("/db/k", "-X", "DELETE").status == 404
    assert put("/db/k", b"").status == 200 and curl("/db/k").body == b""


@test
def keys_are_any_bytes():
    key = bytes(range(256))
    escaped = "".join(f"%{byte:02x}" for byte in key)
    assert put("/db/" + escaped, b"v").status == 200
    assert run("GET", key) == b"v"
    assert curl("/db/" + escaped).body == b"v"
    assert put("/db/a/b//c", b"v").status == 200 and run("GET", "a/b//c") == b"v"
    assert curl("/db/%4").status == 400 and curl("/db/%xy").status == 400
    assert put("/db/k?db=3", b"three").status == 200
    assert curl("/db/k?db=3").body == b"three" and curl("/db/k?db=99").status == 400 and curl("/db/k?db=x").status == 400


@test
def what_a_put_may_ask():
    run("FLUSHALL")
    assert put("/db/k?ex=100", b"v").status == 200 and run("TTL", "k") == 100
    assert put("/db/k?px=50000", b"v").status == 200 and 0 < run("PTTL", "k") <= 50000
    assert put("/db/k?nx", b"w").status == 412 and run("GET", "k") == b"v"
    assert put("/db/none?xx", b"w").status == 412 and run("EXISTS", "none") == 0
    assert put("/db/k?xx", b"w").status == 200
    for query in ("ex=0", "ex=a", "ex=", "px=-1", "nx&xx", "ex=1&px=1"):
        assert put("/db/k?" + query, b"x").status == 400, query
    assert run("GET", "k") == b"w"
    run("RPUSH", "l", "a")
    assert curl("/db/l").status == 409 and curl("/db/l").error.startswith("WRONGTYPE")
    assert curl("/db/l", "-X", "DELETE").status == 200


@test
def content_types():
    run("FLUSHALL")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/html"):
        answer = curl("/db/k", "-X", "PUT", "-H", f"Content-Type: {kind}", "--data-binary", "v")
        assert answer.status == 415, answer.body
    assert run("EXISTS", "k") == 0
    as_json = ("-X", "PUT", "-H", "Content-Type: application/json; charset=utf-8", "--data-binary")
    assert curl("/db/k", *as_json, '{"a":[1,2]}').status == 200
    answer = curl("/db/k")
    assert answer.json == {"a": [1, 2]}
    assert curl("/db/k", *as_json, '{"a":').status == 400 and run("GET", "k") == b'{"a":[1,2]}'
    assert put("/db/k", b"7").status == 200
    assert curl("/db/k").fields["content-type"] == "application/octet-stream"
    assert curl("/db/k?format=json").json == 7
    assert put("/db/k", b"seven").status == 200
    assert curl("/db/k?format=json").status == 406
    assert put("/db/k", b"{not json}").status == 200
    assert curl("/db/k").fields["content-type"] == "application/octet-stream"


@test
def conditions():
    run("FLUSHALL")
    tag = put("/db/k", b"one").fields["etag"]
    assert curl("/db/k").fields["etag"] == tag and tag.strip('"').encode() == run("DIGEST", "k")
    same = curl("/db/k", "-H", f"If-None-Match: {tag}")
    assert same.status == 304 and same.body == b""
    assert curl("/db/k", "-H", 'If-None-Match: "0123456789abcdef"').status == 200
    other = put("/db/k", b"two", "-H", f"If-Match: {tag}")
    assert other.status == 200 and run("GET", "k") == b"two"
    assert put("/db/k", b"three", "-H", f"If-Match: {tag}").status == 412 and run("GET", "k") == b"two"
    assert put("/db/k", b"three", "-H", "If-None-Match: *").status == 412
    assert put("/db/new", b"three", "-H", "If-None-Match: *").status == 200
    assert put("/db/newer", b"x", "-H", "If-Match: *").status == 412 and run("EXISTS", "newer") == 0
    assert put("/db/k", b"x", "-H", 'If-Match: "odd"').status == 412
    assert curl("/db/k", "-X", "DELETE", "-H", f"If-Match: {tag}").status == 412 and run("EXISTS", "k") == 1
    assert curl("/db/k", "-X", "DELETE", "-H", f"If-Match: {other.fields['etag']}").status == 200
    assert run("EXISTS", "k") == 0


@test
def large_values():
    large = os.urandom(1024 * 1024)
    assert put("/db/large", large).status == 200
    assert run("GET", "large") == large
    answer = curl("/db/large")
    assert answer.body == large and answer.fields["etag"].strip('"').encode() == run("DIGEST", "large")
    assert put("/db/large", large + b"x").status == 413
    chunked = put("/db/large2", large[:700000], "-H", "Transfer-Encoding: chunked")
    assert chunked.status == 200 and run("GET", "large2") == large[:700000]
    assert put("/db/large2", large + b"x", "-H", "Transfer-Encoding: chunked").status == 413
    assert run("STRLEN", "large2") == 700000
    waited = put("/db/large2", large, "-H", "Expect: 100-continue")
    assert waited.status == 200 and run("STRLEN", "large2") == len(large)
    wide = b"v" * 3000000
    run("SET", "wide", wide)
    assert curl("/db/wide").body == wide
    assert ask("/", ["GET", "wide"]).json == {"result": wide.decode()}


# --- live ------------------------------------------------------------------------------------------------------------


class Listener:
    """Server-sent events."""

    def __init__(self, path, *fields, server=SERVER):
        self.socket = socket.create_connection(("127.0.0.1", server.http), timeout=testing.PATIENCE_S)
        head = f"GET {path} HTTP/1.0\r\nAccept: text/event-stream\r\n" + "".join(f + "\r\n" for f in fields)
        self.socket.sendall(head.encode() + b"\r\n")
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline() != b"\r\n":
            pass

    def event(self):
        lines = []
        while True:
            line = self.file.readline()
            assert line, "the events have ended"
            if line == b"\n" and lines:
                return b"".join(lines).decode()
            if line != b"\n" and not line.startswith(b":"):
                lines.append(line)

    def close(self):
        self.file.close()
        self.socket.close()


@test
def subscriptions():
    sub = Listener("/subscribe/news")
    assert sub.status == 200 and sub.event() == "data: subscribe,news,1\n"
    assert curl("/publish/news/hello%20there", "-H", "X-Corsac: 1").json == {"result": 1}
    assert sub.event() == "data: message,news,hello there\n"
    run("PUBLISH", "news", "two\nlines")
    assert sub.event() == "data: message,news,two\ndata: lines\n"
    pattern = Listener("/psubscribe/n*")
    assert pattern.event() == "data: psubscribe,n*,1\n"
    run("PUBLISH", "news", "x")
    assert pattern.event() == "data: pmessage,n*,news,x\n"
    sub.close()
    pattern.close()
    end = time.monotonic() + testing.PATIENCE_S
    while run("PUBSUB", "NUMSUB", "news") != [b"news", 0]:
        assert time.monotonic() < end
        time.sleep(0.01)


@test
def monitoring():
    lines = Listener("/monitor", "X-Corsac: 1")
    assert lines.event() == 'data: "OK"\n'
    run("SET", "seen", "v")
    assert '"SET" "seen" "v"' in lines.event()
    lines.close()
    assert Listener("/monitor").status == 403


@test
def named_events():
    live = Listener("/events?channel=c&pattern=p*&key=k")
    for _ in range(3):
        assert live.event().startswith("event: subscribed\n")
    run("PUBLISH", "c", 'quote"')
    assert live.event() == 'event: message\ndata: {"channel":"c","message":"quote\\""}\n'
    run("PUBLISH", "pp", "m")
    assert live.event() == 'event: pmessage\ndata: {"pattern":"p*","channel":"pp","message":"m"}\n'
    run("SET", "k", "v")
    fields = dict(line.split(": ", 1) for line in live.event().strip().split("\n"))
    assert fields["event"] == "key" and json.loads(fields["data"]) == {"key": "k", "event": "set"}
    assert fields["id"].isdigit()
    live.close()
    assert curl("/events").status == 400
    assert curl("/events?key=k", "-H", f"Authorization: Bearer {PASSWORD}", server=LOCKED).status == 409


# --- who may ----------------------------------------------------------------------------------------------------------


@test
def passwords():
    run("SET", "k", "v", server=LOCKED)
    for options in ((), ("-H", "Authorization: Bearer wrong"), ("-u", "default:wrong"), ("-u", f"other:{PASSWORD}"),
                    ("-H", "Authorization: Bearer"), ("-H", "Authorization: Basic !"), ("-H", "X-Corsac: 1")):
        for path in ("/get/k", "/db/k", "/db/none"):
            answer = curl(path, *options, server=LOCKED)
            assert answer.status == 401, (options, answer.body)
            assert answer.error == "WRONGPASS invalid or missing auth token"
            assert answer.fields["www-authenticate"].startswith("Bearer")
    assert ask("/pipeline", [["SET", "k", "x"]], server=LOCKED).status == 401
    assert run("GET", "k", server=LOCKED) == b"v"
    for options in (("-H", f"Authorization: Bearer {PASSWORD}"), ("-u", f"default:{PASSWORD}"), ("-u", f":{PASSWORD}")):
        assert curl("/get/k", *options, server=LOCKED).json == {"result": "v"}
    assert curl(f"/get/k?_token={PASSWORD}", server=LOCKED).json == {"result": "v"}
    assert curl("/get/k?_token=x", server=LOCKED).status == 401
    # A token where none is asked for changes nothing.
    assert ask("/", ["PING"], "-H", "Authorization: Bearer anything").json == {"result": "PONG"}


@test
def a_token_holds_for_one_request():
    raw = Raw(LOCKED)
    raw.send(f"GET /get/k HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {PASSWORD}\r\n\r\n")
    assert raw.answer()[0] == 200
    raw.send("GET /get/k HTTP/1.1\r\nHost: x\r\n\r\n")
    assert raw.answer()[0] == 401
    raw.send("GET /get/k HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n\r\n")
    assert raw.answer()[0] == 401
    raw.close()


@test
def pages_of_other_origins():
    run("SET", "k", "v")
    form = ("-H", "Content-Type: application/x-www-form-urlencoded")
    plain = ("-H", "Content-Type: text/plain")
    for options in ((), form, plain, ("-H", "Content-Type: multipart/form-data; boundary=x"), ("-H", "Content-Type;")):
        answer = curl("/", "-X", "POST", "--data-binary", '["SET","k","stolen"]', *options)
        assert answer.status == 403, (options, answer.body)
        answer = curl("/set/k", "-X", "POST", "--data-binary", "stolen", *options)
        assert answer.status == 403, (options, answer.body)
    assert curl("/set/k/stolen").status == 403 and curl("/flushall").status == 403 and curl("/publish/a/b").status == 403
    # With what browsers add, not even reading goes.
    for options in (("-H", "Sec-Fetch-Site: cross-site"), ("-H", "Origin: http://evil.example"), ("-H", "Origin: null"),
                    ("-H", "Sec-Fetch-Site: same-site"), ("-A", "Mozilla/5.0")):
        assert curl("/get/k", *options).status == 403, options
        assert curl("/db/k", *options).status == 403, options
    for options in (("-H", "Sec-Fetch-Site: cross-site"), ("-H", "Origin: http://evil.example")):
        assert ask("/", ["SET", "k", "stolen"], *options).status == 403
        assert put("/db/k", b"stolen", *options).status == 403
    assert run("GET", "k") == b"v"
    # A page of ours may.
    own = ("-H", f"Origin: http://127.0.0.1:{SERVER.http}", "-H", "Sec-Fetch-Site: same-origin", "-A", "Mozilla/5.0")
    assert ask("/", ["SET", "k", "w"], *own).json == {"result": "OK"}
    assert curl("/get/k", *own).json == {"result": "w"}
    assert "access-control-allow-origin" not in curl("/get/k", *own).fields


@test
def names_that_are_bound_to_this_machine():
    port = SERVER.http
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example"):
        assert curl("/get/k", "-H", f"Host: {host}").status == 403, host
        assert ask("/", ["PING"], "-H", f"Host: {host}").status == 403, host
    for host in ("localhost", f"localhost:{port}", "127.0.0.1", f"[::1]:{port}", "app.localhost"):
        assert curl("/get/k", "-H", f"Host: {host}").status == 200, host
    token = ("-H", f"Authorization: Bearer {PASSWORD}")
    assert curl("/get/k", "-H", "Host: corsac.example", *token, server=LOCKED).status == 200


@test
def origins_that_are_allowed():
    run("CONFIG", "SET", "http-cors-origin", "https://app.example https://other.example")
    origin = ("-H", "Origin: https://app.example", "-H", "Sec-Fetch-Site: cross-site")
    answer = ask("/", ["PING"], *origin)
    assert answer.json == {"result": "PONG"}
    assert answer.fields["access-control-allow-origin"] == "https://app.example"
    preflight = curl("/pipeline", "-X", "OPTIONS", *origin, "-H", "Access-Control-Request-Method: POST", "-H",
                     "Access-Control-Request-Headers: authorization, content-type, upstash-encoding")
    assert preflight.status == 204 and "POST" in preflight.fields["access-control-allow-methods"]
    assert preflight.fields["access-control-allow-headers"] == "authorization, content-type, upstash-encoding"
    assert ask("/", ["PING"], "-H", "Origin: https://evil.example").status == 403
    run("CONFIG", "SET", "http-cors-origin", "")
    assert ask("/", ["PING"], *origin).status == 403
    off = curl("/pipeline", "-X", "OPTIONS", *origin, "-H", "Access-Control-Request-Method: POST")
    assert "access-control-allow-origin" not in off.fields


# --- bytes that are no request -----------------------------------------------------------------------------------------


class Raw:
    """A connection, byte by byte."""

    def __init__(self, server=SERVER):
        self.socket = socket.create_connection(("127.0.0.1", server.http), timeout=testing.PATIENCE_S)
        self.file = self.socket.makefile("rb")

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def answer(self):
        """Status, fields, body."""
        line = self.file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        fields = {}
        while (field := self.file.readline()) != b"\r\n":
            name, _, value = field.decode().strip().partition(": ")
            fields[name.lower()] = value
        body = self.file.read(int(fields.get("content-length", 0)))
        return int(line.split()[1]), fields, body

    def ended(self):
        return self.file.read() == b""

    def close(self):
        self.file.close()
        self.socket.close()


def refused(text, *statuses):
    """The connection is closed behind a JSON error of such a status."""
    raw = Raw()
    raw.send(text)
    status, fields, body = raw.answer()
    assert status in statuses, (text[:80], status, body)
    assert json.loads(body)["error"] and fields["connection"] == "close"
    assert raw.ended()
    raw.close()


SET = b'["SET","k","smuggled"]'
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@test
def smuggling():
    run("SET", "k", "v")
    length = b"Content-Length: %d\r\n" % len(SET)
    chunked = b"Transfer-Encoding: chunked\r\n"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(SET), SET)
    refused(POST + length + length + b"\r\n" + SET, 400)
    refused(POST + length + b"Content-Length: 0\r\n\r\n" + SET, 400)
    refused(POST + b"Content-Length: %d, %d\r\n\r\n" % (len(SET), len(SET)) + SET, 400)
    refused(POST + length + chunked + b"\r\n" + chunks, 400)
    refused(POST + chunked + length + b"\r\n" + chunks, 400)
    refused(POST + chunked + chunked + b"\r\n" + chunks, 400, 501)
    refused(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks, 501)
    refused(POST + b"Transfer-Encoding: xchunked\r\n\r\n" + chunks, 501)
    refused(POST + b"Transfer-Encoding : chunked\r\n\r\n" + chunks, 400)
    refused(POST + b"Content-Length : 5\r\n\r\n" + SET, 400)
    refused(POST + b"X: a\r\n b: c\r\n\r\n", 400)
    refused(POST + b"X: a\r\n\tContent-Length: 5\r\n\r\n", 400)
    for bad in (b"+22", b"-1", b"0x16", b"22 ", b"2 2", b"", b"22a", b"9" * 30):
        refused(POST + b"Content-Length: %s\r\n\r\n" % (bad if bad != b"22 " else b"22\x0b") + SET, 400)
    for bad in (b"+16\r\n", b"0x16\r\n", b" 16\r\n", b"16 \r\n", b"-1\r\n", b"\r\n", b"16\n", b"fffffffffffffffff\r\n",
                b"g\r\n", b"16;" + b"x" * 300 + b"\r\n"):
        refused(POST + chunked + b"\r\n" + bad + SET + b"\r\n0\r\n\r\n", 400, 413)
    refused(POST + chunked + b"\r\n16\r\n" + SET + b"xx0\r\n\r\n", 400)
    refused(POST.replace(b"\r\n", b"\n") + b"\n", 400)
    refused(b"GET / HTTP/1.1\r\n\r\n", 400)
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n", 400)
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\x00c\r\n\r\n", 400)
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400)
    refused(b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400)
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400)
    assert run("GET", "k") == b"v"


@test
def lines_that_are_none():
    for line in (b"GET /", b"GET  / HTTP/1.1", b"GET / HTTP/1.1 x", b"GET / http/1.1", b"GET / HTTP/1.1x", b"G\x00T / HTTP/1.1",
                 b"GET /a b HTTP/1.1", b"GET get/k HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /a#b HTTP/1.1", b"*3", b"\x16\x03\x01"):
        refused(line + b"\r\nHost: localhost\r\n\r\n", 400)
    for version in (b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9"):
        refused(b"GET / " + version + b"\r\nHost: localhost\r\n\r\n", 505)
    refused(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414)
    refused(b"GET /" + b"a" * 40000, 414)
    refused(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40000, 431)
    refused(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 100 + b"\r\n", 431)
    refused(POST + b"Content-Length: 99999999999\r\n\r\n", 413)
    refused(POST + b"Expect: wonders\r\nContent-Length: 2\r\n\r\n[]", 417)


@test
def any_pieces():
    request = POST + b"Content-Length: %d\r\n\r\n" % len(b'["ECHO","x"]') + b'["ECHO","x"]'
    in_chunks = POST + b"Transfer-Encoding: chunked\r\n\r\n4;a=b\r\n[\"EC\r\n8\r\nHO\",\"x\"]\r\n0\r\nTrailer: x\r\n\r\n"
    for text in (request, in_chunks):
        raw = Raw()
        for split in range(len(text) + 1):
            raw.send(text[:split])
            if split % 8 == 0:
                time.sleep(0.001)
            raw.send(text[split:])
            assert raw.answer()[2] == b'{"result":"x"}', split
        raw.close()
        raw = Raw()
        for byte in text:
            raw.send(bytes([byte]))
        assert raw.answer()[2] == b'{"result":"x"}'
        raw.send(text * 50)  # sent ahead, in one piece
        for _ in range(50):
            assert raw.answer()[2] == b'{"result":"x"}'
        raw.close()


@test
def what_is_sent_before_the_end():
    raw = Raw()
    raw.send(POST + b"Content-Length: 12\r\n\r\n" + b'["ECHO","x"]')
    raw.socket.shutdown(socket.SHUT_WR)
    assert raw.answer()[2] == b'{"result":"x"}' and raw.ended()
    raw.close()
    old = Raw()
    old.send("GET /echo/x HTTP/1.0\r\n\r\n")
    assert old.answer()[2] == b'{"result":"x"}' and old.ended()
    old.close()
    kept = Raw()
    for _ in range(2):
        kept.send("GET /echo/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert kept.answer()[2] == b'{"result":"x"}'
    kept.close()
    # A client that goes in the middle of anything leaves nothing behind.
    for text in (b"GET /ec", POST, POST + b"Content-Length: 100\r\n\r\n[", POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"):
        gone = Raw()
        gone.send(text)
        gone.close()
    end = time.monotonic() + testing.PATIENCE_S
    while run("CLIENT", "LIST").count(b"lib-name=http") > 0:
        assert time.monotonic() < end
        time.sleep(0.01)


@test
def slow_clients():
    run("CONFIG", "SET", "http-request-timeout", 1)
    head, body, idle = Raw(), Raw(), Raw()
    head.send("GET /echo")
    body.send(POST + b"Content-Length: 100\r\n\r\n[")
    end = time.monotonic() + testing.PATIENCE_S
    try:
        while time.monotonic() < end:  # a byte at a time does not help
            body.send(b" ")
            head.send(b"x")
            time.sleep(0.05)
            if head.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                break
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    while time.monotonic() < end:
        try:
            head.send(b"x")
            body.send(b" ")
            time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            break
    assert time.monotonic() < end
    run("CONFIG", "SET", "http-request-timeout", 10)
    timed = Raw()
    run("CONFIG", "SET", "http-request-timeout", 1)
    timed.send("GET /echo")
    status, _, text = timed.answer()
    assert status == 408 and json.loads(text)["error"] and timed.ended()
    run("CONFIG", "SET", "http-request-timeout", 10)
    idle.send("GET /echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert idle.answer()[0] == 200
    for raw in (head, body, idle, timed):
        raw.close()


@test
def answers_nobody_takes():
    run("SET", "wide", b"v" * (16 << 20))
    before = int(run("INFO", "memory").split(b"used_memory:")[1].split(b"\r")[0])
    slow = []
    for _ in range(20):
        raw = Raw()
        raw.send("GET /db/wide HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5)
        slow.append(raw)
    for raw in slow:
        raw.socket.recv(1)
    now = int(run("INFO", "memory").split(b"used_memory:")[1].split(b"\r")[0])
    assert now - before < 64 << 20, now - before
    for raw in slow:
        raw.close()
    run("DEL", "wide")


@test
def too_many_clients():
    few = HttpServer("--maxclients", "3", folder="few")
    held = [Raw(few), Raw(few)]
    for raw in held:
        raw.send("GET /echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.answer()[0] == 200
    answer = curl("/echo/x", server=few)
    assert answer.status == 503 and "max number of clients" in answer.error
    for raw in held:
        raw.close()
    few.kill()


@test
def ports_come_and_go():
    port = free_port()
    assert run("CONFIG", "SET", "http-port", port) == b"+OK"
    assert curl(f"http://127.0.0.1:{port}/echo/x").json == {"result": "x"}
    assert run("CONFIG", "SET", "http-port", SERVER.http) == b"+OK"
    assert curl("/echo/x").json == {"result": "x"}
    assert run("CONFIG", "SET", "http-port", SERVER.port).startswith(b"-ERR")
    assert curl("/echo/x").json == {"result": "x"}


@test
def clients_are_clients():
    raw = Raw()
    raw.send("GET /echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    raw.answer()
    line = next(line for line in run("CLIENT", "LIST").split(b"\n") if b"lib-name=http" in line)
    assert b" cmd=echo " in line, line
    ident = line.split()[0].split(b"=")[1]
    assert run("CLIENT", "KILL", "ID", ident) == 1
    assert raw.ended()
    raw.close()
    run("CLIENT", "PAUSE", "100000", "WRITE")
    held = Raw()
    held.send(POST + b"Content-Length: %d\r\n\r\n" % len(b'["SET","k","paused"]') + b'["SET","k","paused"]')
    assert curl("/get/k").status == 200
    run("CLIENT", "UNPAUSE")
    assert held.answer()[2] == b'{"result":"OK"}'
    held.close()


@test
def it_ends_in_order():
    live = Listener("/subscribe/last", f"Authorization: Bearer {PASSWORD}", server=LOCKED)
    live.event()
    assert LOCKED.stop() == 0, LOCKED.log()[-2000:]
    live.close()


testing.run(SERVER)
