"""Clients that are slow on purpose, thousands of them in one process, from all over 127/8.

    slow_clients.py PORT plain|tls SECONDS KIND=COUNT[:LIMIT] ...

KIND: head, body (a request of which a byte comes each second), idle (one whole request, then nothing), handshake (of TLS,
a byte each second), reader (many requests at once, whose answers it doesn't take). Each that the server closes is
replaced. LIMIT: the seconds after which the server should close it. Prints "ready" once so many have been opened (on a
machine that is busy the first are closed by then), and at the end one JSON line: how many were open together at most, and
by kind how many were closed, and by how many seconds the latest of them, or of those that are still open, was past its
limit when it was last seen open.
"""

import json
import os
import random
import select
import socket
import ssl
import sys
import time

import certificates

OPENED_PER_TURN = {"plain": 100, "tls": 6}  # a handshake costs both sides about a millisecond
TURN_SECONDS = 0.025
DRIP_SECONDS = 1.0
START = {
    "head": b"GET /api/health HTTP/1.1\r\nHost: x\r\nX: ",
    "body": b"PUT /api/otp HTTP/1.1\r\nHost: x\r\nContent-Length: 16000\r\n\r\n",
    "idle": b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "handshake": b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03",
    # More than one read of the server's: it is reset when it is closed, and learns of it.
    "reader": b"GET /static/otp.js HTTP/1.1\r\nHost: x\r\n\r\n" * 500,
}
READER_BUFFER_BYTES = 4096


def anywhere():
    return "127.%d.%d.%d" % (random.randrange(1, 255), random.randrange(256), random.randrange(1, 255))


class Slow:
    def __init__(self, port, kind, context):
        self.kind = kind
        self.socket = socket.socket()
        if kind == "reader":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READER_BUFFER_BYTES)
        self.socket.bind((anywhere(), 0))
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))
        if context and kind != "handshake":
            self.socket = context.wrap_socket(self.socket)
        self.socket.sendall(START[kind])
        if kind == "idle":
            self.socket.recv(4096)  # the answer; from now on it is idle
        self.since = time.monotonic()
        self.drips_at = self.since + random.random() * DRIP_SECONDS
        self.socket.setblocking(False)

    def events(self):
        return select.EPOLLHUP if self.kind == "reader" else select.EPOLLIN

    def is_closed(self):
        if self.kind == "reader":
            return True  # its only event
        try:
            while self.socket.recv(4096):  # an answer that says why
                pass
            return True
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True

    def drip(self, now):
        self.drips_at = now + DRIP_SECONDS
        if self.kind in ("idle", "reader"):
            return
        try:
            self.socket.send(b"x")
        except OSError:
            pass  # it will be found closed


class Crowd:
    def __init__(self, port, transport, wanted):
        self.port = port
        self.opened_per_turn = OPENED_PER_TURN[transport]
        self.context = certificates.trusting_anybody() if transport == "tls" else None
        self.wanted = {kind: count for kind, (count, _) in wanted.items()}
        self.limits = {kind: limit for kind, (_, limit) in wanted.items()}
        self.open = {}  # by descriptor
        self.counts = dict.fromkeys(wanted, 0)
        self.closed = dict.fromkeys(wanted, 0)
        self.latest = dict.fromkeys(wanted, float("-inf"))
        self.opened = self.together = self.failed = 0
        self.looked_at = time.monotonic()  # what has been closed was open then
        self.epoll = select.epoll()

    def run(self, seconds):
        while self.opened < sum(self.wanted.values()):
            self.turn()
        print("ready", flush=True)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()
        for slow in self.open.values():
            self.note(slow, self.looked_at)
        print(json.dumps({"together": self.together, "closed": self.closed, "late": self.latest, "failed": self.failed}),
              flush=True)

    def turn(self):
        events = self.epoll.poll(TURN_SECONDS)
        looked_at = time.monotonic()
        for descriptor, _ in events:
            slow = self.open[descriptor]
            if slow.is_closed():
                self.note(slow, self.looked_at)
                self.closed[slow.kind] += 1
                self.counts[slow.kind] -= 1
                del self.open[descriptor]
                slow.socket.close()
        self.looked_at = looked_at
        now = time.monotonic()
        for slow in self.open.values():
            if slow.drips_at <= now:
                slow.drip(now)
        missing = [kind for kind, count in self.wanted.items() for _ in range(count - self.counts[kind])]
        for kind in random.sample(missing, min(len(missing), self.opened_per_turn)):
            self.add(kind)

    def add(self, kind):
        try:
            slow = Slow(self.port, kind, self.context)
        except OSError:
            self.failed += 1
            return
        self.open[slow.socket.fileno()] = slow
        self.epoll.register(slow.socket.fileno(), slow.events())
        self.counts[kind] += 1
        self.opened += 1
        self.together = max(self.together, len(self.open))

    def note(self, slow, seen_open_at):
        self.latest[slow.kind] = max(self.latest[slow.kind], seen_open_at - slow.since - self.limits[slow.kind])


def main():
    port, transport, seconds, *kinds = sys.argv[1:]
    wanted = {}
    for word in kinds:
        kind, amount = word.split("=")
        count, _, limit = amount.partition(":")
        wanted[kind] = int(count), float(limit or "inf")
    os.nice(10)  # what the machine can't do shall not be laid at the server's door
    Crowd(int(port), transport, wanted).run(float(seconds))


if __name__ == "__main__":
    main()
