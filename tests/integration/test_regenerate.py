"""PUT on a live id: a new code for the same OTP.

Goal: it replaces what it should, keeps `attempts`, stops at max_generate and while locked without changing
anything, and starts afresh on a closed id. Method: sequences of PUT and check.
"""

import time
import unittest

from gateway_case import GatewayCase, new_id, other_code


class Regenerate(GatewayCase):
    def assert_limited(self, answer, attempts, max_attempts):
        self.assert_error(answer, 429)
        self.assertRegex(answer.message, r"^OTP attempts exceeded\. Retry after [0-9]+ seconds\.$")
        self.assertEqual(set(answer.data), {"ttl_seconds", "attempts", "max_attempts"})
        self.assertEqual((answer.data["attempts"], answer.data["max_attempts"]), (attempts, max_attempts))
        self.assertIn(answer.data["ttl_seconds"], range(1, 301))
        self.assertEqual(answer.headers["Retry-After"], str(answer.data["ttl_seconds"]))
        self.assertIn("after %d seconds" % answer.data["ttl_seconds"], answer.message)

    def test_everything_given_is_replaced(self):
        otp_id = new_id()
        first = self.created(otp_id, to="first", otp="111111", extra="1", channel_description="a", ttl=50,
                             max_attempts=4, max_generate=9, skip_delete="true")
        time.sleep(1.1)
        second = self.created(otp_id, to="second", otp="222222", extra="[2]", channel_description="b", ttl=60,
                              max_attempts=6, max_generate=8)
        self.assertEqual((second["to"], second["otp"], second["extra"], second["channel_description"]),
                         ("second", "222222", [2], "b"))
        self.assertEqual((second["ttl"], second["max_attempts"], second["max_generate"], second["generate"]),
                         (60, 6, 8, 2))
        self.assert_error(self.api.check(otp_id, first["otp"]), 400, "Incorrect OTP")
        self.assert_success(self.api.check(otp_id, "222222"))
        self.assert_error(self.api.status(otp_id), 400, "the OTP does not exist")  # skip_delete was replaced too

    def test_attempts_are_kept(self):
        otp = self.created(max_attempts=3)
        for _ in range(2):
            self.api.check(otp["id"], other_code(otp["otp"]))
        again = self.created(otp["id"], max_attempts=3)
        self.assertEqual(again["attempts"], 3)
        self.assertEqual(self.api.check(otp["id"], other_code(again["otp"])).data["attempts"], 4)
        self.assertEqual(self.api.check(otp["id"], again["otp"]).status, 429)

    def test_exactly_max_generate_codes_and_the_last_stays_valid(self):
        otp_id = new_id()
        codes = [self.created(otp_id, max_generate=3)["otp"] for _ in range(3)]
        self.assert_limited(self.api.put(otp_id, to="someone else", otp="999999", max_generate=20), 1, 5)
        shown = self.api.get(otp_id).data
        self.assertEqual((shown["generate"], shown["to"], shown["max_generate"]), (3, "", 3))
        self.assert_success(self.api.check(otp_id, codes[-1]))

    def test_locked(self):
        otp = self.created(max_attempts=1)
        self.api.check(otp["id"], other_code(otp["otp"]))
        self.assert_limited(self.api.put(otp["id"], max_attempts=20), 2, 1)
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 429)

    def test_a_maximum_that_is_used_up_already_is_refused_like_a_lock(self):
        otp = self.created(max_attempts=5)
        for _ in range(2):
            self.api.check(otp["id"], other_code(otp["otp"]))
        self.assert_limited(self.api.put(otp["id"], max_attempts=2), 3, 5)
        self.assert_success(self.api.check(otp["id"], otp["otp"]))

    def test_a_closed_id_starts_afresh(self):
        otp = self.created(skip_delete="true", max_generate=1)
        self.api.check(otp["id"], other_code(otp["otp"]))
        self.assert_success(self.api.check(otp["id"], otp["otp"]))
        again = self.created(otp["id"])
        self.assertEqual((again["attempts"], again["generate"], again["closed"]), (1, 1, False))
        self.assert_error(self.api.status(otp["id"]), 400, "OTP not verified.")

    def test_a_bad_put_changes_nothing(self):
        otp = self.created(to="someone")
        self.assertEqual(self.api.put(otp["id"], ttl="x").status, 400)
        self.assertEqual(self.api.put(otp["id"], to="x" * 300).status, 400)
        self.assertEqual(self.api.get(otp["id"]).data["generate"], 1)
        self.assert_success(self.api.check(otp["id"], otp["otp"]))

    def test_an_expired_id_starts_afresh(self):
        otp = self.created(ttl=1, max_generate=1)
        time.sleep(1.1)
        self.assertEqual(self.created(otp["id"])["generate"], 1)


if __name__ == "__main__":
    unittest.main()
