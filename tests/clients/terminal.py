#!/usr/bin/env python3
"""Drives a program in a terminal: terminal.py COMMAND... <<< "dialogue"

The dialogue is lines, "> TEXT" to type (with \\r, \\t, \\x..) and "< TEXT" to wait for what is shown, in order. Exit
status 0 when all of it came to pass, else 1 and what was shown instead. What the terminal is told of colours and
the cursor is left out of the comparison.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE_S = 20
ROWS, COLUMNS = 50, 200
SHOWN_MAX = 2000  # bytes of what a failure tells
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    def __init__(self, command):
        self.shown = b""  # since the last text that was waited for
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Without a size, line editors ask the terminal where its cursor is.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            env = dict(os.environ, TERM="xterm", HOME=os.getcwd())
            try:
                os.execvpe(command[0], command, env)
            except OSError as error:
                print(error)
                os._exit(127)

    def type(self, text):
        os.write(self.fd, text.encode().decode("unicode_escape").encode())

    def wait_for(self, text):
        wanted, end = text.encode(), time.monotonic() + PATIENCE_S
        while True:
            plain = ESCAPES.sub(b"", self.shown)
            place = plain.find(wanted)
            if place >= 0:
                self.shown = plain[place + len(wanted):]
                return True
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return False
            try:
                self.shown += os.read(self.fd, 65536)
            except OSError:  # the program has ended
                return False

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def main():
    terminal = Terminal(sys.argv[1:])
    try:
        for line in sys.stdin.read().splitlines():
            if line.startswith("> "):
                terminal.type(line[2:])
            elif line.startswith("< ") and not terminal.wait_for(line[2:]):
                print(f"not shown: {line[2:]!r}\ninstead: {terminal.shown[-SHOWN_MAX:]!r}")
                return 1
        return 0
    finally:
        terminal.close()


if __name__ == "__main__":
    sys.exit(main())
