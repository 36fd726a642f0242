"""Codes through Kaleyra.

Goal: each of the two providers asks the documented API for what was meant, and whatever the API does, the delivery
says truly what became of the message, in words that quote neither number nor code. Method: the gateway, its workers
and a fake of the API that misbehaves on demand.
"""

import tempfile
import time
import unittest

from gateway import Gateway, wait_for
from gateway_case import new_id
from kaleyra_api import API_KEY, SID, KaleyraApi

TO = "098765 43210"
NUMBER = "+919876543210"


def sections(port, sms=None, whatsapp=None):
    account = {"enabled": True, "scheme": "http", "host": "127.0.0.1:%d" % port, "sid": SID, "api_key": API_KEY,
               "default_phone_code": "+91", "timeout": "1s"}
    return {"providers": {
        "kaleyra_sms": {**account, "sender": "KLRHXA", **(sms or {})},
        "kaleyra_whatsapp": {**account, "sender": "918060000081", "template_name": "auth1", **(whatsapp or {})}}}


class KaleyraCase(unittest.TestCase):
    def setUp(self):
        self.kaleyra = KaleyraApi()
        self.addCleanup(self.kaleyra.close)

    def start(self, **changes):
        self.gateway = Gateway(sections(self.kaleyra.port, **changes))
        self.addCleanup(self.gateway.close)
        self.api = self.gateway.start().client()

    def put(self, provider="kaleyra_sms", **form):
        answer = self.api.put(new_id(), provider=provider, to=TO, **form)
        self.assertIn(answer.status, (200, 500), answer)
        return answer.data

    def delivery(self, otp):
        return self.api.get(otp["id"]).data["delivery"]

    def assert_ended(self, otp, state, *texts):
        """`otp` is in that state, and its detail holds the texts and nothing of the message."""
        wait_for(state, lambda: self.delivery(otp)["state"] == state, 15)
        delivery = self.delivery(otp)
        for text in texts:
            self.assertIn(text, delivery["detail"])
        self.assert_keeps_secrets(otp, delivery["detail"] + self.gateway.log())

    def assert_keeps_secrets(self, otp, text):
        for secret in (otp["otp"], NUMBER[1:], TO, NUMBER[-10:], API_KEY):
            self.assertNotIn(secret, text)


class Requests(KaleyraCase):
    def test_an_sms(self):
        self.start()
        otp = self.put(wait="10")
        self.assertEqual(otp["delivery"]["state"], "sent", otp)
        self.assertEqual(otp["delivery"]["upstream_id"], "d990a1b2-0000-4000-8000-000000000001:1")
        request = self.kaleyra.requests[0]
        self.assertEqual((request.method, request.target), ("POST", "/v1/%s/messages" % SID))
        self.assertEqual(request.headers["api-key"], API_KEY)
        self.assertEqual(request.form, {
            "to": NUMBER, "type": "OTP", "sender": "KLRHXA",
            "body": "%s is your verification code for app." % otp["otp"]})
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 200)

    def test_an_sms_to_india(self):
        """With the ids under which India's operators know the text, which must then match to the letter."""
        text = "Grüße & \"%s\"? 100%% + 1\n"
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as template:
            template.write(text % "{{ .OTP }}")
            template.flush()
            self.start(sms={"sms_entity_id": "1101456", "sms_template_id": "1107789", "template": template.name})
        otp = self.put(wait="10")
        self.assertEqual(otp["delivery"]["state"], "sent", otp)
        self.assertEqual(self.kaleyra.requests[0].form, {
            "to": NUMBER, "type": "OTP", "sender": "KLRHXA", "body": text % otp["otp"], "entity_id": "1101456",
            "template_id": "1107789"})

    def test_a_whatsapp_message(self):
        self.start()
        otp = self.put("kaleyra_whatsapp", wait="10")
        self.assertEqual(otp["delivery"]["state"], "sent", otp)
        request = self.kaleyra.requests[0]
        self.assertEqual(request.headers["api-key"], API_KEY)
        self.assertEqual(request.form, {
            "to": NUMBER, "type": "authenticationtemplate", "channel": "whatsapp", "from": "918060000081",
            "template_name": "auth1", "verification_code": otp["otp"]})

    def test_what_is_no_phone_number_is_refused(self):
        self.start()
        for provider in ("kaleyra_sms", "kaleyra_whatsapp"):
            answer = self.api.put(new_id(), provider=provider, to="john@doe.example")
            self.assertEqual(answer.status, 400, answer)
            self.assertIn("Invalid `to` address: ", answer.message)
        self.assertEqual(self.kaleyra.requests, [])

    def test_connections_are_kept(self):
        self.start(sms={"max_conns": 1})
        for _ in range(5):
            self.assertEqual(self.put(wait="10")["delivery"]["state"], "sent")
        self.assertEqual((len(self.kaleyra.requests), self.kaleyra.connections), (5, 1))


