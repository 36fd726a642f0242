"""The routes of the API: which exist, which methods they take, what they say without a body.

Goal: every route answers as the API description says; unknown ones are 404, wrong methods 405 with Allow, all in
the envelope. Method: plain requests against one running gateway.
"""

import unittest

from client import RawConnection
from gateway_case import GatewayCase, new_id


class Routes(GatewayCase):
    def test_health_needs_no_credentials(self):
        answer = self.api.call("GET", "/api/health", headers={"Authorization": None})
        self.assertEqual(self.assert_success(answer), "OK")

    def test_root_names_the_program(self):
        answer = self.api.call("GET", "/", headers={"Authorization": None})
        self.assertEqual(answer.status, 200)
        self.assertIn("otp", answer.text.lower())

    def test_providers_are_the_enabled_ones(self):
        self.assertEqual(self.assert_success(self.api.call("GET", "/api/providers")), ["console"])

    def test_unknown_routes_are_404_in_the_envelope(self):
        for path in ("/api", "/api/", "/api/nothing", "/api/otp/abcdefgh/nothing", "/api/otp/abcdefgh/status/more",
                     "/api/otp/abc/def/ghi", "/nothing", "/hooks", "/api/healthy"):
            with self.subTest(path):
                self.assert_error(self.api.call("GET", path), 404)

    def test_wrong_methods_are_405_with_allow(self):
        for method, path, allowed in (
                ("POST", "/api/health", {"GET", "HEAD"}),
                ("DELETE", "/api/providers", {"GET", "HEAD"}),
                ("GET", "/api/otp", {"PUT"}),
                ("DELETE", "/api/otp/abcdefgh", {"GET", "HEAD", "PUT", "POST"}),
                ("GET", "/api/otp/abcdefgh/status", {"POST", "DELETE"}),
                ("PUT", "/api/otp/abcdefgh/status", {"POST", "DELETE"}),
                ("PATCH", "/api/otp/abcdefgh", {"GET", "HEAD", "PUT", "POST"}),
                ("OPTIONS", "/api/otp/abcdefgh", {"GET", "HEAD", "PUT", "POST"}),
                ("PUT", "/otp/app/abcdefgh", {"GET", "HEAD", "POST"})):
            with self.subTest(method + " " + path):
                answer = self.api.call(method, path)
                self.assert_error(answer, 405)
                self.assertEqual({word.strip() for word in answer.headers["Allow"].split(",")}, allowed)

    def test_head_works_wherever_get_does(self):
        otp_id = self.created()["id"]
        for path in ("/", "/api/health", "/api/providers", "/api/otp/" + otp_id, "/otp/app/" + otp_id,
                     "/static/otp.js"):
            with self.subTest(path):
                with RawConnection(self.gateway.port) as raw:
                    raw.send("HEAD %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n"
                             % (path, self.api.authorization))
                    head = b""
                    while b"\r\n\r\n" not in head:
                        head += raw.socket.recv(65536)
                    get_status = self.api.call("GET", path).status
                    self.assertEqual(int(head.split(b" ")[1]), get_status)
                    # Nothing after the head: the next answer follows at once.
                    self.assertTrue(head.endswith(b"\r\n\r\n"), head)
                    raw.send("GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
                    self.assertEqual(raw.read_answer().status, 200)

    def test_head_of_an_unknown_route_is_404(self):
        self.assertEqual(self.api.call("HEAD", "/nothing").status, 404)

    def test_get_shows_the_otp_without_its_code(self):
        created = self.created(to="someone")
        shown = self.assert_success(self.api.get(created["id"]))
        self.assertNotIn("otp", shown)
        self.assertEqual(shown["url"], created["url"])
        self.assertEqual(shown["to"], "someone")
        self.assertIn("state", shown["delivery"])

    def test_get_of_an_unknown_otp(self):
        self.assert_error(self.api.get(new_id()), 400, "the OTP does not exist")

    def test_static_files_have_an_etag_and_never_escape(self):
        first = self.api.call("GET", "/static/otp.js")
        self.assertEqual(first.status, 200)
        self.assertIn("javascript", first.headers["Content-Type"])
        again = self.api.call("GET", "/static/otp.js", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        for path in ("/static/", "/static/nothing.js", "/static/../config.toml", "/static/%2e%2e/config.toml",
                     "/static/..%2fconfig.toml", "/static//etc/passwd", "/static/%2fetc%2fpasswd",
                     "/static/otp.js/", "/static/otp.js%00.css"):
            with self.subTest(path):
                self.assertIn(self.api.call("GET", path).status, (400, 404))

    def test_namespaces_do_not_see_each_other(self):
        otp_id = self.created()["id"]
        self.assert_error(self.other.get(otp_id), 400, "the OTP does not exist")
        self.created(otp_id, api=self.other)
        self.assertEqual(self.assert_success(self.api.get(otp_id))["namespace"], "app")


if __name__ == "__main__":
    unittest.main()
