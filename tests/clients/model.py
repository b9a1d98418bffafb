"""A model of Corsac's databases, as naive as can be: what each command changes and answers.

The clock is known within bounds only, so a deadline is an interval, and a reply that depends on the moment is a
function that judges it. Deadlines of keys whose names begin with "v:" may come; those of all others never do.
"""

import re
from decimal import Decimal, InvalidOperation

SLACK_MS = 3000  # between the server's clock, which it reads once a turn, and ours
I64_MAX = 2**63 - 1
NO_DEADLINE = (0, 0)

OK = b"+OK"
SYNTAX = b"-ERR syntax error"
NOT_INTEGER = b"-ERR value is not an integer or out of range"
OVERFLOW = b"-ERR increment or decrement would overflow"
NOT_FLOAT = b"-ERR value is not a valid float"
NO_KEY = b"-ERR no such key"
SAME = b"-ERR source and destination objects are the same"


def fits(expected, reply):
    if callable(expected):
        return expected(reply)
    if isinstance(expected, list):
        return (isinstance(reply, list) and len(expected) == len(reply)
                and all(map(fits, expected, reply)))
    return expected == reply


def show(expected):
    if callable(expected):
        return "(it depends on the clock)"
    return repr([show(e) for e in expected] if isinstance(expected, list) else expected)[:300]


def integer(data):
    if re.fullmatch(rb"0|-?[1-9][0-9]{0,19}", data) and -I64_MAX - 1 <= int(data) <= I64_MAX:
        return int(data)
    return None


