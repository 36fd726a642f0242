"""Wrong parameters and bodies.

Goal: each is a 400 that names the parameter, changes nothing, and the gateway goes on. Method: tables of wrong
values against PUT and check.
"""

import unittest

from gateway_case import GatewayCase, new_id

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


class BadParameters(GatewayCase):
    def assert_put_refused(self, *texts, **form):
        otp_id = new_id()
        answer = self.api.put(otp_id, **form)
        self.assert_error(answer, 400, *texts)
        self.assert_error(self.api.get(otp_id), 400, "the OTP does not exist")

    def test_numbers(self):
        for name in ("ttl", "max_attempts", "max_generate"):
            for value in ("0", "-1", "x", "1.5", "1e2", " 5", "5 ", "+5", "0x5", "99999999", "9" * 40, "٣"):
                with self.subTest("%s=%s" % (name, value)):
                    self.assert_put_refused("Invalid `%s` value." % name, **{name: value})

    def test_numbers_in_json(self):
        for name in ("ttl", "max_attempts", "max_generate"):
            for value in (0, -1, 1.5, True, [], {}, "five"):
                with self.subTest("%s=%r" % (name, value)):
                    answer = self.api.call("PUT", "/api/otp/" + new_id(),
                                           json_body={"provider": "console", name: value})
                    self.assert_error(answer, 400, name)

    def test_booleans(self):
        for value in ("yes", "no", "2", "on", "tRUE", "truE", " true", "fALSE"):
            with self.subTest(value):
                self.assert_put_refused("skip_delete", skip_delete=value)
        for value in ("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"):
            with self.subTest(value):
                self.created(skip_delete=value)

    def test_wait(self):
        for value in ("-1", "31", "x", "1e1"):
            with self.subTest(value):
                self.assert_put_refused("wait", wait=value)
        self.created(wait="30")  # no address: nothing to wait for
        self.created(wait="0")

    def test_extra(self):
        for value in ("{", "yes", "{'a':1}", "{\"a\":1}x", "{\"a\":}", "[1,]", "nan", "\x01"):
            with self.subTest(value):
                self.assert_put_refused("Invalid JSON in `extra`: ", extra=value)
        self.assert_put_refused("extra", extra='"' + "x" * 4095 + '"')
        self.created(extra='"' + "x" * 4094 + '"')
        self.assert_put_refused("extra", extra="[" * 2000 + "]" * 2000)

    def test_providers(self):
        for value in ("", "nothing", "Console", "smtp", "../console"):
            with self.subTest(value):
                self.assert_put_refused("Unknown provider.", provider=value)
        answer = self.api.call("PUT", "/api/otp/" + new_id(), form={})
        self.assert_error(answer, 400, "Unknown provider.")

    def test_addresses(self):
        for value in ("x" * 255, "a\nb", "a\rb", "a\x7fb"):
            with self.subTest(value):
                self.assert_put_refused("Invalid `to` address: ", to=value)
        self.created(to="x" * 254)

    def test_codes(self):
        for value in ("1234567", "äöüäöüä", "123\n5"):
            with self.subTest(value):
                self.assert_put_refused("otp", otp=value)

    def test_descriptions(self):
        for name in ("channel_description", "address_description"):
            self.assert_put_refused(name, **{name: "x" * 1025})

    def test_locales(self):
        for value in ("x", "en_US", "en-" + "a" * 40, "../en", "हि"):
            with self.subTest(value):
                self.assert_put_refused("locale", locale=value)
        self.created(locale="zz-Zzzz-ZZ")  # a language that we don't have

    def test_return_urls(self):
        for value in ("localhost/", "javascript:alert(1)", "http://app.example/", "https://localhost/",
                      "http://localhost.evil.example/", "http://localhost:1@evil.example/", "//localhost/",
                      "http://localhost/ ", "http://localhost/\"", "http://localhost/" + "x" * 1010):
            with self.subTest(value):
                self.assert_put_refused("return_url", return_url=value)
        for value in ("http://localhost", "HTTP://LOCALHOST:80/a?b=c#d", "http://localhost:3000/",
                      self.gateway.url + "/static/demo.html"):
            with self.subTest(value):
                self.created(return_url=value)

    def test_a_parameter_twice(self):
        otp_id = new_id()
        for form, query in (([("provider", "console"), ("ttl", "5"), ("ttl", "5")], None),
                            ([("provider", "console"), ("ttl", "5")], {"ttl": "5"}),
                            ([("provider", "console")], [("ttl", "5"), ("ttl", "6")])):
            with self.subTest((form, query)):
                answer = self.api.call("PUT", "/api/otp/" + otp_id, form=form, query=query)
                self.assert_error(answer, 400, "ttl")
        answer = self.api.call("PUT", "/api/otp/" + otp_id, headers=JSON,
                               body=b'{"provider":"console","ttl":5,"ttl":6}')
        self.assert_error(answer, 400, "ttl")
        answer = self.api.call("PUT", "/api/otp/" + otp_id, headers=JSON, query={"ttl": 5},
                               body=b'{"provider":"console","ttl":5}')
        self.assert_error(answer, 400, "ttl")
        self.assert_error(self.api.get(otp_id), 400, "the OTP does not exist")

    def test_bodies(self):
        for headers, body in (
                (JSON, b"{"), (JSON, b"[]"), (JSON, b"null"), (JSON, b'"x"'), (JSON, b""), (JSON, b"{}x"),
                (JSON, b"\xff\xfe"), (JSON, b'{"provider":"\xff"}'), (JSON, b'{"provider":"\\ud800"}'),
                (JSON, b'{"a":' * 2000 + b"1" + b"}" * 2000),
                (FORM, b"provider=console&to=%"), (FORM, b"provider=console&to=%4"),
                (FORM, b"provider=console&to=%zz"), (FORM, b"provider=console&to=%FF"),
                (FORM, b"provider=console&to=a%00b"), (FORM, b"provider=console&to=\xff"),
                ({"Content-Type": "text/plain"}, b"provider=console"),
                ({"Content-Type": "application/xml"}, b"<a/>"),
                ({"Content-Type": "multipart/form-data"}, b"x"),
                ({"Content-Type": "multipart/form-data; boundary=b"}, b"provider=console"),
                ({"Content-Type": "multipart/form-data; boundary=b"}, b"--b\r\n\r\nno name\r\n--b--\r\n"),
                ({"Content-Type": "multipart/form-data; boundary=b"},
                 b"--b\r\nContent-Disposition: form-data; name=\"provider\"\r\n\r\nconsole"),
        ):
            with self.subTest((headers["Content-Type"], body[:40])):
                # 415 is as clear about another type of body.
                answer = self.api.call("PUT", "/api/otp/" + new_id(), headers=headers, body=body)
                self.assertIn(answer.status, (400, 415), answer)
                self.assertEqual(answer.json["status"], "error")
        self.assert_still_serves()

    def test_actions(self):
        otp = self.created()
        for action in ("verify", "Check", "check ", "delete"):
            with self.subTest(action):
                answer = self.api.check(otp["id"], otp["otp"], action=action)
                self.assert_error(answer, 400, "action")
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 1)
        self.assert_success(self.api.check(otp["id"], otp["otp"], action="check"))

    def test_check_parameters(self):
        otp = self.created()
        self.assert_error(self.api.check(otp["id"], otp["otp"], skip_delete="maybe"), 400, "skip_delete")
        answer = self.api.call("POST", "/api/otp/" + otp["id"], form=[("otp", otp["otp"]), ("otp", otp["otp"])])
        self.assert_error(answer, 400, "otp")
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 1)


if __name__ == "__main__":
    unittest.main()
