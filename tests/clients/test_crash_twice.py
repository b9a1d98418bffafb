#!/usr/bin/python3
"""Killed with -9 before anything was synced, started again, and then the power goes: what the second process built upon is
there. The last increment is empty, as one that was made ahead of a rewrite that the first process did not live to begin."""

import os

import disk as disks
import server as testing
from server import test

SEEDS = 8
DISK = disks.Disk()
SERVER = testing.Server("--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0",
                        environ=DISK.environ)
FILES = f"{SERVER.folder}/appendonlydir"
MANIFEST = f"{FILES}/appendonly.aof.manifest"


def add_empty_increment(seq):
    name = f"appendonly.aof.{seq}.incr.aof"
    with open(f"{FILES}/{name}", "xb"):
        pass
    with open(MANIFEST, encoding="ascii") as manifest, open(f"{FILES}/next", "x", encoding="ascii") as following:
        following.write(manifest.read() + f"file {name} seq {seq} type i\n")
    os.replace(f"{FILES}/next", MANIFEST)  # a file that the disk has never seen, and so keeps


@test
def what_the_second_process_built_upon_is_there():
    for seed in range(SEEDS):
        client = testing.connect(SERVER)
        client.call("SET", f"first {seed}", "x" * 1000)
        SERVER.kill()
        add_empty_increment(2 + seed)
        SERVER.start()
        client = testing.connect(SERVER)
        client.call("SET", f"second {seed}", "y")
        assert client.call("WAITAOF", "1", "0", "0") == [1, 0]
        SERVER.kill()
        DISK.power_cut(seed)
        SERVER.start()
        client = testing.connect(SERVER)
        assert client.call("STRLEN", f"first {seed}") == 1000
        assert client.call("GET", f"second {seed}") == b"y"


testing.run(SERVER)
