#!/usr/bin/python3
"""The server as redis-py sees it, with the settings that it has when one sets none."""

import datetime
import threading
import time

import redis

import server as testing
from server import Skip, test

SERVER = testing.Server()
# redis-py's own default is localhost, which is ::1 on one machine and 127.0.0.1 on the next.
ADDRESS = {"host": "127.0.0.1", "port": SERVER.port}


def connect(**options):
    client = redis.Redis(**ADDRESS, **options)
    end = time.monotonic() + testing.PATIENCE_S
    while True:
        try:
            client.ping()
            return client
        except redis.ConnectionError:
            if time.monotonic() > end or SERVER.process.poll() is not None:
                raise
            time.sleep(0.02)


r = connect()
text = connect(decode_responses=True)


def raises(error, message, function, *args, **options):
    try:
        function(*args, **options)
    except error as raised:
        assert message in str(raised), f"{raised!r} does not say {message!r}"
        return
    raise AssertionError(f"{error.__name__} is not raised")


def until(condition):
    end = time.monotonic() + testing.PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


@test
def strings():
    r.flushall()
    assert r.set("k", "v") is True
    assert r.get("k") == b"v"
    assert r.set("k", "w", nx=True) is None
    assert r.set("k", "w", xx=True, get=True) == b"v"
    assert r.get("nothing") is None
    assert r.append("k", "xyz") == 4
    assert r.getrange("k", 1, 2) == b"xy"
    assert r.setrange("k", 1, "__") == 4
    assert r["k"] == b"w__z"
    r["item"] = 5
    assert "item" in r and r.incr("item") == 6
    del r["item"]
    assert r.incrbyfloat("float", 1.5) == 1.5
    assert r.decrby("n", 3) == -3
    assert r.mset({"a": 1, "b": b"\x00\xff"}) is True
    assert r.mget("a", "b", "nothing") == [b"1", b"\x00\xff", None]
    assert r.msetnx({"a": 1, "c": 2}) is False
    assert r.getdel("a") == b"1" and r.getex("b", ex=100) == b"\x00\xff"
    assert 0 < r.ttl("b") <= 100
    assert r.strlen("b") == 2


@test
def the_longest_common_subsequence():
    r.mset({"x": "ohmytext", "y": "mynewtext"})
    assert r.lcs("x", "y") == b"mytext"
    assert r.lcs("x", "y", len=True) == 6


@test
def text_is_decoded_when_asked_for():
    text.set("käse", "größer als 5 €")
    assert text.get("käse") == "größer als 5 €"
    assert r.get("käse".encode()) == "größer als 5 €".encode()
    assert text.keys("k*se") == ["käse"]


@test
def keys_and_expiry():
    r.flushall()
    r.set("k", "v", ex=datetime.timedelta(minutes=5))
    assert 290 <= r.ttl("k") <= 300
    assert r.persist("k") and r.ttl("k") == -1 and r.ttl("nothing") == -2
    assert r.expire("k", 100, nx=True) and not r.expire("k", 50, gt=True)
    assert r.expireat("k", datetime.datetime(3000, 1, 1)) and r.expiretime("k") > 32000000000
    assert r.pexpireat("k", 32503680000123) and r.pexpiretime("k") == 32503680000123
    r.set("short", "v", px=20)
    until(lambda: not r.exists("short"))
    assert r.rename("k", "l") and r.renamenx("l", "m") and r.type("m") == b"string"
    assert r.copy("m", "n") and r.touch("m", "n") == 2 and r.unlink("m", "n") == 2
    assert r.randomkey() is None and r.dbsize() == 0
    raises(redis.ResponseError, "no such key", r.rename, "nothing", "x")


@test
def databases():
    other = connect(db=9)
    r.set("k", "zero")
    other.set("k", "nine")
    assert r.swapdb(0, 9) and r.get("k") == b"nine" and other.get("k") == b"zero"
    assert r.move("k", 8) and connect(db=8).get("k") == b"nine"
    assert other.flushdb() and other.dbsize() == 0
    assert r.flushall() and connect(db=8).dbsize() == 0


