#!/usr/bin/python3
"""Append-only directories both ways with Redis and Valkey, compared key by key: what a live Corsac wrote is loaded by them,
and what they wrote by Corsac. Before and after rewrites; the traffic is random and judged by the model, theirs too.

Peers are redis-server and valkey-server on the PATH, and those named in AOF_PEERS, separated by spaces."""

import os
import shutil
import tempfile

import server as testing
import traffic
from server import Skip, test

SECONDS = 0.4  # of traffic, each time
DAY_MS = 86400000
SERVER = testing.Server("--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0")


class Peer(testing.Server):
    def __init__(self, program, executable):
        super().__init__("--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--auto-aof-rewrite-percentage", "0",
                         program=program, executable=executable, folder=tempfile.mkdtemp(prefix="peer-", dir="."))


def peers():
    """(name, file) of each. Debian's redis-tools has the server too, by another name: it goes by what it is called."""
    named = os.environ.get("AOF_PEERS", "").split()
    found = [(os.path.basename(path), shutil.which(path)) for path in ("redis-server", "valkey-server", *named)]
    if not found[0][1]:
        found[0] = ("redis-server", shutil.which("redis-check-rdb"))
    return [(name, path) for name, path in found if path]


def everything(client):
    """All databases but what is about to expire."""
    found = testing.contents(client, range(traffic.DATABASES))
    soon = traffic.wall_ms() + DAY_MS // 2
    return {db: {key: value for key, value in keys.items() if value[1] == -1 or value[1] > soon}
            for db, keys in found.items()}


def same(found, expected, what):
    for db in range(traffic.DATABASES):
        for key in found[db].keys() | expected[db].keys():
            assert found[db].get(key) == expected[db].get(key), \
                f"{what}: {key!r} in {db} is {found[db].get(key)!r:.200}, not {expected[db].get(key)!r:.200}"
    assert sum(map(len, found.values())) > 200, "hardly anything is there"


def load(server, folder):
    """The server starts with a copy of a directory. Returns its client."""
    if server.process.poll() is None:
        server.kill()
    shutil.rmtree(f"{server.folder}/appendonlydir", ignore_errors=True)
    shutil.copytree(f"{folder}/appendonlydir", f"{server.folder}/appendonlydir")
    server.start()
    return testing.connect(server)


def settled(server):
    """The directory holds everything: `always`, or the server synced it for the rewrite."""
    client = testing.connect(server)
    if client.call("CONFIG", "GET", "appendfsync") != [b"appendfsync", b"always"]:
        assert client.call("CONFIG", "SET", "appendfsync", "always") == b"+OK"
        assert client.call("SET", "last", "1") == b"+OK"
        assert client.call("DEL", "last") == 1
    return client


def write(crowd, actions=()):
    crowd.join("always")
    assert not crowd.traffic(SECONDS, actions)
    crowd.compare()
    crowd.leave()


def knows(server, command):
    return all(testing.connect(server).call("COMMAND", "INFO", command))


def exchange(writer, reader, plain, rewrites):
    """`reader` loads what `writer` wrote: increments only, a base, and a base with increments."""
    names = [os.path.basename(server.command[0]) for server in (writer, reader)]
    crowd = traffic.Crowd(writer, " to ".join(names), plain=plain, newer=knows(reader, "HPEXPIREAT"),
                          newest=knows(reader, "SPEXPIREAT"))
    for step in ("increments", "a base", "a base and increments"):
        if step == "a base":
            testing.rewrite(testing.connect(writer))
        else:
            write(crowd, rewrites if step != "increments" else ())
        client = settled(writer)
        testing.await_rewrite(client)
        expected = everything(client)
        same(everything(load(reader, writer.folder)), expected, step)
    crowd.summary()


def with_peers(work):
    found = peers()
    if not found:
        raise Skip("no peer is there")
    for name, path in found:
        peer = Peer(name, path)
        try:
            work(peer)
        finally:
            peer.kill()


@test
def what_corsac_wrote_is_loaded_by_redis_and_valkey():
    with_peers(lambda peer: exchange(SERVER, peer, False, (traffic.REWRITE, traffic.RESHARD)))


@test
def what_redis_and_valkey_wrote_is_loaded_by_corsac():
    with_peers(lambda peer: exchange(peer, SERVER, True, ()))


def there_and_back(peer):
    """Corsac goes on in a directory of a peer, and the peer in that, after a rewrite."""
    write(traffic.Crowd(peer, "there", plain=True))
    settled(peer)
    expected = everything(load(SERVER, peer.folder))
    client = testing.connect(SERVER)
    for i in range(300):
        client.call("SET", f"more:{i}", "m" * i, "PXAT", traffic.FAR_MS + i)
        expected[0][b"more:%d" % i] = (b"m" * i, traffic.FAR_MS + i)
    same(everything(client), expected, "gone on")
    same(everything(load(peer, SERVER.folder)), expected, "and back")
    client = testing.connect(SERVER)
    testing.rewrite(client)
    client.call("SET", "last", "1")
    expected[0][b"last"] = (b"1", -1)
    same(everything(load(peer, SERVER.folder)), expected, "and rewritten")
    client = testing.connect(peer)
    testing.rewrite(client)
    same(everything(load(SERVER, peer.folder)), expected, "and rewritten there")


@test
def corsac_goes_on_in_their_directories_and_they_in_its():
    with_peers(there_and_back)


testing.run(SERVER)
