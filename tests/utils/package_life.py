"""Installs the Debian package named, starts it as its unit says, removes and purges it. Changes the machine that it runs
on: tests/utils/test_debian.sh runs it in an overlay. Prints "ok WHAT" or "not ok WHAT", and "done"."""

import configparser
import grp
import os
import pwd
import shlex
import signal
import socket
import stat
import subprocess
import sys

PATIENCE_S = 60
PORT = 6379
UNIT = "/lib/systemd/system/corsac.service"
CONF = "/etc/corsac/corsac.conf"
DATA = "/var/lib/corsac"


def check(what, holds):
    print("ok" if holds else "not ok", what, flush=True)


def dpkg(*words):
    done = subprocess.run(["dpkg", "--force-unsafe-io", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False)
    print(done.stdout.decode(errors="replace"), flush=True)
    return done.returncode


def ask(*words):
    """A request's reply, or None where nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=PATIENCE_S) as s:
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            return s.recv(4096)
    except ConnectionRefusedError:
        return None


def owned(path, mode):
    status = os.stat(path)
    return pwd.getpwuid(status.st_uid).pw_name == "corsac" and stat.S_IMODE(status.st_mode) == mode


class Service:
    """What systemd does with the unit: its user, its directories, its command, its way of saying that it is ready."""

    def __init__(self):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read(UNIT)
        self.unit = unit["Service"]
        self.process = None

    def start(self):
        user = pwd.getpwnam(self.unit["User"])
        group = grp.getgrnam(self.unit["Group"]).gr_gid
        runtime = "/run/" + self.unit["RuntimeDirectory"]
        os.makedirs(runtime, exist_ok=True)
        os.chown(runtime, user.pw_uid, group)
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ready.settimeout(PATIENCE_S)
        address = "/run/notify"
        if os.path.exists(address):
            os.unlink(address)
        ready.bind(address)
        os.chmod(address, 0o777)
        directory = self.unit["WorkingDirectory"].replace("%S", "/var/lib")
        self.process = subprocess.Popen(
            shlex.split(self.unit["ExecStart"]), cwd=directory, user=user.pw_uid, group=group, extra_groups=[],
            umask=0o077, stdin=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": address})
        said = b""
        with ready:
            while b"READY=1" not in said:
                said = ready.recv(4096)
        return said

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


def main(deb):
    # An index of all manual pages at each step would take most of the time.
    if os.path.exists("/var/lib/man-db/auto-update"):
        os.unlink("/var/lib/man-db/auto-update")
    check("it is installed", dpkg("-i", deb) == 0)
    check("the user corsac has no shell to log in with",
          pwd.getpwnam("corsac").pw_shell.endswith("nologin") and pwd.getpwnam("corsac").pw_uid < 1000)
    check("data and logs are the user's alone", owned(DATA, 0o750) and owned("/var/log/corsac", 0o750))
    wanted = "/etc/systemd/system/multi-user.target.wants/corsac.service"
    check("it is started with the machine", os.path.islink(wanted))

    service = Service()
    check("it says when it is ready", b"READY=1" in service.start())
    check("it serves on its port", ask(b"SET", b"k", b"v") == b"+OK\r\n")
    check("it runs as its user", os.stat(f"/proc/{service.process.pid}").st_uid == pwd.getpwnam("corsac").pw_uid)
    check("a signal ends it with status 0", service.stop() == 0)
    check("its data lie in /var/lib/corsac", os.path.exists(DATA + "/appendonlydir"))

    with open(CONF, "a", encoding="utf-8") as conf:
        conf.write("maxclients 77\n")
    check("it is installed again over itself", dpkg("--force-confold", "-i", deb) == 0)
    with open(CONF, encoding="utf-8") as conf:
        check("a changed configuration is kept", conf.read().endswith("maxclients 77\n"))
    service.start()
    check("data are there after that", ask(b"GET", b"k") == b"$1\r\nv\r\n")
    check("the configuration is what counts", ask(b"CONFIG", b"GET", b"maxclients").endswith(b"\r\n77\r\n"))
    service.stop()

    check("it is removed", dpkg("-r", "corsac") == 0 and not os.path.exists("/usr/bin/corsac"))
    check("what was configured stays", os.path.exists(CONF) and os.path.exists(DATA + "/appendonlydir"))
    check("it is purged", dpkg("-P", "corsac") == 0 and not os.path.exists("/etc/corsac"))
    check("data are kept", os.path.exists(DATA + "/appendonlydir"))
    check("nothing else is", not any(os.path.lexists(path) for path in (
        "/var/log/corsac", "/etc/logrotate.d/corsac", UNIT, "/etc/systemd/system/corsac.service",
        "/etc/systemd/system/multi-user.target.wants/corsac.service")))
    print("done", flush=True)


main(sys.argv[1])