@test
def pipelines():
    r.flushall()
    with r.pipeline(transaction=False) as pipe:
        for i in range(1000):
            pipe.set(f"k:{i}", i).incr("sum", i)
        replies = pipe.execute()
    assert len(replies) == 2000 and replies[-1] == sum(range(1000))
    with r.pipeline() as pipe:
        assert pipe.set("a", "x").incr("a").get("a").execute(raise_on_error=False)[0] is True
    with r.pipeline() as pipe:
        pipe.set("a", "x").incr("a")
        raises(redis.ResponseError, "not an integer", pipe.execute)
    with r.pipeline() as pipe:
        pipe.set("b", 1).execute_command("NOSUCH")
        raises(redis.ResponseError, "unknown command", pipe.execute)
    assert not r.exists("b")  # the whole transaction was refused


@test
def transactions_with_watch_are_tried_again():
    r.set("n", 0)
    attempts = []

    def double_increment(pipe):
        n = int(pipe.get("n"))
        if not attempts:
            r.incr("n")  # somebody else is faster, once
        attempts.append(n)
        pipe.multi()
        pipe.set("n", n + 10)

    assert r.transaction(double_increment, "n") == [True]
    assert attempts == [0, 1] and r.get("n") == b"11"

    with r.pipeline() as pipe:
        pipe.watch("n")
        r.set("n", 1)
        pipe.multi()
        pipe.get("n")
        raises(redis.WatchError, "Watched variable changed", pipe.execute)


@test
def threads_share_a_pool():
    pool = redis.ConnectionPool(**ADDRESS, max_connections=10)
    r.set("n", 0)

    def work():
        client = redis.Redis(connection_pool=pool)
        for _ in range(200):
            client.incr("n")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert r.get("n") == b"1600"
    pool.disconnect()

    blocking = redis.BlockingConnectionPool(**ADDRESS, max_connections=1, timeout=5)
    assert redis.Redis(connection_pool=blocking).ping()
    blocking.disconnect()


@test
def scan_iterators():
    r.flushall()
    r.mset({f"key:{i}": i for i in range(500)})
    r.mset({f"other:{i}": i for i in range(100)})
    assert len(set(r.scan_iter())) == 600
    assert set(r.scan_iter("key:1?")) == {f"key:{i}".encode() for i in range(10, 20)}
    assert len(list(r.scan_iter("other:*", count=7, _type="string"))) == 100
    assert not list(r.scan_iter(_type="list"))


def wait_for_message(subscriber):
    end = time.monotonic() + testing.PATIENCE_S
    while time.monotonic() < end:
        message = subscriber.get_message(timeout=1)
        if message:
            return message
    raise AssertionError("no message comes")


@test
def publish_and_subscribe():
    with text.pubsub() as p:
        p.subscribe("news")
        p.psubscribe("n*")
        assert wait_for_message(p) == {"type": "subscribe", "pattern": None, "channel": "news", "data": 1}
        assert wait_for_message(p)["data"] == 2
        assert text.publish("news", "hello") == 2
        assert wait_for_message(p) == {"type": "message", "pattern": None, "channel": "news", "data": "hello"}
        assert wait_for_message(p) == {"type": "pmessage", "pattern": "n*", "channel": "news", "data": "hello"}
        assert text.pubsub_channels() == ["news"] and text.pubsub_numpat() == 1
        assert text.pubsub_numsub("news", "olds") == [("news", 1), ("olds", 0)]
        p.ping()
        assert wait_for_message(p)["type"] == "pong"
        p.unsubscribe()
        assert wait_for_message(p)["type"] == "unsubscribe"
    until(lambda: text.publish("news", "x") == 0)


@test
def messages_in_a_thread():
    got = []
    p = text.pubsub(ignore_subscribe_messages=True)
    p.subscribe(**{"work": lambda message: got.append(message["data"])})
    thread = p.run_in_thread(sleep_time=0.01)
    try:
        for i in range(100):
            text.publish("work", i)
        until(lambda: len(got) == 100)
        assert got == [str(i) for i in range(100)]
    finally:
        thread.stop()
        thread.join()


