"""What becomes of a job by each of a provider's answers.

Goal: RETRY, UNKNOWN, lost leases and jobs that kill their workers are treated as documented. Method: a webhook (its
upstream honours the job id) to an upstream that answers what it is told, smtp (its upstream doesn't), kill -9 of
workers.
"""

import os
import signal
import unittest

from gateway import Gateway, wait_for
from gateway_case import new_address, new_id
from mailbox import MailBox
from webhook_sink import WebhookSink

DEATHS_MAX = 3  # core/delivery/retry_policy.h


class Rules(unittest.TestCase):
    def setUp(self):
        self.sink = WebhookSink()
        self.addCleanup(self.sink.close)

    def start(self, **config):
        self.gateway = Gateway({"webhooks": {"hook": self.sink.section()}, **config})
        self.addCleanup(self.gateway.close)
        self.gateway.start()
        return self.gateway.client()

    def posts(self, count):
        wait_for("%d calls" % count, lambda: len(self.sink.posts()) >= count, seconds=20)
        return self.sink.posts()

    def test_retries_pause_longer_and_longer_and_say_why(self):
        self.sink.say(503)
        api = self.start()
        otp = api.put(new_id(), provider="hook", to="someone").data
        self.posts(2)
        delivery = wait_for("the second's end", lambda: [
            d for d in [api.get(otp["id"]).data["delivery"]] if (d["state"], d["tries"]) == ("queued", 2)])[0]
        self.assertIn("503", delivery["detail"])
        self.assertTrue(delivery["detail"].endswith("; trying again"), delivery)
        self.assertIn("We keep trying.", api.page(otp["id"]).text)
        posts = self.posts(3)
        gaps = [later.arrived - earlier.arrived for earlier, later in zip(posts, posts[1:])]
        self.assertGreater(gaps[0], 0.8)
        self.assertGreater(gaps[1], 2.4)
        self.assertEqual(len({(post.job, post.otp["otp"]) for post in posts}), 1)
        self.sink.say(200)
        self.posts(4)
        wait_for("sent", lambda: api.get(otp["id"]).data["delivery"]["state"] == "sent")
        self.assertEqual(api.get(otp["id"]).data["delivery"]["tries"], 4)

    def test_unknown_is_tried_again_where_the_upstream_sorts_copies_out(self):
        self.sink.say(200, {"result": "unknown"})
        api = self.start()
        api.put(new_id(), provider="hook", to="someone")
        self.assertEqual(len({post.job for post in self.posts(2)}), 1)

    def test_unknown_ends_elsewhere_and_the_resend_decides(self):
        box = MailBox()
        self.addCleanup(box.shut_down)
        box.fault("DATA", "", times=1, delay_seconds=5)  # longer than smtp's time-out
        gateway = Gateway(smtp_port=box.port)
        self.addCleanup(gateway.close)
        api = gateway.start().client()
        otp = api.put(new_id(), provider="smtp", to=new_address(), wait="20").data
        self.assertEqual((otp["delivery"]["state"], otp["delivery"]["tries"]), ("unknown", 1))
        self.assertIn("may be delayed", api.page(otp["id"]).text)
        self.assertEqual(len(box.mail_commands), 1)
        self.assertEqual(api.resend(otp["id"], wait="10").data["delivery"]["state"], "sent")

    def test_a_job_under_which_workers_die_fails(self):
        self.sink.say(200, delay_seconds=20)
        api = self.start(workers={"spawn": True})
        otp = api.put(new_id(), provider="hook", to="someone").data
        killed = set()
        for death in range(DEATHS_MAX):
            self.posts(death + 1)
            pid = wait_for("a worker", lambda: ({self.gateway.worker_pid("webhook")} - killed - {None}))
            killed |= pid
            os.kill(min(pid), signal.SIGKILL)
        delivery = wait_for("failed", lambda: [
            d for d in [api.get(otp["id"]).data["delivery"]] if d["state"] == "failed"])[0]
        self.assertIn("worker died", delivery["detail"])
        self.assertEqual(delivery["tries"], 0)
        # The next message is not to blame.
        self.sink.say(200)
        self.assertEqual(api.put(new_id(), provider="hook", to="someone", wait="20").data["delivery"]["state"],
                         "sent")
        self.assertEqual(len(self.sink.posts(otp["id"])), DEATHS_MAX)


if __name__ == "__main__":
    unittest.main()
