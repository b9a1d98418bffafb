#!/usr/bin/python3
"""The server is killed with -9 at random moments under load: what was acknowledged is there afterwards, no transaction
is half there, and what was on its way is there up to some point.

DURABILITY_ROUNDS=300: so many rounds of each test, instead of a few seconds."""

import server as testing
import traffic
from server import test

SECONDS = 1.4  # for each test
SERVER = testing.Server("--appendonly", "yes", "--auto-aof-rewrite-min-size", "64kb")


def rounds(name, policies, actions=(), share=0.0, actors=4, **options):
    """Rounds of traffic, a kill and a restart, each going on with what the one before left."""
    crowd = traffic.Crowd(SERVER, name, actors, **options)
    for number in traffic.rounds(SECONDS):
        crowd.join(policies[number % len(policies)], traffic.KILLED)
        traffic.kill_later(SERVER, crowd.rng.uniform(0, 0.1))
        assert crowd.traffic(testing.PATIENCE_S, actions, share), "the server survived"
        SERVER.start()
        crowd.recognise()
    crowd.summary()


@test
def nothing_acknowledged_is_lost_with_always():
    rounds("always", ("always",))


@test
def nothing_acknowledged_is_lost_with_everysec():
    rounds("everysec", ("everysec",))


@test
def nothing_acknowledged_is_lost_with_no():
    rounds("no", ("no",))


@test
def a_rewrite_under_way_and_shards_on_the_move_lose_nothing():
    rounds("rewriting", ("always", "everysec", "no"), (traffic.REWRITE, traffic.RESHARD), 0.3, keys=100)


@test
def nor_does_one_client_that_empties_and_swaps_all_databases():
    rounds("one client", ("everysec",), (traffic.REWRITE, traffic.RESHARD), 0.1, actors=1, keys=8)


testing.run(SERVER)
