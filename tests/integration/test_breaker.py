"""A provider's circuit breaker.

Goal: a provider that can't send gets no jobs but one at a time to try it, its jobs wait without a try counted, it is
used again at once when it works, and the other providers notice nothing. Method: webhooks to an upstream that fails
on demand; the first pause of a breaker is 5 s.
"""

import time
import unittest

from gateway import Gateway, wait_for
from gateway_case import new_id
from webhook_sink import WebhookSink

FAILURES_MAX = 10  # core/delivery/breaker.h


class Breaker(unittest.TestCase):
    def setUp(self):
        self.bad, self.good = WebhookSink(), WebhookSink()
        self.addCleanup(self.bad.close)
        self.addCleanup(self.good.close)
        self.gateway = Gateway({"webhooks": {"bad": self.bad.section(), "good": self.good.section()}})
        self.addCleanup(self.gateway.close)
        self.gateway.start()
        self.api = self.gateway.client()

    def put(self, provider="bad", **form):
        answer = self.api.put(new_id(), provider=provider, to="someone", **form)
        self.assertEqual(answer.status, 200, answer)
        return answer.data

    def delivery(self, otp):
        return self.api.get(otp["id"]).data["delivery"]

    def wait_until_open(self):
        wait_for("the alarm", lambda: "provider bad can't send" in self.gateway.log())

    def wait_until_sent(self, otps):
        for otp in otps:
            wait_for("sent", lambda: self.delivery(otp)["state"] == "sent", seconds=30)

    def test_broken_waits_without_a_try_and_is_probed_with_one_job(self):
        self.bad.say(200, {"result": "broken"}, delay_seconds=0.1)
        first = self.put()
        self.wait_until_open()
        others = [self.put() for _ in range(8)]
        calls = len(self.bad.posts())
        self.assertEqual(calls, 1)
        waiting = self.delivery(others[0])
        self.assertEqual((waiting["state"], waiting["tries"]), ("queued", 0))
        self.assertIn("can't send at the moment; trying again", waiting["detail"])
        self.assertIn("said \"broken\"; trying again", self.delivery(first)["detail"])
        self.assertIn("We keep trying.", self.api.page(others[0]["id"]).text)
        self.assertIn('data-delivery="retrying"', self.api.page(others[0]["id"]).text)
        self.assertIn('"retrying":true', self.api.page(others[0]["id"], suffix="/status").text)
        # The others go on meanwhile.
        started = time.monotonic()
        self.assertEqual(self.put("good", wait="10")["delivery"]["state"], "sent")
        self.assertLess(time.monotonic() - started, 3)
        # A probe that fails: one call, and the next pause.
        wait_for("a probe", lambda: len(self.bad.posts()) > 1)
        wait_for("its end", lambda: "provider bad still can't send" in self.gateway.log())
        self.assertEqual(len(self.bad.posts()), 2)
        self.assertEqual(self.delivery(others[0])["tries"], 0)
        # A probe that succeeds: all that waited.
        self.bad.say(200, delay_seconds=0.1)
        self.wait_until_sent([first, *others])
        self.assertIn("provider bad sends again", self.gateway.log())
        self.assertEqual(self.delivery(first)["tries"], 1)
        self.assertEqual(self.delivery(others[0])["detail"], "")

    def test_failures_in_a_row_open_it(self):
        self.bad.say(503)
        otps = [self.put() for _ in range(FAILURES_MAX)]
        self.wait_until_open()
        late = self.put()
        calls = len(self.bad.posts())
        time.sleep(2)  # beyond the first pause of a job alone
        self.assertEqual(len(self.bad.posts()), calls)
        self.assertEqual(self.delivery(late)["tries"], 0)
        self.bad.say(200)
        self.wait_until_sent([*otps, late])
        for otp in [*otps, late]:
            self.assertEqual(len({post.job for post in self.bad.posts(otp["id"])}), 1)

    def test_refused_addresses_do_not(self):
        self.bad.say(400)
        for _ in range(FAILURES_MAX + 2):
            answer = self.api.put(new_id(), provider="bad", to="someone", wait="10")
            self.assertEqual(answer.status, 500, answer)
        self.assertNotIn("can't send", self.gateway.log())

    def test_what_waits_expires_on_time(self):
        self.bad.say(200, {"result": "broken"})
        self.put()
        self.wait_until_open()
        otp = self.put(ttl=2, wait="10")
        self.assertEqual(otp["delivery"]["state"], "expired")
        self.assertEqual(self.bad.posts(otp["id"]), [])


if __name__ == "__main__":
    unittest.main()
