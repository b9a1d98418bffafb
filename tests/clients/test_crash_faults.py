#!/usr/bin/python3
"""One disk call fails while the file is rewritten under load, each in turn: clients are told or served, nothing that was
acknowledged is lost by a power cut afterwards, and both writing and rewriting work again.

DURABILITY_ROUNDS=300: so many calls of each kind, instead of as many as there is time for."""

import errno

import disk as disks
import server as testing
import traffic
from server import test

SECONDS = 2  # for each test
DISK = disks.Disk()
SERVER = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", environ=DISK.environ)


def fail_call(crowd, kinds, number, error):
    """True: a rewrite under this load comes to so many calls, and this one failed."""
    crowd.join("always", traffic.POWER_CUT)
    testing.rewrite(crowd.admin)
    DISK.fail(kinds, number, error)
    testing.begin_rewrite(crowd.admin)
    assert not crowd.traffic(0.03), "the server ended"
    testing.await_rewrite(crowd.admin)
    failed = DISK.failed
    DISK.calm()
    crowd.compare()
    SERVER.kill()
    crowd.gone()
    DISK.power_cut(crowd.rng.getrandbits(32))
    SERVER.start()
    crowd.recognise()
    return failed


def fail_calls(name, kinds, errors):
    """Each call with each error; from the first on again once there are no further calls."""
    crowd = traffic.Crowd(SERVER, name, disk=DISK, keys=8)
    number = failed = 0
    for _ in traffic.rounds(SECONDS):
        if fail_call(crowd, kinds, number // len(errors) + 1, errors[number % len(errors)]):
            failed += 1
            number += 1
        else:
            number = 0
    crowd.counts["failed calls"] = failed
    crowd.summary()
    assert failed > 2, f"only {failed} calls failed"


@test
def nothing_is_lost_when_a_file_cannot_be_made_renamed_or_its_name_synced():
    fail_calls("names", disks.NAMES, (errno.EIO,))


@test
def nor_when_a_write_fails_or_is_short():
    fail_calls("writes", disks.WRITE, (errno.ENOSPC, 0))


@test
def nor_when_a_sync_fails():
    fail_calls("syncs", disks.SYNC, (errno.EIO,))


testing.run(SERVER)
