"""Codes, secrets and addresses stay where they belong.

Goal: no code, secret or address of a run stands in a log line, in an error answer, in the database file (codes), in
a command line or in the environment of a process. Method: a busy run with unmistakable values, then grep.
"""

import re
import unittest
import uuid

from gateway import OTHER_SECRET, SECRET, Gateway
from gateway_case import new_id
from mailbox import MailBox

CODE = "Zq7#Kx"  # six characters that no log holds by chance


class Secrecy(unittest.TestCase):
    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)
        self.gateway = Gateway({"app": {"enable_debug_logs": True},
                                "providers": {"smtp": {"auth_protocol": "none", "username": "smtp-user-k3v9",
                                                       "password": "smtp-password-x8q2"}, "console": None}},
                               smtp_port=self.box.port)
        self.addCleanup(self.gateway.close)
        self.gateway.start()

    def test_a_busy_run(self):
        api = self.gateway.client()
        address = "needle-%s@mail.example" % uuid.uuid4().hex
        answers = []
        ids = [new_id() for _ in range(6)]

        def put(otp_id, **form):
            return api.put(otp_id, **{"provider": "smtp", "to": address, "otp": CODE, **form})

        put(ids[0], wait="10")
        answers += [api.check(ids[0], "wrong"), api.status(ids[0]), put(ids[0], ttl="x")]
        answers += [put(new_id(), to=address + " "), put(new_id(), otp=CODE + CODE), put(new_id(), extra=CODE)]
        self.assertEqual(api.page(ids[0], "POST", action="check", otp="wrong").status, 400)
        self.box.fault("RCPT", "550 no such user %s" % address)
        answers.append(put(ids[1], wait="10"))
        self.box.fault("DATA", "451 greylisted %s, code %s" % (address, CODE))
        self.box.fault("RCPT", "", 0)
        put(ids[2], wait="2")
        self.box.close()
        put(ids[3], wait="2")
        api.call("GET", "/otp/app/%s?otp=%s&action=check" % (ids[2], CODE.replace("#", "%23")))
        api.call("GET", "/api/providers", headers={"Authorization": "Basic " + SECRET})
        for pid in self.gateway.worker_pids():
            with open("/proc/%d/environ" % pid, "rb") as environ, open("/proc/%d/cmdline" % pid, "rb") as line:
                seen = environ.read() + line.read()
                self.assertNotIn(b"smtp-password", seen)
                self.assertNotIn(SECRET.encode(), seen)
        for path in self.gateway.folder.glob("otp.db*"):
            self.assertNotIn(CODE.encode(), path.read_bytes(), path)
        self.assertEqual(self.gateway.stop(), 0)
        log = self.gateway.log()
        for needle in (CODE, address, address.split("@")[0], SECRET, OTHER_SECRET, "smtp-password-x8q2"):
            self.assertNotIn(needle, log)
        for answer in answers:
            self.assertGreaterEqual(answer.status, 400)
            text = re.sub(r'"to":"[^"]*"', "", answer.text)  # the object names its address; nothing else does
            self.assertNotIn(CODE, text)
            self.assertNotIn(address, text)


if __name__ == "__main__":
    unittest.main()
