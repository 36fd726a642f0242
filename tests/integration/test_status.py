"""POST and DELETE /api/otp/:id/status: has the person verified the code?

Goal: 200 with the OTP when verified, the texts applications match on when not; DELETE takes a verified OTP away.
Method: verification over the page and with skip_delete.
"""

import unittest

from gateway_case import GatewayCase, new_id, other_code


class Status(GatewayCase):
    def test_not_verified(self):
        otp = self.created(to="someone", extra="[1]")
        for method in ("POST", "DELETE"):
            answer = self.api.status(otp["id"], method)
            self.assert_error(answer, 400)
            self.assertEqual(answer.message, "OTP not verified.")
            self.assertEqual((answer.data["id"], answer.data["to"], answer.data["extra"]),
                             (otp["id"], "someone", [1]))
            self.assertNotIn("otp", answer.data)
            self.assertNotIn(otp["otp"], answer.text)
        self.assert_success(self.api.check(otp["id"], otp["otp"]))  # DELETE has deleted nothing

    def test_unknown(self):
        for method in ("POST", "DELETE"):
            answer = self.api.status(new_id(), method)
            self.assert_error(answer, 400)
            self.assertEqual(answer.message, "the OTP does not exist")
            self.assertIsNone(answer.data)

    def test_verified_on_the_page(self):
        otp = self.created(to="someone")
        page = self.api.page(otp["id"], "POST", action="check", otp=otp["otp"])
        self.assertEqual(page.status, 200, page)
        for _ in range(2):
            verified = self.assert_success(self.api.status(otp["id"]))
            self.assertTrue(verified["closed"])
            self.assertEqual(verified["otp"], otp["otp"])
            self.assertEqual(verified["to"], "someone")
        self.assertTrue(self.assert_success(self.api.status(otp["id"], "DELETE"))["closed"])
        for method in ("POST", "DELETE"):
            self.assert_error(self.api.status(otp["id"], method), 400, "the OTP does not exist")

    def test_locked_is_not_verified(self):
        otp = self.created(max_attempts=1)
        self.api.check(otp["id"], other_code(otp["otp"]))
        answer = self.api.status(otp["id"])
        self.assert_error(answer, 400, "OTP not verified.")
        self.assertEqual(answer.data["attempts"], 2)

    def test_another_namespace_sees_nothing(self):
        otp = self.created(to="someone")
        self.api.page(otp["id"], "POST", action="check", otp=otp["otp"])
        self.assert_error(self.other.status(otp["id"], "DELETE"), 400, "the OTP does not exist")
        self.assert_success(self.api.status(otp["id"]))


if __name__ == "__main__":
    unittest.main()
