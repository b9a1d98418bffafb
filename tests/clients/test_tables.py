#!/usr/bin/python3
"""Every writing command of the server's table is in the model and in the traffic of the tests."""

import random

import model as models
import server as testing
import traffic
from server import test

DRAWS = 20000  # the rarest command comes in one of five hundred
SERVER = testing.Server()
CLIENT = testing.connect(SERVER)


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


testing.run(SERVER)
