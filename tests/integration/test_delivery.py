"""Delivery while the mail server is away, refuses, or comes too late.

Goal: what was acknowledged is tried again until the server takes it, ends `failed` when it never will, and is
never sent once the code has expired. Method: a real mail box with scripted faults; each test has its own, so that
no breaker's pause of one test delays another.
"""

import threading
import time
import unittest

from gateway import Gateway, wait_for
from gateway_case import new_address, new_id, other_code
from mailbox import MailBox


class Delivery(unittest.TestCase):
    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)

    def start(self, config=None):
        gateway = Gateway(config, smtp_port=self.box.port)
        self.addCleanup(gateway.close)
        gateway.start()
        return gateway.client()

    def put(self, api, otp_id=None, **form):
        address = new_address()
        answer = api.put(otp_id or new_id(), provider="smtp", to=address, **form)
        self.assertEqual(answer.status, 200, answer)
        return answer.data

    def state(self, api, otp):
        return api.get(otp["id"]).data["delivery"]

    def test_server_away_then_back(self):
        self.box.close()
        api = self.start()
        otp = self.put(api)
        self.assertIn(otp["delivery"]["state"], ("queued", "sending"))
        wait_for("a first try", lambda: self.state(api, otp)["tries"] >= 1)
        waiting = self.state(api, otp)
        self.assertIn(waiting["state"], ("queued", "sending"))
        self.assertNotIn(otp["to"], waiting["detail"])
        self.box.open()
        self.box.wait_for(otp["to"], seconds=30)
        wait_for("sent", lambda: self.state(api, otp)["state"] == "sent")
        self.assertGreaterEqual(self.state(api, otp)["tries"], 2)
        self.assertEqual(len(self.box.mails_to(otp["to"])), 1)

    def test_4xx_is_tried_again_with_the_same_code_and_message_id(self):
        self.box.fault("DATA", "451 try again", times=1)
        api = self.start()
        otp = self.put(api)
        mail = self.box.wait_for(otp["to"])[0]
        self.assertIn(otp["otp"], mail.part("text/plain"))
        wait_for("sent", lambda: self.state(api, otp)["state"] == "sent")
        self.assertEqual(self.state(api, otp)["tries"], 2)

    def test_5xx_fails_at_once(self):
        for stage in ("MAIL", "RCPT", "DATA"):
            with self.subTest(stage):
                self.box.heal()
                self.box.fault(stage, "550 5.1.1 no such user")
                api = self.start()
                otp = self.put(api)
                wait_for("failed", lambda: self.state(api, otp)["state"] == "failed")
                delivery = self.state(api, otp)
                self.assertEqual(delivery["tries"], 1)
                self.assertTrue(delivery["detail"])
                self.assertNotIn(otp["to"], delivery["detail"])
                self.assertNotIn(otp["otp"], delivery["detail"])

    def test_guesses_are_never_charged_for_a_bad_delivery(self):
        self.box.fault("RCPT", "550 no")
        api = self.start()
        otp = self.put(api)
        wait_for("failed", lambda: self.state(api, otp)["state"] == "failed")
        self.assertEqual(api.get(otp["id"]).data["attempts"], 1)
        self.assertEqual(api.check(otp["id"], otp["otp"]).status, 200)

    def test_nothing_is_sent_after_expiry(self):
        self.box.close()
        api = self.start()
        otp = self.put(api, ttl=2)
        expires_at = time.time() + 2
        time.sleep(2.2)
        self.box.open()
        self.assertEqual(api.get(otp["id"]).status, 400)
        time.sleep(5)
        self.assertEqual(self.box.mails_to(otp["to"]), [])
        self.assertTrue(all(at <= expires_at for at in self.box.mail_commands))

    def test_a_job_that_has_expired_says_so_while_its_closed_record_lives(self):
        self.box.close()
        api = self.start()
        otp = self.put(api, skip_delete="true")
        wait_for("a first try", lambda: self.state(api, otp)["tries"] >= 1)
        self.assertEqual(api.check(otp["id"], otp["otp"]).status, 200)
        # Consumed: what was not yet sent never is.
        wait_for("expired", lambda: self.state(api, otp)["state"] == "expired")
        self.box.open()
        time.sleep(5)
        self.assertEqual(self.box.mails_to(otp["to"]), [])

    def test_a_replaced_code_is_not_sent(self):
        self.box.close()
        api = self.start()
        first = self.put(api, otp="111111")
        wait_for("a first try", lambda: self.state(api, first)["tries"] >= 1)
        second = self.put(api, first["id"], otp="222222")
        self.box.open()
        self.box.wait_for(second["to"], seconds=30)
        self.assertEqual(self.box.mails_to(first["to"]), [])

    def test_a_deleted_otp_is_not_sent(self):
        self.box.close()
        api = self.start()
        otp = self.put(api)
        wait_for("a first try", lambda: self.state(api, otp)["tries"] >= 1)
        self.assertEqual(api.check(otp["id"], otp["otp"]).status, 200)
        self.box.open()
        time.sleep(5)
        self.assertEqual(self.box.mails_to(otp["to"]), [])

    def test_wrong_guesses_do_not_stop_the_delivery(self):
        self.box.close()
        api = self.start()
        otp = self.put(api)
        api.check(otp["id"], other_code(otp["otp"]))
        self.box.open()
        self.box.wait_for(otp["to"], seconds=30)


