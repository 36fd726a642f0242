"""Proxies before the gateway, and the limit of connections per IP.

Goal: one address holds at most 256 connections, whoever it is, and takes none from others; proxies that are listed, and
local ones that were forgotten, are not held to it. Method: idle connections from several loopback addresses.
"""

import unittest

from client import RawConnection
from gateway import wait_for
from gateway_case import GatewayCase

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


if __name__ == "__main__":
    unittest.main()
