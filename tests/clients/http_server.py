"""What the tests of HTTP share: a server that listens for it, and requests."""

import http.client
import json
import socket

import server as testing


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.type = response.getheader("Content-Type")
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        assert self.type == "application/json", self.type
        return json.loads(self.body)


class HttpServer(testing.Server):
    """`web`: the port of HTTP."""

    def __init__(self, *options, **more):
        self.web = free_port()
        super().__init__("--bind", "127.0.0.1", "--http-port", str(self.web), *options, **more)

    def ask(self, method, path, body=None, headers=None):
        """One request on a connection of its own. A body that is no bytes is sent as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=testing.PATIENCE_S)
        try:
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()
