"""POST /api/otp/:id: checking a code.

Goal: exactly max_attempts guesses are evaluated, a right one passes once, wrong answers never carry the code, and
the code may be typed as people type. Method: guesses against one running gateway.
"""

import threading
import time
import unittest

from gateway_case import GatewayCase, new_id, other_code


class Check(GatewayCase):
    def test_right_closes_and_deletes(self):
        otp = self.created(to="someone")
        checked = self.assert_success(self.api.check(otp["id"], otp["otp"]))
        self.assertTrue(checked["closed"])
        self.assertEqual((checked["otp"], checked["attempts"], checked["to"]), (otp["otp"], 1, "someone"))
        self.assertEqual(checked["url"], otp["url"])
        for answer in (self.api.check(otp["id"], otp["otp"]), self.api.get(otp["id"]), self.api.status(otp["id"])):
            self.assert_error(answer, 400)
            self.assertEqual(answer.message, "the OTP does not exist")

    def test_check_is_the_default_action(self):
        otp = self.created()
        self.assert_success(self.api.check(otp["id"], otp["otp"]))
        otp = self.created()
        self.assert_success(self.api.check(otp["id"], otp["otp"], action=""))

    def test_wrong_counts_and_says_so(self):
        otp = self.created(max_attempts=3)
        for attempt in (2, 3, 4):
            answer = self.api.check(otp["id"], other_code(otp["otp"]))
            self.assert_error(answer, 400)
            self.assertEqual(answer.message, "Incorrect OTP")
            self.assertEqual(answer.data["attempts"], attempt)
            self.assertNotIn("otp", answer.data)
            self.assertNotIn(otp["otp"], answer.text)
            self.assertFalse(answer.data["closed"])

    def test_locked_after_exactly_max_attempts(self):
        otp = self.created(max_attempts=2, ttl=100)
        wrong = other_code(otp["otp"])
        self.assertEqual([self.api.check(otp["id"], wrong).status for _ in range(4)], [400, 400, 429, 429])
        answer = self.api.check(otp["id"], otp["otp"])
        self.assert_error(answer, 429)
        self.assertRegex(answer.message, r"^Too many attempts\. Please retry after (100|9[0-9]) seconds\.$")
        self.assertIn(int(answer.headers["Retry-After"]), range(90, 101))
        self.assertNotIn(otp["otp"], answer.text)
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 3)

    def test_right_on_the_last_attempt(self):
        otp = self.created(max_attempts=2)
        self.api.check(otp["id"], other_code(otp["otp"]))
        checked = self.assert_success(self.api.check(otp["id"], otp["otp"]))
        self.assertEqual(checked["attempts"], 2)  # a right guess does not count

    def test_locked_until_the_ttl_ends(self):
        otp = self.created(max_attempts=1, ttl=4)
        self.api.check(otp["id"], other_code(otp["otp"]))
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 429)
        time.sleep(4.1)
        self.assert_error(self.api.check(otp["id"], otp["otp"]), 400, "the OTP does not exist")
        self.assertEqual(self.created(otp["id"])["attempts"], 1)

    def test_empty_is_refused_and_does_not_count(self):
        otp = self.created()
        for answer in (self.api.check(otp["id"], ""), self.api.call("POST", "/api/otp/" + otp["id"]),
                       self.api.call("POST", "/api/otp/" + otp["id"], form={"action": "check"})):
            self.assert_error(answer, 400)
            self.assertEqual(answer.message, "`otp` is empty.")
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 1)

    def test_unknown_ids(self):
        answer = self.api.check(new_id(), "123456")
        self.assert_error(answer, 400)
        self.assertEqual(answer.message, "the OTP does not exist")

    def test_digits_as_people_type_them(self):
        for typed in ("012345", " 012345 ", "012 345", "012-345", "0 1 2 3 4 5", "01-23-45", "012\u00a0345",
                      "\u0660\u0661\u0662\u0663\u0664\u0665", "\uff10\uff11\uff12\uff13\uff14\uff15",
                      "\u0966\u0967\u0968 \u0969\u096a\u096b", "012\u2013345"):
            with self.subTest(typed):
                otp = self.created(otp="012345")
                self.assert_success(self.api.check(otp["id"], typed))

    def test_digits_are_not_guessed_for_the_person(self):
        otp = self.created(otp="012345", max_attempts=20)
        for typed in ("12345", "0123456", "01234", "012345a", "0.12345", "+012345", "12345.0", "0x12345"):
            with self.subTest(typed):
                self.assert_error(self.api.check(otp["id"], typed), 400, "Incorrect OTP")

    def test_other_codes_are_compared_as_they_are(self):
        otp = self.created(otp="aB-3 x", max_attempts=20)
        for typed in ("aB3x", "ab-3 x", "aB-3 x ", "aB-3x"):
            with self.subTest(typed):
                self.assert_error(self.api.check(otp["id"], typed), 400, "Incorrect OTP")
        self.assert_success(self.api.check(otp["id"], "aB-3 x"))

    def test_over_long_guesses(self):
        otp = self.created()
        self.assert_error(self.api.check(otp["id"], "1" * 5000), 400)
        self.assert_success(self.api.check(otp["id"], otp["otp"]))

    def test_codes_through_json_may_be_numbers(self):
        otp = self.created(otp="123456")
        answer = self.api.call("POST", "/api/otp/" + otp["id"], json_body={"otp": 123456})
        self.assert_success(answer)


