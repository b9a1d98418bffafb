#!/usr/bin/python3
"""POST /v1/execute: transactions in JSON, and what is refused without a trace."""

import json
import threading
import time

import server as testing
from http_server import HttpServer
from server import test

SERVER = HttpServer("--enable-debug-command", "local")
CLIENT = testing.connect(SERVER)


def command(kind, key=None, value=None, args=None):
    words = {"cmd_type": kind, "key": key, "value": value, "args": args}
    return {name: word for name, word in words.items() if word is not None}


def execute(*commands, when=None, path="/v1/execute"):
    body = {"commands": list(commands)}
    if when is not None:
        body["if"] = when
    return SERVER.ask("POST", path, body)


def results(*commands, **more):
    answer = execute(*commands, **more)
    assert answer.status == 200, (answer.status, answer.body)
    assert list(answer.json) == ["results"], answer.json
    return answer.json["results"]


def refused(answer, status, error):
    assert answer.status == status and error in answer.json["error"], (answer.status, answer.body)


@test
def a_set_answers_with_its_value_and_a_get_with_the_value_or_null():
    assert results(command("set", "foo", "bar"), command("get", "foo")) == ["bar", "bar"]
    assert results(command("GET", "none")) == [None]
    assert results() == []
    assert CLIENT.call("GET", "foo") == b"bar"


@test
def values_are_what_json_says():
    text = 'a"\\\n\t\u0000\u00e9\u20ac\U0001f600/'
    for value, stored in ((text, text), ("", ""), (7, "7"), (-1.5, "-1.5"), (1e21, "1e+21"), (True, "true")):
        assert results(command("set", "v", value), command("get", "v")) == [stored, stored], value
        assert CLIENT.call("GET", "v") == stored.encode()
    large = "x" * 3_000_000
    assert results(command("set", "v", large), command("strlen", "v")) == [large, len(large)]


@test
def any_command_has_args():
    assert results(command("delete", "h"), command("hset", "h", args=["f", "1", "g", 2]), command("hgetall", "h"),
                   command("hincrby", "h", args=["f", 5]), command("del", "h")) == [0, 2, {"f": "1", "g": "2"}, 6, 1]
    assert results(command("mset", args=["a", "1", "b", "2"]), command("mget", args=["a", "b", "none"])) == \
        ["OK", ["1", "2", None]]
    assert results(command("rpush", "l", args=["x", "y"]), command("lrange", "l", args=[0, -1]), command("llen", "l")) == \
        [2, ["x", "y"], 2]
    assert results(command("set", "once", "1", ["NX"]), command("set", "once", "2", ["NX"]),
                   command("set", "once", "3", ["GET"]), command("ttl", "once")) == ["1", None, "1", -1]
    assert results(command("object", args=["encoding", "a"])) == ["int"]
    assert results(command("dbsize"), path="/v1/execute?db=7") == [0]
    assert results(command("zadd", "z", args=["1.5", "m"]), command("zscore", "z", args=["m"])) == [1, 1.5]


@test
def what_is_unknown_is_refused_and_nothing_happens():
    CLIENT.call("SET", "kept", "before")
    for bad, error in (
            (command("nope", "kept"), "unknown command"),
            (command("get"), "wrong number of arguments"),
            (command("set", "kept"), "wrong number of arguments"),
            (command("object", args=["nope", "kept"]), "unknown subcommand"),
            (command("blpop", "kept", args=[0]), "not available"),
            (command("exec"), "not available"),
            (command("watch", "kept"), "not available"),
            ({"key": "kept"}, "cmd_type"),
            ({"cmd_type": None}, "cmd_type"),
            ({"cmd_type": "get", "ky": "kept"}, "unknown member"),
            ({"cmd_type": "set", "key": "kept", "value": {"a": 1}}, "no string"),
            ({"cmd_type": "set", "key": "kept", "value": None}, "no string"),
            ({"cmd_type": "mget", "args": [["kept"]]}, "no string"),
            ({"cmd_type": "mget", "args": "kept"}, "args is no array"),
            ("get kept", "no object")):
        for order in ((command("set", "kept", "after"), bad), (bad, command("set", "kept", "after"))):
            refused(execute(*order), 400, error)
            assert CLIENT.call("GET", "kept") == b"before", bad
    assert execute(command("set", "kept", "x"), command("nope")).json == {"error": "unknown command"}
    # The connection's next request is none of the transaction's.
    assert SERVER.ask("POST", "/", ["GET", "kept"]).json == {"result": "before"}


