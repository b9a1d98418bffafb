#!/usr/bin/python3
"""Lists, hashes, sets and sorted sets as redis-py sees them."""

import threading
import time

import redis

import server as testing
from server import test

SERVER = testing.Server()


def connect(**options):
    return redis.Redis(host="127.0.0.1", port=SERVER.port, decode_responses=True, **options)


r = connect()
end = time.monotonic() + testing.PATIENCE_S
while True:
    try:
        r.ping()
        break
    except redis.ConnectionError:
        assert time.monotonic() < end, "the server does not start"
        time.sleep(0.02)


@test
def lists():
    r.flushall()
    assert r.rpush("l", "a", "b", "c") == 3 and r.lpush("l", "z") == 4
    assert r.lrange("l", 0, -1) == ["z", "a", "b", "c"]
    assert r.lindex("l", -1) == "c" and r.lindex("l", 9) is None
    assert r.lset("l", 0, "y") is True and r.linsert("l", "before", "b", "x") == 5
    assert r.lpos("l", "b") == 3 and r.lpos("l", "b", count=0) == [3]
    assert r.lpop("l", 2) == ["y", "a"] and r.rpop("l") == "c"
    assert r.lmove("l", "m", "LEFT", "RIGHT") == "x" and r.rpoplpush("l", "m") == "b"
    assert r.lmpop(2, "nothing", "m", direction="LEFT", count=5) == ["m", ["b", "x"]]
    assert r.llen("l") == 0 and not r.exists("l", "m")


@test
def clients_that_wait():
    r.flushall()
    got = []
    waiting = threading.Thread(target=lambda: got.append(connect().blpop(["first", "second"], timeout=5)))
    waiting.start()
    while r.info("clients")["blocked_clients"] != 1:
        time.sleep(0.01)
    r.rpush("second", "job")
    waiting.join()
    assert got == [("second", "job")]
    assert r.brpop("nothing", timeout=0.05) is None
    r.zadd("z", {"m": 1.5})
    assert r.bzpopmin("z", timeout=1) == ("z", "m", 1.5)
    assert r.bzpopmax("z", timeout=0.05) is None


@test
def hashes():
    r.flushall()
    assert r.hset("h", mapping={"name": "Ann", "visits": 1}) == 2
    assert r.hgetall("h") == {"name": "Ann", "visits": "1"}
    assert r.hget("h", "nothing") is None and r.hmget("h", "name", "nothing") == ["Ann", None]
    assert r.hincrby("h", "visits", 41) == 42 and r.hincrbyfloat("h", "f", 0.5) == 0.5
    assert r.hexists("h", "f") is True and sorted(r.hkeys("h")) == ["f", "name", "visits"]
    assert r.hsetnx("h", "name", "Bob") == 0 and r.hstrlen("h", "name") == 3
    assert r.hdel("h", "f", "nothing") == 1 and r.hlen("h") == 2
    big = {f"f{i}": f"v{i}" for i in range(1000)}
    r.hset("big", mapping=big)
    assert r.hgetall("big") == big and dict(r.hscan_iter("big", count=50)) == big
    assert r.hrandfield("big") in big and len(r.hrandfield("big", 10)) == 10


@test
def sets():
    r.flushall()
    assert r.sadd("s", "a", "b", "c", "a") == 3 and r.smembers("s") == {"a", "b", "c"}
    assert r.sismember("s", "a") and r.smismember("s", "a", "z") == [1, 0]
    r.sadd("t", "b", "c", "d")
    assert r.sinter("s", "t") == {"b", "c"} and r.sdiff("s", "t") == {"a"} and r.sunion("s", "t") == set("abcd")
    assert r.sintercard(2, ["s", "t"]) == 2 and r.sinterstore("u", "s", "t") == 2
    assert r.smove("s", "t", "a") is True and r.spop("s") in ("b", "c") and r.scard("s") == 1
    many = {str(i * 7) for i in range(1000)}
    r.sadd("many", *many)
    assert set(r.sscan_iter("many")) == many and len(r.srandmember("many", -2000)) == 2000


@test
def sorted_sets():
    r.flushall()
    assert r.zadd("z", {"ann": 10, "bob": 20.5, "cy": -1}) == 3
    assert r.zrange("z", 0, -1, withscores=True) == [("cy", -1), ("ann", 10), ("bob", 20.5)]
    assert r.zscore("z", "bob") == 20.5 and r.zincrby("z", 5, "ann") == 15
    assert r.zadd("z", {"ann": 20}, gt=True, ch=True) == 1 and r.zadd("z", {"new": 1}, xx=True) == 0
    assert r.zrank("z", "ann") == 1 and r.zrevrank("z", "nobody") is None
    assert r.zrangebyscore("z", "(0", "+inf", start=0, num=1) == ["ann"]
    assert r.zrange("z", "+inf", "-inf", byscore=True, desc=True) == ["bob", "ann", "cy"]
    assert r.zmscore("z", ["cy", "nobody"]) == [-1, None] and r.zcount("z", 0, 100) == 2
    assert r.zpopmin("z") == [("cy", -1)] and r.zremrangebyrank("z", 0, 0) == 1
    r.zadd("y", {"bob": 1, "dan": 2})
    assert r.zunion(["z", "y"], withscores=True) == [("dan", 2), ("bob", 21.5)]
    assert r.zinterstore("x", {"z": 2, "y": 3}) == 1 and r.zscore("x", "bob") == 44
    many = {f"m{i}": i / 4 for i in range(1000)}
    r.zadd("many", many)
    assert dict(r.zscan_iter("many")) == many and r.zlexcount("y", "-", "+") == 2


@test
def sorting():
    r.flushall()
    r.rpush("ids", 3, 1, 2)
    r.mset({"w_1": 30, "w_2": 10, "w_3": 20})
    r.hset("o_1", "name", "one")
    assert r.sort("ids", by="w_*", desc=True) == ["1", "3", "2"]
    assert r.sort("ids", start=0, num=1, get=["#", "o_*->name"]) == ["1", "one"]
    assert r.sort("ids", alpha=True, store="sorted") == 3 and r.lrange("sorted", 0, -1) == ["1", "2", "3"]


@test
def transactions_of_all_types():
    r.flushall()
    with r.pipeline() as pipe:
        pipe.watch("l")
        pipe.multi()
        pipe.rpush("l", 1).hset("h", "f", 1).sadd("s", 1).zadd("z", {"m": 1}).lpop("l")
        assert pipe.execute() == [1, 1, 1, 1, "1"]
        pipe.watch("s")
        r.sadd("s", 2)
        pipe.multi()
        pipe.scard("s")
        try:
            pipe.execute()
            raise AssertionError("a set that changed is not noticed")
        except redis.WatchError:
            pass


try:
    testing.run(SERVER)
finally:
    SERVER.kill()
