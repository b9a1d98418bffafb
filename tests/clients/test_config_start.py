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
def a_server_goes_on_listening():
    server = Server(folder="listening")
    client = connect(server)
    for words in (("port", "0"), ("bind", ""), ("port", "0", "bind", "")):
        reply = client.call("CONFIG", "SET", *words)
        assert reply.startswith(b"-ERR CONFIG SET failed") and b"nothing to listen on" in reply, reply
        connect(server).close()
    assert client.call("CONFIG", "GET", "port") == [b"port", str(server.port).encode()]
    assert server.stop() == 0
    server.command += ["--unixsocket", os.path.abspath("alone.sock")]
    server.start()
    client = connect(server)
    assert client.call("CONFIG", "SET", "port", "0") == b"+OK"
    assert client.call("PING") == b"+PONG"
    assert server.stop() == 0


def checked(*options):
    run = subprocess.run([os.environ["CORSAC_BIN"], "--check-config", *options], capture_output=True, check=False)
    return run.returncode, run.stdout.decode()


@test
def a_check_looks_for_renamed_commands():
    assert checked("--rename-command", "CONFIG", "") == (0, "ok\n")
    assert checked("--rename-command", "HSET", "x") == (0, "ok\n")
    status, out = checked("--rename-command", "CONFGI", "")
    assert status == 1 and "there is no command 'CONFGI'" in out, out
    status, out = checked("--rename-command", "CONFIG", "GET")
    assert status == 1 and "there already is a command 'GET'" in out, out


def title(server):
    with open(f"/proc/{server.process.pid}/cmdline", "rb") as f:
        return f.read().rstrip(b"\0").decode()


TITLE_ERROR = b"template format is invalid or contains unknown variables"


@test
def the_process_has_a_title():
    server = Server(folder="titled")
    name = server.command[0]
    client = connect(server)
    assert title(server) == f"{name} *:{server.port}", title(server)
    for template in ("{foo}", "", " ", "a {title", "{}", "{TITLE}", "{unixsocket}", "{server-mode}"):
        reply = client.call("CONFIG", "SET", "proc-title-template", template)
        assert reply.startswith(b"-ERR CONFIG SET failed") and TITLE_ERROR in reply, (template, reply)
    assert client.call("CONFIG", "SET", "proc-title-template", "{{a} }{port}-{tls-port}{unixsocket} {config-file}|") == b"+OK"
    assert title(server) == f"{{a}} }}{server.port}-0 -|", title(server)
    assert client.call("CONFIG", "SET", "proc-title-template", "x" * 400) == b"+OK"
    assert title(server) == "x" * 400, title(server)  # where the environment was
    assert client.call("CONFIG", "SET", "proc-title-template", "{title}") == b"+OK"
    assert title(server) == name, title(server)
    assert client.call("CONFIG", "SET", "set-proc-title", "no") == \
        b"-ERR CONFIG SET failed (possibly related to argument 'set-proc-title') - can't set immutable config"
    assert server.stop() == 0
    server.command += ["--set-proc-title", "no"]
    server.start()
    connect(server).close()
    assert title(server) == "\0".join(server.command)
    assert server.stop() == 0
    assert TITLE_ERROR.decode() in refused("--proc-title-template", "{foo}")


def oom_score(server):
    with open(f"/proc/{server.process.pid}/oom_score_adj", encoding="ascii") as f:
        return int(f.read())


@test
def the_kernel_is_told_whom_to_end():
    server = Server(folder="scored")
    client = connect(server)
    before = oom_score(server)

    def set_to(*words):
        return client.call("CONFIG", "SET", *words)

    assert set_to("oom-score-adj", "foo").endswith(b"argument(s) must be one of the following: no, yes, relative, absolute")
    assert set_to("oom-score-adj-values", "1 2").endswith(b"- wrong number of arguments")
    for wrong in ("1 2 x", "1 2 2001", "-2001 2 3"):
        assert set_to("oom-score-adj-values", wrong).endswith(
            b"Invalid oom-score-adj-values, elements must be between -2000 and 2000."), wrong
    assert set_to("oom-score-adj-values", "900 2 3") == b"+OK" and oom_score(server) == before
    assert set_to("oom-score-adj", "absolute") == b"+OK" and oom_score(server) == 900
    assert set_to("oom-score-adj-values", "950 2 3") == b"+OK" and oom_score(server) == 950
    assert set_to("oom-score-adj", "relative", "oom-score-adj-values", "20 0 0") == b"+OK"
    assert oom_score(server) == min(1000, before + 20)
    assert client.call("CONFIG", "GET", "oom-score-adj") == [b"oom-score-adj", b"yes"]
    assert set_to("oom-score-adj", "absolute", "oom-score-adj-values", "2000 0 0") == b"+OK" and oom_score(server) == 1000
    assert set_to("oom-score-adj", "no") == b"+OK"
    assert oom_score(server) == before
    assert server.stop() == 0
    server.command += ["--oom-score-adj", "absolute", "--oom-score-adj-values", "700", "2", "3"]
    server.start()
    connect(server).close()
    assert oom_score(server) == 700
    assert server.stop() == 0


@test
def the_address_of_connections_that_go_out_is_kept():
    server = Server("--bind-source-addr", "10.0.0.1", folder="outward")
    assert connect(server).call("CONFIG", "GET", "bind-source-addr") == [b"bind-source-addr", b"10.0.0.1"]
    assert b"bind-source-addr says where connections to other servers come from" in server.log()
    assert server.stop() == 0


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
