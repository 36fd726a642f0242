"""The base of tests that share one running gateway (and one mail box) per test class."""

import unittest
import uuid

from gateway import Gateway
from mailbox import MailBox


def new_id():
    return "id-" + uuid.uuid4().hex


def new_address():
    return "user-%s@mail.example" % uuid.uuid4().hex


def other_code(code):
    """A code of the same form that is wrong."""
    return "%0*d" % (len(code), (int(code) + 1) % 10 ** len(code))


class GatewayCase(unittest.TestCase):
    CONFIG = {}  # laid over Gateway.default_config()
    FILES = {}  # name -> text, laid beside the configuration
    WITH_MAIL = False  # a mail box and the smtp provider

    @classmethod
    def setUpClass(cls):
        cls.box = MailBox() if cls.WITH_MAIL else None
        if cls.box:
            cls.addClassCleanup(cls.box.shut_down)
        cls.gateway = Gateway(cls.CONFIG, smtp_port=cls.box.port if cls.box else None)
        cls.addClassCleanup(cls.gateway.close)
        for name, text in cls.FILES.items():
            (cls.gateway.folder / name).write_text(text, encoding="utf-8")
        cls.gateway.start()
        cls.api = cls.gateway.client()
        cls.other = cls.gateway.client("other")

    def setUp(self):
        if self.box:
            self.box.heal()

    def created(self, otp_id=None, api=None, **form):
        """The OTP object of a PUT that must succeed."""
        answer = (api or self.api).put(otp_id or new_id(), **form)
        self.assertEqual(answer.status, 200, answer)
        return answer.data

    def assert_success(self, answer):
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["status"], "success")
        self.assert_envelope(answer)
        return answer.data

    def assert_error(self, answer, status, *texts):
        """An error in the envelope whose message holds all the texts."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json["status"], "error")
        self.assert_envelope(answer)
        for text in texts:
            self.assertIn(text, answer.message)

    def assert_envelope(self, answer):
        self.assertEqual(answer.headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def assert_still_serves(self):
        self.assertEqual(self.api.call("GET", "/api/health").status, 200)