class SkipDelete(GatewayCase):
    def test_given_with_put(self):
        otp = self.created(skip_delete="true")
        for _ in range(2):  # while it lives, an authenticated check may repeat
            self.assertTrue(self.assert_success(self.api.check(otp["id"], otp["otp"]))["closed"])
        self.assertTrue(self.assert_success(self.api.status(otp["id"]))["closed"])

    def test_given_with_the_check_wins(self):
        otp = self.created(skip_delete="true")
        self.assert_success(self.api.check(otp["id"], otp["otp"], skip_delete="false"))
        self.assert_error(self.api.status(otp["id"]), 400, "the OTP does not exist")
        otp = self.created(skip_delete="false")
        self.assert_success(self.api.check(otp["id"], otp["otp"], skip_delete="true"))
        self.assert_success(self.api.status(otp["id"]))

    def test_wrong_guesses_count_on_a_closed_one_too(self):
        otp = self.created(skip_delete="true", max_attempts=2)
        self.assert_success(self.api.check(otp["id"], otp["otp"]))
        wrong = other_code(otp["otp"])
        self.assertEqual([self.api.check(otp["id"], wrong).status for _ in range(3)], [400, 400, 429])
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 429)

    def test_a_closed_code_still_ends_with_its_ttl(self):
        otp = self.created(skip_delete="true", ttl=3)
        self.assert_success(self.api.check(otp["id"], otp["otp"]))
        time.sleep(3.1)
        self.assert_error(self.api.check(otp["id"], otp["otp"]), 400, "the OTP does not exist")
        # The record stays a minute for `status`, and for nothing else.
        self.assertTrue(self.assert_success(self.api.status(otp["id"]))["closed"])
        self.assert_error(self.api.resend(otp["id"]), 400)


class Races(GatewayCase):
    def run_together(self, count, call):
        answers = []
        barrier = threading.Barrier(count)

        def run():
            barrier.wait()
            answers.append(call())

        threads = [threading.Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def test_a_right_code_passes_once_however_many_ask(self):
        for _ in range(5):
            otp = self.created()
            answers = self.run_together(24, lambda: self.api.check(otp["id"], otp["otp"]))
            self.assertEqual(sorted(answer.status for answer in answers), [200] + [400] * 23)

    def test_no_more_than_max_attempts_guesses_however_many_ask(self):
        for _ in range(5):
            otp = self.created(max_attempts=3)
            answers = self.run_together(24, lambda: self.api.check(otp["id"], other_code(otp["otp"])))
            self.assertEqual(sorted(answer.status for answer in answers), [400] * 3 + [429] * 21)


if __name__ == "__main__":
    unittest.main()
