"""Idempotency-Key on PUT and check.

Goal: a request that a client repeats because it saw no answer has its effect once and gets the first answer again,
with the delivery as it stands now; another request under the same key is 409. Method: repeats in a row, at the same
time, and across a restart; the mail box counts.
"""

import http.client
import random
import threading
import time
import unittest
import uuid

from gateway import Gateway, wait_for
from gateway_case import GatewayCase, new_address, new_id, other_code
from mailbox import MailBox


def key():
    return {"Idempotency-Key": uuid.uuid4().hex}


class Put(GatewayCase):
    WITH_MAIL = True

    def test_the_same_again(self):
        otp_id, headers, address = new_id(), key(), new_address()
        first = self.assert_success(self.api.put(otp_id, headers, provider="smtp", to=address))
        self.box.wait_for(address)
        time.sleep(0.3)
        second = self.assert_success(self.api.put(otp_id, headers, provider="smtp", to=address))
        self.assertEqual(second["delivery"]["state"], "sent")
        for name in set(first) - {"delivery", "ttl"}:
            self.assertEqual(second[name], first[name], name)
        time.sleep(0.5)
        self.assertEqual(len(self.box.mails_to(address)), 1)
        self.assertEqual(self.api.get(otp_id).data["generate"], 1)

    def test_other_parameters_are_a_conflict(self):
        otp_id, headers = new_id(), key()
        self.created(otp_id, headers=headers, ttl=100)
        self.assert_error(self.api.put(otp_id, headers, ttl=101), 409)
        self.assert_error(self.api.put(otp_id, headers), 409)
        self.assert_error(self.api.put(otp_id, headers, ttl=100, to="x"), 409)
        self.assertEqual(self.api.get(otp_id).data["generate"], 1)
        self.assertEqual(self.created(otp_id, headers=headers, ttl=100)["generate"], 1)

    def test_the_form_of_the_body_does_not_matter(self):
        otp_id, headers = new_id(), key()
        first = self.created(otp_id, headers=headers, ttl="100", to="x")
        again = self.api.call("PUT", "/api/otp/" + otp_id, headers=headers,
                              json_body={"to": "x", "ttl": 100, "provider": "console"})
        self.assertEqual(self.assert_success(again)["otp"], first["otp"])

    def test_scope_is_namespace_and_path(self):
        headers = key()
        first, second = self.created(headers=headers), self.created(headers=headers)
        self.assertNotEqual(first["id"], second["id"])
        self.assertNotEqual(self.created(first["id"], api=self.other, headers=headers)["namespace"],
                            first["namespace"])

    def test_without_an_id_the_same_random_id(self):
        headers = key()
        first = self.assert_success(self.api.put(None, headers))
        second = self.assert_success(self.api.put(None, headers))
        self.assertEqual((first["id"], first["otp"]), (second["id"], second["otp"]))
        self.assertNotEqual(self.assert_success(self.api.put(None, key()))["id"], first["id"])

    def test_remembered_even_when_the_otp_is_consumed(self):
        otp_id, headers = new_id(), key()
        first = self.created(otp_id, headers=headers)
        self.assert_success(self.api.check(otp_id, first["otp"]))
        again = self.api.put(otp_id, headers)
        self.assertEqual(self.assert_success(again)["otp"], first["otp"])
        self.assert_error(self.api.get(otp_id), 400, "the OTP does not exist")  # no new one was made

    def test_equal_keys_at_the_same_time_make_one_code_and_one_mail(self):
        for _ in range(3):
            otp_id, headers, address = new_id(), key(), new_address()
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(
                self.api.put(otp_id, headers, provider="smtp", to=address))) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual({answer.status for answer in answers}, {200}, answers)
            self.assertEqual(len({answer.data["otp"] for answer in answers}), 1)
            self.assertEqual({answer.data["generate"] for answer in answers}, {1})
            self.box.wait_for(address)
            time.sleep(0.5)
            self.assertEqual(len(self.box.mails_to(address)), 1)

    def test_a_refused_request_is_not_remembered_as_done(self):
        otp_id, headers = new_id(), key()
        self.assertEqual(self.api.put(otp_id, headers, ttl="x").status, 400)
        self.created(otp_id, headers=headers, ttl=100)

    def test_no_code_for_a_namespace_that_gets_none(self):
        otp_id, headers = new_id(), key()
        for _ in range(2):
            self.assertNotIn("otp", self.assert_success(self.other.put(otp_id, headers)))

    def test_bad_keys(self):
        for value in ("", "x" * 5000):
            with self.subTest(len(value)):
                answer = self.api.put(new_id(), {"Idempotency-Key": value})
                # An empty header is no key; an over-long one may not be cut silently.
                self.assertIn(answer.status, (200,) if not value else (400, 431))


