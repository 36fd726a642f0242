"""Codes through webhooks to one's own server.

Goal: what is posted is field by field what the Go program posted, an answer means what it says, HTTPS is verified, and
connections are kept. Method: the gateway, its workers and an HTTP server that misbehaves on demand.
"""

import json
import pathlib
import ssl
import subprocess
import tempfile
import unittest

from client import basic
from gateway import Gateway, wait_for
from gateway_case import new_id
from http_upstream import Upstream


class WebhookCase(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)

    def start(self, more=None, **sections):
        """A gateway with the webhook `hook`, `more` being further keys of its, and with further webhooks."""
        hooks = {"hook": {"url": "http://127.0.0.1:%d/otp" % self.upstream.port, "timeout": "1s", **(more or {})},
                 **sections}
        self.gateway = Gateway({"webhooks": {name: {"enabled": True, **hook} for name, hook in hooks.items()}})
        self.addCleanup(self.gateway.close)
        self.api = self.gateway.start().client()

    def put(self, provider="hook", to="john@doe.example", **form):
        answer = self.api.put(new_id(), provider=provider, to=to, **form)
        self.assertIn(answer.status, (200, 500), answer)
        return answer.data

    def delivery(self, otp):
        return self.api.get(otp["id"]).data["delivery"]

    def ended(self, otp, state):
        wait_for(state, lambda: self.delivery(otp)["state"] == state, 15)
        return self.delivery(otp)["detail"]


class Requests(WebhookCase):
    def test_field_by_field_what_the_go_program_posts(self):
        self.start({"username": "user", "password": "pa:ss", "channel_name": "Phone call",
                    "address_name": "Mobile number", "subject": "{{ .Namespace }}: {{ .Channel }} verification"})
        otp = self.put(wait="10", ttl="120", max_attempts="4", extra='{"yes": [1, "ü"]}', channel_description="Chän",
                       address_description="Ad\"dr")
        self.assertEqual(otp["delivery"]["state"], "sent", otp)
        request = self.upstream.requests[0]
        self.assertEqual((request.method, request.target), ("POST", "/otp"))
        self.assertEqual(request.headers["content-type"], "application/json")
        self.assertEqual(request.headers["user-agent"], "otpgateway")
        self.assertEqual(request.headers["authorization"], basic("user", "pa:ss"))
        self.assertTrue(request.headers["idempotency-key"])
        posted = request.json
        self.assertIn(posted["otp"].pop("ttl"), range(100, 121))
        self.assertEqual(posted, {
            "otp": {"namespace": "app", "id": otp["id"], "to": "john@doe.example", "channel_description": "Chän",
                    "address_description": "Ad\"dr", "extra": {"yes": [1, "ü"]}, "provider": "hook",
                    "otp": otp["otp"], "max_attempts": 4, "attempts": 1, "generate": 1, "max_generate": 3,
                    "closed": False},
            "subject": "app: hook verification", "body": ""})
        # The names in its order too, for who reads by eye.
        self.assertEqual(list(json.loads(request.body)["otp"]), [
            "namespace", "id", "to", "channel_description", "address_description", "extra", "provider", "otp",
            "max_attempts", "attempts", "generate", "max_generate", "closed", "ttl"])

    def test_a_resend_has_another_key_and_the_same_code(self):
        self.start()
        otp = self.put(wait="10")
        self.assertEqual(self.api.resend(otp["id"], wait="10").status, 200)
        first, second = self.upstream.wait_for(2)
        self.assertNotEqual(first.headers["idempotency-key"], second.headers["idempotency-key"])
        self.assertEqual(first.json["otp"]["otp"], second.json["otp"]["otp"])
        self.assertEqual((first.json["otp"]["generate"], second.json["otp"]["generate"]), (1, 2))

    def test_a_field_for_each_thing_that_is_known(self):
        names = ("to", "to_digits", "otp", "subject", "body", "namespace", "id", "job_id", "ttl", "locale")
        folder = tempfile.TemporaryDirectory(prefix="otpgw-hook-")
        self.addCleanup(folder.cleanup)
        template = pathlib.Path(folder.name) / "hook.txt"
        template.write_text("{{ .OTP }} for {{ .Namespace }}")
        self.start({"body": json.dumps({**{name: "{{%s}}" % name for name in names}, "extra": "EXTRA"})
                   .replace('"EXTRA"', "{{extra}}"), "template": str(template), "subject": "Hello"})
        otp = self.put(to="+44 20 7946 0018", wait="10", locale="pt-BR", extra='{"a": "b"}')
        self.assertEqual(otp["delivery"]["state"], "sent", otp)
        request = self.upstream.requests[0]
        posted = request.json
        self.assertIn(int(posted.pop("ttl")), range(280, 301))
        self.assertEqual(posted, {
            "to": "+44 20 7946 0018", "to_digits": "44 20 7946 0018", "otp": otp["otp"], "subject": "Hello",
            "body": otp["otp"] + " for app", "namespace": "app", "id": otp["id"],
            "job_id": request.headers["idempotency-key"], "locale": "pt-BR", "extra": {"a": "b"}})

    def test_as_many_as_one_likes(self):
        other = Upstream()
        self.addCleanup(other.close)
        self.start(other={"url": "http://127.0.0.1:%d/" % other.port, "channel_kind": "sms", "default_phone_code": "+91"})
        self.assertEqual(self.api.call("GET", "/api/providers").data, ["console", "hook", "other"])
        self.assertEqual(self.put("other", to="98765 43210", wait="10")["delivery"]["state"], "sent")
        self.assertEqual(self.put(wait="10")["delivery"]["state"], "sent")
        self.assertEqual((len(self.upstream.requests), len(other.requests)), (1, 1))
        self.assertEqual(self.api.put(new_id(), provider="other", to="john@doe.example").status, 400)

    def test_connections_are_pooled(self):
        self.start({"max_conns": 3})
        otps = [self.put() for _ in range(40)]
        for otp in otps:
            self.ended(otp, "sent")
        self.assertEqual(len(self.upstream.requests), 40)
        self.assertLessEqual(self.upstream.connections, 3)


