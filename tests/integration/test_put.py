"""PUT /api/otp/:id: making an OTP.

Goal: the answer is the OTP object of the API description, every parameter has its effect, every way of giving it
(form, multipart, JSON, query) means the same. Method: requests against one gateway with the console provider.
"""

import json
import math
import time
import unittest

from gateway_case import GatewayCase, new_id

FIELDS = {"namespace", "id", "to", "channel_description", "address_description", "extra", "provider", "otp",
          "max_attempts", "attempts", "generate", "max_generate", "closed", "ttl", "url", "delivery"}


class Put(GatewayCase):
    def test_the_object(self):
        otp_id = new_id()
        otp = self.created(otp_id, to="someone@mail.example", extra='{"yes": true}')
        self.assertEqual(set(otp), FIELDS)
        self.assertRegex(otp["otp"], r"^[0-9]{6}$")
        for name, value in (("namespace", "app"), ("id", otp_id), ("to", "someone@mail.example"),
                            ("extra", {"yes": True}), ("provider", "console"), ("max_attempts", 5),
                            ("attempts", 1), ("generate", 1), ("max_generate", 3), ("closed", False), ("ttl", 300),
                            ("url", "%s/otp/app/%s" % (self.gateway.url, otp_id)),
                            ("channel_description", ""), ("address_description", "")):
            self.assertEqual(otp[name], value, name)
        self.assertEqual(set(otp["delivery"]), {"state", "tries", "detail", "upstream_id"})
        self.assertIn(otp["delivery"]["state"], ("queued", "sending", "sent"))

    def test_without_an_address_nothing_is_sent(self):
        otp = self.created()
        self.assertEqual(otp["to"], "")
        self.assertEqual(otp["delivery"], {"state": "none", "tries": 0, "detail": "", "upstream_id": ""})

    def test_without_an_id_a_random_one(self):
        ids = set()
        for _ in range(5):
            otp = self.api.put(None).data
            self.assertRegex(otp["id"], r"^[0-9A-Za-z_-]{32}$")
            ids.add(otp["id"])
            self.assertEqual(self.api.get(otp["id"]).status, 200)
        self.assertEqual(len(ids), 5)

    def test_own_code(self):
        for code in ("7", "007", "abc123", "äöü", "A B"):
            with self.subTest(code):
                self.assertEqual(self.created(otp=code)["otp"], code)

    def test_ttl(self):
        self.assertEqual(self.created(ttl=1)["ttl"], 1)
        self.assertEqual(self.created(ttl=86400)["ttl"], 86400)

    def test_ttl_is_what_is_left_rounded_up(self):
        before = time.monotonic()
        otp = self.created(ttl=10)
        created = time.monotonic()
        time.sleep(1.2)
        asked = time.monotonic()
        ttl = self.api.get(otp["id"]).data["ttl"]
        self.assertLessEqual(ttl, math.ceil(10 - (asked - created)))
        self.assertGreaterEqual(ttl, math.ceil(10 - (time.monotonic() - before)))

    def test_expired_codes_do_not_exist(self):
        otp = self.created(ttl=1)
        time.sleep(1.1)
        for answer in (self.api.get(otp["id"]), self.api.check(otp["id"], otp["otp"]),
                       self.api.status(otp["id"]), self.api.resend(otp["id"])):
            self.assert_error(answer, 400)
            self.assertEqual(answer.message, "the OTP does not exist")

    def test_maxima(self):
        otp = self.created(max_attempts=20, max_generate=1)
        self.assertEqual((otp["max_attempts"], otp["max_generate"]), (20, 1))

    def test_descriptions(self):
        otp = self.created(channel_description="Wir rufen Sie an", address_description="x" * 1024)
        self.assertEqual(otp["channel_description"], "Wir rufen Sie an")
        self.assertEqual(otp["address_description"], "x" * 1024)

    def test_extra_is_any_json_and_stays_verbatim(self):
        for text in ("{}", "[1, 2, {\"a\": null}]", "\"text\"", "12.50", "true", "null", "{\"b\":1,\"a\":2.0}",
                     "12345678901234567890123", "{\"ü\":\"\\u00e4\"}"):
            with self.subTest(text):
                answer = self.api.put(new_id(), extra=text)
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(answer.data["extra"], json.loads(text))
                self.assertIn('"extra":' + text, answer.text)
                self.assertIn('"extra":' + text, self.api.get(answer.data["id"]).text)
        self.assertEqual(self.created()["extra"], {})

    def test_to_is_answered_as_given(self):
        self.assertEqual(self.created(to="Some.One@MAIL.Example")["to"], "Some.One@MAIL.Example")

    def test_json_body(self):
        otp_id = new_id()
        answer = self.api.call("PUT", "/api/otp/" + otp_id, json_body={
            "provider": "console", "to": "someone", "ttl": 77, "max_attempts": "7", "skip_delete": True,
            "extra": {"deep": [1, {"x": None}]}, "otp": "123456", "channel_description": None})
        otp = self.assert_success(answer)
        self.assertEqual((otp["ttl"], otp["max_attempts"], otp["otp"]), (77, 7, "123456"))
        self.assertEqual(otp["extra"], {"deep": [1, {"x": None}]})

    def test_multipart_body(self):
        boundary = "----boundary42"
        parts = [("provider", "console"), ("to", "someone"), ("ttl", "88"), ("extra", '{"a": "b\r\nc"}'.replace(
            "\r\n", "")), ("channel_description", "Zeile äöü & = +")]
        body = "".join("--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % (boundary, name, value)
                       for name, value in parts) + "--%s--\r\n" % boundary
        answer = self.api.call("PUT", "/api/otp/" + new_id(), body=body.encode("utf-8"),
                               headers={"Content-Type": "multipart/form-data; boundary=" + boundary})
        otp = self.assert_success(answer)
        self.assertEqual((otp["to"], otp["ttl"], otp["extra"]), ("someone", 88, {"a": "bc"}))
        self.assertEqual(otp["channel_description"], "Zeile äöü & = +")

    def test_query_parameters_count_too(self):
        answer = self.api.call("PUT", "/api/otp/" + new_id(), form={"provider": "console"},
                               query={"ttl": "99", "to": "a+b c"})
        otp = self.assert_success(answer)
        self.assertEqual((otp["ttl"], otp["to"]), (99, "a+b c"))
        self.assert_success(self.api.call("PUT", "/api/otp/" + new_id(), query={"provider": "console"}))

    def test_form_decoding(self):
        answer = self.api.call("PUT", "/api/otp/" + new_id(),
                               body=b"provider=console&to=a%2Bb+c%40d&channel_description=%C3%A4%26",
                               headers={"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"})
        otp = self.assert_success(answer)
        self.assertEqual((otp["to"], otp["channel_description"]), ("a+b c@d", "ä&"))

    def test_a_namespace_that_gets_no_code_back(self):
        otp_id = new_id()
        otp = self.created(otp_id, api=self.other, otp="123456", to="someone", skip_delete="true")
        self.assertNotIn("otp", otp)
        checked = self.assert_success(self.other.check(otp_id, "123456"))
        self.assertNotIn("otp", checked)
        self.assertNotIn("otp", self.assert_success(self.other.status(otp_id)))

    def test_random_codes_differ(self):
        self.assertGreater(len({self.created()["otp"] for _ in range(20)}), 15)


