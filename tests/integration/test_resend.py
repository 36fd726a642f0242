"""action=resend: the same code once more.

Goal: a resend sends the same code in a new job, counts as a generation, leaves the TTL, and is refused where it
makes no sense. Method: a real mail box; a fault keeps a job waiting.
"""

import re
import time
import unittest

from gateway import wait_for
from gateway_case import GatewayCase, new_address, new_id, other_code


class Resend(GatewayCase):
    WITH_MAIL = True

    def created_and_sent(self, **form):
        address = new_address()
        otp = self.created(provider="smtp", to=address, wait="10", **form)
        self.assertEqual(otp["delivery"]["state"], "sent")
        return otp

    def test_the_same_code_arrives_again(self):
        otp = self.created_and_sent(ttl=100)
        time.sleep(1.1)
        answer = self.assert_success(self.api.resend(otp["id"]))
        self.assertEqual((answer["generate"], answer["attempts"]), (2, 1))
        self.assertLess(answer["ttl"], 100)
        self.assertNotIn("otp", answer)
        mails = self.box.wait_for(otp["to"], 2)
        for mail in mails:
            self.assertIn(otp["otp"], mail.part("text/plain"))
        self.assertNotEqual(mails[0].message["Message-ID"], mails[1].message["Message-ID"])  # two jobs
        self.assert_success(self.api.check(otp["id"], otp["otp"]))

    def test_while_a_send_is_under_way_nothing_new(self):
        self.box.fault("MAIL", "451 come back later")
        otp = self.created(provider="smtp", to=new_address())
        for _ in range(5):
            answer = self.assert_success(self.api.resend(otp["id"]))
            self.assertEqual(answer["generate"], 1)
            self.assertIn(answer["delivery"]["state"], ("queued", "sending"))
        self.box.heal()
        self.box.wait_for(otp["to"], 1)
        time.sleep(0.5)
        self.assertEqual(len(self.box.mails_to(otp["to"])), 1)

    def test_max_generate(self):
        otp = self.created_and_sent(max_generate=2)
        self.assert_success(self.api.resend(otp["id"], wait="10"))
        self.box.wait_for(otp["to"], 2)
        wait_for("the second mail to count as sent",
                 lambda: self.api.get(otp["id"]).data["delivery"]["state"] == "sent")
        answer = self.api.resend(otp["id"])
        self.assert_error(answer, 429)
        self.assertTrue(re.match(r"^OTP attempts exceeded\. Retry after [0-9]+ seconds\.$", answer.message))
        self.assertEqual(set(answer.data), {"ttl_seconds", "attempts", "max_attempts"})
        self.assertEqual(answer.headers["Retry-After"], str(answer.data["ttl_seconds"]))
        self.assertEqual(self.api.put(otp["id"], provider="smtp").status, 429)
        self.assert_success(self.api.check(otp["id"], otp["otp"]))

    def test_closed(self):
        otp = self.created_and_sent(skip_delete="true")
        self.assert_success(self.api.check(otp["id"], otp["otp"]))
        self.assert_error(self.api.resend(otp["id"]), 400)

    def test_locked(self):
        otp = self.created_and_sent(max_attempts=1)
        self.api.check(otp["id"], other_code(otp["otp"]))
        self.assert_error(self.api.resend(otp["id"]), 429)

    def test_without_an_address(self):
        self.assert_error(self.api.resend(self.created(provider="smtp")["id"]), 400)

    def test_unknown(self):
        answer = self.api.resend(new_id())
        self.assert_error(answer, 400)
        self.assertEqual(answer.message, "the OTP does not exist")

    def test_after_a_failed_delivery(self):
        self.box.fault("RCPT", "550 no such user")
        otp = self.created(provider="smtp", to=new_address())
        wait_for("failed", lambda: self.api.get(otp["id"]).data["delivery"]["state"] == "failed")
        self.box.heal()
        self.assert_success(self.api.resend(otp["id"]))
        self.box.wait_for(otp["to"])


if __name__ == "__main__":
    unittest.main()
