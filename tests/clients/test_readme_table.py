#!/usr/bin/python3
"""README's table of what works: each command of its column "today" is there, none of its column "not yet" is, and where it
says "all of Redis' commands" each one is that Debian's redis-server has in that group."""

import os
import re

import server as testing
from server import test

HEADING = "What works, and what does not yet"
GROUPS = {"Strings": "string", "Lists": "list", "Hashes": "hash", "Sets": "set", "Sorted sets": "sorted_set"}
# Words in capitals that name no command and no argument of one.
OTHER_WORDS = {"RESP2", "RESP3", "TCP", "IPv4", "IPv6", "ACL", "TLS", "RDB", "HTTP", "REST", "JSON"}
SERVER = testing.Server()
CLIENT = testing.connect(SERVER)


def table():
    """{first column: (today, not yet)}"""
    with open(f"{os.environ['CORSAC_ROOT']}/README.md", encoding="utf-8") as readme:
        section = re.search(rf"^## {HEADING}\n(.*?)(?=^## |\Z)", readme.read(), re.MULTILINE | re.DOTALL)
    assert section, f"README has no section {HEADING!r}"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section[1].splitlines() if line.startswith("| ")]
    found = {cells[0]: (cells[1], cells[2]) for cells in rows if cells[0].strip("- ") and len(cells) == 3}
    assert len(found) > 10, f"README's table has only the rows {list(found)}"
    return found


def capitals(text):
    """Words in capitals, without what stands in backquotes: that is typed elsewhere."""
    words = re.findall(r"\b[A-Z][A-Z0-9]{2,}\b", re.sub(r"`[^`]*`", "", text))
    return [word for word in words if word not in OTHER_WORDS]


def known_words():
    """Names of commands and subcommands, and all words of their synopses."""
    words = set()
    def add(entry):
        if isinstance(entry, list):
            for part in entry:
                add(part)
        elif isinstance(entry, bytes):
            words.update(re.findall(r"[A-Z0-9]+", entry.decode("latin-1").upper()))
    docs = CLIENT.call("COMMAND", "DOCS")
    for name, fields in zip(docs[::2], docs[1::2]):
        words.add(name.decode().upper())
        fields = dict(zip(fields[::2], fields[1::2]))
        add(fields.get(b"arguments", []))
        for sub in fields.get(b"subcommands", [])[::2]:
            words.add(sub.decode().upper().split("|")[1])
    return words


def is_there(name):
    return CLIENT.call("COMMAND", "INFO", name)[0] is not None


@test
def what_works_is_there():
    known = known_words()
    for row, (today, _) in table().items():
        missing = [word for word in capitals(today) if word not in known]
        assert not missing, f"README says of {row.lower()} that {missing} work"


@test
def what_does_not_work_yet_is_not_there():
    for row, (_, later) in table().items():
        # In front of a subcommand's name stands its container, which is there for others.
        there = [word for word in capitals(re.sub(r"[A-Z]+ (?=[A-Z])", "", later)) if is_there(word)]
        assert not there, f"README says of {row.lower()} that {there} do not work yet"


@test
def all_of_redis_commands_are_all():
    redis = testing.Server(program="redis-server", executable="/usr/bin/redis-check-rdb", folder="redis")
    docs = testing.connect(redis).call("COMMAND", "DOCS")
    group_of = {}
    for name, fields in zip(docs[::2], docs[1::2]):
        group_of[name.decode()] = dict(zip(fields[::2], fields[1::2]))[b"group"].decode().replace("-", "_")
    claimed = [row for row, (today, _) in table().items() if today.startswith("all of Redis' commands")]
    assert claimed, "README says nowhere that all of Redis' commands are there"
    for row in claimed:
        names = [name for name, group in group_of.items() if group == GROUPS[row]]
        assert len(names) > 5, f"Redis has only {names} for {row.lower()}"
        missing = [name for name in names if not is_there(name)]
        assert not missing, f"README says that all of Redis' commands on {row.lower()} are there, and {missing} are not"


testing.run(SERVER)