class Check(GatewayCase):
    def test_right_again(self):
        otp, headers = self.created(), key()
        first = self.assert_success(self.api.check(otp["id"], otp["otp"], headers))
        again = self.assert_success(self.api.check(otp["id"], otp["otp"], headers))
        self.assertEqual((again["id"], again["otp"], again["closed"]), (first["id"], first["otp"], True))
        self.assert_error(self.api.check(otp["id"], otp["otp"]), 400, "the OTP does not exist")

    def test_wrong_again_counts_once(self):
        otp, headers = self.created(), key()
        wrong = other_code(otp["otp"])
        for _ in range(3):
            answer = self.api.check(otp["id"], wrong, headers)
            self.assert_error(answer, 400, "Incorrect OTP")
            self.assertEqual(answer.data["attempts"], 2)
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 2)

    def test_another_guess_under_the_same_key(self):
        otp, headers = self.created(), key()
        self.api.check(otp["id"], other_code(otp["otp"]), headers)
        self.assert_error(self.api.check(otp["id"], otp["otp"], headers), 409)
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 2)

    def test_put_and_check_of_one_id_share_their_keys(self):
        headers = key()
        otp = self.created(headers=headers)  # the scope is namespace and path, which are the same for both
        self.assert_error(self.api.check(otp["id"], otp["otp"], headers), 409)
        self.assert_success(self.api.check(otp["id"], otp["otp"], key()))


class Restart(unittest.TestCase):
    def test_keys_survive_kill_9(self):
        box = MailBox()
        self.addCleanup(box.shut_down)
        gateway = Gateway(smtp_port=box.port)
        self.addCleanup(gateway.close)
        api = gateway.start().client()
        otp_id, put_key, check_key, address = new_id(), key(), key(), new_address()
        first = api.put(otp_id, put_key, provider="smtp", to=address, skip_delete="true").data
        box.wait_for(address)
        checked = api.check(otp_id, first["otp"], check_key)
        self.assertEqual(checked.status, 200)
        time.sleep(0.3)
        gateway.kill()
        api = gateway.start().client()
        again = api.put(otp_id, put_key, provider="smtp", to=address, skip_delete="true")
        self.assertEqual((again.status, again.data["otp"]), (200, first["otp"]))
        self.assertEqual(api.check(otp_id, first["otp"], check_key).status, 200)
        self.assertEqual(api.put(otp_id, put_key, provider="smtp", to=address).status, 409)
        time.sleep(1)
        self.assertEqual(len(box.mails_to(address)), 1)

    def test_a_request_that_a_kill_cut_off_is_repeated_and_done_once(self):
        box = MailBox()
        self.addCleanup(box.shut_down)
        gateway = Gateway(smtp_port=box.port)
        self.addCleanup(gateway.close)
        gateway.start()
        wait_for("the smtp worker", lambda: gateway.client().put(None, provider="smtp").status == 200)
        cut_off = 0
        for _ in range(5):
            asked = {new_id(): (key(), new_address()) for _ in range(16)}
            answers = {}

            def put(otp_id):
                headers, address = asked[otp_id]
                try:
                    answers[otp_id] = gateway.client().put(otp_id, headers, provider="smtp", to=address).data
                except (OSError, http.client.HTTPException):
                    pass

            threads = [threading.Thread(target=put, args=(otp_id,)) for otp_id in asked]
            for thread in threads:
                thread.start()
            answered = random.randrange(8)
            wait_for("some answers", lambda n=answered: len(answers) >= n)
            gateway.kill()
            for thread in threads:
                thread.join()
            cut_off += len(asked) - len(answers)
            gateway.start()
            for otp_id, (headers, address) in asked.items():
                again = gateway.client().put(otp_id, headers, provider="smtp", to=address)
                self.assertEqual((again.status, again.data["generate"]), (200, 1), again)
                self.assertEqual(again.data["otp"], answers.get(otp_id, again.data)["otp"])
                mails = box.wait_for(address)  # a copy of what was under way at the kill is the same mail
                self.assertEqual(len({mail.message["Message-ID"] for mail in box.mails_to(address)}), 1)
                self.assertIn(again.data["otp"], mails[0].part("text/html") or mails[0].part("text/plain"))
        self.assertGreater(cut_off, 0, "no kill came in time")


if __name__ == "__main__":
    unittest.main()
