"""HTTPS in the gateway itself.

Goal: browsers and programs get TLS 1.2 or 1.3 and the same HTTP as without; whoever is slow, rude or in the clear harms
nobody; certificates change while requests go on. Method: Python's ssl, curl and openssl s_client against the real gateway.
"""

import http.client
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import certificates
from client import RawConnection
from gateway import Gateway, wait_for
from gateway_case import GatewayCase, new_id

HEALTH = "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"


class TlsCase(GatewayCase):
    """A gateway with the certificate of `cls.certificate`."""

    SERVER_TIMEOUT = "1s"

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="otpgw-tls-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.certificate, cls.key = certificates.self_signed(cls.folder, "first")
        cls.CONFIG = {"app": {"tls_certificate": str(cls.certificate), "tls_key": str(cls.key),
                              "server_timeout": cls.SERVER_TIMEOUT}}
        super().setUpClass()

    def raw(self, context=None, **options):
        return RawConnection(self.gateway.port, tls=context or certificates.trusting(self.certificate), **options)


class Tls(TlsCase):
    def limited_to(self, version):
        context = certificates.trusting_anybody()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        return context

    def test_versions(self):
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            with self.raw(self.limited_to(version)) as raw:
                self.assertEqual(raw.socket.version(), name)
                self.assertIsNone(raw.socket.compression())
                self.assertEqual(raw.send(HEALTH).read_answer().status, 200)
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.assertRaises(ssl.SSLError):
                self.raw(self.limited_to(version))
        self.assert_still_serves()

    def test_ciphers_have_forward_secrecy_and_authentication(self):
        context = self.limited_to(ssl.TLSVersion.TLSv1_2)
        for weak in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "NULL"):
            context.set_ciphers(weak + ":@SECLEVEL=0")
            with self.subTest(weak), self.assertRaises(ssl.SSLError):
                self.raw(context)
        for good in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            context.set_ciphers(good)
            with self.raw(context) as raw:
                self.assertEqual(raw.socket.cipher()[0], good)

    def test_no_renegotiation(self):
        asked = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.gateway.port, "-tls1_2"],
                               input=b"R\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False)
        self.assertRegex(asked.stdout.decode(), "no renegotiation|NO_RENEGOTIATION")

    def test_sessions_resume(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.limited_to(version)
            with self.raw(context) as raw:
                raw.send(HEALTH).read_answer()
                session = raw.socket.session
            with socket.create_connection(("127.0.0.1", self.gateway.port)) as plain:
                with context.wrap_socket(plain, session=session) as again:
                    self.assertTrue(again.session_reused, version)

    def test_curl_with_a_chain(self):
        root, chain, key = certificates.with_chain(self.folder)
        self.addCleanup(self.gateway.reload, self.CONFIG)
        self.gateway.reload({"app": {"tls_certificate": str(chain), "tls_key": str(key)}})
        done = subprocess.run(["curl", "-sS", "--cacert", str(root), self.gateway.url + "/api/health"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False)
        self.assertIn(b'"OK"', done.stdout)

    def test_keep_alive_and_pipelining(self):
        with self.raw() as raw:
            for _ in range(3):
                self.assertEqual(raw.send(HEALTH).read_answer().status, 200)
            ids = [new_id() for _ in range(20)]
            raw.send("".join(
                "GET /api/otp/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n%s" % (otp_id, self.api.authorization, HEALTH)
                for otp_id in map(self.put, ids)))
            for otp_id in ids:
                self.assertEqual(raw.read_answer().data["id"], otp_id)
                self.assertEqual(raw.read_answer().data, "OK")

    def put(self, otp_id):
        return self.created(otp_id)["id"]

    def test_the_largest_body(self):
        for size in (16 * 1024, 16 * 1024 + 1):
            body = "provider=console&nothing=" + "x" * (size - 25)
            answer = self.api.call("PUT", "/api/otp/" + new_id(), body=body.encode(),
                                   headers={"Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual(answer.status, 200 if size == 16 * 1024 else 413, answer)

    def test_a_slow_reader_gets_all_answers_in_order(self):
        count = 1500
        request = b"GET /static/otp.js HTTP/1.1\r\nHost: x\r\n\r\n"
        with self.raw() as raw:
            body = raw.send(request).read_answer().body
            raw.socket.setblocking(False)
            unsent = request * count
            received = []
            pause = 0.3  # its answers fill all buffers meanwhile
            while sum(map(len, received)) < len(body) * count or b"".join(received).count(body) < count:
                try:
                    unsent = unsent[raw.socket.send(unsent[:16384]):] if unsent else b""
                except ssl.SSLWantWriteError:
                    pass
                time.sleep(pause)
                pause = 0
                received += self.what_has_come(raw)
            self.assertEqual(b"".join(received).count(b"HTTP/1.1 200 OK\r\n"), count)

    @staticmethod
    def what_has_come(raw):
        try:
            return [raw.socket.recv(65536)]
        except ssl.SSLWantReadError:
            return []

    def test_goodbyes(self):
        with self.raw() as raw:  # it raises on a connection that is cut off
            raw.send("GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertEqual(raw.read_answer().status, 200)
            self.assertEqual(raw.socket.recv(1), b"")
        with self.raw() as raw:  # a refusal
            self.assertEqual(raw.send("nonsense\r\n\r\n" + "x" * 100000).read_answer().status, 400)
            self.assertEqual(raw.socket.recv(1), b"")

    def test_half_close_still_gets_its_answer(self):
        slow = "PUT /api/otp/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\n" \
               "Content-Length: 22\r\n\r\n{\"provider\":\"console\"}"
        with self.raw() as raw:  # without TLS's goodbye
            raw.send(slow % (new_id(), self.api.authorization))
            socket.socket.shutdown(raw.socket, socket.SHUT_WR)
            self.assertEqual(raw.read_answer().status, 200)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = certificates.trusting(self.certificate).wrap_bio(incoming, outgoing, server_hostname="localhost")
        with socket.create_connection(("127.0.0.1", self.gateway.port), timeout=10) as plain:
            self.until_done(session.do_handshake, plain, incoming, outgoing)
            session.write((slow % (new_id(), self.api.authorization)).encode())
            with self.assertRaises(ssl.SSLWantReadError):
                session.unwrap()  # puts the goodbye behind the request
            plain.sendall(outgoing.read())
            answer = b""
            while data := plain.recv(65536):
                answer += data
            self.assertGreater(len(answer), 500)  # more than a goodbye of the server's

    @staticmethod
    def until_done(step, plain, incoming, outgoing):
        while True:
            try:
                step()
                return plain.sendall(outgoing.read())
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))

    def test_a_request_in_the_clear_is_told_so(self):
        with RawConnection(self.gateway.port) as raw:
            answer = raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + "x" * 50000).read_answer()
            self.assertEqual((answer.status, answer.message), (400, "This port speaks HTTPS only."))
            self.assertTrue(raw.is_closed())

    def test_garbage(self):
        for data in (b"\x16", b"\x16\x03\x01\xff\xff" + b"\0" * 70000, b"\x16" * 5000, b"\x16\x03\x01\x00\x05hello",
                     b"\x16\x03\x03\x00\x00", b"\x80\x2e\x01\x03\x01", b"\0" * 100):
            with RawConnection(self.gateway.port, timeout=5) as raw:
                try:
                    raw.send(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                while raw._receive():  # an alert or a 400, then the end, at the latest by the deadline
                    pass
        # A greeting, and then nonsense instead of what follows; and nonsense in a standing session.
        with self.raw() as raw:
            plain = socket.socket(fileno=raw.socket.detach())
            plain.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            plain.settimeout(5)
            try:
                while plain.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            plain.close()
        self.assert_still_serves()

    def test_slow_handshakes_are_closed_by_the_deadline(self):
        for first, drip in ((b"", b""), (b"\x16", b""), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"x")):
            with self.subTest(first), RawConnection(self.gateway.port, timeout=0.1) as raw:
                began = time.monotonic()
                raw.send(first)
                while True:
                    try:
                        if not raw._receive():
                            break
                    except socket.timeout:
                        try:
                            raw.send(drip)
                        except (ConnectionResetError, BrokenPipeError):
                            break
                    self.assertLess(time.monotonic() - began, 10)

    def test_whoever_ends_its_side_in_the_handshake_is_closed_at_once(self):
        gateway = Gateway({"app": {**self.CONFIG["app"], "server_timeout": "60s"}})
        self.addCleanup(gateway.close)
        gateway.start()
        # In the record's head, in the greeting, and behind a record that holds a part of the greeting only.
        for start in (b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x16\x03\x01\x00\x01\x01"):
            with self.subTest(start), RawConnection(gateway.port) as raw:
                raw.send(start)
                self.assertTrue(gateway.healthy())  # it has been read meanwhile
                raw.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(raw.is_closed())

    def test_a_greeting_in_pieces(self):
        plain, incoming, outgoing = socket.create_connection(("127.0.0.1", self.gateway.port), 5), ssl.MemoryBIO(), ssl.MemoryBIO()
        self.addCleanup(plain.close)
        session = certificates.trusting(self.certificate).wrap_bio(incoming, outgoing, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            session.do_handshake()
        greeting = outgoing.read()
        for piece in (greeting[:3], greeting[3:5], greeting[5:6], greeting[6:-1], greeting[-1:]):
            plain.sendall(piece)
            self.assert_still_serves()
        self.until_done(session.do_handshake, plain, incoming, outgoing)

    def test_slow_handshakes_hold_up_nobody(self):
        slow = [RawConnection(self.gateway.port, source="127.0.4.%d" % (i % 4 + 1)).send(b"\x16\x03\x01\x02") for i in range(200)]
        began = time.monotonic()
        for _ in range(20):
            self.assert_still_serves()
        self.assertLess(time.monotonic() - began, 6)
        for raw in slow:
            raw.socket.close()

    def test_links_and_strict_transport_security(self):
        self.assertTrue(self.created(new_id())["url"].startswith("https://127.0.0.1:"))
        self.addCleanup(self.gateway.reload, self.CONFIG)
        for host, expected in (("otp.example", "max-age=31536000"), ("localhost.example:9000", "max-age=31536000"),
                               ("localhost:9000", None), ("localhost", None)):
            self.gateway.reload({"app": {**self.CONFIG["app"], "root_url": "https://" + host}})
            self.assertEqual(self.api.call("GET", "/api/health").headers["Strict-Transport-Security"], expected, host)

    def test_sigterm_finishes_what_runs(self):
        gateway = Gateway(self.CONFIG)
        self.addCleanup(gateway.close)
        gateway.start()
        with RawConnection(gateway.port, tls=certificates.trusting(self.certificate)) as raw:
            raw.send("PUT /api/otp/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\n"
                     "Content-Length: 22\r\n\r\n{\"provider\"" % (new_id(), self.api.authorization))
            wait_for("the first half", lambda: gateway.healthy())
            gateway.process.terminate()
            wait_for("the end of listening", lambda: not gateway.healthy())
            self.assertEqual(raw.send(":\"console\"}").read_answer().status, 200)
            self.assertEqual(raw.socket.recv(1), b"")
        self.assertEqual(gateway.process.wait(10), 0)


class Certificates(TlsCase):
    def refusals(self):
        folder = self.folder
        other, other_key = certificates.self_signed(folder, "other", certificates.RSA_KEY)
        expired, expired_key = certificates.self_signed(folder, "expired", at="2021-01-01")
        locked = folder / "locked.key"
        certificates.openssl("ec", "-in", self.key, "-aes256", "-passout", "pass:secret", "-out", locked)
        _, chain, chain_key = certificates.with_chain(folder)
        damaged, cut = folder / "damaged.pem", folder / "cut.pem"
        own, behind = chain.read_text().split("-----END CERTIFICATE-----\n", 1)
        damaged.write_text(own + "-----END CERTIFICATE-----\n" + behind.replace("M", "!", 1))
        cut.write_text(chain.read_text()[:-200])
        headless, joined = folder / "headless.pem", folder / "joined.pem"
        headless.write_text(own + "-----END CERTIFICATE-----\n" + behind.replace("BEGIN", "BEGN", 1))
        joined.write_text(own + "-----END CERTIFICATE-----" + behind)
        future, future_key = certificates.self_signed(folder, "future", at="2090-01-01")
        empty = folder / "empty.pem"
        empty.write_text("nothing\n")
        yield self.certificate, other_key, "app.tls_key: expected the private key of the certificate; got another one's"
        yield other, self.key, "app.tls_key: expected the private key of the certificate; got another one's"
        yield self.certificate, locked, "app.tls_key: expected a private key in PEM without a passphrase; got a file without one"
        yield self.certificate, empty, "app.tls_key: expected a private key in PEM without a passphrase; got a file without one"
        yield self.certificate, self.certificate, "app.tls_key: expected a private key in PEM"
        yield empty, self.key, "app.tls_certificate: expected a certificate in PEM; got a file without one"
        yield self.key, self.key, "app.tls_certificate: expected a certificate in PEM; got a file without one"
        yield expired, expired_key, "app.tls_certificate: expected a certificate that is valid; got one that expired on Jan  3"
        yield future, future_key, "app.tls_certificate: expected a certificate that is valid; got one that is not valid before Jan  1"
        for broken in (damaged, cut):
            yield broken, chain_key, "app.tls_certificate: expected certificates in PEM; got one behind the first that OpenSSL refuses: bad"
        yield headless, chain_key, "app.tls_certificate: expected certificates in PEM; got one whose BEGIN line is damaged"
        yield joined, chain_key, "app.tls_certificate: expected a certificate in PEM; got one that OpenSSL refuses: bad end line"
        yield folder / "none.pem", self.key, "app.tls_certificate: expected a PEM file; got"

    def test_bad_ones_end_the_start_and_change_nothing_at_a_reload(self):
        gateway = Gateway(self.CONFIG)
        self.addCleanup(gateway.close)
        self.addCleanup(self.gateway.reload, self.CONFIG)
        for certificate, key, sentence in self.refusals():
            with self.subTest(sentence):
                changes = {"app": {**self.CONFIG["app"], "tls_certificate": str(certificate), "tls_key": str(key)}}
                gateway.write_config(changes)
                for options in ((), ("--check-config",)):
                    code, output = gateway.run_once(*options)
                    self.assertEqual(code, 2, output)
                    self.assertEqual(output.count("\n"), 1, output)
                    self.assertRegex(output, r"config.toml:\d+: " + sentence)
                self.assertIn(sentence, self.gateway.reload(changes))
                with self.raw() as raw:
                    self.assertEqual(raw.send(HEALTH).read_answer().status, 200)

    def test_a_plain_root_url_warns(self):
        gateway = Gateway({"app": {**self.CONFIG["app"], "root_url": "http://otp.example"}})
        self.addCleanup(gateway.close)
        code, output = gateway.run_once("--check-config")
        self.assertEqual(code, 0)
        self.assertIn("app.root_url: begins with http://, but", output)

    def test_rsa(self):
        certificate, key = certificates.self_signed(self.folder, "rsa", certificates.RSA_KEY)
        self.addCleanup(self.gateway.reload, self.CONFIG)
        self.gateway.reload({"app": {"tls_certificate": str(certificate), "tls_key": str(key)}})
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = certificates.trusting(certificate)
            context.maximum_version = version
            with self.raw(context) as raw:
                self.assertEqual(raw.send(HEALTH).read_answer().status, 200)

    def test_new_certificates_under_load(self):
        second, second_key = certificates.self_signed(self.folder, "second")
        pairs = [(self.certificate, self.key), (second, second_key)]
        both = ssl.create_default_context(cadata=self.certificate.read_text() + second.read_text())
        self.addCleanup(self.gateway.reload, self.CONFIG)
        done, failures, served = threading.Event(), [], [0, 0]

        def keep_asking(new_connections):
            connection = None
            while not done.is_set():
                try:
                    connection = connection or http.client.HTTPSConnection("127.0.0.1", self.gateway.port, timeout=10, context=both)
                    connection.request("GET", "/api/health")
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status != 200:
                        failures.append(answer.status)
                    served[new_connections] += 1
                    if new_connections:
                        connection.close()
                        connection = None
                except (OSError, http.client.HTTPException) as error:
                    failures.append(repr(error))
                    connection = None
            if connection:
                connection.close()

        clients = [threading.Thread(target=keep_asking, args=(i % 2,)) for i in range(8)]
        for client in clients:
            client.start()
        old = self.raw()
        for turn in range(1, 6):
            certificate, key = pairs[turn % 2]
            self.gateway.reload({"app": {**self.CONFIG["app"], "tls_certificate": str(certificate), "tls_key": str(key)}})
            with self.raw(certificates.trusting(certificate)) as fresh:  # the other one would not be trusted
                self.assertEqual(fresh.send(HEALTH).read_answer().status, 200)
            self.assertEqual(old.send(HEALTH).read_answer().status, 200)
        done.set()
        for client in clients:
            client.join()
        old.socket.close()
        self.assertEqual(failures, [])
        self.assertGreater(min(served), 50)


if __name__ == "__main__":
    unittest.main()