class Answers(WebhookCase):
    def test_a_500_is_tried_again_with_the_same_key(self):
        self.start()
        self.upstream.fault((500, "Oops"), times=1)
        otp = self.put()
        self.ended(otp, "sent")
        first, second = self.upstream.wait_for(2)
        self.assertEqual(first.headers["idempotency-key"], second.headers["idempotency-key"])
        self.assertEqual(first.json["otp"]["otp"], second.json["otp"]["otp"])

    def test_retry_after_is_honoured(self):
        self.start()
        self.upstream.fault((429, "", {"Retry-After": "3"}), times=1)
        self.ended(self.put(), "sent")
        first, second = self.upstream.wait_for(2)
        # Without it the second try comes after a second.
        self.assertGreaterEqual(second.arrived - first.arrived, 2.9)

    def test_no_redirect_is_followed(self):
        target = Upstream()
        self.addCleanup(target.close)
        self.start()
        for status in (301, 302, 303, 307, 308):
            self.upstream.fault((status, "", {"Location": "http://127.0.0.1:%d/" % target.port}))
            self.assertIn("answered %d, a redirect; none is followed" % status, self.ended(self.put(), "failed"))
        self.assertEqual(target.connections, 0)

    def test_the_answers_word(self):
        self.start()
        for status, word, state in ((200, "rejected", "failed"), (200, "sent", "sent"), (503, "rejected", "failed")):
            self.upstream.fault((status, {"result": word, "id": "m-17"}))
            otp = self.put()
            self.ended(otp, state)
            self.assertEqual(self.delivery(otp)["upstream_id"], "m-17")

    def test_refusals_say_what_and_quote_nothing(self):
        self.start()
        for status in (400, 401, 403, 404, 422):
            self.upstream.fault((status, "john@doe.example has no 354965"))
            otp = self.put()
            detail = self.ended(otp, "failed")
            self.assertIn("answered %d" % status, detail)
            for secret in ("john@doe.example", "354965", otp["otp"]):
                self.assertNotIn(secret, detail + self.gateway.log())

    def test_a_lost_answer_is_asked_for_again(self):
        """By the same key the upstream knows it for the same message."""
        self.start()
        for fault in ("silent", "slow", "reset", "close", "garbage"):
            with self.subTest(fault):
                self.upstream.fault(fault, times=1)
                before = len(self.upstream.requests)
                self.ended(self.put(), "sent")
                keys = {request.headers["idempotency-key"] for request in self.upstream.requests[before:]}
                self.assertEqual(len(keys), 1)
                self.assertGreaterEqual(len(self.upstream.requests) - before, 2)

    def test_a_mebibyte_of_body_is_no_trouble(self):
        self.start()
        self.upstream.fault("mebibyte")
        self.ended(self.put(), "sent")
        self.assertEqual(self.put("console", wait="10")["delivery"]["state"], "sent")