@test
def keyspace_notifications():
    text.config_set("notify-keyspace-events", "KEA")
    with text.pubsub(ignore_subscribe_messages=True) as p:
        p.psubscribe("__keyevent@0__:*")
        wait_for = lambda: next(m for m in iter(lambda: p.get_message(timeout=1), "never") if m)
        text.set("k", "v", px=20)
        assert [wait_for()["channel"].split(":")[1] for _ in range(3)] == ["set", "expire", "expired"]
    text.config_set("notify-keyspace-events", "")


@test
def monitoring():
    with text.monitor() as m:
        text.set("seen", "by monitor")
        command = next(c for c in m.listen() if c["command"].startswith("SET seen"))
        assert command["db"] == 0 and command["client_address"] == "127.0.0.1"


@test
def what_the_server_tells():
    info = r.info()
    assert info["redis_version"].startswith("7.") or "corsac_version" not in info
    assert info["role"] == "master" and info["used_memory"] > 0 and info["tcp_port"] == SERVER.port
    assert r.info("everything")["cmdstat_get"]["calls"] > 0
    r.set("k", "v")
    assert r.info("keyspace")["db0"]["keys"] > 0
    assert r.config_get("maxclients", "port")["maxclients"].isdigit()
    assert r.config_set("timeout", 0) and r.config_resetstat()
    assert isinstance(r.time(), tuple) and r.role()[0] == b"master" and r.lastsave()
    assert r.command_count() > 50 and "get" in r.command() and r.command_getkeys("MSET", "a", 1, "b", 2) == ["a", "b"]
    assert r.memory_usage("k") > 0 and "peak.allocated" in r.memory_stats()
    assert r.object("encoding", "k") == b"embstr" and r.object("idletime", "k") >= 0
    assert r.echo("x") == b"x" and r.lolwut() and r.wait(0, 1) == 0


@test
def slow_log():
    r.config_set("slowlog-log-slower-than", 0)
    r.get("slow")
    entries = r.slowlog_get(10)
    r.config_set("slowlog-log-slower-than", 10000)
    assert any(e["command"] == b"GET slow" and e["duration"] >= 0 for e in entries)
    assert r.slowlog_len() > 0 and r.slowlog_reset()


@test
def clients():
    named = connect(client_name="worker")
    assert named.client_getname() == "worker"
    me = next(c for c in r.client_list() if c["name"] == "worker")
    assert r.client_info()["db"] == 0 and named.client_id() == int(me["id"])
    assert r.client_kill_filter(_id=me["id"]) == 1
    assert named.ping()  # it connects again by itself
    assert r.client_pause(10) and r.client_unpause()
    assert r.client_no_evict("ON") and r.client_no_evict("OFF")


@test
def a_password():
    r.config_set("requirepass", "secret")
    try:
        raises(redis.AuthenticationError, "", redis.Redis(**ADDRESS).ping)
        raises(redis.ResponseError, "WRONGPASS", redis.Redis(**ADDRESS, password="wrong", username="default").ping)
        assert redis.Redis(**ADDRESS, password="secret").ping()
        assert redis.Redis(**ADDRESS, username="default", password="secret").ping()
        assert redis.Redis.from_url(f"redis://:secret@127.0.0.1:{SERVER.port}/3").ping()
    finally:
        redis.Redis(**ADDRESS, password="secret").config_set("requirepass", "")


@test
def locks():
    if r.command().get("eval") is None:
        raise Skip("releasing a lock needs EVAL")
    with r.lock("lock", timeout=5):
        assert not r.lock("lock").acquire(blocking=False)


@test
def scripts():
    if r.command().get("eval") is None:
        raise Skip("there is no EVAL yet")
    assert r.register_script("return ARGV[1]")(args=["x"]) == b"x"


@test
def other_types():
    if r.command().get("lpush") is None:
        raise Skip("there are only strings yet")
    assert r.lpush("list", 1, 2) == 2


@test
def it_connects_again_when_the_server_comes_back():
    client = connect(retry_on_error=[redis.ConnectionError])
    assert SERVER.stop() == 0
    raises(redis.ConnectionError, "", client.ping)
    SERVER.start()
    connect()
    assert client.ping()


try:
    testing.run(SERVER)
finally:
    SERVER.kill()
