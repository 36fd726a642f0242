"""The key that codes are sealed with is replaced while codes live.

Goal: codes, links and Idempotency-Keys that the former key made go on until they expire, new ones need the new key
alone, and no request fails meanwhile; no key goes that a code may need, however late SIGHUP comes. Method: the command
line and SIGHUP on a running gateway under load; time passes by setting back what the gateway noted down. Control: a key
file in which the former key is missing is refused, and codes of a key that was dropped can't be checked.
"""

import os
import threading
import time
import unittest
import urllib.parse

from gateway import Gateway, wait_for
from gateway_case import new_id

ROTATIONS = 3  # a key file holds four keys
LONG_AGO_SECONDS = 3 * 86400


class Worker(threading.Thread):
    """Creates OTPs and checks each some time later: a wrong guess, then the right one."""

    def __init__(self, api, stopping):
        super().__init__(daemon=True)
        self.api = api
        self.stopping = stopping
        self.done = 0
        self.failed = []

    def expect(self, answer, status):
        if answer.status != status:
            self.failed.append(answer)

    def run(self):
        waiting = []
        while not self.stopping.is_set() or waiting:
            if not self.stopping.is_set():
                answer = self.api.put(new_id())
                self.expect(answer, 200)
                if answer.status == 200:
                    waiting.append(answer.data)
            if len(waiting) > 30 or self.stopping.is_set():  # so each lives through one rotation or more
                made = waiting.pop(0)
                self.expect(self.api.check(made["id"], made["otp"] + "0"), 400)
                self.expect(self.api.check(made["id"], made["otp"]), 200)
                self.done += 1