class Databases:
    """Some databases of a server, and the one that the connection is at. Values are (data, lo, hi): the deadline in
    ms lies between lo and hi; 0 is none."""

    def __init__(self, numbers):
        self.numbers = list(numbers)
        self.keys = {db: {} for db in self.numbers}
        self.db = self.numbers[0]
        self.now = (0, 0)

    def copy(self):
        other = Databases(self.numbers)
        other.keys = {db: dict(keys) for db, keys in self.keys.items()}
        other.db = self.db
        return other

    # --- units: what happens as a whole ---------------------------------------------------------

    def apply(self, unit, now):
        """Runs the commands of a unit, sent and answered within `now`; returns the replies to expect."""
        self.now = now
        replies, queued = [], None
        for words in unit:
            name = words[0]
            if name == "MULTI":
                queued = []
                replies.append(OK)
            elif name == "EXEC":
                replies.append([self.run(w) for w in queued])
                queued = None
            elif name == "DISCARD":
                queued = None
                replies.append(OK)
            elif queued is not None:
                queued.append(words)
                replies.append(b"+QUEUED")
            else:
                replies.append(self.run(words))
        return replies

    def run(self, words):
        return getattr(self, "do_" + words[0].lower())(*words[1:])

    # --- comparing with a server ----------------------------------------------------------------

    def differs(self, actual, now, hint=None):
        """Where the keys of a server, as server.contents gives them, are others. None: nowhere. `hint`: an answer
        that was given for a state alike."""
        if hint and self._differs_at(actual, *hint, now):
            return hint
        for db in self.numbers:
            for key in self.keys[db]:
                if self._differs_at(actual, db, key, now):
                    return db, key
            for key in actual[db]:
                if key not in self.keys[db]:
                    return db, key
        return None

    def _differs_at(self, actual, db, key, now):
        there, expected = actual[db].get(key), self.keys[db].get(key)
        if there is None or expected is None:
            return there is not expected and not (expected and self.may_be_due(expected, now))
        data, deadline = there
        if data != expected[0]:
            return True
        if expected[1] == 0:
            return deadline != -1
        return not self.in_time(deadline, expected)

    def adopt(self, actual):
        """What was compared is exactly so."""
        for db in self.numbers:
            self.keys[db] = {key: (data, max(deadline, 0), max(deadline, 0))
                             for key, (data, deadline) in actual[db].items()}

    @staticmethod
    def may_be_due(value, now):
        return value[1] != 0 and value[1] - SLACK_MS <= now[1]

    @staticmethod
    def in_time(deadline, value):
        slack = 0 if value[1] == value[2] else SLACK_MS
        return value[1] - slack <= deadline <= value[2] + slack

    # --- what commands are made of --------------------------------------------------------------

    @property
    def here(self):
        return self.keys[self.db]

    def data(self, key):
        value = self.here.get(key)
        return value[0] if value else None

    def put(self, key, data, deadline=NO_DEADLINE):
        if deadline[1] and deadline[1] <= self.now[0]:
            self.here.pop(key, None)  # in the past
        else:
            self.here[key] = (data, *deadline)

    def edit(self, key, data):
        value = self.here.get(key)
        self.here[key] = (data, *(value[1:] if value else NO_DEADLINE))

    def deadline(self, word, number):
        if word in ("EX", "PX"):
            ms = number * (1000 if word == "EX" else 1)
            return self.now[0] + ms, self.now[1] + ms
        ms = number * (1000 if word == "EXAT" else 1)
        return ms, ms

    def options(self, key, words):
        """The deadline that SET's options ask for, and the others."""
        deadline, given, words = NO_DEADLINE, {}, list(words)
        while words:
            word = words.pop(0)
            if word in ("EX", "PX", "EXAT", "PXAT"):
                deadline = self.deadline(word, words.pop(0))
            elif word == "KEEPTTL":
                given[word] = True
                deadline = self.here[key][1:] if key in self.here else NO_DEADLINE
            else:
                given[word] = words.pop(0) if word in ("IFEQ", "IFNE") else True
        return deadline, given

    # --- commands -------------------------------------------------------------------------------

    def do_select(self, db):
        self.db = db
        return OK

    def do_set(self, key, data, *words):
        deadline, given = self.options(key, words)
        old = self.data(key)
        fine = not (("NX" in given and old is not None) or ("XX" in given and old is None)
                    or ("IFEQ" in given and old != given["IFEQ"]) or ("IFNE" in given and old == given["IFNE"]))
        if fine:
            self.put(key, data, deadline)
        if "GET" in given:
            return old
        return OK if fine else None

    def do_setnx(self, key, data):
        return 1 if self.do_set(key, data, "NX") == OK else 0

    def do_setex(self, key, seconds, data):
        return self.do_set(key, data, "EX", seconds)

    def do_psetex(self, key, ms, data):
        return self.do_set(key, data, "PX", ms)

    def do_getset(self, key, data):
        return self.do_set(key, data, "GET")

    def do_getdel(self, key):
        value = self.here.pop(key, None)
        return value[0] if value else None

    def do_getex(self, key, *words):
        data = self.data(key)
        if data is not None and words:
            self.put(key, data, NO_DEADLINE if words == ("PERSIST",) else self.options(key, words)[0])
        return data

    def do_delifeq(self, key, data):
        if self.data(key) != data:
            return 0
        del self.here[key]
        return 1

    def do_delex(self, key, word=None, data=None):
        old = self.data(key)
        if old is None or (word == "IFEQ" and old != data) or (word == "IFNE" and old == data):
            return 0
        del self.here[key]
        return 1

    def do_mset(self, *words):
        for key, data in zip(words[::2], words[1::2]):
            self.put(key, data)
        return OK

    def do_msetnx(self, *words):
        if any(key in self.here for key in words[::2]):
            return 0
        self.do_mset(*words)
        return 1

    def do_msetex(self, count, *words):
        pairs, words = words[:2 * count], words[2 * count:]
        keys = pairs[::2]
        if ("NX" in words and any(key in self.here for key in keys)
                or "XX" in words and not all(key in self.here for key in keys)):
            return 0
        for key, data in zip(keys, pairs[1::2]):
            self.put(key, data, self.options(key, words)[0])
        return 1

    def do_append(self, key, data):
        data = (self.data(key) or b"") + data
        self.edit(key, data)
        return len(data)

    def do_setrange(self, key, at, data):
        old = self.data(key) or b""
        if not data:
            return len(old)
        new = old.ljust(at, b"\0")
        self.edit(key, new[:at] + data + new[at + len(data):])
        return len(self.data(key))

    def do_incrby(self, key, by):
        old = self.data(key)
        number = 0 if old is None else integer(old)
        if number is None:
            return NOT_INTEGER
        if not -I64_MAX - 1 <= number + by <= I64_MAX:
            return OVERFLOW
        self.edit(key, b"%d" % (number + by))
        return number + by

    def do_incr(self, key):
        return self.do_incrby(key, 1)

    def do_decr(self, key):
        return self.do_incrby(key, -1)

    def do_decrby(self, key, by):
        return self.do_incrby(key, -by)

    def do_incrbyfloat(self, key, by):
        old = self.data(key)
        try:
            number = (0 if old is None else Decimal(old.decode("latin-1"))) + Decimal(by)
        except InvalidOperation:
            return NOT_FLOAT
        text = format(number, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        self.edit(key, text.encode())
        return text.encode()

    def do_del(self, *keys):
        values = [value for value in (self.here.pop(key, None) for key in keys) if value]
        least = sum(not self.may_be_due(value, self.now) for value in values)
        return lambda reply: least <= reply <= len(values)

    do_unlink = do_del

    def do_rename(self, key, new):
        if key not in self.here:
            return NO_KEY
        value = self.here.pop(key)
        self.here[new] = value
        return OK

    def do_renamenx(self, key, new):
        if key in self.here and new in self.here:
            return 0
        reply = self.do_rename(key, new)
        return 1 if reply == OK else reply

    def do_copy(self, key, new, *words):
        words = list(words)
        db = words[words.index("DB") + 1] if "DB" in words else self.db
        if db == self.db and key == new:
            return SAME
        if key not in self.here or (new in self.keys[db] and "REPLACE" not in words):
            return 0
        self.keys[db][new] = self.here[key]
        return 1

    def do_move(self, key, db):
        if db == self.db:
            return SAME
        if key not in self.here or key in self.keys[db]:
            return 0
        self.keys[db][key] = self.here.pop(key)
        return 1

    def do_swapdb(self, a, b):
        self.keys[a], self.keys[b] = self.keys[b], self.keys[a]
        return OK

    def do_flushdb(self, *_):
        self.here.clear()
        return OK

    def do_flushall(self, *_):
        for keys in self.keys.values():
            keys.clear()
        return OK

    # --- deadlines ------------------------------------------------------------------------------

    def expire(self, key, deadline, condition):
        if key not in self.here:
            return 0
        data, *old = self.here[key]
        if (condition == "NX" and old[0] or condition == "XX" and not old[0]
                or condition == "GT" and (not old[0] or deadline[0] <= old[0])
                or condition == "LT" and old[0] and deadline[0] >= old[0]):
            return 0
        self.put(key, data, deadline)
        return 1

    def do_pexpireat(self, key, ms, condition=""):
        return self.expire(key, self.deadline("PXAT", ms), condition)

    def do_expireat(self, key, seconds, condition=""):
        return self.expire(key, self.deadline("EXAT", seconds), condition)

    def do_pexpire(self, key, ms):
        return self.expire(key, self.deadline("PX", ms), "")

    def do_expire(self, key, seconds):
        return self.expire(key, self.deadline("EX", seconds), "")

    def do_persist(self, key):
        value = self.here.get(key)
        if not value or value[1] == 0:
            return 0
        self.here[key] = (value[0], *NO_DEADLINE)
        return 1

    def do_pexpiretime(self, key):
        value = self.here.get(key)
        if not value or value[1] == 0:
            return -1 if value else -2
        due = self.may_be_due(value, self.now)
        return lambda reply: self.in_time(reply, value) or (due and reply == -2)

    # --- reads ----------------------------------------------------------------------------------

    def do_get(self, key):
        value = self.here.get(key)
        if value and self.may_be_due(value, self.now):
            return lambda reply: reply is None or reply == value[0]
        return value[0] if value else None

    def do_mget(self, *keys):
        return [self.do_get(key) for key in keys]

    def do_strlen(self, key):
        return len(self.data(key) or b"")

    def do_getrange(self, key, first, last):
        return (self.data(key) or b"")[first:last + 1]

    def do_exists(self, *keys):
        return sum(key in self.here for key in keys)

    do_touch = do_exists

    TYPES = {frozenset: b"+set", list: b"+list", tuple: b"+hash", dict: b"+zset"}

    def do_type(self, key):
        data = self.data(key)
        return b"+none" if data is None else self.TYPES.get(type(data), b"+string")

    # --- lists: data is a list of Python's, which is never changed ------------------------------------

    def elements(self, key):
        return self.data(key) or []

    def keep_elements(self, key, elements):
        """The deadline stays; an empty list goes."""
        if elements:
            self.edit(key, elements)
        else:
            self.here.pop(key, None)

    def do_rpush(self, key, *words):
        self.keep_elements(key, self.elements(key) + list(words))
        return len(self.elements(key))

    def do_lpush(self, key, *words):
        self.keep_elements(key, list(words[::-1]) + self.elements(key))
        return len(self.elements(key))

    def do_rpushx(self, key, *words):
        return self.do_rpush(key, *words) if key in self.here else 0

    def do_lpushx(self, key, *words):
        return self.do_lpush(key, *words) if key in self.here else 0

    def taken(self, key, left, count):
        """Removes elements from an end: they, in the order that they were taken in."""
        old = self.elements(key)
        count = min(count, len(old))
        self.keep_elements(key, old[count:] if left else old[:len(old) - count])
        return old[:count] if left else old[::-1][:count]

    @staticmethod
    def no_array(reply):
        """A null array, which the tests' client reads as an empty one."""
        return not reply

    def popped(self, key, left, count):
        if key not in self.here:
            return None if count is None else self.no_array
        return self.taken(key, left, 1)[0] if count is None else self.taken(key, left, count)

    def do_lpop(self, key, count=None):
        return self.popped(key, True, count)

    def do_rpop(self, key, count=None):
        return self.popped(key, False, count)

    def do_lmpop(self, count, *words):
        keys, (end, *options) = words[:count], words[count:]
        for key in keys:
            if key in self.here:
                return [key, self.taken(key, end == "LEFT", options[1] if options else 1)]
        return self.no_array

    def put_from(self, source, before, destination, end, moved):
        """A list that is moved to itself as a whole is never empty for others, and keeps its deadline."""
        if source == destination:
            self.here.setdefault(source, ([], *before[1:]))
        (self.do_lpush if end == "LEFT" else self.do_rpush)(destination, *moved)

    def do_lmove(self, source, destination, start, end):
        if source not in self.here:
            return None
        before = self.here[source]
        moved = self.taken(source, start == "LEFT", 1)
        self.put_from(source, before, destination, end, moved)
        return moved[0]

    def do_rpoplpush(self, source, destination):
        return self.do_lmove(source, destination, "RIGHT", "LEFT")

    def do_lmovem(self, source, destination, start, end, selector, count, order):
        if selector == "EXACTLY" and len(self.elements(source)) < count:
            return None
        before = self.here.get(source)
        moved = self.taken(source, start == "LEFT", count)
        if not moved:
            return []
        if order == "BULK" and (start == "LEFT") == (end == "LEFT"):
            moved.reverse()  # so that they stand as they stood
        self.put_from(source, before, destination, end, moved)
        return moved[::-1] if end == "LEFT" else moved

    def do_blpop(self, *words):
        return self.do_blmpop(words[-1], len(words) - 1, *words[:-1], "LEFT", one=True)

    def do_brpop(self, *words):
        return self.do_blmpop(words[-1], len(words) - 1, *words[:-1], "RIGHT", one=True)

    def do_blmpop(self, _seconds, count, *words, one=False):
        popped = self.do_lmpop(count, *words)
        return [popped[0], *popped[1]] if one and isinstance(popped, list) else popped

    def do_blmove(self, source, destination, start, end, _seconds):
        return self.do_lmove(source, destination, start, end) or self.nothing_came

    def do_brpoplpush(self, source, destination, _seconds):
        return self.do_rpoplpush(source, destination) or self.nothing_came

    @staticmethod
    def nothing_came(reply):
        """A null array when the time is up, a null bulk within a transaction, which does not wait."""
        return not reply

    def do_blmovem(self, source, destination, start, end, _seconds, *how):
        return self.do_lmovem(source, destination, start, end, *how) or self.nothing_came

    def do_lset(self, key, index, word):
        if key not in self.here:
            return NO_KEY
        new = list(self.elements(key))
        if not -len(new) <= index < len(new):
            return b"-ERR index out of range"
        new[index] = word
        self.edit(key, new)
        return OK

    def do_linsert(self, key, where, pivot, word):
        old = self.elements(key)
        if pivot not in old:
            return -1 if old else 0
        at = old.index(pivot) + (where == "AFTER")
        self.edit(key, old[:at] + [word] + old[at:])
        return len(old) + 1

    def do_lrem(self, key, count, word):
        old = self.elements(key)
        places = [i for i, element in enumerate(old) if element == word]
        gone = set(places[count:] if count < 0 else places[:count or None])
        if gone:
            self.keep_elements(key, [element for i, element in enumerate(old) if i not in gone])
        return len(gone)

    def do_ltrim(self, key, first, last):
        if key in self.here:
            self.keep_elements(key, self.elements(key)[first:last + 1 or None])
        return OK

    def do_lrange(self, key, first, last):
        return self.elements(key)[first:last + 1 or None]

    def do_llen(self, key):
        return len(self.elements(key))

    # --- hashes: data is a tuple of fields with values, sorted; deadlines of fields lie far ahead ------

    def fields(self, key):
        return dict(self.data(key) or ())

    def keep_fields(self, key, fields):
        """The deadline stays; an empty hash goes."""
        if fields:
            self.edit(key, tuple(sorted(fields.items())))
        else:
            self.here.pop(key, None)

    def do_hset(self, key, *words):
        before = self.fields(key)
        after = before | dict(zip(words[::2], words[1::2]))
        self.keep_fields(key, after)
        return len(after) - len(before)

    def do_hmset(self, key, *words):
        self.do_hset(key, *words)
        return b"+OK"

    def do_hsetnx(self, key, field, value):
        return 0 if field in self.fields(key) else self.do_hset(key, field, value)

    def do_hdel(self, key, *names):
        before = self.fields(key)
        after = {name: value for name, value in before.items() if name not in names}
        self.keep_fields(key, after)
        return len(before) - len(after)

    def do_hincrby(self, key, field, by):
        value = b"%d" % (int(self.fields(key).get(field, b"0")) + by)
        self.do_hset(key, field, value)
        return int(value)

    def do_hincrbyfloat(self, key, field, by):
        self.do_hincrby(key, field, by)
        return self.fields(key)[field]

    def do_hget(self, key, field):
        return self.fields(key).get(field)

    def do_hgetall(self, key):
        pairs = self.data(key) or ()
        return lambda reply: tuple(sorted(zip(reply[::2], reply[1::2]))) == pairs

    def codes(self, key, names):
        return [1 if name in self.fields(key) else -2 for name in names]

    def do_hexpire(self, key, time, _fields, _count, *names):
        return self.codes(key, names)

    do_hpexpire = do_hexpireat = do_hpexpireat = do_hexpire

    def do_hpersist(self, key, _fields, _count, *names):
        there = self.fields(key)
        return lambda reply: [code == -2 for code in reply] == [name not in there for name in names]

    def do_hgetex(self, key, *words):
        return [self.fields(key).get(name) for name in words[words.index("FIELDS") + 2:]]

    def do_hsetex(self, key, *words):
        self.do_hset(key, *words[words.index("FIELDS") + 2:])
        return 1

    def do_hgetdel(self, key, _fields, _count, *names):
        values = [self.fields(key).get(name) for name in names]
        self.do_hdel(key, *names)
        return values

    # --- sets: data is a frozenset, its members as the server tells them; deadlines of members lie far ahead -----

    def members(self, key):
        return self.data(key) or frozenset()

    def keep(self, key, members):
        """The deadline stays; an empty set goes."""
        if members:
            self.edit(key, frozenset(members))
        else:
            self.here.pop(key, None)

    @staticmethod
    def any_order(members):
        return lambda reply: isinstance(reply, list) and sorted(reply) == sorted(members)

    def do_sadd(self, key, *words):
        before = self.members(key)
        self.keep(key, before.union(words))
        return len(self.members(key)) - len(before)

    def do_saddex(self, key, *words):
        self.do_sadd(key, *words[words.index("MEMBERS") + 2:])
        return 1

    def do_sexpire(self, key, time, _members, _count, *names):
        return [1 if name in self.members(key) else -2 for name in names]

    do_spexpire = do_sexpireat = do_spexpireat = do_sexpire

    def do_spersist(self, key, _members, _count, *names):
        there = self.members(key)
        return lambda reply: [code == -2 for code in reply] == [name not in there for name in names]

    def do_srem(self, key, *words):
        before = self.members(key)
        self.keep(key, before.difference(words))
        return len(before) - len(self.members(key))

    def do_spop(self, key, count):
        """Of all there are, or none: by chance nothing can be foretold."""
        before = self.members(key)
        assert count == 0 or count >= len(before)
        if count:
            self.keep(key, ())
        return self.any_order(before if count else ())

    def do_smove(self, source, destination, member):
        if member not in self.members(source):
            return 0
        if source != destination:
            self.do_srem(source, member)
            self.do_sadd(destination, member)
        return 1

    def of_all(self, how, keys):
        first, *others = (self.members(key) for key in keys)
        return how(first, *others)

    def do_smembers(self, key):
        return self.any_order(self.members(key))

    def do_scard(self, key):
        return len(self.members(key))

    def do_sismember(self, key, member):
        return int(member in self.members(key))

    def do_sinter(self, *keys):
        return self.any_order(self.of_all(frozenset.intersection, keys))

    def do_sunion(self, *keys):
        return self.any_order(self.of_all(frozenset.union, keys))

    def do_sdiff(self, *keys):
        return self.any_order(self.of_all(frozenset.difference, keys))

    def store(self, destination, members):
        self.here.pop(destination, None)  # with its deadline
        self.keep(destination, members)
        return len(members)

    def do_sort(self, key, *words):
        """ALPHA, with or without STORE."""
        result = sorted(self.members(key))
        if "STORE" not in words:
            return result
        destination = words[words.index("STORE") + 1]
        self.here.pop(destination, None)
        if result:
            self.put(destination, list(result))
        return len(result)

    def do_sinterstore(self, destination, *keys):
        return self.store(destination, self.of_all(frozenset.intersection, keys))

    def do_sunionstore(self, destination, *keys):
        return self.store(destination, self.of_all(frozenset.union, keys))

    def do_sdiffstore(self, destination, *keys):
        return self.store(destination, self.of_all(frozenset.difference, keys))

    # --- sorted sets: data is a dictionary of scores, which is never changed ----------------------------

    @staticmethod
    def score_text(score):
        return b"%d" % score if score == int(score) else repr(score).encode()

    def scores(self, key):
        return self.data(key) or {}

    def ranked(self, key):
        return sorted(self.scores(key).items(), key=lambda pair: (pair[1], pair[0]))

    def keep_scores(self, key, scores):
        """The deadline stays; an empty sorted set goes."""
        if scores:
            self.edit(key, dict(scores))
        else:
            self.here.pop(key, None)

    def flat(self, pairs):
        return [word for member, score in pairs for word in (member, self.score_text(score))]

    def do_zadd(self, key, *words):
        words, flags, scores = list(words), set(), dict(self.scores(key))
        while words[0] in ("NX", "XX", "GT", "LT", "CH", "INCR"):
            flags.add(words.pop(0))
        added = changed = 0
        reply = None
        for score, member in zip(words[::2], words[1::2]):
            old = scores.get(member)
            score = float(score) + (old if "INCR" in flags and old is not None else 0)
            if (old is not None and ("NX" in flags or "GT" in flags and score <= old or "LT" in flags and score >= old)
                    or old is None and "XX" in flags):
                continue
            added += old is None
            changed += old is not None and old != score
            scores[member] = score
            reply = self.score_text(score)
        if added or changed:
            self.keep_scores(key, scores)
        return reply if "INCR" in flags else added + ("CH" in flags and changed)

    def do_zincrby(self, key, by, member):
        return self.do_zadd(key, "INCR", by, member)

    def take_members(self, key, members):
        scores = self.scores(key)
        gone = [member for member in members if member in scores]
        if gone:
            self.keep_scores(key, {member: score for member, score in scores.items() if member not in gone})
        return len(set(gone))

    def do_zrem(self, key, *members):
        return self.take_members(key, members)

    def pop_ranked(self, key, reverse, count):
        pairs = self.ranked(key)[::-1 if reverse else 1][:count]
        self.take_members(key, [member for member, _ in pairs])
        return pairs

    def do_zpopmin(self, key, count=1):
        return self.flat(self.pop_ranked(key, False, count))

    def do_zpopmax(self, key, count=1):
        return self.flat(self.pop_ranked(key, True, count))

    def do_zmpop(self, count, *words):
        keys, (end, _, most) = words[:count], words[count:]
        for key in keys:
            if key in self.here:
                pairs = self.pop_ranked(key, end == "MAX", most)
                return [key, [self.flat([pair]) for pair in pairs]]
        return self.no_array

    def do_bzpopmin(self, *words):
        return self.popped_alone(words[:-1], "MIN")

    def do_bzpopmax(self, *words):
        return self.popped_alone(words[:-1], "MAX")

    def popped_alone(self, keys, end):
        popped = self.do_zmpop(len(keys), *keys, end, "COUNT", 1)
        return [popped[0], *popped[1][0]] if isinstance(popped, list) else popped

    def do_bzmpop(self, _seconds, count, *words):
        return self.do_zmpop(count, *words)

    def do_zremrangebyrank(self, key, first, last):
        return self.take_members(key, [member for member, _ in self.ranked(key)[first:last + 1 or None]])

    def do_zremrangebyscore(self, key, least, most):
        return self.take_members(key, [m for m, score in self.scores(key).items() if least <= score <= most])

    def do_zremrangebylex(self, key, first, last):
        """Of members of one score."""
        members = [m for m, score in self.scores(key).items() if first[1:] <= m <= last[1:]]
        assert len(set(self.scores(key).values())) <= 1
        return self.take_members(key, members)

    def store_scores(self, destination, scores):
        self.here.pop(destination, None)  # with its deadline
        self.keep_scores(destination, scores)
        return len(scores)

    def do_zrangestore(self, destination, key, first, last):
        return self.store_scores(destination, dict(self.ranked(key)[first:last + 1 or None]))

    def do_zunionstore(self, destination, _, *keys):
        scores = {}
        for key in keys:
            for member, score in self.scores(key).items():
                scores[member] = scores.get(member, 0) + score
        return self.store_scores(destination, scores)

    def do_zinterstore(self, destination, _, *keys):
        all_scores = [self.scores(key) for key in keys]
        return self.store_scores(destination, {member: sum(scores[member] for scores in all_scores)
                                               for member in all_scores[0] if all(member in s for s in all_scores)})

    def do_zdiffstore(self, destination, _, first, *keys):
        others = [self.scores(key) for key in keys]
        return self.store_scores(destination, {member: score for member, score in self.scores(first).items()
                                               if not any(member in scores for scores in others)})

    def do_zrange(self, key, first, last, _):
        return self.flat(self.ranked(key)[first:last + 1 or None])

    def do_zscore(self, key, member):
        scores = self.scores(key)
        return self.score_text(scores[member]) if member in scores else None

    def do_zrank(self, key, member):
        members = [m for m, _ in self.ranked(key)]
        return members.index(member) if member in members else None

    def do_zcard(self, key):
        return len(self.scores(key))

    def do_zcount(self, key, least, most):
        return sum(least <= score <= most for score in self.scores(key).values())

    # --- the session ----------------------------------------------------------------------------

    @staticmethod
    def do_watch(*_):
        return OK

    do_unwatch = do_watch

    @staticmethod
    def do_waitaof(*_):
        return [1, 0]
