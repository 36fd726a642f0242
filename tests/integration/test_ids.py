"""Ids: 6 to 128 code points, no control characters, no slash, percent-encoded in every URL.

Goal: good ids work through every route and come back as they went in; bad ones are refused with a sentence.
Method: tables of ids, sent percent-encoded.
"""

import unittest
import urllib.parse
import uuid

from client import quote
from gateway_case import GatewayCase


class Ids(GatewayCase):
    def test_good_ids_work_through_every_route(self):
        unique = uuid.uuid4().hex[:8]
        for otp_id in (unique[:6], unique + "x" * 120, "äöüß" + unique, "用户" + unique, "😀" * 120 + unique,
                       unique + " +&=?#%", unique + "..;:@,$!*'()", "....." + unique, "%2F" + unique,
                       unique + "\"<script>\\"):
            with self.subTest(otp_id):
                otp = self.created(otp_id, skip_delete="true")
                self.assertEqual(otp["id"], otp_id)
                self.assertEqual(otp["url"], "%s/otp/app/%s" % (self.gateway.url, quote(otp_id)))
                self.assertTrue(otp["url"].isascii())
                path = urllib.parse.urlsplit(otp["url"]).path
                # The page of an OTP without an address leads to the address page, another route of the same id.
                page = self.api.call("GET", path, headers={"Authorization": None})
                self.assertIn(page.status, (200, 302, 303))
                self.assertEqual(self.assert_success(self.api.get(otp_id))["id"], otp_id)
                self.assertEqual(self.assert_success(self.api.check(otp_id, otp["otp"]))["id"], otp_id)
                self.assertEqual(self.assert_success(self.api.status(otp_id))["id"], otp_id)

    def test_code_points_count_not_bytes(self):
        self.created("ä" * 6)
        self.created("😀" * 128)
        self.assert_error(self.api.put("ä" * 5), 400)
        self.assert_error(self.api.put("😀" * 129), 400)

    def test_short_ids(self):
        for otp_id in ("a", "12345"):
            answer = self.api.put(otp_id)
            self.assert_error(answer, 400)
            self.assertEqual(answer.message, "ID should be min 6 chars.")

    def test_bad_ids(self):
        for encoded in ("x" * 129, "abcdef%0A", "abcdef%00", "%01abcdef", "abcdef%7F", "abcdef%FF", "%C3%28abcdef",
                        "abcdef%C2%85", "abc%2Fdef", "abcdef%ED%A0%80", "%zzabcdef", "abcdefgh%", "abcdefgh%4"):
            with self.subTest(encoded):
                self.assert_error(self.api.call("PUT", "/api/otp/" + encoded, form={"provider": "console"}), 400)

    def test_an_encoded_letter_is_that_letter(self):
        otp = self.created("abc" + uuid.uuid4().hex)
        encoded = "".join("%%%02x" % ord(letter) for letter in otp["id"])
        self.assertEqual(self.assert_success(self.api.call("GET", "/api/otp/" + encoded))["id"], otp["id"])


if __name__ == "__main__":
    unittest.main()
