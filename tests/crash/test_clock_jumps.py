"""Somebody sets the wall clock.

Goal: within one boot, no code lives past its TTL + 1 s and none dies before its TTL - 1 s, also when the core is killed
and started again meanwhile; sends go on; a reboot takes the wall clock anew. Method: the gateway and its workers under
libfaketime, which moves their wall clock by an hour, a day, to 2038 and back, and leaves CLOCK_BOOTTIME alone; each
code is asked for until a second after its end by this process's monotonic clock. Controls: a toy that lives by the wall
clock, and the gateway itself after what looks like a reboot.
"""

import http.client
import os
import pathlib
import shutil
import tempfile
import threading
import time
import traceback
import unittest
import uuid

from gateway import Gateway, wait_for
from mailbox import MailBox
from report import amount, progress, table
from toy_core import ToyCoreProcess

LIBRARY = "/usr/lib/%s-linux-gnu/faketime/libfaketimeMT.so.1" % os.uname().machine
ROUNDS = amount(1, 20)  # of each jump: there and back, without and with a restart
TTL_SECONDS = 5
SLACK_SECONDS = 1
MAIL_SECONDS_MAX = 15  # a second's pause before the second try, and a busy machine
NO_JUMP = "+0"
JUMPS = {"+1 h": "+3600", "-1 h": "-3600", "+1 d": "+86400", "-1 d": "-86400", "2038": "@2038-01-19 03:14:00"}


class FakeTime:
    """What libfaketime of some processes reads again at each look at the clock."""

    def __init__(self, folder):
        self._file = pathlib.Path(folder) / "faketime"
        self.set(NO_JUMP)
        self.environment = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self._file),
                            "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}

    def set(self, text):
        half = self._file.with_suffix(".new")
        half.write_text(text + "\n", encoding="ascii")
        half.rename(self._file)


class Life:
    """What one core's codes lived through."""

    def __init__(self, core, fake_time):
        self.core = core
        self.fake_time = fake_time
        self.jumps = self.codes = self.mails = 0
        self.early, self.late, self.unsent = [], [], []
        self.error = None

    def live(self, jump, restart=None):
        """One code, in whose life the wall clock jumps and `restart()` happens."""
        otp_id = "jump-" + uuid.uuid4().hex
        asked_at = time.monotonic()
        answer = self.core.client().call("PUT", "/api/otp/" + otp_id, form={
            "provider": "console", "otp": "123456", "ttl": TTL_SECONDS})
        acknowledged_at = time.monotonic()
        if answer.status != 200:
            raise AssertionError("PUT: %r" % answer)
        self.codes += 1
        time.sleep(0.5)
        self.fake_time.set(jump)
        self.jumps += 1
        if restart:
            restart()
        while True:
            before = time.monotonic()
            status = self.status_of(otp_id)
            after = time.monotonic()
            if status == 400 and after < asked_at + TTL_SECONDS - SLACK_SECONDS:
                self.early.append("%s: dead after %.1f s" % (jump, after - asked_at))
                return
            if before > acknowledged_at + TTL_SECONDS + SLACK_SECONDS:
                if status == 200:
                    self.late.append("%s: alive after %.1f s" % (jump, before - acknowledged_at))
                return
            time.sleep(0.05)

    def status_of(self, otp_id):
        """None while nobody answers."""
        try:
            return self.core.client().call("GET", "/api/otp/" + otp_id).status
        except (OSError, http.client.HTTPException):
            return None

    def send(self, box, jump):
        """A mail whose first try fails before the jump, and one that is asked for after it."""
        box.fault("RCPT", "451 later", times=1)
        retried, fresh = ("%s-%s@mail.example" % (name, uuid.uuid4().hex) for name in ("retried", "fresh"))
        client = self.core.client()
        tries = len(box.mail_commands)
        client.put(None, provider="smtp", to=retried)
        wait_for("the refused try", lambda: len(box.mail_commands) > tries)
        self.fake_time.set(jump)
        self.jumps += 1
        client.put(None, provider="smtp", to=fresh)
        self.mails += 2
        for address in (retried, fresh):
            try:
                wait_for("a mail", lambda a=address: box.mails_to(a), MAIL_SECONDS_MAX)
            except AssertionError:
                self.unsent.append("%s: %s" % (jump, address))

    def row(self, case):
        return case, {"faults": self.jumps, "acknowledged": self.codes + self.mails, "lost": len(self.unsent),
                      "late": len(self.late), "early": len(self.early)}


