#!/usr/bin/python3
"""Traffic, expiry, rewrites and resharding together, on a disk that is slow and fails now and then, with kills, power cuts,
stops and reloads at random, checked against a model all the while.

SOAK_SECONDS=3600: for so long, instead of a few seconds."""

import errno
import time

import disk as disks
import server as testing
import traffic
from server import test

SECONDS = traffic.SOAK_SECONDS or 8
LONG_S = 60  # from here on rounds are longer and data larger
POLICIES = ("always", "everysec", "everysec", "no")
# Of calls that fail, and those that may with `no`: a sync that fails leaves a gap there, which a later power cut shows.
KINDS_NO = (disks.WRITE, disks.NAMES)
KINDS = (*KINDS_NO, disks.SYNC, disks.ALL)
FATES = ("kill", "power cut", "stop", "reload", "go on")
DISK = disks.Disk()
SERVER = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-min-size", "64kb", "--enable-debug-command", "yes",
                        "--hz", "100", environ=DISK.environ)


class Soak:
    def __init__(self):
        self.long = SECONDS >= LONG_S
        self.crowds = 0
        self.crowd = None
        self.until = time.monotonic() + SECONDS

    def new_crowd(self):
        if self.crowd:
            self.crowd.summary()
        self.crowds += 1
        rng = traffic.random.Random(f"{traffic.SEED} {self.crowds}")
        actors = rng.choice((1, 2, 4, 8))
        keys = rng.choice((4, 24, 100, 1000) if self.long else (4, 24, 100))
        self.crowd = traffic.Crowd(SERVER, f"crowd {self.crowds}, {actors} clients, {keys} keys", actors, disk=DISK,
                                   keys=keys)

    def round(self):
        crowd, rng = self.crowd, self.crowd.rng
        policy, fate = rng.choice(POLICIES), rng.choice(FATES)
        seconds = rng.uniform(0, rng.choice((0.2, 1, 8) if self.long else (0.1, 0.5)))
        actions = rng.choice(((traffic.REWRITE, traffic.RESHARD), (traffic.REWRITE,), (traffic.RESHARD,), ()))
        share = rng.choice((0.01, 0.1, 0.5))
        crowd.join(policy, traffic.POWER_CUT if fate == "power cut" else traffic.KILLED)
        if rng.random() < 0.3:
            DISK.delay(disks.ALL, rng.choice((200, 2000, 20000)))
        if rng.random() < 0.3 and (fate != "power cut" or policy == "always"):
            kinds = rng.choice(KINDS_NO if policy == "no" else KINDS)
            DISK.fail(kinds, rng.randint(1, 30), rng.choice((errno.EIO, errno.ENOSPC, 0)))
            crowd.counts["faults"] += 1
        if fate in ("kill", "power cut"):
            traffic.kill_later(SERVER, seconds)
            assert crowd.traffic(seconds + testing.PATIENCE_S, actions, share), "the server survived"
        else:
            assert not crowd.traffic(seconds, actions, share), "the server ended"
            crowd.compare()
        DISK.calm()
        getattr(self, fate.replace(" ", "_"))()
        crowd.counts[fate] += 1

    def kill(self):
        SERVER.start()
        self.crowd.recognise()

    def power_cut(self):
        DISK.power_cut(self.crowd.rng.getrandbits(32))
        self.kill()

    def stop(self):
        SERVER.process.terminate()
        self.crowd.gone()
        assert SERVER.process.returncode == 0, SERVER.process.returncode
        self.kill()

    def reload(self):
        testing.await_writable(self.crowd.admin)
        assert self.crowd.admin.call("DEBUG", "LOADAOF") == b"+OK"
        self.crowd.compare()
        self.go_on()

    def go_on(self):
        self.crowd.settle()
        self.crowd.leave()


@test
def what_is_there_is_what_the_model_says():
    soak = Soak()
    while time.monotonic() < soak.until:
        if not soak.crowd or soak.crowd.rng.random() < 0.1:
            soak.new_crowd()
        soak.round()
    soak.crowd.summary()
    print(f"# {soak.crowds} crowds")


testing.run(SERVER)