class Https(WebhookCase):
    """Certificates are made by openssl, one for 127.0.0.1 and one for another name."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="otpgw-tls-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.certify("ours", "IP:127.0.0.1")
        cls.certify("others", "DNS:hooks.example")

    @classmethod
    def certify(cls, name, subject):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=otpgateway-test", "-addext", "subjectAltName=" + subject,
                        "-keyout", str(cls.folder / (name + ".key")), "-out", str(cls.folder / (name + ".pem"))],
                       check=True, capture_output=True)

    def upstream_with(self, name):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.folder / (name + ".pem"), self.folder / (name + ".key"))
        upstream = Upstream(tls)
        self.addCleanup(upstream.close)
        return upstream

    def setUp(self):
        self.upstream = self.upstream_with("ours")

    def start(self, more=None, **sections):
        super().start({"url": "https://127.0.0.1:%d/otp" % self.upstream.port, **(more or {})}, **sections)

    def test_a_certificate_of_the_ca_file(self):
        self.start({"ca_file": str(self.folder / "ours.pem"), "max_conns": 1})
        for _ in range(3):
            otp = self.put(wait="10")
            self.assertEqual(otp["delivery"]["state"], "sent", otp)
        self.assertEqual((len(self.upstream.requests), self.upstream.connections), (3, 1))

    def test_an_unknown_authority_gets_nothing(self):
        self.start()
        self.assert_waits_for_a_good_certificate()
        self.assertEqual(self.upstream.requests, [])

    def test_a_certificate_for_another_name_gets_nothing(self):
        self.upstream = self.upstream_with("others")
        self.start({"ca_file": str(self.folder / "others.pem")})
        self.assert_waits_for_a_good_certificate()
        self.assertEqual(self.upstream.requests, [])

    def test_a_server_without_tls_gets_nothing(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        self.start()
        otp = self.put()
        wait_for("a first try", lambda: self.delivery(otp)["tries"] >= 1)
        self.assertIn("no connection: ", self.delivery(otp)["detail"])
        self.assertEqual(self.upstream.requests, [])

    def assert_waits_for_a_good_certificate(self):
        otp = self.put()
        # On a busy machine a try may end before the handshake does.
        wait_for("the reason", lambda: "certificate" in self.delivery(otp)["detail"], 30)
        delivery = self.delivery(otp)
        self.assertIn(delivery["state"], ("queued", "sending"))
        self.assertIn("no connection: ", delivery["detail"])


class Configuration(unittest.TestCase):
    def refused(self, config):
        gateway = Gateway(config)
        self.addCleanup(gateway.close)
        code, output = gateway.run_once("--check-config")
        self.assertNotEqual(code, 0, output)
        return output

    def test_a_name_that_a_provider_has(self):
        for name in ("smtp", "console", "pinpoint_sms", "kaleyra_sms", "kaleyra_whatsapp", "webhook"):
            output = self.refused({"webhooks": {name: {"enabled": True, "url": "http://127.0.0.1:1/"}}})
            self.assertIn("webhooks.%s: expected a name that no other provider has" % name, output)

    def test_an_impossible_section_is_named_and_costs_the_others_nothing(self):
        gateway = Gateway({"webhooks": {"hook": {"enabled": True, "url": "https://h.example/", "body": "{{ .OTP }}"}}})
        self.addCleanup(gateway.close)
        api = gateway.start().client()
        wait_for("the reason", lambda: "body: {{ .OTP }}: no such field" in gateway.log())
        self.assertEqual(api.put(new_id(), to="someone", wait="5").data["delivery"]["state"], "sent")
        self.assertEqual(api.put(new_id(), provider="hook", patience=0, to="someone").status, 503)


if __name__ == "__main__":
    unittest.main()
