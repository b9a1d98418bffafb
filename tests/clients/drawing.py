"""Random commands on lists, hashes, sets and sorted sets, for test_differential.py: what every Redis from 7.0 on answers."""

SHORT, LONG = 12, 300  # members that are drawn from: few, so that they meet, and enough to outgrow each limit
ORDERLESS = {"SMEMBERS", "SUNION", "SINTER", "SDIFF", "HKEYS", "HVALS", "HGETALL", "KEYS"}


class Draw:
    """Draws commands on keys of one type, and now and then on a key of another."""

    def __init__(self, rng, kind):
        self.rng, self.kind = rng, kind
        self.commands = [getattr(self, name) for name in dir(self) if name.startswith(f"{kind}_")]
        self.common = [getattr(self, name) for name in dir(self) if name.startswith("any_")]

    def command(self):
        return self.rng.choice(self.common if self.rng.random() < 0.08 else self.commands)()

    def key(self, kind=None):
        kind = kind or self.kind
        if self.rng.random() < 0.01:
            kind = self.rng.choice(("list", "hash", "set", "zset", "string"))
        return f"{kind}:{self.rng.randrange(6)}"

    def keys(self, kind=None, most=4):
        found = [self.key(kind) for _ in range(self.rng.randint(1, most))]
        return [len(found), *found]

    def word(self):
        """A member, a field, an element, or a value."""
        number = self.rng.randrange(LONG if self.rng.random() < 0.3 else SHORT)
        kind = self.rng.random()
        if kind < 0.4:
            return str(number * self.rng.choice((1, 1, -1, 1000, 10**9, 10**17)))
        if kind < 0.9:
            return f"member{number}"
        if kind < 0.94:
            return f"0{number}"
        return chr(97 + number % 26) * self.rng.choice((0, 63, 64, 65, 127, 128, 1024, 1025, 3000))

    def words(self, most=4):
        count = self.rng.randint(1, most) if self.rng.random() < 0.97 else self.rng.randint(20, 700)
        return [self.word() for _ in range(count)]

    def index(self):
        return self.rng.choice((0, 1, -1, 2, -2, self.rng.randint(-12, 12), self.rng.randint(-700, 700)))

    def count(self):
        return self.rng.choice((0, 1, 2, 3, -1, -3, 10, 700))

    def maybe(self, *words):
        return words if self.rng.random() < 0.3 else ()

    # --- any type -------------------------------------------------------------------------------

    def any_delete(self):
        return self.rng.choice((("DEL", self.key()), ("UNLINK", self.key()), ("EXISTS", self.key()), ("TYPE", self.key())))

    def any_move(self):
        return self.rng.choice((("RENAME", self.key(), self.key()), ("RENAMENX", self.key(), self.key()),
                                ("COPY", self.key(), self.key(), *self.maybe("REPLACE")), ("EXPIRE", self.key(), 100000),
                                ("PERSIST", self.key())))

    def any_string(self):
        return self.rng.choice((("SET", self.key("string"), "text"), ("GET", self.key()), ("STRLEN", self.key())))

    # --- lists ----------------------------------------------------------------------------------

    def side(self):
        return self.rng.choice(("LEFT", "RIGHT"))

    def list_push(self):
        return (self.rng.choice(("LPUSH", "RPUSH", "RPUSH", "LPUSHX", "RPUSHX")), self.key(), *self.words())

    list_push_more = list_push

    def list_pop(self):
        return (self.rng.choice(("LPOP", "RPOP")), self.key(), *self.maybe(self.count()))

    def list_read(self):
        return self.rng.choice((("LRANGE", self.key(), self.index(), self.index()), ("LLEN", self.key()),
                                ("LINDEX", self.key(), self.index())))

    def list_change(self):
        return self.rng.choice((("LSET", self.key(), self.index(), self.word()),
                                ("LINSERT", self.key(), self.rng.choice(("BEFORE", "AFTER")), self.word(), self.word()),
                                ("LREM", self.key(), self.count(), self.word())))

    def list_trim(self):
        return ("LTRIM", self.key(), *self.rng.choice(((0, -2), (1, -1), (0, 500), (self.index(), self.index()))))

    def list_search(self):
        return ("LPOS", self.key(), self.word(), *self.maybe("RANK", self.count()), *self.maybe("COUNT", self.count()),
                *self.maybe("MAXLEN", self.count()))

    def list_move(self):
        return self.rng.choice((("LMOVE", self.key(), self.key(), self.side(), self.side()),
                                ("RPOPLPUSH", self.key(), self.key()),
                                ("LMPOP", *self.keys(), self.side(), *self.maybe("COUNT", self.count()))))

    def list_sort(self):
        return ("SORT", self.key(), *self.maybe("LIMIT", self.index(), self.count()), *self.maybe("DESC"), "ALPHA",
                *self.maybe("STORE", self.key()))

    # --- hashes ---------------------------------------------------------------------------------

    def hash_set(self):
        pairs = [word for field in self.words() for word in (field, self.word())]
        return self.rng.choice((("HSET", self.key(), *pairs), ("HSET", self.key(), *pairs), ("HMSET", self.key(), *pairs),
                                ("HSETNX", self.key(), self.word(), self.word())))

    def hash_read(self):
        return self.rng.choice((("HGET", self.key(), self.word()), ("HMGET", self.key(), *self.words()),
                                ("HEXISTS", self.key(), self.word()), ("HSTRLEN", self.key(), self.word())))

    def hash_whole(self):
        return (self.rng.choice(("HGETALL", "HKEYS", "HVALS", "HLEN")), self.key())

    def hash_delete(self):
        return ("HDEL", self.key(), *self.words())

    def hash_increment(self):
        return self.rng.choice((("HINCRBY", self.key(), self.word(), self.index()),
                                ("HINCRBYFLOAT", self.key(), self.word(), self.rng.choice(("0.25", "-1.5", "3")))))

    # --- sets -----------------------------------------------------------------------------------

    def set_change(self):
        return (self.rng.choice(("SADD", "SADD", "SREM")), self.key(), *self.words())

    def set_integers(self):
        return ("SADD", self.key(), *(self.rng.choice((1, 7, 10**6, 10**12)) * self.rng.randrange(LONG) for _ in range(5)))

    def set_read(self):
        return self.rng.choice((("SISMEMBER", self.key(), self.word()), ("SMISMEMBER", self.key(), *self.words()),
                                ("SCARD", self.key()), ("SMEMBERS", self.key())))

    def set_together(self):
        name = self.rng.choice(("SINTER", "SUNION", "SDIFF"))
        keys = self.keys()[1:]
        return self.rng.choice(((name, *keys), (f"{name}STORE", self.key(), *keys),
                                ("SINTERCARD", len(keys), *keys, *self.maybe("LIMIT", self.count()))))

    def set_move(self):
        return ("SMOVE", self.key(), self.key(), self.word())

    def set_sort(self):
        return (self.rng.choice(("SORT", "SORT_RO")), self.key(), "ALPHA", *self.maybe("DESC"), *self.maybe("LIMIT", 1, 5))

    # --- sorted sets: scores are multiples of a fourth, as 7.0 prints others in its own way ------

    def score(self):
        return self.rng.choice(("1", "2", "-1", "0", "inf", "-inf", str(self.rng.randint(-40, 40) / 4),
                                str(self.rng.randint(-10**6, 10**6)), "1760000000000"))

    def bound(self):
        return self.rng.choice(("", "(")) + self.score()

    def lex(self):
        return self.rng.choice(("-", "+", "[" + self.word(), "(" + self.word(), self.word()))

    def limit(self):
        return self.maybe("LIMIT", self.rng.choice((0, 1, 5)), self.count())

    def zset_add(self):
        flags = self.rng.choice(((), (), (), ("NX",), ("XX",), ("GT",), ("LT",), ("XX", "GT"), ("CH",), ("NX", "GT")))
        return ("ZADD", self.key(), *flags, *(w for word in self.words() for w in (self.score(), word)))

    def zset_increment(self):
        return self.rng.choice((("ZINCRBY", self.key(), self.score(), self.word()),
                                ("ZADD", self.key(), *self.maybe("XX"), "INCR", self.score(), self.word())))

    def zset_read(self):
        return self.rng.choice((("ZSCORE", self.key(), self.word()), ("ZMSCORE", self.key(), *self.words()),
                                ("ZCARD", self.key()), ("ZRANK", self.key(), self.word()),
                                ("ZREVRANK", self.key(), self.word()), ("ZCOUNT", self.key(), self.bound(), self.bound())))

    def zset_range(self):
        with_scores = self.maybe("WITHSCORES")
        return self.rng.choice((
            ("ZRANGE", self.key(), self.index(), self.index(), *self.maybe("REV"), *with_scores),
            ("ZREVRANGE", self.key(), self.index(), self.index(), *with_scores),
            ("ZRANGE", self.key(), self.bound(), self.bound(), "BYSCORE", *self.maybe("REV"), *self.limit(), *with_scores),
            ("ZRANGEBYSCORE", self.key(), self.bound(), self.bound(), *with_scores, *self.limit()),
            ("ZREVRANGEBYSCORE", self.key(), self.bound(), self.bound(), *with_scores, *self.limit()),
            ("ZRANGESTORE", self.key(), self.key(), self.index(), self.index(), *self.maybe("REV"))))

    def zset_lex(self):
        """All of one score, as others have no order that is defined."""
        key = f"lex:{self.rng.randrange(2)}"
        return self.rng.choice((
            ("ZADD", key, *(w for word in self.words(8) for w in ("0", word))), ("ZREM", key, *self.words()),
            ("ZRANGEBYLEX", key, self.lex(), self.lex(), *self.limit()), ("ZLEXCOUNT", key, self.lex(), self.lex()),
            ("ZREVRANGEBYLEX", key, self.lex(), self.lex(), *self.limit()),
            ("ZRANGE", key, self.lex(), self.lex(), "BYLEX", *self.maybe("REV"), *self.limit()),
            ("ZREMRANGEBYLEX", key, "[" + self.word(), "[" + self.word())))

    def zset_remove(self):
        return self.rng.choice((
            ("ZREM", self.key(), *self.words()), ("ZREMRANGEBYRANK", self.key(), self.index(), self.index()),
            ("ZREMRANGEBYSCORE", self.key(), self.bound(), self.bound()),
            (self.rng.choice(("ZPOPMIN", "ZPOPMAX")), self.key(), *self.maybe(self.count())),
            ("ZMPOP", *self.keys(), self.rng.choice(("MIN", "MAX")), *self.maybe("COUNT", self.count()))))

    def zset_together(self):
        keys = [self.key() for _ in range(self.rng.randint(1, 3))]
        if self.rng.random() < 0.2:
            keys[0] = self.key("set")
        options = [*self.maybe("WEIGHTS", *(self.rng.choice((1, 2, 0.5, -1)) for _ in keys)),
                   *self.maybe("AGGREGATE", self.rng.choice(("SUM", "MIN", "MAX")))]
        name = self.rng.choice(("ZUNION", "ZINTER"))
        return self.rng.choice((
            (name, len(keys), *keys, *options, *self.maybe("WITHSCORES")),
            (f"{name}STORE", self.key(), len(keys), *keys, *options), ("ZDIFF", len(keys), *keys, *self.maybe("WITHSCORES")),
            ("ZDIFFSTORE", self.key(), len(keys), *keys),
            ("ZINTERCARD", len(keys), *keys, *self.maybe("LIMIT", self.count()))))
