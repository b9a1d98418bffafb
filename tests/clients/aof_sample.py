"""Writes an append-only directory by what src/log/format.h says, without Corsac's code.

    aof_sample.py DIR     a sealed base and two sealed increments, named as Redis names them

Prints the keys that must be there after loading, as "key value" lines in hexadecimal.
"""

import os
import sys


def crc32c(data, crc=0):
    crc = ~crc & 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return ~crc & 0xFFFFFFFF


def command(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class File:
    def __init__(self, pos, begun_s, base=False):
        self.pos, self.base = pos, base
        self.text = b""
        self.batches = 0
        header = b"#TS:%020d\r\n#CORSAC:1\r\n" % begun_s
        self.batch(header + b"#BASE\r\n#TS:%d\r\n" % begun_s if base else header)

    def batch(self, annotations, *commands):
        self.batches += 1
        body = annotations + b"".join(commands)
        if not self.base:
            self.pos += sum(map(len, commands))
        body += b"#SEAL pos=%020d crc=" % self.pos
        self.text += body + b"%08x\r\n" % crc32c(body)


def main():
    folder = sys.argv[1]
    tricky = b"\r\n#SEAL pos=00000000000000000001 crc=00000000\r\n*1\r\n\0\xff"
    data = {b"k%d" % i: b"value %d" % i for i in range(1000)}
    base = File(5000, 1699999990, base=True)
    base.batch(b"", command("SELECT", 0), *(command("SET", k, v) for k, v in data.items()))
    base.batch(b"#END batches=%020d\r\n" % (base.batches + 1))
    first = File(base.pos, 1699999990)
    first.batch(b"#TS:1700000000\r\n", command("SELECT", 0), command("SET", "tricky", tricky))
    first.batch(
        b"#TS:1700000001\r\n", command("MULTI"), command("SET", "a", 1), command("DEL", "k1"), command("EXEC")
    )
    second = File(first.pos, 1700000005)
    second.batch(b"", command("SELECT", 0), command("SET", "last", b"\0" * 100, "PXAT", 4000000000000))
    data.update({b"tricky": tricky, b"a": b"1", b"last": b"\0" * 100})
    del data[b"k1"]

    os.makedirs(folder)
    names = "appendonly.aof.1.base.aof", "appendonly.aof.1.incr.aof", "appendonly.aof.2.incr.aof"
    for name, file in zip(names, (base, first, second)):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(file.text)
    with open(os.path.join(folder, "appendonly.aof.manifest"), "w") as f:
        f.write(f"file {names[0]} seq 1 type b\n")
        f.write(f"file {names[1]} seq 1 type i\nfile {names[2]} seq 2 type i\n")
    for key, value in data.items():
        print(key.hex(), value.hex())


if __name__ == "__main__":
    main()