class KeyRotation(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway({"auth": {"app": {"view_key": True}}})
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.folder / "data/otpgateway.key"
        self.in_use = self.gateway.folder / "data/key-in-use"
        self.gateway.start()
        self.api = self.gateway.client()

    def rotate(self):
        code, output = self.gateway.run_once("--rotate-key")
        self.assertEqual(code, 0, output)

    def reload(self):
        log = self.gateway.reload()
        self.assertIn("has been read again", log)

    def write_keys(self, keys):
        self.key.write_bytes(keys)
        long_ago = time.time() - LONG_AGO_SECONDS
        os.utime(self.key, (long_ago, long_ago))  # which proves nothing

    def in_use_since(self, seconds_ago):
        """Lets the gateway have taken its key into use so long ago."""
        fingerprint, since = self.in_use.read_text().split()
        self.in_use.write_text("%s %d\n" % (fingerprint, int(since) - seconds_ago * 1000))

    def drop_is_refused(self, *texts):
        before = self.key.read_bytes()
        code, output = self.gateway.run_once("--drop-old-keys")
        self.assertEqual(code, 1, output)
        for text in texts:
            self.assertIn(text, output)
        self.assertEqual(self.key.read_bytes(), before)

    def key_of(self, made):
        return urllib.parse.urlsplit(made["url"]).query

    def test_under_load(self):
        self.gateway.write_config({"auth": {"app": {"view_key": True}}, "limits": {"address_guesses": []}})
        self.reload()
        stopping = threading.Event()
        workers = [Worker(self.gateway.client(), stopping) for _ in range(4)]
        for worker in workers:
            worker.start()
        for _ in range(ROTATIONS):
            before = [worker.done for worker in workers]
            wait_for("checks of every client", lambda: all(worker.done >= done + 20 for worker, done in
                                                           zip(workers, before)), 30)
            self.rotate()
            self.reload()
        stopping.set()
        for worker in workers:
            worker.join()
            self.assertEqual(worker.failed, [])
        self.assertEqual(len(self.key.read_bytes()), 32 * (ROTATIONS + 1))

    def test_who_types_it_needs_no_secret(self):
        """In a unit they are credentials and variables, of which a shell has none."""
        before = self.gateway.config_path.read_text()
        self.gateway.write_config({"auth": {"app": {"secret": None, "secret_file": "${CREDENTIALS_DIRECTORY}/app"}}})
        self.assertEqual(self.gateway.run_once("--check-config")[0], 2)
        self.rotate()
        self.assertRegex(self.gateway.run_once("--address-tag", "someone@example.com")[1], r"\A[a-z0-9]{8}\n\Z")
        self.gateway.config_path.write_text(before)
        self.reload()
        self.in_use_since(LONG_AGO_SECONDS)
        code, output = self.gateway.run_once("--drop-old-keys")
        self.assertEqual(code, 0, output)

    def test_what_the_former_key_made_goes_on(self):
        made = self.api.put(new_id(), to="someone", headers={"Idempotency-Key": "once"}).data
        checked = self.api.put(new_id()).data
        self.assertEqual(self.api.check(checked["id"], checked["otp"], headers={"Idempotency-Key": "c"}).status, 200)
        self.rotate()
        self.reload()
        link = self.api.page(made["id"] + "", query=dict(urllib.parse.parse_qsl(self.key_of(made))))
        self.assertEqual(link.status, 200)
        again = self.api.put(made["id"], to="someone", headers={"Idempotency-Key": "once"})
        self.assertEqual((again.status, again.data["otp"], again.data["generate"]), (200, made["otp"], 1))
        self.assertEqual(self.api.check(checked["id"], checked["otp"], headers={"Idempotency-Key": "c"}).status, 200)
        self.assertEqual(self.api.put(made["id"], to="else", headers={"Idempotency-Key": "once"}).status, 409)
        self.gateway.stop()  # both keys are read at a start, too
        self.gateway.start()
        wait_for("the worker", lambda: self.api.get(made["id"]).data["delivery"]["state"] == "sent")
        resent = self.api.resend(made["id"], wait="10")
        self.assertEqual((resent.status, resent.data["delivery"]["state"]), (200, "sent"))
        codes = [line for line in self.gateway.console_path.read_text("utf-8").splitlines() if made["id"] in line]
        self.assertEqual(len([line for line in codes if made["otp"] in line]), 2)
        self.assertEqual(self.api.check(made["id"], made["otp"]).status, 200)

    def test_the_former_key_goes_when_nothing_can_need_it(self):
        old = self.api.put(new_id()).data
        self.rotate()
        self.reload()
        new = self.api.put(new_id()).data
        both = self.key.read_bytes()
        self.drop_is_refused("may still live; wait until")
        self.write_keys(self.key.read_bytes()[:32])  # by hand
        self.assertIn("lacks a former key", self.gateway.reload())
        self.assertEqual(self.api.get(old["id"]).status, 200)
        self.write_keys(both)
        self.in_use_since(LONG_AGO_SECONDS)
        code, output = self.gateway.run_once("--drop-old-keys")
        self.assertEqual(code, 0, output)
        self.assertEqual(len(self.key.read_bytes()), 32)
        self.reload()
        self.assertEqual(self.api.check(new["id"], new["otp"]).status, 200)
        self.assertEqual(self.api.check(old["id"], old["otp"]).status, 400)  # the control: it did need its key

    def test_a_forgotten_sighup_loses_no_key(self):
        first = self.api.put(new_id()).data
        self.rotate()
        self.write_keys(self.key.read_bytes())
        self.in_use_since(LONG_AGO_SECONDS)
        code, output = self.gateway.run_once("--rotate-key")
        self.assertEqual(code, 1, output)
        self.assertIn("send SIGHUP", output)
        self.drop_is_refused("send SIGHUP")
        second = self.api.put(new_id()).data  # still by the former key
        self.reload()
        self.drop_is_refused("wait until")  # from now on, not from when the key was written
        for made in (first, second):
            self.assertEqual(self.api.check(made["id"], made["otp"]).status, 200)

    def test_what_the_gateway_used_before_it_kept_a_note(self):
        self.gateway.stop()
        self.in_use.unlink()
        self.rotate()  # a single key is replaced: nothing is lost
        for command in ("--rotate-key", "--drop-old-keys"):
            code, output = self.gateway.run_once(command)
            self.assertEqual(code, 1, output)
            self.assertIn("has not noted down", output)
        self.gateway.start()
        self.drop_is_refused("wait until")

    def test_a_file_without_the_present_key_is_refused(self):
        made = self.api.put(new_id()).data
        present = self.key.read_bytes()
        self.key.write_bytes(os.urandom(32))
        self.assertIn("not reloaded", self.gateway.reload())
        self.assertEqual(self.api.check(made["id"], made["otp"]).status, 200)
        self.key.write_bytes(present)
        self.reload()
        self.key.chmod(0o644)
        self.assertIn("chmod 600", self.gateway.reload())

    def test_a_start_with_another_key_warns(self):
        gone = "the key that codes were sealed with is gone"
        self.rotate()
        self.gateway.stop()
        self.gateway.start()
        self.assertNotIn(gone, self.gateway.log())
        self.write_keys(os.urandom(32))
        self.gateway.stop()
        self.gateway.start()
        self.assertEqual(self.gateway.log().count(gone), 1)
        self.gateway.stop()
        self.gateway.start()
        self.assertEqual(self.gateway.log().count(gone), 1)

    def test_a_key_of_the_service_manager(self):
        self.gateway.stop()
        folder = self.gateway.folder / "credentials"
        folder.mkdir()
        (folder / "key").write_bytes(self.key.read_bytes())
        (folder / "key").chmod(0o400)
        self.key.unlink()
        self.gateway.write_config({"store": {"key_file": "${CREDENTIALS_DIRECTORY}/key"}})
        self.gateway.environment = {"CREDENTIALS_DIRECTORY": str(folder)}
        self.gateway.start()
        self.assertEqual(self.api.put(new_id()).status, 200)
        self.assertFalse(self.key.exists())


if __name__ == "__main__":
    unittest.main()
