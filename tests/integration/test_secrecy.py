"""T3: codes, secrets and addresses stay where they belong.

Goal: no code, secret or address of a run stands in a log line, in an error answer, in the database once it is purged,
in a command line or in the environment of a process. Method: a busy run (both doors, upstreams that quote what they are
sent, plug-ins that crash and leak, reloads of wrong configurations, a killed worker) with unmistakable values, then
grep over all of it. Control: what is planted in the log, and what has not been purged yet, is found.
"""

import os
import pathlib
import re
import signal
import sqlite3
import time
import unittest
import urllib.parse
import uuid

from gateway import OTHER_SECRET, SECRET, Gateway, program, wait_for
from gateway_case import new_id
from mailbox import MailBox
from webhook_sink import WebhookSink

CODE = "Zq7#Kx"  # six characters that no log holds by chance
LIBRARIES = pathlib.Path(program("")).parent / "lib/otpgateway/test-providers"
PLUGIN_FAULTS = ("crash", "leak", "dirty")  # of tests/abi/minimal.c, chosen by the subject
PURGED_SECONDS_MAX = 30


def secret(name):
    return "%s-%s" % (name, uuid.uuid4().hex)


def leaks(needles, haystacks):
    """(needle, name) of everything that is found."""
    return [(needle, name) for needle in needles for name, text in haystacks.items() if needle.encode() in text]


