"""Several providers for one OTP: provider=first,second,third.

Goal: the next one is tried, with the same code, when one fails for good or has had its time; answers and pages name
the current one; a resend goes on in the list; none of this is lost with the core. Method: webhooks to upstreams that
answer what they are told, a step's time of 1 s, kill -9 of the core.
"""

import contextlib
import sqlite3
import time
import unittest

from gateway import Gateway, wait_for
from gateway_case import new_id
from webhook_sink import WebhookSink


class Fallback(unittest.TestCase):
    STEP_TIMEOUT = "1s"
    LIST = "first,second,third"

    def setUp(self):
        self.sinks = [WebhookSink() for _ in range(3)]
        for sink in self.sinks:
            self.addCleanup(sink.close)
        self.first, self.second, self.third = self.sinks
        self.gateway = Gateway({
            "fallback": {"step_timeout": self.STEP_TIMEOUT},
            "webhooks": {
                "first": self.first.section(channel_kind="whatsapp", default_phone_code="44"),
                "second": self.second.section(channel_kind="sms", default_phone_code="49", max_otp_len=4),
                "third": self.third.section(channel_kind="voice", max_otp_len=8),
            }})
        self.addCleanup(self.gateway.close)
        self.gateway.start()
        self.api = self.gateway.client()

    def put(self, otp_id=None, **form):
        form.setdefault("provider", self.LIST)
        form.setdefault("to", "020 7946 0018")
        answer = self.api.put(otp_id or new_id(), **form)
        self.assertEqual(answer.status, 200, answer)
        return answer.data

    def now(self, otp):
        return self.api.get(otp["id"]).data

    def states(self, otp):
        return [step["state"] for step in self.now(otp)["delivery"]["steps"]]

    def test_the_first_that_works_is_all(self):
        otp = self.put(wait="10")
        self.assertEqual((otp["provider"], otp["delivery"]["state"]), ("first", "sent"))
        self.assertEqual(otp["delivery"]["steps"], [
            {"provider": "first", "state": "sent", "tries": 1, "detail": ""},
            {"provider": "second", "state": "none", "tries": 0, "detail": ""},
            {"provider": "third", "state": "none", "tries": 0, "detail": ""}])
        self.assertEqual(len(otp["otp"]), 4)  # what all of them take
        time.sleep(2.5)
        self.assertEqual((self.second.posts(), self.third.posts()), ([], []))
        self.assertNotIn("steps", self.put(provider="third")["delivery"])

    def test_refused_the_next_one_is_tried_at_once_with_the_same_code(self):
        self.first.say(400)
        otp = self.put(wait="10")  # until the end of the list, not of a step
        self.assertEqual((otp["provider"], otp["delivery"]["state"]), ("second", "sent"))
        steps = otp["delivery"]["steps"]
        self.assertEqual([step["state"] for step in steps], ["failed", "sent", "none"])
        self.assertIn("400", steps[0]["detail"])
        (refused,), (sent,) = self.first.posts(), self.second.posts()
        self.assertEqual((refused.otp["otp"], sent.otp["otp"]), (otp["otp"], otp["otp"]))
        self.assertNotEqual(refused.job, sent.job)
        self.assertEqual((refused.otp["provider"], sent.otp["provider"]), ("first", "second"))
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 200)

    def test_when_a_step_has_had_its_time_the_next_one_is_tried(self):
        self.first.say(503)
        otp = self.put(wait="10")
        self.assertEqual((otp["provider"], otp["delivery"]["state"]), ("second", "sent"))
        self.assertEqual(self.states(otp)[0], "expired")
        self.assertIn("503", otp["delivery"]["steps"][0]["detail"])
        tries = len(self.first.posts())
        time.sleep(4)  # the first one's next pauses
        self.assertEqual(len(self.first.posts()), tries)

    def test_a_call_that_outlasts_its_step_is_not_lost(self):
        self.first.say(200, delay_seconds=3.5)
        self.second.say(503)
        otp = self.put(provider="first,second")
        wait_for("the second", lambda: self.now(otp)["provider"] == "second")
        self.assertEqual(self.states(otp)[0], "sending")
        wait_for("the first after all", lambda: self.now(otp)["delivery"]["state"] == "sent")
        self.assertEqual(self.now(otp)["provider"], "first")
        wait_for("the second's end", lambda: self.states(otp) == ["sent", "expired"])
        calls = len(self.second.posts())
        time.sleep(3)
        self.assertEqual(len(self.second.posts()), calls)

    def test_perhaps_sent_is_not_the_end(self):
        self.first.say(200, {"result": "unknown"})
        otp = self.put(wait="10")
        self.assertEqual((otp["provider"], otp["delivery"]["state"]), ("second", "sent"))

    def test_all_fail(self):
        for sink in self.sinks:
            sink.say(400)
        otp_id = new_id()
        answer = self.api.put(otp_id, provider=self.LIST, to="020 7946 0018", wait="10")
        self.assertEqual((answer.status, answer.message), (500, "Error sending OTP."))
        self.assertEqual(answer.data["provider"], "third")
        self.assertEqual([step["state"] for step in answer.data["delivery"]["steps"]], ["failed"] * 3)
        self.assertEqual([len(sink.posts()) for sink in self.sinks], [1, 1, 1])

    def test_a_resend_takes_the_next_one_and_the_page_offers_it(self):
        otp = self.put(wait="10", max_generate=9)
        page = self.api.page(otp["id"]).text
        self.assertIn("from our WhatsApp message", page)
        self.assertIn("Send it another way", page)
        self.assertEqual(self.api.page(otp["id"], "POST", action="resend").status, 303)
        self.assertIn("from our text message", self.api.page(otp["id"]).text)
        wait_for("sent", lambda: self.states(otp) == ["sent", "sent", "none"])
        answer = self.api.resend(otp["id"], wait="10")
        self.assertEqual((answer.data["provider"], answer.data["generate"]), ("third", 3))
        again = self.api.resend(otp["id"], wait="10").data
        self.assertEqual((again["provider"], again["delivery"]["state"]), ("first", "sent"))
        self.assertEqual(len(self.first.posts()), 2)
        self.assertEqual(len({post.otp["otp"] for sink in self.sinks for post in sink.posts()}), 1)

    def test_nothing_after_the_expiry(self):
        self.first.say(503)
        self.second.say(503)
        self.third.say(503)
        otp = self.put(ttl=2)
        answered = time.time()
        time.sleep(5)
        self.assertEqual(self.api.get(otp["id"]).status, 400)
        posts = [post for sink in self.sinks for post in sink.posts()]
        self.assertTrue(posts)
        self.assertTrue(all(post.arrived < answered + 2.5 for post in posts))

    def test_used_nothing_more_is_sent(self):
        self.first.say(503)
        otp = self.put()
        wait_for("a try", self.first.posts)
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 200)
        time.sleep(2.5)
        self.assertEqual(self.second.posts(), [])

    def provider_on_disk(self, otp):
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % self.gateway.database, uri=True)) as database:
            return database.execute("SELECT provider FROM otp WHERE id = ?", (otp["id"],)).fetchone()[0]

    def test_killed_before_and_between_the_steps(self):
        for sink in self.sinks:
            sink.say(503)
        otp = self.put()
        self.gateway.kill()
        self.assertEqual(self.provider_on_disk(otp), "first")  # the control: what it would be without a step
        self.gateway.start()
        wait_for("the second", lambda: self.now(otp)["provider"] == "second")
        self.gateway.kill()
        self.assertIn(self.provider_on_disk(otp), ("second", "third"))
        self.third.say(200)
        self.gateway.start()
        self.assertIn(self.now(otp)["provider"], ("second", "third"))  # never back to the first
        wait_for("sent", lambda: self.now(otp)["delivery"]["state"] == "sent")
        self.assertEqual(self.now(otp)["provider"], "third")
        self.assertEqual({post.otp["otp"] for sink in self.sinks for post in sink.posts()}, {otp["otp"]})
        # However often each was tried, it was one job. A step's time may pass before its provider has a worker again.
        jobs = [len({post.job for post in sink.posts()}) for sink in self.sinks]
        self.assertLessEqual(max(jobs), 1)
        self.assertEqual(jobs[2], 1)

    def test_idempotent(self):
        self.first.say(400)
        otp_id = new_id()
        form = {"provider": self.LIST, "to": "020 7946 0018", "wait": "10"}
        key = {"Idempotency-Key": new_id()}
        before = self.api.put(otp_id, headers=key, **form).data
        self.assertEqual(self.api.check(otp_id, before["otp"]).status, 200)
        after = self.api.put(otp_id, headers=key, **form)
        self.assertEqual(after.status, 200, after)
        self.assertEqual((after.data["provider"], after.data["delivery"]), ("second", before["delivery"]))
        self.assertEqual(len(self.second.posts()), 1)

    def test_an_address_from_the_page_must_suit_all(self):
        otp = self.put(to="")
        self.assertEqual(otp["delivery"]["state"], "none")
        self.first.say(400)
        answer = self.api.page(otp["id"], "POST", "/address", to="12")
        self.assertEqual(answer.status, 400, answer)
        answer = self.api.page(otp["id"], "POST", "/address", to="020 7946 0018")
        self.assertEqual(answer.status, 303, answer)
        wait_for("sent", lambda: self.states(otp) == ["failed", "sent", "none"])

    def test_a_put_replaces_the_list(self):
        self.first.say(503)
        otp = self.put()
        wait_for("a try", self.first.posts)
        again = self.put(otp["id"], provider="third,second", wait="10")
        self.assertEqual((again["provider"], again["delivery"]["state"]), ("third", "sent"))
        self.assertEqual([step["provider"] for step in again["delivery"]["steps"]], ["third", "second"])
        time.sleep(2.5)
        self.assertEqual(self.second.posts(), [])

    def test_what_is_refused(self):
        for form, message in (
                ({"provider": "first,nobody"}, "Unknown provider."),
                ({"provider": "first,"}, "Unknown provider."),
                ({"provider": "first,second,first"}, "Invalid `provider` value. It names a provider twice."),
                ({"provider": "a,b,c,d,e,f"}, "Invalid `provider` value. It must name at most 5 providers."),
                ({"to": "12"}, "Invalid `to` address: "),
                ({"otp": "12345"}, "Invalid `otp` value. These providers take at most 4 characters.")):
            with self.subTest(form):
                answer = self.api.put(new_id(), **{"provider": self.LIST, "to": "020 7946 0018", **form})
                self.assertEqual(answer.status, 400, answer)
                self.assertIn(message, answer.message)


if __name__ == "__main__":
    unittest.main()
