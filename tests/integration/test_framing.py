"""Rude and broken HTTP on raw sockets.

Goal: what is not a well-formed request gets a clear 4xx and a closed connection, is never taken for two requests,
and the next client is served. Method: bytes that no client library would send.
"""

import socket
import time
import unittest

from client import RawConnection
from gateway_case import GatewayCase, new_id

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class Framing(GatewayCase):
    CONFIG = {"app": {"server_timeout": "1s"}}  # slow requests are shown the door soon

    def head(self, request_line, *headers):
        return request_line + "\r\nHost: x\r\nAuthorization: " + self.api.authorization + "\r\n" + "".join(
            header + "\r\n" for header in headers) + "\r\n"

    def assert_refused_and_closed(self, data, *statuses):
        with RawConnection(self.gateway.port) as raw:
            raw.send(data)
            answer = raw.read_answer()
            self.assertIsNotNone(answer, "closed without a word")
            self.assertIn(answer.status, statuses or (400,), answer)
            self.assertEqual(answer.json["status"], "error")
            self.assertTrue(answer.message)
            self.assertTrue(raw.is_closed(), "the connection stayed open, or more came: %r" % raw.buffer)
        self.assert_still_serves()
        return answer

    def put_line(self):
        return "PUT /api/otp/%s HTTP/1.1" % new_id()

    def test_content_length_twice(self):
        for lengths in (("16", "16"), ("16", "5"), ("16, 16",), ("16", "")):
            with self.subTest(lengths):
                self.assert_refused_and_closed(self.head(
                    self.put_line(), FORM.strip(), *("Content-Length: " + length for length in lengths))
                    + "provider=console")

    def test_content_length_with_transfer_encoding(self):
        self.assert_refused_and_closed(self.head(
            self.put_line(), FORM.strip(), "Content-Length: 16", "Transfer-Encoding: chunked")
            + "10\r\nprovider=console\r\n0\r\n\r\n")

    def test_bad_content_lengths(self):
        for length in ("-1", "+5", "5x", "0x10", "1e1", "", " ", "5 5", "9" * 30, "18446744073709551616"):
            with self.subTest(length):
                self.assert_refused_and_closed(
                    self.head(self.put_line(), "Content-Length: " + length) + "x", 400, 413)

    def test_bad_transfer_encodings(self):
        for coding in ("gzip", "chunked, gzip", "xchunked", "chunked, chunked", "identity", "chunked;q=1"):
            with self.subTest(coding):
                self.assert_refused_and_closed(
                    self.head(self.put_line(), "Transfer-Encoding: " + coding) + "0\r\n\r\n", 400, 501)

    def test_bad_chunks(self):
        for chunks in ("zz\r\n", "-1\r\n", "\r\n", "10\rprovider=console", "5\r\nprovider\r\n0\r\n\r\n",
                       "FFFFFFFFFFFFFFFFF\r\n", " 5\r\nabcde\r\n0\r\n\r\n", "5\nabcde\n0\n\n",
                       "0x5\r\nabcde\r\n0\r\n\r\n", "10 x\r\nprovider=console\r\n0\r\n\r\n",
                       "10;a=\nb\r\nprovider=console\r\n0\r\n\r\n", "10\r\nprovider=console\r\n0\r\nno colon\r\n\r\n",
                       "10\r\nprovider=console\r\n0\r\nX: y\n\nGET / HTTP/1.1\r\n\r\n"):
            with self.subTest(chunks):
                self.assert_refused_and_closed(
                    self.head(self.put_line(), FORM.strip(), "Transfer-Encoding: chunked") + chunks, 400, 408, 413)

    def test_bare_line_feeds(self):
        for data in ("GET /api/health HTTP/1.1\nHost: x\n\n", "GET /api/health HTTP/1.1\r\nHost: x\n\r\n",
                     "GET /api/health HTTP/1.1\nHost: x\r\n\r\n", "GET /api/health HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"):
            with self.subTest(data):
                self.assert_refused_and_closed(data)

    def test_bad_headers(self):
        for header in ("X: a\0b", "no colon", ": empty name", "X y: z", "X : y", " folded: x", "X: a\x01b", "X\tY: z",
                       "(bad): x", "X: a\x7fb"):
            with self.subTest(header):
                self.assert_refused_and_closed("GET /api/health HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % header)

    def test_folded_headers(self):
        self.assert_refused_and_closed("GET /api/health HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n")

    def test_bad_request_lines(self):
        for line in ("", "GET", "GET /", "GET / HTTP", "GET / HTTP/1.1 x", "GET  / HTTP/1.1", " GET / HTTP/1.1",
                     "GET /\0 HTTP/1.1", "GET / http/1.1", "GET / HTTP/1.2x", "G\x01T / HTTP/1.1",
                     "GET api/health HTTP/1.1", "GET / HTTP/11", "\x16\x03\x01\x02\x00\x01", "GET\t/\tHTTP/1.1"):
            with self.subTest(line):
                self.assert_refused_and_closed(line + "\r\nHost: x\r\n\r\n", 400, 404, 505)

    def test_other_versions(self):
        for version in ("HTTP/2.0", "HTTP/0.9", "HTTP/9.9"):
            with self.subTest(version):
                self.assert_refused_and_closed("GET / %s\r\nHost: x\r\n\r\n" % version, 400, 505)

    def test_http_2_without_tls_is_refused_in_words(self):
        answer = self.assert_refused_and_closed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
        self.assertEqual(answer.message, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")

    def test_other_forms_of_the_target(self):
        with RawConnection(self.gateway.port) as raw:
            for target in ("http://x/api/health", "https://other:1/api/health?a=/b"):
                self.assertEqual(raw.send("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target).read_answer().data, "OK")
        for line in ("OPTIONS * HTTP/1.1", "CONNECT x:443 HTTP/1.1", "GET http:///api/health HTTP/1.1"):
            with self.subTest(line):
                self.assert_refused_and_closed(line + "\r\nHost: x\r\n\r\n")

    def test_an_unknown_expectation(self):
        self.assert_refused_and_closed(self.head(self.put_line(), "Expect: tea", "Content-Length: 16"), 417)

    def test_host(self):
        self.assert_refused_and_closed("GET /api/health HTTP/1.1\r\n\r\n")
        self.assert_refused_and_closed("GET /api/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")

    def test_too_long_request_line(self):
        self.assert_refused_and_closed(self.head("GET /" + "x" * 2100 + " HTTP/1.1"), 414)
        self.assert_refused_and_closed("GET /" + "x" * 100000, 414)

    def test_too_many_headers(self):
        ok = "GET /api/health HTTP/1.1\r\nHost: x\r\n" + "X: y\r\n" * 63 + "\r\n"
        with RawConnection(self.gateway.port) as raw:
            self.assertEqual(raw.send(ok).read_answer().status, 200)
        self.assert_refused_and_closed(
            "GET /api/health HTTP/1.1\r\nHost: x\r\n" + "X: y\r\n" * 64 + "\r\n", 431)

    def test_too_large_headers(self):
        self.assert_refused_and_closed(
            "GET /api/health HTTP/1.1\r\nHost: x\r\nX: " + "y" * 17000 + "\r\n\r\n", 431)
        self.assert_refused_and_closed("GET /api/health HTTP/1.1\r\nHost: x\r\nX: " + "y" * 100000, 431)

    def test_too_large_bodies(self):
        for length in (16 * 1024 + 1, 10 ** 9):
            with self.subTest(length):
                answer = self.assert_refused_and_closed(
                    self.head(self.put_line(), FORM.strip(), "Content-Length: %d" % length), 413)
                self.assertEqual(answer.status, 413)
        chunk = "1000\r\n" + "x" * 4096 + "\r\n"
        self.assert_refused_and_closed(
            self.head(self.put_line(), FORM.strip(), "Transfer-Encoding: chunked") + chunk * 5, 413)

    def test_the_largest_body_that_fits(self):
        body = "provider=console&channel_description=" + "x" * 1000 + "&extra="
        body += '"' + "y" * 4000 + '"'
        body += "&nothing=" + "z" * (16 * 1024 - len(body) - 9)
        self.assertEqual(len(body), 16 * 1024)
        with RawConnection(self.gateway.port) as raw:
            raw.send(self.head(self.put_line(), FORM.strip(), "Content-Length: %d" % len(body)) + body)
            self.assertIn(raw.read_answer().status, (200, 400))  # 400: the unknown parameter, not the size

    def test_chunked_bodies(self):
        for chunks in ("10\r\nprovider=console\r\n0\r\n\r\n", "8\r\nprovider\r\n8\r\n=console\r\n0\r\n\r\n",
                       "10;x=y\r\nprovider=console\r\n0\r\n\r\n", "0010\r\nprovider=console\r\n00\r\n\r\n",
                       "10\r\nprovider=console\r\n0\r\nTrailer: x\r\n\r\n"):
            with self.subTest(chunks):
                with RawConnection(self.gateway.port) as raw:
                    raw.send(self.head(self.put_line(), FORM.strip(), "Transfer-Encoding: chunked") + chunks)
                    self.assertEqual(raw.read_answer().status, 200)
                    raw.send(self.head("GET /api/health HTTP/1.1"))  # the whole body was taken
                    self.assertEqual(raw.read_answer().status, 200)

    def test_one_byte_at_a_time(self):
        with RawConnection(self.gateway.port) as raw:
            raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = self.head(self.put_line(), FORM.strip(), "Content-Length: 16") + "provider=console"
            for byte in data:
                raw.send(byte)
            self.assertEqual(raw.read_answer().status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        ids = [new_id() for _ in range(30)]
        data = ""
        for otp_id in ids:
            data += self.head("PUT /api/otp/%s HTTP/1.1" % otp_id, FORM.strip(), "Content-Length: 16")
            data += "provider=console"
            data += self.head("GET /api/otp/%s HTTP/1.1" % otp_id)
            data += self.head("GET /api/health HTTP/1.1")
        with RawConnection(self.gateway.port) as raw:
            raw.send(data)
            for otp_id in ids:
                put, get, health = raw.read_answer(), raw.read_answer(), raw.read_answer()
                self.assertEqual(put.data["id"], otp_id)
                self.assertEqual(get.data["id"], otp_id)
                self.assertEqual(health.data, "OK")

    def test_no_body_is_read_as_the_next_request(self):
        with RawConnection(self.gateway.port) as raw:
            smuggled = self.head("PUT /api/otp/smuggled-%s HTTP/1.1" % new_id())
            # The route takes no body, and answers 404 without looking at it.
            raw.send(self.head("POST /nothing HTTP/1.1", FORM.strip(), "Content-Length: %d" % len(smuggled))
                     + smuggled + self.head("GET /api/health HTTP/1.1"))
            self.assertEqual(raw.read_answer().status, 404)
            self.assertEqual(raw.read_answer().data, "OK")

    def test_expect_100_continue(self):
        with RawConnection(self.gateway.port) as raw:
            raw.send(self.head(self.put_line(), FORM.strip(), "Content-Length: 16", "Expect: 100-continue"))
            self.assertEqual(raw.read_answer().status, 100)
            raw.send("provider=console")
            self.assertEqual(raw.read_answer().status, 200)

    def test_http_1_0(self):
        with RawConnection(self.gateway.port) as raw:
            raw.send("GET /api/health HTTP/1.0\r\n\r\n")
            self.assertEqual(raw.read_answer().status, 200)
            self.assertTrue(raw.is_closed())
        with RawConnection(self.gateway.port) as raw:
            for _ in range(2):
                raw.send("GET /api/health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                self.assertEqual(raw.read_answer().status, 200)

    def test_connection_close(self):
        with RawConnection(self.gateway.port) as raw:
            raw.send("GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = raw.read_answer()
            self.assertEqual((answer.status, answer.headers["Connection"].lower()), (200, "close"))
            self.assertTrue(raw.is_closed())

    def test_who_sends_more_than_is_read_gets_the_answer_and_no_reset(self):
        head = "GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        for more in ("x" * 300_000, "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n" * 5000):
            with self.subTest(more[:10]), RawConnection(self.gateway.port) as raw:
                self.assertEqual(raw.send(head + more).read_answer().status, 200)  # send() fails after a reset
                self.assertEqual(raw.socket.recv(1), b"")  # and so does this

    def test_half_close_still_gets_its_answer(self):
        with RawConnection(self.gateway.port) as raw:
            raw.send(self.head(self.put_line(), FORM.strip(), "Content-Length: 16") + "provider=console")
            raw.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(raw.read_answer().status, 200)

    def test_clients_that_go_away(self):
        for data in ("", "GET", self.head(self.put_line(), "Content-Length: 16") + "prov",
                     self.head(self.put_line(), FORM.strip(), "Content-Length: 16") + "provider=console"):
            raw = RawConnection(self.gateway.port).send(data)
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST
            raw.socket.close()
        self.assert_still_serves()

    def test_garbage(self):
        for data in (b"\0" * 5000, bytes(range(256)) * 50, b"\x80\x00\xff" * 1000):
            self.assert_refused_and_closed(data, 400, 408, 414, 431)
        with RawConnection(self.gateway.port) as raw:  # nothing was asked: closed without a word
            self.assertIsNone(raw.send(b"\r\n" * 5000).read_answer())

    def closed_after(self, start, drip):
        """Seconds until the gateway closes a connection that sends `start` and then `drip` every 0.1 s."""
        with RawConnection(self.gateway.port, timeout=0.1) as raw:
            raw.send(start)
            started = time.monotonic()
            while time.monotonic() - started < 20:
                try:
                    if not raw.socket.recv(4096):
                        return time.monotonic() - started
                except socket.timeout:
                    pass
                except ConnectionResetError:
                    return time.monotonic() - started
                try:
                    raw.send(drip)
                except (ConnectionResetError, BrokenPipeError):
                    return time.monotonic() - started
            return float("inf")

    def test_slow_headers_are_closed_by_the_deadline(self):
        self.assertLess(self.closed_after("GET /api/health HTTP/1.1\r\nHost: x\r\nX: ", "y"), 10)

    def test_slow_bodies_are_closed_by_the_deadline(self):
        self.assertLess(self.closed_after(self.head(self.put_line(), "Content-Length: 1000"), "y"), 10)

    def test_silent_connections_are_closed(self):
        self.assertLess(self.closed_after("", ""), 10)

    def test_many_slow_clients_hold_up_nobody(self):
        slow = [RawConnection(self.gateway.port).send("GET /api/health HTTP/1.1\r\nHost:") for _ in range(200)]
        try:
            started = time.monotonic()
            for _ in range(20):
                self.assert_still_serves()
            self.assertLess(time.monotonic() - started, 6)
        finally:
            for raw in slow:
                raw.socket.close()


if __name__ == "__main__":
    unittest.main()
