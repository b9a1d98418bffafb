#!/usr/bin/python3
"""Power cuts under load: the server is killed with -9, its files are cut back to what it had synced and a random part of
the rest, and names of files that it had not synced may be gone. `always`: everything acknowledged is there afterwards.
`everysec`: everything but about the last second. `no`: whatever is there was once so. Transactions are whole.

DURABILITY_ROUNDS=300: so many rounds of each test, instead of a few seconds."""

import time

import disk as disks
import server as testing
import traffic
from server import test

SECONDS = 1.4  # for each test
POLICIES = ("always", "everysec", "no")
DISK = disks.Disk()
SERVER = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-min-size", "64kb", environ=DISK.environ)


def restart(crowd):
    """After a power cut. Now and then there is another one while the server starts."""
    DISK.calm()
    DISK.power_cut(crowd.rng.getrandbits(32))
    if crowd.rng.random() < 0.3:
        DISK.fail(disks.ALL, crowd.rng.randint(1, 8), disks.KILL)
        SERVER.start()
        time.sleep(crowd.rng.uniform(0, 0.03))
        SERVER.kill()
        DISK.calm()
        DISK.power_cut(crowd.rng.getrandbits(32))
    SERVER.start()
    crowd.recognise()


def rounds(name, policy, seconds, actions=(), share=0.0, **options):
    """`seconds`: the least and the most of traffic ahead of a cut."""
    crowd = traffic.Crowd(SERVER, name, **options)
    for _ in traffic.rounds(SECONDS, least=2):
        crowd.join(policy, traffic.POWER_CUT)
        traffic.kill_later(SERVER, crowd.rng.uniform(*seconds))
        assert crowd.traffic(testing.PATIENCE_S, actions, share), "the server survived"
        restart(crowd)
    crowd.summary()


@test
def nothing_acknowledged_is_lost_with_always():
    rounds("always", "always", (0, 0.15))


@test
def nor_while_the_file_is_rewritten():
    rounds("rewriting", "always", (0, 0.1), (traffic.REWRITE, traffic.RESHARD), 0.3, keys=100)


@test
def about_a_second_is_lost_with_everysec():
    rounds("everysec", "everysec", (0.5, traffic.EVERYSEC_S + 1), (traffic.REWRITE,), 0.02)


@test
def what_is_there_with_no_was_once_so():
    rounds("no", "no", (0, 0.15), (traffic.REWRITE,), 0.1)


@test
def a_command_that_sets_several_large_keys_is_whole():
    for seed in range(8):
        client = testing.connect(SERVER)
        assert client.call("CONFIG", "SET", "appendfsync", "no") == b"+OK"
        pairs = [word for key in "abc" for word in (key, bytes([seed]) * 700000)]
        assert client.call("MSETEX", 3, *pairs, "PXAT", traffic.FAR_MS) == 1
        SERVER.kill()
        DISK.power_cut(seed)
        SERVER.start()
        a, *others = testing.connect(SERVER).call("MGET", "a", "b", "c")
        assert others == [a, a], "half of it is there"


def cut_at_call(crowd, number):
    """True: a rewrite makes so many calls that change names, and the power was cut at this one."""
    crowd.join("always", traffic.POWER_CUT)
    testing.await_rewrite(crowd.admin)
    DISK.fail(disks.NAMES, number, disks.KILL)
    try:
        crowd.admin.call(*traffic.REWRITE)
    except (EOFError, OSError):
        pass
    gone = crowd.traffic(0.1)
    try:
        if not gone and testing.await_rewrite(crowd.admin):
            crowd.compare()
            crowd.leave()
            return False
    except (EOFError, OSError):
        crowd.gone()
    restart(crowd)
    return True


@test
def a_power_cut_at_every_step_of_a_rewrite_leaves_the_old_file_or_the_new():
    crowd = traffic.Crowd(SERVER, "steps")
    SERVER.stop()
    SERVER.command += ["--auto-aof-rewrite-percentage", "0"]
    SERVER.start()
    number = 1
    while cut_at_call(crowd, number):
        number += 1
    DISK.calm()
    crowd.summary()
    assert number > 12, f"a rewrite makes {number} calls?"


testing.run(SERVER)