class RebootedGateway(Gateway):
    """A gateway that finds another boot id than it left, once `boot_id` is set."""

    boot_id = None

    def command(self, *options):
        command = super().command(*options)
        if self.boot_id is None:
            return command
        file = self.folder / "boot_id"
        file.write_text(self.boot_id + "\n", encoding="ascii")
        return ["unshare", "--mount", "sh", "-ec",
                'mount --bind "$0" /proc/sys/kernel/random/boot_id; exec "$@"', str(file), *command]


class ClockJumps(unittest.TestCase):
    def folder(self):
        folder = tempfile.mkdtemp(prefix="otpgw-clock-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def run_jump(self, life, box, jump):
        try:
            life.core.start()
            wait_for("the smtp worker", lambda: life.core.client().put(None, provider="smtp").status == 200, 30)

            def kill_and_start():
                life.core.kill()
                life.core.start()

            for number in range(ROUNDS):
                for restart in (None, kill_and_start):
                    life.live(jump, restart)
                    life.live(NO_JUMP, restart)
                life.send(box, jump)
                life.send(box, NO_JUMP)
                progress(number + 1, ROUNDS, "rounds of " + jump)
        except Exception:
            life.error = traceback.format_exc() + life.core.log()[-2000:]

    def test_codes_live_as_long_as_they_should(self):
        lives, threads = {}, []
        for name, jump in JUMPS.items():
            box = MailBox()
            self.addCleanup(box.shut_down)
            fake_time = FakeTime(self.folder())
            gateway = Gateway(smtp_port=box.port, environment=fake_time.environment)
            self.addCleanup(gateway.close)
            lives[name] = Life(gateway, fake_time)
            threads.append(threading.Thread(target=self.run_jump, args=(lives[name], box, jump)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        table("clock set", [life.row(name) for name, life in lives.items()])
        for name, life in lives.items():
            with self.subTest(name):
                self.assertIsNone(life.error, life.error)
                self.assertEqual((life.early, life.late, life.unsent), ([], [], []))

    def test_the_control_that_lives_by_the_wall_clock_fails(self):
        fake_time = FakeTime(self.folder())
        toy = ToyCoreProcess(self.folder(), environment=fake_time.environment)
        self.addCleanup(toy.close)
        toy.start()
        life = Life(toy, fake_time)
        life.live(JUMPS["+1 h"])
        life.live(NO_JUMP)
        table("control", [life.row("toy")])
        self.assertEqual((len(life.early), len(life.late)), (1, 1))

    @unittest.skipUnless(os.geteuid() == 0, "another boot id needs root, to mount a file over it")
    def test_a_reboot_takes_the_wall_clock_anew(self):
        """Which is also a control: the gateway itself, when it may not trust the time since the boot."""
        fake_time = FakeTime(self.folder())
        gateway = RebootedGateway(environment=fake_time.environment)
        self.addCleanup(gateway.close)
        gateway.start()
        wait_for("the worker", lambda: gateway.client().put(None, provider="console").status == 200)
        life = Life(gateway, fake_time)

        def reboot():
            gateway.kill()
            gateway.boot_id = str(uuid.uuid4())
            gateway.start()

        life.live(JUMPS["+1 h"], reboot)
        life.live(NO_JUMP, reboot)
        table("control", [life.row("rebooted")])
        self.assertEqual((len(life.early), len(life.late)), (1, 1))


if __name__ == "__main__":
    unittest.main()