class Secrecy(unittest.TestCase):
    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)
        self.sink = WebhookSink()
        self.addCleanup(self.sink.close)
        self.address = "needle-%s@mail.example" % uuid.uuid4().hex
        self.secrets = {name: secret(name) for name in (
            "smtp-password", "from-a-file", "from-the-environment", "hook-secret", "hook-password", "hook-header",
            "token")}
        self.gateway = Gateway(smtp_port=self.box.port,
                               environment={"OTP_GATEWAY_AUTH__OTHER__SECRET": self.secrets["from-the-environment"]})
        self.addCleanup(self.gateway.close)
        kept = self.gateway.folder / "app.secret"
        kept.write_text(self.secrets["from-a-file"])
        kept.chmod(0o600)
        faulty = {"enabled": True, "plugin": str(LIBRARIES / "minimal.so"), "max_conns": 1, "timeout": "1s",
                  "api_token": self.secrets["token"]}
        self.config = {
            "app": {"enable_debug_logs": True}, "limits": {"mode": "monitor"},
            "auth": {"app": {"secret": None, "secret_file": str(kept)}},
            "providers": {
                "smtp": {"auth_protocol": "none", "username": "smtp-user-k3v9", "password": self.secrets["smtp-password"]},
                "console": None, **{"bad_" + fault: {**faulty, "subject": fault} for fault in PLUGIN_FAULTS}},
            "webhooks": {"hook": self.sink.section(
                username="user", password=self.secrets["hook-password"], headers={"X-Key": self.secrets["hook-header"]})}}
        self.gateway.write_config(self.config)
        self.gateway.start()
        self.api = self.gateway.client("app", self.secrets["from-a-file"])
        self.answers = []

    def put(self, provider="smtp", otp_id=None, **form):
        return self.api.put(otp_id or new_id(), **{"provider": provider, "to": self.address, "otp": CODE, "ttl": "10",
                                                   **form})

    def be_busy(self):
        api, ids = self.api, [new_id() for _ in range(4)]
        self.put(otp_id=ids[0], wait="10")
        self.answers += [api.check(ids[0], "wrong"), api.status(ids[0]), self.put(otp_id=ids[0], ttl="x"),
                         self.put(to=self.address + " "), self.put(otp=CODE + CODE), self.put(extra=CODE),
                         self.put(provider=CODE), self.put(locale=CODE), api.page(ids[0], "POST", action=CODE, otp=CODE)]
        self.assertEqual(api.page(ids[0], "POST", action="check", otp="wrong").status, 400)
        self.answers.append(api.check(ids[0], CODE))
        self.answers.append(api.check(ids[0], CODE))
        self.box.fault("RCPT", "550 no such user %s" % self.address)
        self.answers.append(self.put(otp_id=ids[1], wait="10"))
        self.box.fault("DATA", "451 greylisted %s, code %s" % (self.address, CODE))
        self.box.fault("RCPT", "", 0)
        self.put(otp_id=ids[2], wait="2")
        self.box.close()
        self.put(otp_id=ids[3], wait="2")
        api.call("GET", "/otp/app/%s?otp=%s&action=check" % (ids[2], urllib.parse.quote(CODE)))
        api.call("GET", "/otp/app/%s?key=%s" % (ids[2], self.secrets["token"]))
        for credentials in (SECRET, self.secrets["from-a-file"]):
            self.answers.append(api.call("GET", "/api/providers", headers={"Authorization": "Basic " + credentials}))
        self.sink.say(400, {"error": "bad key %s for %s, %s" % (self.secrets["hook-header"], self.address, CODE)})
        self.answers.append(self.put("hook", wait="5"))
        for fault in PLUGIN_FAULTS:
            self.put("bad_" + fault)
        for pid in self.gateway.worker_pids()[:1]:
            os.kill(pid, signal.SIGABRT)

    def reload_what_is_wrong(self):
        for changes in ({"providers": {"smtp": {"port": "x", "password": self.secrets["smtp-password"]}}},
                        {"webhooks": {"hook": {"headers": {"bad name": self.secrets["hook-header"]}}}},
                        {"auth": {"app": {"secrets": [self.secrets["from-a-file"], 5], "secret_file": None}}},
                        {"auth": {"third": self.secrets["token"]}}):
            merged = {**self.config, **{kind: {**self.config.get(kind, {}), **value} for kind, value in changes.items()}}
            self.assertIn("not reloaded", self.gateway.reload(merged))
            code, output = self.gateway.run_once("--check-config")
            self.assertEqual(code, 2, output)
            self.outputs.append(output)
        self.gateway.reload(self.config)

    def processes(self):
        """What anybody may read of the core and its workers."""
        seen = {}
        for pid in [self.gateway.process.pid, *self.gateway.worker_pids()]:
            for name in ("environ", "cmdline"):
                seen["%d %s" % (pid, name)] = pathlib.Path("/proc/%d/%s" % (pid, name)).read_bytes()
            limits = pathlib.Path("/proc/%d/limits" % pid).read_text()
            self.assertRegex(limits, r"Max core file size +0 +0 ")
        self.assertGreaterEqual(len(seen), 6)
        return seen

    def files(self):
        return {path.name: path.read_bytes() for path in [*self.gateway.folder.glob("otp.db*"),
                                                          *self.gateway.folder.glob("data/*")] if path.is_file()}

    def rows(self):
        database = sqlite3.connect("file:%s?mode=ro" % self.gateway.database, uri=True)
        try:
            # A job's row stays a while for late results; it holds neither code nor address.
            return sum(database.execute("SELECT count(*) FROM " + table).fetchone()[0] for table in ("otp", "answer"))
        finally:
            database.close()

    def test_a_busy_run(self):
        self.outputs = []
        needles = [CODE, self.address, self.address.split("@")[0], SECRET, OTHER_SECRET, *self.secrets.values()]
        self.be_busy()
        self.reload_what_is_wrong()
        seen = self.processes()
        self.assertEqual(leaks([CODE, *self.secrets.values()], self.files()), [])
        self.assertNotEqual(leaks([self.address], self.files()), [])  # the control: it is there until it is purged
        wait_for("the end of all OTPs", lambda: self.rows() == 0, PURGED_SECONDS_MAX)
        self.assertEqual(self.gateway.stop(), 0)
        self.assertEqual(leaks(needles, self.files()), [])

        log = self.gateway.log()
        seen["log"] = log.encode()
        seen["--check-config"] = "".join(self.outputs).encode()
        for number, answer in enumerate(self.answers):
            if answer.status == 200:
                continue
            text = re.sub(r'"to":"[^"]*"', "", answer.text)  # the object names its address; nothing else does
            seen["answer %d" % number] = text.encode()
        self.assertEqual(leaks(needles, seen), [])
        for needle in needles:  # the control: one line more, and it is found
            self.assertEqual(leaks([needle], {"log": (log + "to " + needle).encode()}), [(needle, "log")])

    def test_what_is_kept_of_a_code_that_a_page_accepted(self):
        made = self.put(wait="5")
        self.assertEqual(self.api.page(made.data["id"], "POST", action="check", otp=CODE).status, 200)
        self.assertEqual(leaks([CODE], self.files()), [])
        time.sleep(0.1)
        self.assertEqual(self.gateway.stop(), 0)
        self.assertEqual(leaks([CODE], self.files()), [])
        self.assertNotIn(CODE, self.gateway.log())


if __name__ == "__main__":
    unittest.main()