class Failures(KaleyraCase):
    def test_refusals_end_it(self):
        self.start()
        for status, code, message in ((400, "RBC114", "Invalid number %s" % NUMBER), (404, "RBC004", "No SID"),
                                      (402, "RBC402", "Insufficient credits")):
            with self.subTest(status):
                self.kaleyra.fault((status, {"code": code, "message": message, "error": {"error": message}}))
                self.assert_ended(self.put(), "failed", "answered %d (%s)" % (status, code))

    def test_a_200_with_an_error_is_none(self):
        self.start()
        self.kaleyra.fault((200, {"id": "x", "data": [{"message_id": "x:1"}], "error": {"invalid": [NUMBER]}}))
        self.assert_ended(self.put(), "failed", "answered 200", "named an error")
        self.kaleyra.fault((200, {"data": [], "error": {}}))
        self.assert_ended(self.put(), "unknown", "without the id")

    def test_busy_is_tried_again_when_it_says(self):
        self.start()
        self.kaleyra.fault((429, {"code": "RBC429", "message": "slow down", "error": {}}, {"Retry-After": "2"}), times=1)
        otp = self.put()
        self.assert_ended(otp, "sent")
        first, second = self.kaleyra.wait_for(2)
        self.assertGreaterEqual(second.arrived - first.arrived, 1.9)
        self.assertEqual(first.body, second.body)

    def test_server_errors_are_tried_again(self):
        self.start()
        self.kaleyra.fault((503, "<html>Sorry</html>", {"Content-Type": "text/html"}), times=1)
        otp = self.put("kaleyra_whatsapp")
        self.assert_ended(otp, "sent")
        self.assertEqual(self.delivery(otp)["tries"], 2)

    def test_wrong_credentials_hold_up_jobs_and_cost_none(self):
        self.start(sms={"api_key": "another-key"})
        otp = self.put()
        wait_for("an answer", lambda: self.delivery(otp)["detail"])
        waiting = self.delivery(otp)
        self.assertEqual((waiting["state"], waiting["tries"]), ("queued", 0))
        self.assertIn("answered 401 (RBC001): it does not accept api_key and sid", waiting["detail"])
        self.assertIn("kaleyra_sms can't send", self.gateway.log())
        self.assertNotIn("another-key", waiting["detail"] + self.gateway.log())
        self.assert_keeps_secrets(otp, waiting["detail"] + self.gateway.log())
        self.kaleyra.fault((202, {"id": "m", "error": {}}))  # the key is accepted after all
        self.assert_ended(otp, "sent")

    def test_a_lost_answer_is_unknown_and_never_asked_for_again(self):
        self.start()
        for count, fault in enumerate(("silent", "slow", "reset", "close", "garbage", "mebibyte"), 1):
            with self.subTest(fault):
                self.kaleyra.fault(fault)
                started = time.monotonic()
                self.assert_ended(self.put(), "unknown")
                self.assertLess(time.monotonic() - started, 10)
                self.assertEqual(len(self.kaleyra.requests), count)

    def test_an_api_that_is_away_is_tried_again(self):
        self.start()
        self.kaleyra.close()
        otp = self.put()
        wait_for("a first try", lambda: self.delivery(otp)["tries"] >= 1)
        self.assertIn(self.delivery(otp)["state"], ("queued", "sending"))
        self.assertIn("no connection", self.delivery(otp)["detail"])
        self.assert_keeps_secrets(otp, self.delivery(otp)["detail"] + self.gateway.log())


class BadConfiguration(KaleyraCase):
    def test_the_log_names_the_key(self):
        self.start(sms={"sid": "HX/../1"}, whatsapp={"template_name": ""})
        self.assertEqual(self.api.put(new_id(), provider="kaleyra_sms", patience=0, to=TO).status, 503)
        self.assertEqual(self.api.put(new_id(), to="someone", wait="5").data["delivery"]["state"], "sent")
        wait_for("sid", lambda: "sid: expected letters and digits" in self.gateway.log())
        wait_for("template_name", lambda: "template_name: missing" in self.gateway.log())
        self.assertNotIn(API_KEY, self.gateway.log())


if __name__ == "__main__":
    unittest.main()
