"""Every answer carries the headers that keep it private.

Goal: whatever the route, method and status, an answer is not kept, not sniffed, not run, not framed by strangers, sends
no Referer, sets no cookie and does not say what serves it. Method: all routes of the API's description and of the pages
with all methods, and the refusals that come before a route, on one running gateway and its admin listener.
"""

import base64
import hashlib
import http.client
import re
import unittest

from client import RawConnection
from gateway import free_port
from gateway_case import GatewayCase, new_id

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
PAGE = "/otp/[^/]+/[^/]+(/address)?$"
JSON = "application/json; charset=utf-8"


def hash_source(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class Headers(GatewayCase):
    @classmethod
    def setUpClass(cls):
        cls.admin_port = free_port()
        cls.CONFIG = {"admin": {"address": "127.0.0.1:%d" % cls.admin_port}, "app": {"server_timeout": "1s"},
                      "auth": {"app": {"accent": "#0a7cff"}}}
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.seen = set()

    def judge(self, answer, what):
        """All that holds for every answer; static files may be kept, pages may be framed by their origins."""
        with self.subTest(what, status=answer.status):
            headers = answer.headers
            self.seen.add((answer.status, headers.get("Content-Type")))
            page = " /otp/" in what and re.search(PAGE, what.split("?")[0])
            static = answer.status in (200, 304) and ("/static/" in what or "openapi" in what)
            if static:
                self.assertRegex(headers["Cache-Control"], "^public, max-age=[0-9]+$")
            else:
                self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
            self.assertIn(policy["default-src"], ("'none'", "'self'") if static else ("'none'",))
            self.assertIn("frame-ancestors", policy)
            self.assertNotIn("unsafe", headers["Content-Security-Policy"])
            if static or not page:
                self.assertEqual(policy["frame-ancestors"], "'none'")
            elif "text/html" in headers.get("Content-Type", "") and not what.startswith("HEAD "):
                styles = re.findall("<style>(.*?)</style>", answer.text, re.S)
                self.assertEqual(policy["style-src"], " ".join(["'self'"] + [hash_source(style) for style in styles]))
                self.assertEqual(len(styles), 2 if "/otp/app/" in what else 1)
            for name in ("Content-Security-Policy", "Cache-Control", "Content-Type", "X-Content-Type-Options"):
                self.assertLessEqual(len(headers.get_all(name) or []), 1, name)
            for name in ("Set-Cookie", "Server", "X-Powered-By", "Via"):
                self.assertNotIn(name, headers)
            # The version of Prometheus' text format is none of ours.
            self.assertNotRegex(str(headers).replace("version=0.0.4", ""), r"(?i)poco|otpgateway/|[0-9]+\.[0-9]+\.[0-9]+")
            if answer.status not in (303, 304, 204):
                self.assertIn("Content-Type", headers)
                if answer.status >= 400 and not page:
                    self.assertEqual(headers["Content-Type"], JSON)

    def routes(self):
        live, verified, bare, locked = (self.created(to="someone"), self.created(to="someone"), self.created(),
                                        self.created(to="someone", max_attempts="1"))
        self.assertEqual(self.api.page(verified["id"], "POST", otp=verified["otp"]).status, 200)
        self.api.check(locked["id"], locked["otp"] + "0")
        ids = [made["id"] for made in (live, verified, bare, locked)] + [new_id(), "short", "%ff%ff%ff%ff%ff%ff"]
        yield from ("/", "/api/health", "/api/providers", "/api/otp", "/api/openapi.yaml", "/api/limits",
                    "/api/limits?to=x", "/api/nothing", "/nothing", "/hooks/smtp", "/static/otp.js", "/static/demo.html",
                    "/static/style.css", "/static/nothing", "/static/../x", "/otp/nobody/abcdefgh")
        for otp_id in ids:
            for path in ("/api/otp/%s", "/api/otp/%s/status", "/otp/app/%s", "/otp/app/%s/address", "/otp/app/%s/status"):
                yield path % otp_id

    def test_every_route_and_method(self):
        for path in list(self.routes()):
            for method in METHODS:
                for headers in ({}, {"Authorization": None}, {"Sec-Fetch-Site": "cross-site"}):
                    self.judge(self.api.call(method, path, headers=headers), method + " " + path)
                form = {"otp": "000000", "to": "someone", "provider": "console"}
                if method in ("POST", "PUT"):
                    self.judge(self.api.call(method, path, form=form), method + " " + path)
        statuses = {status for status, _ in self.seen}
        self.assertLessEqual({200, 303, 400, 401, 403, 404, 405, 429}, statuses)

    def test_static_files_that_have_not_changed(self):
        tag = self.api.call("GET", "/static/otp.js").headers["ETag"]
        answer = self.api.call("GET", "/static/otp.js", headers={"If-None-Match": tag})
        self.assertEqual(answer.status, 304)
        self.judge(answer, "GET /static/otp.js")

    def test_refusals_before_a_route(self):
        for status, request in (
                (400, "nonsense\r\n\r\n"),
                (400, "GET / HTTP/1.1\r\n\r\n"),
                (413, "POST /api/otp HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"),
                (414, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % ("a" * 4000)),
                (431, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % ("a" * 40000)),
                (501, "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"),
                (417, "GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n"),
                (505, "GET / HTTP/3.7\r\nHost: x\r\n\r\n")):
            with RawConnection(self.gateway.port) as raw:
                answer = raw.send(request).read_answer()
                self.assertIsNotNone(answer, status)
                self.assertGreaterEqual(answer.status, 400)
                self.judge(answer, request[:40])
        self.assertLessEqual({400, 413, 414, 431}, {status for status, _ in self.seen})

    def test_the_admin_listener(self):
        for path in ("/metrics", "/ready", "/nothing"):
            for method in METHODS:
                connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=20)
                connection.request(method, path)
                answer = connection.getresponse()
                answer.read()
                connection.close()
                self.judge(answer, method + " " + path)


if __name__ == "__main__":
    unittest.main()