class Wait(unittest.TestCase):
    """The parameter `wait`: the answer comes when the delivery has ended or the time is up."""

    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)

    def start(self, config=None):
        gateway = Gateway(config, smtp_port=self.box.port)
        self.addCleanup(gateway.close)
        return gateway.start().client()

    def test_until_sent(self):
        self.box.fault("DATA", "", delay_seconds=0.7)
        api = self.start()
        started = time.monotonic()
        answer = api.put(new_id(), provider="smtp", to=new_address(), wait="10")
        took = time.monotonic() - started
        self.assertEqual((answer.status, answer.data["delivery"]["state"]), (200, "sent"))
        self.assertTrue(0.6 < took < 6, took)

    def test_until_the_time_is_up(self):
        self.box.fault("MAIL", "451 later")
        api = self.start()
        started = time.monotonic()
        answer = api.put(new_id(), provider="smtp", to=new_address(), wait="1")
        took = time.monotonic() - started
        self.assertEqual(answer.status, 200, answer)
        self.assertIn(answer.data["delivery"]["state"], ("queued", "sending"))
        self.assertTrue(0.9 < took < 3, took)

    def test_failed_is_a_500_with_the_object(self):
        self.box.fault("RCPT", "550 no such user")
        api = self.start()
        otp_id = new_id()
        answer = api.put(otp_id, provider="smtp", to=new_address(), wait="10")
        self.assertEqual(answer.status, 500, answer)
        self.assertEqual(answer.message, "Error sending OTP.")
        self.assertEqual((answer.data["id"], answer.data["delivery"]["state"]), (otp_id, "failed"))

    def test_send_wait_is_the_default(self):
        self.box.fault("RCPT", "550 no such user")
        api = self.start({"app": {"send_wait": "5s"}})
        self.assertEqual(api.put(new_id(), provider="smtp", to=new_address()).status, 500)
        self.assertEqual(api.put(new_id(), provider="smtp", to=new_address(), wait="0").status, 200)

    def test_waiting_requests_hold_up_nobody(self):
        self.box.fault("MAIL", "", delay_seconds=2)
        api = self.start()
        threads = [threading.Thread(target=api.put, args=(new_id(),), kwargs={
            "provider": "smtp", "to": new_address(), "wait": "10"}) for _ in range(30)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        started = time.monotonic()
        self.assertEqual(api.call("GET", "/api/health").status, 200)
        self.assertEqual(api.put(new_id()).status, 200)
        self.assertLess(time.monotonic() - started, 3)
        for thread in threads:
            thread.join()

    def test_resend_waits_too(self):
        api = self.start()
        otp_id = new_id()
        api.put(otp_id, provider="smtp", to=new_address(), wait="10")
        answer = api.resend(otp_id, wait="10")
        self.assertEqual((answer.status, answer.data["delivery"]["state"]), (200, "sent"))


if __name__ == "__main__":
    unittest.main()
