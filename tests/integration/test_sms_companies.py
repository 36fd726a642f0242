"""SMS companies through webhooks, without code.

Goal: the sections for Twilio, MSG91 and Vonage in the webhook plug-in's README work as they stand there, and their
companies' refusals show as what they are. Method: the very sections, read out of the README with nothing changed but the
host, against fakes of the documented APIs.
"""

import pathlib
import re
import tomllib
import unittest

from gateway import Gateway, merge
from gateway_case import new_id
from sms_companies import Msg91, Twilio, Vonage

README = pathlib.Path(__file__).parents[2] / "plugins" / "webhook" / "README.md"
NAMES = {"twilio": Twilio, "msg91": Msg91, "vonage": Vonage}
HOSTS = {"twilio": "https://api.twilio.com/", "msg91": "https://control.msg91.com/", "vonage": "https://rest.nexmo.com/"}
TO = {"twilio": "(501) 712-2662", "msg91": "098765 43210", "vonage": "07700 900123"}
NUMBERS = {"twilio": "15017122662", "msg91": "919876543210", "vonage": "447700900123"}
CODE = "735914"
TEMPLATE = "{{ .OTP }} is your code & more: Grüße 100% + 1?"
TEXT = TEMPLATE.replace("{{ .OTP }}", CODE)


def readme_sections():
    """The sections [webhooks.NAME] of the README's TOML examples."""
    sections = {}
    for block in re.findall(r"```toml\n(.*?)```", README.read_text("utf-8"), re.DOTALL):
        for name, section in tomllib.loads(block).get("webhooks", {}).items():
            assert name not in sections, name
            sections[name] = section
    return sections


class SmsCompanies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fakes = {name: fake() for name, fake in NAMES.items()}
        for fake in cls.fakes.values():
            cls.addClassCleanup(fake.close)
        sections = readme_sections()
        config = {}
        for name, fake in cls.fakes.items():
            url = sections[name]["url"]
            assert url.startswith(HOSTS[name]), url
            config[name] = {**sections[name], "url": url.replace(HOSTS[name], "http://127.0.0.1:%d/" % fake.port)}
        cls.gateway = Gateway({"webhooks": config})
        cls.addClassCleanup(cls.gateway.close)
        (cls.gateway.folder / "sms.txt").write_text(TEMPLATE, "utf-8")
        cls.api = cls.gateway.start().client()

    def setUp(self):
        for fake in self.fakes.values():
            fake.heal()

    def send(self, name, **form):
        """(the OTP, the request that the company got)"""
        count = len(self.fakes[name].requests)
        answer = self.api.put(new_id(), provider=name, to=TO[name], otp=CODE, wait="10", **form)
        self.assertIn(answer.status, (200, 500), answer)
        return answer.data, self.fakes[name].wait_for(count + 1)[-1]

    def assert_ends(self, name, state, *texts):
        otp, _ = self.send(name)
        self.assertEqual(otp["delivery"]["state"], state, otp)
        for text in texts:
            self.assertIn(text, otp["delivery"]["detail"])
        for secret in (CODE, NUMBERS[name], "your-a"):
            self.assertNotIn(secret, otp["delivery"]["detail"])
            self.assertNotIn(secret, self.gateway.log())

    def test_twilio(self):
        otp, request = self.send("twilio", ttl=120)
        self.assertEqual(otp["delivery"]["state"], "sent", otp)
        form = request.form
        self.assertIn(int(form.pop("ValidityPeriod")), range(100, 121))
        self.assertEqual(form, {"To": "+" + NUMBERS["twilio"], "From": "+15017122661", "Body": TEXT})

    def test_twilio_refuses(self):
        twilio = self.fakes["twilio"]
        for status, code, state in ((400, 21211, "failed"), (401, 20003, "failed"), (404, 20404, "failed")):
            refusal = Twilio.refusal(status, code, "Invalid 'To' Phone Number: +%s" % NUMBERS["twilio"])
            twilio.fault((status, refusal.body.decode()), times=1)
            self.assert_ends("twilio", state, "answered %d" % status)
        busy = Twilio.refusal(429, 20429, "Too many requests")
        twilio.fault((429, busy.body.decode(), {"Retry-After": "1"}), times=1)
        self.assert_ends("twilio", "sent")

    def test_msg91(self):
        otp, request = self.send("msg91")
        self.assertEqual(otp["delivery"]["state"], "sent", otp)
        self.assertEqual(request.headers["authkey"], "your-auth-key")
        self.assertEqual(request.json, {"template_id": "your-template-id", "short_url": "0",
                                        "recipients": [{"mobiles": NUMBERS["msg91"], "otp": CODE}]})

    def test_msg91_refuses(self):
        for status in (200, 400, 401):
            refusal = Msg91.refusal("Invalid mobile number %s" % NUMBERS["msg91"], status)
            self.fakes["msg91"].fault((status, refusal.body.decode()), times=1)
            self.assert_ends("msg91", "failed", "answered %d with what reject_pattern names" % status)
        self.fakes["msg91"].fault((200, "<html>Welcome</html>"), times=1)
        self.assert_ends("msg91", "unknown", "without what success_pattern expects")
        self.fakes["msg91"].fault((502, "<html>Bad Gateway</html>"), times=1)
        self.assert_ends("msg91", "sent")

    def test_vonage(self):
        otp, request = self.send("vonage")
        self.assertEqual(otp["delivery"]["state"], "sent", otp)
        self.assertEqual(request.form, {"api_key": "abcd1234", "api_secret": "your-api-secret", "from": "AcmeInc",
                                        "to": NUMBERS["vonage"], "text": TEXT})

    def test_vonage_refuses(self):
        """Always with 200."""
        vonage = self.fakes["vonage"]
        for status in ("2", "3", "4", "6", "7", "8", "9", "11", "12", "14", "15", "22", "23", "29", "33"):
            vonage.fault((200, Vonage.refusal(status, "no %s" % NUMBERS["vonage"]).body.decode()), times=1)
            self.assert_ends("vonage", "failed", "answered 200 with what reject_pattern names")
        vonage.fault((200, Vonage.refusal("5", "Internal Error").body.decode()), times=1)
        self.assert_ends("vonage", "unknown")
        for status in ("1", "10"):
            vonage.fault((200, Vonage.refusal(status, "Throttled").body.decode()), times=1)
            self.assert_ends("vonage", "sent")

    def test_a_lost_answer_is_not_asked_for_again(self):
        """None of them knows our Idempotency-Key."""
        for name, fake in self.fakes.items():
            with self.subTest(name):
                count = len(fake.requests)
                fake.fault("close")
                self.assert_ends(name, "unknown")
                self.assertEqual(len(fake.requests), count + 1)

    def test_wrong_credentials(self):
        """Each fake does check them: with others nothing is sent."""
        wrong = merge(self.gateway._changes, {"webhooks": {
            "twilio": {"password": "wrong"}, "msg91": {"headers": {"authkey": "wrong"}},
            "vonage": {"body": readme_sections()["vonage"]["body"].replace("your-api-secret", "wrong")}}})
        gateway = Gateway(wrong)
        self.addCleanup(gateway.close)
        (gateway.folder / "sms.txt").write_text(TEMPLATE, "utf-8")
        api = gateway.start().client()
        for name in NAMES:
            answer = api.put(new_id(), provider=name, to=TO[name], wait="10")
            self.assertEqual(answer.data["delivery"]["state"], "failed", answer)


if __name__ == "__main__":
    unittest.main()