@test
def bodies_that_are_none_are_refused():
    for body, error in ((b"", "JSON"), (b"{", "JSON"), (b"[]", "no object"), (b'{"commands":[]', "JSON"),
                        (b'{"commands":[],"commands":[]}', "JSON"), (b'{"commands":{}}', "no array"), (b"{}", "no array"),
                        (b'{"commands":[],"else":1}', "unknown member"), (b'{"commands":[]} x', "JSON"),
                        (b'{"commands":[{"cmd_type":"set","key":"k","value":"\xff"}]}', "JSON"),
                        (b'{"commands":[{"cmd_type":"set","key":"k","value":"\\x"}]}', "JSON"),
                        (b'{"commands":[{"cmd_type":"set","key":"k","value":99999999999999999999}]}', "JSON"),
                        (b'{"commands":' + b"[" * 100000, "JSON"), (b'{"commands":[],"if":{}}', "if is no array"),
                        (b'{"commands":[],"if":[{"key":"k"}]}', "condition"),
                        (b'{"commands":[],"if":[{"value":"k"}]}', "no string")):
        refused(SERVER.ask("POST", "/v1/execute", body), 400, error)
    refused(SERVER.ask("POST", "/v1/execute", b"{}", {"Content-Type": "text/csv"}), 415, "application/json")
    assert SERVER.ask("POST", "/v1/execute", b'{"commands":[]}', {"Content-Type": "application/json; charset=utf-8"}) \
        .status == 200
    many = json.dumps({"commands": [command("set", "k", "x" * 5_000_000)]}).encode()
    refused(SERVER.ask("POST", "/v1/execute", many), 413, "/db")
    refused(SERVER.ask("POST", "/v1/execute", b'{"commands":[' + b"{}," * 200000 + b"{}]}"), 413, "too many values")
    assert results(command("set", "k", "[{," * 100000), command("del", "k")) == ["[{," * 100000, 1]
    assert SERVER.ask("GET", "/v1/execute").status == 405
    assert CLIENT.call("EXISTS", "k") == 0


@test
def a_command_that_fails_on_its_data_fails_alone():
    CLIENT.call("DEL", "list", "n")
    CLIENT.call("RPUSH", "list", "x")
    got = results(command("set", "n", "1"), command("incr", "list"), command("incr", "n"))
    assert got[0] == "1" and got[2] == 2 and got[1]["error"].startswith("WRONGTYPE"), got


@test
def conditions_make_a_compare_and_set():
    CLIENT.call("DEL", "lock", "other")
    free, mine = [{"key": "lock", "value": None}], [{"key": "lock", "value": "me"}]
    assert results(command("set", "lock", "me"), when=free) == ["me"]
    refused(execute(command("set", "lock", "you"), when=free), 409, "condition")
    refused(execute(command("set", "lock", "you"), when=[{"key": "lock", "value": "m"}]), 409, "condition")
    refused(execute(command("set", "lock", "you"), when=[{"key": "lock", "value": "mee"}]), 409, "condition")
    refused(execute(command("set", "lock", "you"), when=mine + [{"key": "other", "value": "x"}]), 409, "condition")
    assert CLIENT.call("GET", "lock") == b"me"
    assert results(command("set", "lock", "you"), when=mine + [{"key": "other", "value": None}]) == ["you"]
    assert results(command("get", "lock"), when=[]) == ["you"]
    # What is no string holds no value.
    CLIENT.call("RPUSH", "other", "x")
    refused(execute(command("get", "lock"), when=[{"key": "other", "value": "x"}]), 409, "condition")
    refused(execute(command("get", "lock"), when=[{"key": "other", "value": None}]), 409, "condition")
    refused(execute(command("nope"), when=mine), 400, "unknown command")
    value = "v" * 1_000_000
    CLIENT.call("SET", "lock", value)
    assert results(command("strlen", "lock"), when=[{"key": "lock", "value": value}]) == [len(value)]
    refused(execute(command("get", "lock"), when=[{"key": "lock", "value": value[:-1] + "w"}]), 409, "condition")


@test
def conditions_of_many_at_once_let_one_through_each():
    """A counter by compare-and-set from several threads loses no step."""
    CLIENT.call("SET", "counter", "0")
    rounds, threads, failed = 25, 4, []

    def count():
        try:
            for _ in range(rounds):
                while True:
                    now = SERVER.ask("POST", "/", ["GET", "counter"]).json["result"]
                    answer = execute(command("set", "counter", str(int(now) + 1)),
                                     when=[{"key": "counter", "value": now}])
                    if answer.status == 200:
                        break
                    assert answer.status == 409, answer.body
        except BaseException as error:  # told below
            failed.append(error)

    workers = [threading.Thread(target=count) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failed, failed
    assert CLIENT.call("GET", "counter") == str(rounds * threads).encode()


@test
def nobody_sees_half_of_one():
    """Two keys that are always the same, whoever looks, as long as two transactions write them."""
    CLIENT.call("MSET", "left", "0", "right", "0")
    stop, failed = threading.Event(), []

    def write():
        try:
            for i in range(200):
                results(command("set", "left", i), *[command("get", "left")] * 50, command("set", "right", i))
        except BaseException as error:
            failed.append(error)
        stop.set()

    worker = threading.Thread(target=write)
    worker.start()
    while not stop.is_set():
        left, right = CLIENT.call("MGET", "left", "right")
        assert left == right, (left, right)
    worker.join()
    assert not failed, failed


@test
def a_pause_holds_it():
    began = time.monotonic()
    assert CLIENT.call("CLIENT", "PAUSE", "300", "WRITE") == b"+OK"
    assert results(command("set", "paused", "1"), when=[{"key": "paused", "value": None}]) == ["1"]
    assert time.monotonic() - began >= 0.3


testing.run(SERVER)