class ConfiguredDefaults(GatewayCase):
    CONFIG = {"app": {"otp_ttl": 42, "otp_max_attempts": 30, "otp_max_generate": 2, "otp_ttl_max": 100,
                      "otp_max_generate_max": 4, "root_url": "https://otp.example/base"}}

    def test_defaults_and_ceilings_come_from_the_configuration(self):
        otp = self.created()
        self.assertEqual((otp["ttl"], otp["max_attempts"], otp["max_generate"]), (42, 30, 2))
        self.assertEqual(self.created(max_attempts=30)["max_attempts"], 30)  # the default is above the …_max
        self.assert_error(self.api.put(new_id(), max_attempts=31), 400, "Invalid `max_attempts` value.")
        self.assertEqual(self.created(max_generate=4)["max_generate"], 4)
        self.assert_error(self.api.put(new_id(), max_generate=5), 400, "Invalid `max_generate` value.")
        self.assertEqual(self.created(ttl=100)["ttl"], 100)
        self.assert_error(self.api.put(new_id(), ttl=101), 400, "Invalid `ttl` value.")

    def test_links_come_from_root_url_alone(self):
        otp_id = new_id()
        answer = self.api.put(otp_id, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        self.assertEqual(answer.data["url"], "https://otp.example/base/otp/app/" + otp_id)


if __name__ == "__main__":
    unittest.main()
