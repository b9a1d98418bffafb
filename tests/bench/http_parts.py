"""What `make bench` measures of HTTP: the same requests as over RESP, to the same server, beside nginx with a file."""

import json
import os
import shutil
import subprocess
import time

from running import Running, medians
from servers import LOAD_CPU, PATIENCE_S, SERVER_CPU, Server, pin

COMMANDS = 100  # of a pipeline
VALUE = b"v" * 16
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def send(bench, server, port, connections, requests, request):
    """Nanoseconds of the server's CPU for each of them."""
    before = server.cpu_ns()
    subprocess.run([os.path.join(bench.tools, "http_load"), str(port), str(connections), str(requests)], input=request,
                   check=True, timeout=300, preexec_fn=pin(LOAD_CPU))
    return (server.cpu_ns() - before) / requests


def post(path, commands):
    body = json.dumps(commands).encode()
    return (b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (path.encode(), len(body))) + body


class Nginx(Server):
    """nginx that serves a file of the same bytes from memory: what a server of HTTP alone takes."""

    def __init__(self, folder, port):  # pylint: disable=super-init-not-called; it has no options of Redis
        self.name, self.port = "nginx", port
        self.folder = os.path.abspath(os.path.join(folder, f"nginx-{port}"))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        with open(os.path.join(self.folder, "k"), "wb") as file:
            file.write(VALUE)
        with open(os.path.join(self.folder, "conf"), "w", encoding="ascii") as file:
            file.write(f"daemon off; master_process off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/log;"
                       "events { worker_connections 1000; }\n"
                       f"http {{ access_log off; keepalive_requests 100000000; open_file_cache max=10;"
                       f" server {{ listen 127.0.0.1:{port}; location /db/ {{ alias {self.folder}/; }} }} }}\n")
        self.process = subprocess.Popen([NGINX, "-c", os.path.join(self.folder, "conf"), "-p", self.folder],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pin(SERVER_CPU))
        end = time.monotonic() + PATIENCE_S
        while not os.path.exists(os.path.join(self.folder, "pid")):
            assert time.monotonic() < end and self.process.poll() is None, "nginx does not start"
            time.sleep(0.01)


def http(bench):
    """CPU of a GET and of pipelines of 100 commands over HTTP, and over RESP; of nginx with a file, where it is there."""
    count = 30000 if bench.quick else 120000
    bench.next_port += 1
    port = bench.next_port
    get = b"GET /db/k HTTP/1.1\r\nHost: localhost\r\n\r\n"
    gets = post("/pipeline", [["GET", "k"]] * COMMANDS)
    sets = post("/pipeline", [["SET", f"key:{n:012}", VALUE.decode()] for n in range(COMMANDS)])
    with Running() as running:
        server = running.start(bench, "corsac", "--http-port", str(port))
        server.must("SET", "k", VALUE)
        measured = {"corsac": server}
        if NGINX:
            measured["nginx"] = Nginx(bench.folder, port + 1)
            running.callback(measured["nginx"].stop)
            bench.next_port += 1

        def measure(s):
            if s is not server:
                return [send(bench, s, s.port, 50, count, get)]
            pipelines = count // 20
            return [send(bench, s, port, 50, count, get),
                    bench.load_words(s, ("GET", "k"), count, 1)[0],
                    send(bench, s, port, 10, pipelines, gets) / COMMANDS,
                    bench.load_words(s, ("GET", "k"), pipelines * COMMANDS, COMMANDS, clients=10)[0],
                    send(bench, s, port, 10, pipelines, sets) / COMMANDS,
                    bench.load_words(s, ("SET", "key:__rand_int__", VALUE.decode()), pipelines * COMMANDS, COMMANDS,
                                     clients=10, keys=COMMANDS)[0]]

        figures = ("GET /db/KEY: CPU", "GET over RESP, P=1: CPU",
                   "/pipeline of 100 GET: CPU a command", "GET over RESP, P=100: CPU a command",
                   "/pipeline of 100 SET: CPU a command", "SET over RESP, P=100: CPU a command")
        for name, found in medians(bench.rounds, measured, measure).items():
            for figure, ns in zip(figures, found):
                bench.put("http", figure, "ns", name, ns)


ALL = {"http": http}
