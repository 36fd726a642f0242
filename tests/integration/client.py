"""An HTTP client for tests: one call, one Answer; and raw sockets for requests that no client library would send."""

import base64
import http.client
import json
import re
import socket
import time
import urllib.parse

WORKER_SECONDS_MAX = 20  # generous: the gateway itself waits 2 s


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        return self.json.get("data")

    @property
    def message(self):
        return self.json.get("message")

    def __repr__(self):
        return "%d %s" % (self.status, self.body[:400].decode("utf-8", "replace"))


def basic(user, password):
    return "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode("utf-8")).decode("ascii")


def quote(segment):
    return urllib.parse.quote(segment, safe="")


def connect(port, tls=None, timeout=40):
    """`tls`: a context for HTTPS."""
    if tls:
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=tls)
    return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)


class Client:
    """Calls the API of one gateway as one namespace. Each call has a connection of its own."""

    def __init__(self, port, namespace, secret, tls=None):
        self.port = port
        self.tls = tls  # a context: by HTTPS
        self.namespace = namespace
        self.authorization = basic(namespace, secret)

    def call(self, method, path, form=None, json_body=None, body=None, headers=None, query=None, timeout=40):
        """`form` is a dictionary or a list of pairs; `headers` may take Authorization away with None."""
        send = {"Authorization": self.authorization}
        if json_body is not None:
            body = json.dumps(json_body).encode("utf-8")
            send["Content-Type"] = "application/json"
        if form is not None:
            body = urllib.parse.urlencode(form).encode("ascii")
            send["Content-Type"] = "application/x-www-form-urlencoded"
        if query is not None:
            path += "?" + urllib.parse.urlencode(query)
        for name, value in (headers or {}).items():
            send = {key: kept for key, kept in send.items() if key.lower() != name.lower()}
            if value is not None:
                send[name] = value
        connection = connect(self.port, self.tls, timeout)
        try:
            connection.request(method, path, body=body, headers=send)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    # The routes of the API ----------------------------------------------------------------------------------

    def put(self, otp_id=None, headers=None, patience=WORKER_SECONDS_MAX, **form):
        """Tried again for `patience` seconds while the answer says that the provider's worker has yet to start."""
        form.setdefault("provider", "console")
        end = time.monotonic() + patience
        while True:
            answer = self.call("PUT", self.otp_path(otp_id), form=form, headers=headers)
            if answer.status != 503 or "not ready yet" not in answer.text or time.monotonic() > end:
                return answer

    def check(self, otp_id, otp, headers=None, **form):
        return self.call("POST", self.otp_path(otp_id), form={"otp": otp, **form}, headers=headers)

    def resend(self, otp_id, **form):
        return self.call("POST", self.otp_path(otp_id), form={"action": "resend", **form})

    def get(self, otp_id):
        return self.call("GET", self.otp_path(otp_id))

    def status(self, otp_id, method="POST"):
        return self.call(method, self.otp_path(otp_id) + "/status")

    def page(self, otp_id, method="GET", suffix="", headers=None, query=None, **form):
        """A person's browser: no credentials."""
        path = "/otp/%s/%s%s" % (quote(self.namespace), quote(otp_id), suffix)
        return self.call(method, path, form=form if method == "POST" else None, query=query,
                         headers={"Authorization": None, **(headers or {})})

    def address_token(self, otp_id):
        """With what the page's form names the address that is to be replaced."""
        page = self.page(otp_id, suffix="/address")
        return re.search(r'name="expected" value="([0-9a-f]+)"', page.text).group(1)

    @staticmethod
    def otp_path(otp_id):
        return "/api/otp" if otp_id is None else "/api/otp/" + quote(otp_id)


class RawConnection:
    """Bytes in, bytes out: what a rude peer does. With a context (`tls`) inside TLS."""

    def __init__(self, port, timeout=15, source="127.0.0.1", tls=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost", suppress_ragged_eofs=False)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def read_answer(self):
        """The next whole answer, or None when the peer has closed without one."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._receive():
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = http.client.HTTPMessage()
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name] = value.strip()
        length = int(headers.get("Content-Length", "0")) if status >= 200 else 0
        while len(self.buffer) < length:
            if not self._receive():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body)

    def is_closed(self):
        """True when the peer has closed and nothing is left to read; waits for the socket's time-out."""
        if self.buffer:
            return False
        try:
            return not self._receive()
        except socket.timeout:
            return False

    def _receive(self):
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return False
        self.buffer += data
        return bool(data)
