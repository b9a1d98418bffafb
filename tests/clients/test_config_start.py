#!/usr/bin/python3
"""How a server starts, or refuses to, with what a configuration says; what it tells its supervisor."""
import os
import resource
import socket
import subprocess

import server as testing
from server import PATIENCE_S, Server, connect, test

CORSAC = os.environ["CORSAC_BIN"]
SERVER = Server()


def refused(*options, preexec=None):
    """Runs it with the options, which must end it; returns what it wrote."""
    run = subprocess.run([CORSAC, *options, "--appendonly", "no"], stdin=subprocess.DEVNULL, capture_output=True,
                         timeout=PATIENCE_S, check=False, preexec_fn=preexec)
    assert run.returncode == 1, run
    return (run.stdout + run.stderr).decode()


@test
def renamed_commands_and_the_log():
    renames = ["--rename-command", "SET", "put", "--rename-command", "DEL", "drop", "--rename-command", "APPEND", ""]
    server = Server(*renames, "--appendonly", "yes", "--appendfsync", "always", folder="renamed")
    client = connect(server)
    assert client.call("PUT", "a", 1) == b"+OK" and client.call("put", "b", 2) == b"+OK" and client.call("drop", "a") == 1
    assert client.call("SET", "a", 1).startswith(b"-ERR unknown command")
    assert client.call("APPEND", "a", 1).startswith(b"-ERR unknown command")
    client.close()
    assert server.stop() == 0
    with open("renamed/appendonlydir/appendonly.aof.1.incr.aof", "rb") as log:
        text = log.read().lower()
    assert b"\nset\r" in text and b"\ndel\r" in text and b"put" not in text and b"drop" not in text, text
    server.command += ["--rename-command", "GET", "fetch"]
    server.start()
    client = connect(server)
    assert client.call("fetch", "b") == b"2" and client.call("fetch", "a") is None
    assert client.call("GET", "b").startswith(b"-ERR unknown command")
    client.close()
    assert server.stop() == 0


@test
def nowhere_to_listen():
    for options in (["--port", "0"], ["--port", "0", "--tls-port", "6380"], ["--bind", "", "--port", "7000"]):
        out = refused(*options)
        assert "Ready" not in out, out
    assert "nothing to listen on" in refused("--port", "0")


@test
def too_few_open_files():
    out = refused("--port", "0", "--unixsocket", os.path.abspath("few.sock"),
                  preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32)))
    assert "ulimit -n" in out, out


@test
def the_log_holds_no_password():
    with open("old.conf", "w", encoding="utf-8") as conf:
        conf.write("user alice on >s3cret ~* +@all\nrequirepas s3cret\nmasterauth s3cret\n")
    out = refused("old.conf")
    assert "s3cret" not in out and "old.conf:1" in out and "old.conf:2" in out, out


def tell(path):
    """A supervisor's socket: what a server tells there from its start to its end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(path.replace("@", "\0", 1) if path.startswith("@") else path)
        supervisor.settimeout(PATIENCE_S)
        server = Server("--supervised", "systemd", "--appendonly", "yes", folder="told", environ={"NOTIFY_SOCKET": path})
        told = supervisor.recv(4096)
        while b"READY=1" not in told:
            told += b"\n" + supervisor.recv(4096)
        assert connect(server).call("PING") == b"+PONG"
        assert b"STOPPING" not in told and told.startswith(b"STATUS=Loading")
        server.stop()
        assert b"STOPPING=1" in supervisor.recv(4096)


@test
def supervisor_by_a_file():
    tell(os.path.abspath("notify.sock"))


@test
def supervisor_by_an_abstract_name():
    tell(f"@corsac-test-{os.getpid()}")


@test
def supervised_in_vain():
    server = Server("--supervised", "systemd", folder="vain", environ={"NOTIFY_SOCKET": ""})
    assert connect(server).call("PING") == b"+PONG"
    server.stop()
    assert b"NOTIFY_SOCKET is not in the environment" in server.log()


testing.run(SERVER)
