"""kill -9 of a worker at six points around a send.

Goal: no job is lost, nothing is sent once its code has expired, there are at most as many copies as jobs were in
flight, and each copy carries the same code and the same Message-ID. Method: an SMTP server stops the conversation at
the point, the worker is killed there, 20 times per point (200 in a long run); the points run side by side, each with a
gateway of its own. Calls and copies are counted at the SMTP server. Two controls, whose worker's jobs are forgotten or
all sent again, must be found guilty by the same count.
"""

import os
import re
import signal
import threading
import time
import traceback
import unittest
import uuid

from gateway import Gateway, wait_for
from report import amount, progress, table
from stalling_smtp import POINTS, StallingSmtp
from toy_mailer import ToyMailer

KILLS = amount(20, 200)
CONTROL_KILLS = 4
JOBS = 3  # in flight at each kill
KILLS_PER_START = 4  # a worker that keeps dying is restarted ever later; a new core begins anew
SHORT_TTL_SECONDS = 1  # of the codes at the last kill of each start: they expire about when the worker is back
LATE_SECONDS_MAX = 0.2  # for a command of a call that began in time to reach the server
DELIVERY_SECONDS_MAX = 60


class Point:
    """All kills at one point, against one gateway: what `make_gateway(smtp_port)` returns."""

    def __init__(self, point, kills, make_gateway, delivery_seconds_max=DELIVERY_SECONDS_MAX):
        self.point = point
        self.kills_wanted = kills
        self.make_gateway = make_gateway
        self.delivery_seconds_max = delivery_seconds_max
        self.lost, self.late, self.wrong = [], [], []
        self.jobs = []  # (address, code, when it expires, whether that is soon)
        self.kills = self.reached = self.acknowledged = self.copies = self.expired = 0
        self.error = None

    def run(self):
        server = StallingSmtp()
        gateway = self.make_gateway(server.port)
        try:
            for number in range(self.kills_wanted):
                if number % KILLS_PER_START == 0:
                    gateway.stop()
                    gateway.start()
                self.kill_once(gateway, server, short=number % KILLS_PER_START == KILLS_PER_START - 1)
            time.sleep(5)  # what comes too late or twice has had time to come
            for job in self.jobs:
                self.judge(server, *job)
        except Exception:
            self.error = traceback.format_exc() + gateway.log()[-2000:]
        finally:
            gateway.close()
            server.close()

    def kill_once(self, gateway, server, short):
        api = gateway.client()
        pid = wait_for("the smtp worker", lambda: gateway.worker_pid("smtp"), 20)
        # The worker is new and idle: a mail first, so that it is ready. Not where its first connection matters.
        if self.point != "connect":
            self.deliver(api, server)
        server.stall_at(self.point)
        jobs = []
        for _ in range(JOBS):
            address = "kill-%s@mail.example" % uuid.uuid4().hex
            answer = api.put(None, provider="smtp", to=address, ttl=SHORT_TTL_SECONDS if short else 300)
            if answer.status != 200:
                raise AssertionError("PUT: %r" % answer)
            jobs.append((address, answer.data["otp"], time.time() + answer.data["ttl"]))
        self.acknowledged += JOBS
        reached = server.wait_reached(20 if not short else SHORT_TTL_SECONDS)
        if not reached and not short:
            raise AssertionError("no send came to the point " + self.point)
        os.kill(pid, signal.SIGKILL)
        wait_for("the killed worker's end", lambda: gateway.worker_pid("smtp") != pid, 20)
        self.kills += 1
        self.reached += reached
        server.let_go()
        for address, _, expires_at in jobs:
            end = expires_at if short else time.time() + self.delivery_seconds_max
            while not server.mails_to(address) and time.time() < end:
                time.sleep(0.02)
        self.jobs += [(*job, short) for job in jobs]

    def judge(self, server, address, code, expires_at, short):
        self.late += [recipient for recipient, at in server.commands
                      if recipient == address and at > expires_at + LATE_SECONDS_MAX]
        mails = server.mails_to(address)
        if not mails:
            if short:
                self.expired += 1
            else:
                self.lost.append(address)
            return
        self.copies += len(mails) - 1
        if len({mail.message_id for mail in mails}) != 1:
            self.wrong.append(address)
        for mail in mails:
            if not re.search(rb"\b%s\b" % code.encode("ascii"), mail.content):
                self.wrong.append(address)

    def deliver(self, api, server):
        """One mail, so that the worker is known to be ready."""
        address = "ready-%s@mail.example" % uuid.uuid4().hex
        api.put(None, provider="smtp", to=address)
        wait_for("a mail before the kill", lambda: server.mails_to(address), 30)


    def row(self):
        return self.point, {"faults": self.kills, "acknowledged": self.acknowledged, "lost": len(self.lost),
                            "duplicated": self.copies, "late": len(self.late), "expired": self.expired,
                            "at the point": self.reached, "other id or code": len(self.wrong)}


def run_all(title, points):
    threads = [threading.Thread(target=point.run) for point in points]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(1)
            progress(sum(point.kills for point in points), sum(point.kills_wanted for point in points),
                     "kills of a worker")
    table(title, [point.row() for point in points])


def real_gateway(smtp_port):
    return Gateway({"providers": {"smtp": {"max_conns": JOBS, "timeout": "5s"}}}, smtp_port=smtp_port)


class KillWorker(unittest.TestCase):
    def test_nothing_is_lost_or_late(self):
        points = [Point(name, KILLS, real_gateway) for name in POINTS]
        run_all("kill -9 of a worker", points)
        for point in points:
            with self.subTest(point.point):
                self.assertIsNone(point.error, point.error)
                self.assertEqual((point.lost, point.late, point.wrong), ([], [], []))
                self.assertLessEqual(point.copies, point.kills * JOBS)
                self.assertGreater(point.reached, point.kills // 2)

    def test_controls_that_forget_or_send_all_again_fail(self):
        forgets = Point("data", CONTROL_KILLS, lambda port: ToyMailer(port, forgets=True), delivery_seconds_max=2)
        resends = Point("dot", CONTROL_KILLS, lambda port: ToyMailer(port, forgets=False))
        run_all("control", [forgets, resends])
        for point in (forgets, resends):
            self.assertIsNone(point.error, point.error)
        self.assertGreater(len(forgets.lost), 0)
        self.assertGreater(len(resends.late), 0)
        self.assertGreater(len(resends.wrong), 0)
        self.assertGreater(resends.copies, resends.kills * JOBS)


if __name__ == "__main__":
    unittest.main()
