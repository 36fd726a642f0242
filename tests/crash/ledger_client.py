"""A client that creates OTPs and guesses, and writes down what was acknowledged. Runs as a process of its own.

usage: ledger_client.py PORT AUTHORIZATION LEDGER REQUESTS_PER_SECOND, until SIGTERM.

One line per acknowledged answer, on disk (fsync) before the client goes on:
  put ID ADDRESS CLIENT   the PUT for this client was answered 200
  wrong ID ATTEMPTS       a wrong guess was answered, the counter now says ATTEMPTS (at least)
  post ID PEER            the wrong guess came by the page, from this address
  right ID                the right guess was answered 200: the OTP is consumed
A connection that breaks has an unknown outcome and leaves no line. Before a right guess goes out:
  trying ID               from here on the OTP may be consumed, whether we hear of it or not
"""

import json
import os
import random
import selectors
import signal
import socket
import sys
import time
import uuid

from pipeline import Request

CONNECTIONS = 16
PREFIXES = ("+49151123", "+44770090", "+1555010")


class LedgerConnection:
    """Does one thing after the other: PUT an OTP, guess wrong some times over API and page, sometimes guess right."""

    def __init__(self, client, number):
        self.client = client
        self.peer = "127.0.1.%d" % (1 + number % 4)
        self.socket = None
        self.buffer = b""
        self.waiting = None  # kind of the request that is out
        self.plan = []

    def connect(self):
        self.buffer, self.waiting, self.plan = b"", None, []
        try:
            self.socket = socket.create_connection(
                ("127.0.0.1", self.client.port), timeout=1, source_address=(self.peer, 0))
        except OSError:
            self.socket = None
            return False
        self.socket.setblocking(False)
        return True

    def send_next(self):
        if not self.plan:
            self.otp_id = "kill-" + uuid.uuid4().hex
            is_mail = random.random() < 0.9
            self.provider = "smtp" if is_mail else "console"
            self.address = self.otp_id + "@mail.example" if is_mail else random.choice(PREFIXES) + "%06d" % random.randrange(10 ** 6)
            self.for_client = "192.0.2.%d" % random.randrange(1, 6)
            self.code = "%06d" % random.randrange(10 ** 6)
            self.attempts = 1
            self.plan = ["put"] + random.choices(("wrong", "post"), k=random.randrange(3)) + ["right"] * (random.random() < 0.1)
        kind = self.plan.pop(0)
        path = ("/otp/app/" if kind == "post" else "/api/otp/") + self.otp_id
        if kind == "put":
            form = {"provider": self.provider, "to": self.address, "otp": self.code, "ttl": 3600, "max_attempts": 20,
                    "client_ip": self.for_client}
        else:
            form = {"otp": self.code if kind == "right" else self.code + "9"}
            if kind == "right":
                self.client.write("trying %s\n" % self.otp_id)
        self.waiting = kind
        method = "PUT" if kind == "put" else "POST"
        self.socket.sendall(Request(kind, method, path, form, self.client.authorization).data)

    def receive(self):
        """A ledger line, "" while there is none, None when the connection is lost."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return ""
        except OSError:
            return None
        if not data:
            return None
        self.buffer += data
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return ""
        head = self.buffer[:head_end].lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        body = self.buffer[head_end + 4:]
        if len(body) < length:
            return ""
        status = int(head.split(b" ")[1])
        kind, self.waiting, self.buffer = self.waiting, None, b""
        if kind == "put" and status == 200:
            return "put %s %s %s\n" % (self.otp_id, self.address, self.for_client)
        if kind == "wrong" and status == 400:
            self.attempts = json.loads(body)["data"]["attempts"]
            return "wrong %s %d\n" % (self.otp_id, self.attempts)
        if kind == "post" and status == 400:
            self.attempts += 1
            return "wrong %s %d\npost %s %s\n" % (self.otp_id, self.attempts, self.otp_id, self.peer)
        if kind == "right" and status == 200:
            return "right %s\n" % self.otp_id
        self.plan = []
        return "error %s %s %d\n" % (kind, self.otp_id, status)


class LedgerClient:
    def __init__(self, port, authorization, ledger_path, per_second):
        self.port = port
        self.authorization = authorization
        self.ledger = os.open(ledger_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.interval = 1.0 / per_second
        self.running = True

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "running", False))
        selector = selectors.DefaultSelector()
        idle = [LedgerConnection(self, number) for number in range(CONNECTIONS)]
        next_at = time.monotonic()
        while self.running:
            now = time.monotonic()
            next_at = max(next_at, now - 0.1)  # what a restart held up is not caught up with
            while idle and next_at <= now:
                connection = idle.pop()
                next_at += self.interval
                try:
                    if connection.socket is None:
                        if not connection.connect():
                            idle.insert(0, connection)
                            break
                        selector.register(connection.socket, selectors.EVENT_READ, connection)
                    connection.send_next()
                except OSError:
                    self.lose(selector, connection)
                    idle.insert(0, connection)
                    break
            lines = []
            for key, _ in selector.select(0.005):
                connection = key.data
                line = connection.receive()
                if line is None:
                    if connection.waiting is not None:
                        idle.append(connection)
                    self.lose(selector, connection)
                elif line:
                    lines.append(line)
                    idle.append(connection)
            if lines:
                self.write("".join(lines))

    def write(self, lines):
        os.write(self.ledger, lines.encode("ascii"))
        os.fsync(self.ledger)

    @staticmethod
    def lose(selector, connection):
        if connection.socket is not None:
            selector.unregister(connection.socket)
            connection.socket.close()
            connection.socket = None


if __name__ == "__main__":
    LedgerClient(int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])).run()
