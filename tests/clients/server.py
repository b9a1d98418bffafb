"""What the Python tests share: a server of their own, and TAP."""

import os
import socket
import subprocess
import sys
import traceback

PATIENCE_S = 20
TESTS = []


class Skip(Exception):
    """Raised by a test that cannot be run, with the reason."""


def test(function):
    """Marks a function as a test; its name is what it tests."""
    TESTS.append(function)
    return function


class Server:
    """CORSAC_BIN at a free port, in ./server; killed with the object."""

    def __init__(self, *options):
        os.makedirs("server", exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.options = options
        self.process = None
        self.start()

    def start(self):
        command = [os.environ["CORSAC_BIN"], "--port", str(self.port), "--dir", "server", "--save", "",
                   "--appendonly", "no", *self.options]
        with open("server/log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self):
        """Ends it; returns its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run(server):
    """Runs all tests, then stops the server; ends the program."""
    failed = 0
    print(f"1..{len(TESTS) + 1}")
    for number, function in enumerate(TESTS, 1):
        what = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {what}")
        except Skip as why:
            print(f"ok {number} - {what} # SKIP {why}")
        except Exception:  # pylint: disable=broad-except; whatever went wrong, the others are run
            failed += 1
            print(f"not ok {number} - {what}")
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        sys.stdout.flush()
    try:
        status = server.stop()
    except subprocess.TimeoutExpired:
        status = "none, in time"
    print(f"{'ok' if status == 0 else 'not ok'} {len(TESTS) + 1} - the server ends with exit status 0")
    if status != 0:
        print(f"# but it is: {status}")
    sys.exit(1 if failed or status != 0 else 0)
