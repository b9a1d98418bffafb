#!/usr/bin/python3
"""Every command of the server's table is known wherever commands have to be known. What fails here names the place."""

import random
import re

import model as models
import server as testing
import traffic
from server import test

DRAWS = 20000  # the rarest command comes in one of five hundred
SERVER = testing.Server()
CLIENT = testing.connect(SERVER)


def commands():
    """{name: (flags, names of subcommands)}"""
    return {row[0].decode(): ({flag.decode().lstrip("+") for flag in row[2]}, [sub[0].decode() for sub in row[9]])
            for row in CLIENT.call("COMMAND")}


def writing():
    return sorted(name for name, (flags, _) in commands().items() if "write" in flags)


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


@test
def every_subcommand_is_in_its_help():
    for name, (_, subcommands) in commands().items():
        words = {sub.split("|")[1].upper() for sub in subcommands}
        if "HELP" not in words:
            continue
        text = b"\n".join(CLIENT.call(name, "HELP")).decode()
        told = set(re.findall(r"^\+?([A-Z][A-Z-]*)", text, re.MULTILINE)) | {"HELP"}
        assert words <= told, f"{name.upper()} HELP does not tell of {sorted(words - told)}"


testing.run(SERVER)
