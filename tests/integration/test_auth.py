"""BasicAuth: who may call the API.

Goal: without the right namespace and secret every route of the API but health answers 401 with the texts that
applications match on. Method: wrong headers of each kind.
"""

import base64
import unittest

from client import Client, basic
from gateway import SECRET
from gateway_case import GatewayCase


class Auth(GatewayCase):
    def call(self, authorization, method="GET", path="/api/providers"):
        return self.api.call(method, path, headers={"Authorization": authorization})

    def assert_refused(self, answer, text):
        self.assert_error(answer, 401)
        self.assertEqual(answer.message, text)
        self.assertEqual(answer.headers["WWW-Authenticate"], 'Basic realm="otpgateway"')

    def test_missing_header(self):
        self.assert_refused(self.call(None), "Missing Basic Authorization header.")

    def test_another_scheme(self):
        self.assert_refused(self.call("Bearer abc"), "Missing Basic Authorization header.")

    def test_bad_base64(self):
        for value in ("Basic %%%", "Basic YXBw*Og=="):
            with self.subTest(value):
                self.assert_refused(self.call(value), "Invalid Base64 value in Basic Authorization header.")

    def test_no_colon(self):
        value = "Basic " + base64.b64encode(b"appsecret").decode()
        self.assert_refused(self.call(value), "Invalid value in Basic Authorization header.")

    def test_wrong_credentials(self):
        for user, password in (("app", "wrong"), ("app", ""), ("", ""), ("nobody", SECRET), ("App", SECRET),
                               ("app", SECRET + "x"), ("app", SECRET[:-1]), ("app", SECRET + "\0"),
                               ("app", SECRET.upper())):
            with self.subTest((user, password)):
                self.assert_refused(self.call(basic(user, password)), "Invalid API credentials.")

    def test_every_api_route_asks(self):
        for method, path in (("GET", "/api/providers"), ("PUT", "/api/otp"), ("PUT", "/api/otp/abcdefgh"),
                             ("GET", "/api/otp/abcdefgh"), ("POST", "/api/otp/abcdefgh"),
                             ("POST", "/api/otp/abcdefgh/status"), ("DELETE", "/api/otp/abcdefgh/status")):
            with self.subTest(method + " " + path):
                self.assert_refused(self.call(basic("app", "wrong"), method, path), "Invalid API credentials.")

    def test_refusal_comes_before_the_parameters_are_judged(self):
        self.assert_refused(self.call(None, "PUT", "/api/otp/ab"), "Missing Basic Authorization header.")

    def test_the_scheme_is_case_insensitive(self):
        self.assertEqual(self.call(basic("app", SECRET).replace("Basic", "basic")).status, 200)

    def test_the_right_secret_of_each_namespace(self):
        self.assertEqual(self.call(basic("app", SECRET)).status, 200)
        self.assertEqual(self.other.call("GET", "/api/providers").status, 200)


class SecretWithColons(GatewayCase):
    CONFIG = {"auth": {"app": {"secret": "a:b:ü"}}}

    def test_only_the_first_colon_divides(self):
        client = Client(self.gateway.port, "app", "a:b:ü")
        self.assertEqual(client.call("GET", "/api/providers").status, 200)


if __name__ == "__main__":
    unittest.main()
