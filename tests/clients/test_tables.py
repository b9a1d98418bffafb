#!/usr/bin/python3
"""Every writing command of the server's table is in the model and in the traffic of the tests, every type is known to all of
them, and every command on collections that Debian's redis-server has, too, is drawn beside it."""

import random

import drawing
import model as models
import server as testing
import traffic
from server import test

DRAWS = 20000  # the rarest command comes in one of five hundred
SERVER = testing.Server()
CLIENT = testing.connect(SERVER)
# By the category of its commands, the name of each type in the tests.
KINDS = {"@string": "string", "@list": "list", "@hash": "hash", "@set": "set", "@sortedset": "zset"}
OTHER_CATEGORIES = {"@write", "@fast", "@slow", "@keyspace", "@blocking", "@dangerous"}
# Not drawn: what these answer is up to chance, or to an order that each server has for itself. test_differential.py draws
# some of them in its own way.
BY_CHANCE = {"spop", "srandmember", "hrandfield", "zrandmember", "sscan", "hscan", "zscan"}


def writing():
    return sorted(row[0].decode() for row in CLIENT.call("COMMAND") if b"+write" in row[2])


@test
def every_writing_command_is_in_the_model():
    missing = [name for name in writing() if not hasattr(models.Databases, "do_" + name)]
    assert not missing, f"tests/clients/model.py does not know {missing}"


@test
def every_writing_command_is_in_the_traffic():
    made = traffic.Commands(random.Random(1), range(traffic.DATABASES))
    drawn = {str(made.command()[0]).lower() for _ in range(DRAWS)}
    missing = [name for name in writing() if name not in drawn]
    assert not missing, f"tests/clients/traffic.py makes no {missing}"


def categories(client):
    """{command: its categories}"""
    return {row[0].decode(): {name.lstrip(b"+").decode() for name in row[6]} for row in client.call("COMMAND")}


@test
def every_type_is_known():
    ours = categories(CLIENT)
    found = set().union(*(ours[name] for name in writing())) - OTHER_CATEGORIES
    unknown = found - set(KINDS)
    assert not unknown, f"{unknown}: name the type in KINDS above, then in server.py's READS and in drawing.py"
    for kind in KINDS.values():
        assert b"+" + kind.encode() in testing.READS, f"tests/clients/server.py does not say how a {kind} is read (READS)"
        drawn = drawing.Draw(random.Random(1), kind).commands
        assert drawn or kind == "string", f"tests/clients/drawing.py draws no command on a {kind}"


@test
def every_command_on_collections_is_drawn():
    redis = testing.Server(program="redis-server", executable="/usr/bin/redis-check-rdb", folder="redis")
    theirs, ours = categories(testing.connect(redis)), categories(CLIENT)
    collections = {category: kind for category, kind in KINDS.items() if kind != "string"}
    drawn = set()
    for kind in collections.values():
        draw = drawing.Draw(random.Random(1), kind)
        drawn.update(str(draw.command()[0]).lower() for _ in range(DRAWS))
    both = {name for name in ours if ours[name] & set(collections) and name in theirs and "@blocking" not in ours[name]}
    missing = sorted(both - drawn - BY_CHANCE)
    assert not missing, f"tests/clients/drawing.py draws no {missing}"


testing.run(SERVER)
