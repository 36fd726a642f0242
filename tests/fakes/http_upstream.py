"""An HTTP server on loopback that plays an upstream: it keeps every request, answers as a subclass's documented API
does, and misbehaves on demand.

    with Upstream() as upstream: ...            upstream.port, upstream.requests, upstream.connections
    upstream.fault("silent", times=1)           the next request; times=None: all until heal()

Faults: "silent" (reads the request and never answers), "close" (hangs up instead of answering), "reset" (the same
with a RST), "garbage" (no HTTP), "mebibyte" (200 with 1 MiB of letters), "slow" (a byte a second, for ever), or an
answer of the test's own: (status, body, headers).
"""

import argparse
import json
import socket
import socketserver
import struct
import sys
import threading
import time
import urllib.parse


class Request:
    def __init__(self, method, target, headers, body):
        self.method = method
        self.target = target  # the path with its query, as it came
        self.headers = headers  # names in lower case
        self.body = body
        self.arrived = time.monotonic()

    @property
    def path(self):
        return self.target.split("?")[0]

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def form(self):
        """The fields; a field that comes twice is an error."""
        pairs = urllib.parse.parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, strict_parsing=True)
        assert len(dict(pairs)) == len(pairs), "a field comes twice"
        return dict(pairs)

    @property
    def json(self):
        return json.loads(self.body)


class Answer:
    def __init__(self, status, body="", headers=None):
        self.status = status
        self.body = (json.dumps(body) if isinstance(body, (dict, list)) else body).encode("utf-8")
        self.headers = {"Content-Type": "application/json", **(headers or {})}

    def bytes(self):
        lines = ["HTTP/1.1 %d X" % self.status, "Content-Length: %d" % len(self.body)]
        lines += ["%s: %s" % pair for pair in self.headers.items()]
        return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + self.body


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that hung up; what an upstream answered wrongly shows in the test


class Upstream:
    """`tls`: an ssl.SSLContext for HTTPS."""

    def __init__(self, tls=None):
        self.requests = []
        self.connections = 0
        self._fault = None
        self._changed = threading.Condition()
        self._open = set()
        upstream = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self):
                upstream._serve(self.request, tls)

        self._server = _Server(("127.0.0.1", 0), Connection)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def answer(self, request):
        """What the API says to a request; a subclass's."""
        return Answer(200)

    # Faults -------------------------------------------------------------------------------------------------

    def fault(self, kind, times=None):
        with self._changed:
            self._fault = [kind, times]

    def heal(self):
        with self._changed:
            self._fault = None

    def _next_fault(self):
        if not self._fault or self._fault[1] == 0:
            return None
        if self._fault[1] is not None:
            self._fault[1] -= 1
        return self._fault[0]

    # What came ----------------------------------------------------------------------------------------------

    def wait_for(self, count, seconds=15.0):
        """The first `count` requests, as soon as they are there."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, seconds):
                raise AssertionError("%d of %d requests came within %.0f s" % (len(self.requests), count, seconds))
            return self.requests[:count]

    def _serve(self, connection, tls):
        if tls:
            connection = tls.wrap_socket(connection, server_side=True)
        self._open.add(connection)
        try:
            with self._changed:
                self.connections += 1
            reader = connection.makefile("rb")
            while request := self._read(reader):
                with self._changed:
                    self.requests.append(request)
                    fault = self._next_fault()
                    self._changed.notify_all()
                if not self._reply(connection, request, fault):
                    break
        finally:
            self._open.discard(connection)
            connection.close()

    @staticmethod
    def _read(reader):
        line = reader.readline(65536)
        if not line:
            return None
        method, target, version = line.decode("latin-1").split(" ", 2)
        if version.rstrip("\r\n") not in ("HTTP/1.0", "HTTP/1.1"):  # by chance, a TLS greeting has two spaces
            return None
        headers = {}
        while (line := reader.readline(65536).decode("latin-1").rstrip("\r\n")) != "":
            name, _, value = line.partition(":")
            assert name.lower() not in headers, "the header %s comes twice" % name
            headers[name.lower()] = value.strip()
        return Request(method, target, headers, reader.read(int(headers.get("content-length", "0"))))

    def _reply(self, connection, request, fault):
        """False: hang up."""
        if fault is None:
            connection.sendall(self.answer(request).bytes())
            return True
        if isinstance(fault, tuple):
            connection.sendall(Answer(*fault).bytes())
            return True
        if fault == "silent":
            connection.recv(1)  # until the other side gives up
        elif fault == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault == "garbage":
            connection.sendall(b"\x00\xff What is this? \r\n\r\n")
        elif fault == "mebibyte":
            connection.sendall(Answer(200, "x" * (1 << 20)).bytes())
        elif fault == "slow":
            while True:
                connection.sendall(b"H")
                time.sleep(1)
        else:
            assert fault == "close", fault
        return False


def run(upstream_class):
    """An upstream as a program: prints "port N" and each request as a line of JSON, until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", help="silent, close, reset, garbage, mebibyte or slow")
    options = parser.parse_args()
    with upstream_class() as upstream:
        if options.fault:
            upstream.fault(options.fault)
        print("port %d" % upstream.port, flush=True)
        for count in range(1, sys.maxsize):
            request = upstream.wait_for(count, threading.TIMEOUT_MAX)[-1]
            print(json.dumps([request.method, request.target, request.headers, request.body.decode("utf-8")]),
                  flush=True)
