"""Many keep-alive connections driven by one thread, each sending a list of requests in order.

Far faster than a client library: what a race needs is many guesses in the gateway at the same time, and the driver
must not be what spreads them out.
"""

import selectors
import socket
import urllib.parse


class Request:
    """`kind` is for the caller, who gets it back with the answer."""

    __slots__ = ("kind", "data")

    def __init__(self, kind, method, path, form=None, authorization=None, headers=""):
        body = urllib.parse.urlencode(form or {}).encode("ascii")
        head = "%s %s HTTP/1.1\r\nHost: x\r\n" % (method, path)
        if authorization:
            head += "Authorization: %s\r\n" % authorization
        if body or method != "GET":
            head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n" % len(body)
        self.kind = kind
        self.data = (head + headers + "\r\n").encode("ascii") + body


class _Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.out = b""
        self.buffer = b""
        self.kinds = []
        self.answered = 0


class Pipeline:
    def __init__(self, port, connections):
        self.connections = [_Connection(port) for _ in range(connections)]

    def close(self):
        for connection in self.connections:
            connection.socket.close()

    def run(self, lists, answered):
        """Sends lists[i] over connection i, all at once; calls answered(kind, status, body) for each answer."""
        selector = selectors.DefaultSelector()
        open_count = 0
        for connection, requests in zip(self.connections, lists):
            if not requests:
                continue
            connection.out = b"".join(request.data for request in requests)
            connection.kinds = [request.kind for request in requests]
            connection.answered = 0
            selector.register(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
            open_count += 1
        while open_count:
            ready = selector.select(30)
            if not ready:
                raise AssertionError("no answer for 30 s")
            for key, events in ready:
                connection = key.data
                if events & selectors.EVENT_WRITE:
                    sent = connection.socket.send(connection.out)
                    connection.out = connection.out[sent:]
                    if not connection.out:
                        selector.modify(connection.socket, selectors.EVENT_READ, connection)
                if events & selectors.EVENT_READ:
                    data = connection.socket.recv(262144)
                    if not data:
                        raise AssertionError("the server closed a connection")
                    connection.buffer += data
                    self._take_answers(connection, answered)
                    if connection.answered == len(connection.kinds):
                        selector.unregister(connection.socket)
                        open_count -= 1
        selector.close()

    @staticmethod
    def _take_answers(connection, answered):
        buffer = connection.buffer
        at = 0
        while True:
            head_end = buffer.find(b"\r\n\r\n", at)
            if head_end < 0:
                break
            head = buffer[at:head_end].lower()
            mark = head.find(b"content-length:")
            length = int(head[mark + 15:].split(b"\r\n", 1)[0]) if mark >= 0 else 0
            end = head_end + 4 + length
            if len(buffer) < end:
                break
            answered(connection.kinds[connection.answered], int(buffer[at + 9:at + 12]), buffer[head_end + 4:end])
            connection.answered += 1
            at = end
        connection.buffer = buffer[at:]
