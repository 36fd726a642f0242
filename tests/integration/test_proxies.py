"""Proxies before the gateway, whom limits per IP are for behind them, and the limit of connections per IP.

Goal: one address holds at most 256 connections, whoever it is, and takes none from others; proxies that are listed, and
local ones that were forgotten, are not held to it. Behind listed proxies each client is held to its own limits, whatever
it says in the header itself. Method: idle connections from several loopback addresses; a proxy.
"""

import socketserver
import threading
import unittest

from client import RawConnection
from gateway import wait_for
from gateway_case import GatewayCase, new_id

PER_IP_MAX = 256
HEALTH = "GET /api/health HTTP/1.1\r\nHost: x\r\n%s\r\n"


class Proxies(GatewayCase):
    def setUp(self):
        super().setUp()
        self.opened = []

    def tearDown(self):
        for raw in self.opened:
            raw.socket.close()

    def open(self, count, source, header=""):
        """Connections that have been answered once and are idle."""
        for _ in range(count):
            raw = RawConnection(self.gateway.port, source=source)
            self.opened.append(raw)
            self.assertEqual(raw.send(HEALTH % header).read_answer().status, 200)
        return self.opened[-count:]

    def is_open(self, raw):
        raw.socket.setblocking(False)
        try:
            return raw.socket.recv(1) != b""
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        finally:
            raw.socket.settimeout(5)

    def test_the_longest_idle_one_of_the_same_address_goes(self):
        other = self.open(1, "127.0.1.2")
        first, second, *rest = self.open(PER_IP_MAX, "127.0.1.1")
        self.assertTrue(self.is_open(first))
        first.send(HEALTH % "").read_answer()  # now the second is the longest idle
        self.open(1, "127.0.1.1")
        self.assertFalse(self.is_open(second))
        self.assertTrue(all(map(self.is_open, [first, *rest, *other])))

    def test_incomplete_requests_go_too(self):
        incomplete = [RawConnection(self.gateway.port, source="127.0.1.3").send("GET / HT") for _ in range(PER_IP_MAX)]
        self.opened += incomplete
        self.open(8, "127.0.1.3")
        self.assertEqual(sum(map(self.is_open, incomplete)), PER_IP_MAX - 8)

    def test_listed_proxies_have_no_such_limit(self):
        self.addCleanup(self.gateway.reload, {})
        self.gateway.reload({"app": {"trusted_proxies": ["127.0.2.0/24"]}})
        self.assertTrue(all(map(self.is_open, self.open(PER_IP_MAX + 20, "127.0.2.1"))))

    def test_forgotten_local_proxies_neither_but_are_named_once(self):
        opened = self.open(PER_IP_MAX + 20, "127.0.3.1", header="X-Forwarded-For: 192.0.2.1\r\n")
        self.assertTrue(all(map(self.is_open, opened)))
        line = 'add this line under [app]: trusted_proxies = ["127.0.3.1"]'
        wait_for("the warning", lambda: line in self.gateway.log())
        self.assertEqual(self.gateway.log().count("127.0.3.1"), 2)  # both in one line

    def test_bad_lists_are_refused_by_name(self):
        self.addCleanup(self.gateway.reload, {})
        self.assertIn('app.trusted_proxies: expected IP addresses and ranges like "192.0.2.1" or "10.0.0.0/8"; got "proxy"',
                      self.gateway.reload({"app": {"trusted_proxies": ["10.0.0.1", "proxy"]}}))


class Proxy(socketserver.ThreadingTCPServer):
    """Passes one request of each connection on, from an address of its own, and says in X-Forwarded-For whom it is from."""

    daemon_threads = True

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            head, seen = [], []
            while line := self.rfile.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                (seen if name == "X-Forwarded-For" else head).append(value.strip() if name == "X-Forwarded-For" else line)
            body = self.rfile.read(next(int(line.split(":")[1]) for line in head if line.startswith("Content-Length")))
            head.append("X-Forwarded-For: " + ", ".join((*seen, self.client_address[0])))
            with RawConnection(self.server.next_port, source=self.server.source) as onward:
                onward.send("\r\n".join((*head, "Connection: close", "", "")).encode("latin-1") + body)
                while onward._receive():
                    pass
                self.wfile.write(onward.buffer)

    def __init__(self, source, next_port):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.source, self.next_port = source, next_port
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Clients(GatewayCase):
    CONFIG = {"app": {"trusted_proxies": ["127.0.2.0/24"]}, "limits": {"ip_posts": ["3/1h"]}}

    def proxy(self, source, next_port):
        proxy = Proxy(source, next_port)
        self.addCleanup(proxy.close)
        return proxy.port

    def guess(self, port, source, header=""):
        """The status of a page's answer to a code for an OTP that is not there."""
        with RawConnection(port, source=source) as raw:
            raw.send("POST /otp/app/%s HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/x-www-form-urlencoded\r\n"
                     "Content-Length: 10\r\n\r\notp=000000" % (new_id(), header))
            return raw.read_answer().status

    def test_limits_are_each_clients_own(self):
        port = self.proxy("127.0.2.1", self.proxy("127.0.2.2", self.gateway.port))
        for source in ("127.0.6.1", "127.0.6.2"):
            self.assertEqual([self.guess(port, source) for _ in range(4)], [404, 404, 404, 429])
        # Whoever begins the header himself stays who he is, at the proxies and past them, and is nobody else.
        for claimed in ("127.0.6.3", "127.0.6.3, 127.0.2.1", "127.0.6.3"):
            header = "X-Forwarded-For: %s\r\n" % claimed
            self.assertEqual(self.guess(port, "127.0.6.4", header), 404)
            self.assertEqual(self.guess(self.gateway.port, "127.0.6.5", header), 404)
        self.assertEqual(self.guess(port, "127.0.6.4", header), 429)
        self.assertEqual([self.guess(port, "127.0.6.3") for _ in range(4)], [404, 404, 404, 429])


if __name__ == "__main__":
    unittest.main()
