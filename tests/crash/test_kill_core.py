"""kill -9 of the core at random moments under load.

Goal: nothing that was acknowledged is lost: each acknowledged PUT to a mail address ends as a mail or is consumed, no
counter of guesses or of a limit is lower than acknowledged, a consumed code stays consumed, the database passes its
integrity check, and the gateway is ready again within a second. Method: a client process keeps a ledger (fsynced) of what it was told; the
core is killed 50 times (1,000 in a long run) and restarted; then ledger, database and mails are compared. A control
that acknowledges first and commits later must be found guilty by the same comparison.
"""

import collections
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from gateway import TIME_FACTOR, Gateway, process_exists, wait_for
from limit_counters import PREFIX_DIGITS, RATES, Expected, Keys, of_guess, of_post, of_send
from pipeline import Pipeline, Request
from report import amount, progress, table
from smtp_sink import SmtpSink
from toy_core import ToyCoreProcess

KILLS = amount(50, 1000)
CONTROL_KILLS = 10
REQUESTS_PER_SECOND = amount(1500, 300)
READY_SECONDS_MAX = 1.0 * TIME_FACTOR
DRAIN_SECONDS_MAX = 120


class Ledger:
    """What the client was told, read on as the file grows."""

    def __init__(self, path):
        self.path = path
        self.addresses = {}  # id -> address, of acknowledged PUTs
        self.attempts = {}  # id -> highest acknowledged counter
        self.limits = Expected()
        self.consumed = set()
        self.tried = set()  # ids that may be consumed
        self.errors = collections.Counter()
        self._offset = 0

    def read_on(self):
        """The ids that the new lines are about."""
        touched = set()
        with open(self.path, encoding="ascii") as file:
            file.seek(self._offset)
            for line in file.read().splitlines(keepends=True):
                if not line.endswith("\n"):
                    break
                self._offset += len(line)
                words = line.split()
                if words[0] == "put":
                    self.addresses[words[1]] = words[2]
                    self.limits.add(*of_send(*words[2:]))
                elif words[0] == "wrong":
                    self.attempts[words[1]] = max(int(words[2]), self.attempts.get(words[1], 1))
                    self.limits.add(*of_guess(self.addresses[words[1]]))
                elif words[0] == "post":
                    self.limits.add(*of_post(words[2]))
                elif words[0] == "right":
                    self.consumed.add(words[1])
                elif words[0] == "trying":
                    self.tried.add(words[1])
                else:
                    self.errors["%s %s" % (words[1], words[3])] += 1
                    continue
                touched.add(words[1])
        return touched


def seconds_without_cpu(pid):
    """How long the process (its first thread) could have run and had no processor, since it began."""
    with open("/proc/%s/schedstat" % pid, encoding="ascii") as file:
        return int(file.read().split()[1]) / 1e9


class KillRun:
    """One core under load, killed again and again; what it found wrong stands in its lists."""

    def __init__(self, core, sink, folder):
        self.core = core
        self.sink = sink
        self.folder = folder
        self.ledger = Ledger(folder / "ledger")
        self.kills = 0
        self.in_flight = 0
        self.touched = set()
        self.damaged = []  # integrity checks that found something
        self.lost_jobs, self.lost_otps, self.lost_counters, self.reopened, self.lost_events = [], [], [], [], []
        self.swallowed = set()  # consumed by a right guess whose answer went down with the core
        self.ready_seconds = []

    def run(self, kills, drain_seconds_max):
        client = subprocess.Popen([
            sys.executable, "-B", str(pathlib.Path(__file__).with_name("ledger_client.py")), str(self.core.port),
            self.core.client().authorization, str(self.ledger.path), str(REQUESTS_PER_SECOND)])
        try:
            wait_for("a first ledger line", lambda: self.ledger.path.exists() and self.ledger.path.stat().st_size)
            while self.kills < kills:
                time.sleep(random.uniform(0.05, 0.6))
                if client.poll() is not None:
                    raise AssertionError("the client has ended")
                self.kill_and_restart()
                progress(self.kills, kills, "kills of the core, %d lost so far" % len(self.lost()))
            client.send_signal(signal.SIGTERM)
        except BaseException:
            client.kill()
            raise
        finally:
            client.wait()
        self.ledger.read_on()
        self.drain(drain_seconds_max)
        self.core.kill()
        self.ledger.limits.touched.update(self.ledger.limits.counts)
        self.check_copy_of_the_database()
        self.report()

    def lost(self):
        return self.lost_jobs + self.lost_otps + self.lost_counters + self.reopened + self.lost_events

    def kill_and_restart(self):
        workers = self.core.worker_pids()
        self.core.kill()
        self.kills += 1
        self.check_copy_of_the_database()
        waited, started = seconds_without_cpu("self"), time.monotonic()
        self.core.start()
        seconds = time.monotonic() - started
        # A busy machine holds up the core's start, or this process when it looks for it.
        waited = max(seconds_without_cpu("self") - waited, seconds_without_cpu(self.core.pid))
        self.ready_seconds.append(seconds - waited)
        wait_for("the old workers' end", lambda: not any(process_exists(pid) for pid in workers), 5)
        self.check_counters()

    def check_copy_of_the_database(self):
        """On a copy, so that the gateway has to recover by itself. It holds what was acknowledged before the kill."""
        self.touched |= self.ledger.read_on()
        copy = self.folder / "copy.db"
        for suffix in ("", "-wal"):
            source = self.core.database.with_name(self.core.database.name + suffix)
            target = copy.with_name(copy.name + suffix)
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)
        with sqlite3.connect(copy) as database:
            found = database.execute("PRAGMA integrity_check").fetchall()
            if found != [("ok",)]:
                self.damaged.append(found)
            self.in_flight += database.execute("SELECT count(*) FROM job WHERE state = 2 AND provider = 'smtp'").fetchone()[0]
        database.close()
        self.lost_events += self.ledger.limits.lower_in(copy, Keys(self.core.main_key()))

    def ask_about(self, ids):
        """id -> (status, body) of GET /api/otp/:id."""
        found = {}
        ids = list(ids)
        authorization = self.core.client().authorization
        pipeline = Pipeline(self.core.port, 8)
        try:
            pipeline.run(
                [[Request(otp_id, "GET", "/api/otp/" + otp_id, None, authorization) for otp_id in ids[part::8]]
                 for part in range(8)], lambda kind, status, body: found.__setitem__(kind, (status, body)))
        finally:
            pipeline.close()
        return found

    def check_counters(self):
        """Of the ids that the ledger has got lines about since the last kill."""
        ids, expected = self.touched | self.ledger.read_on(), dict(self.ledger.attempts)
        answers = self.ask_about(otp_id for otp_id in ids if otp_id in self.ledger.addresses)
        self.touched = self.ledger.read_on()  # the client goes on: it may have tried the right code meanwhile
        for otp_id, (status, body) in answers.items():
            if otp_id in self.ledger.consumed and otp_id not in self.touched:
                if status == 200:
                    self.reopened.append(otp_id)
            elif status == 200:
                attempts = int(body.split(b'"attempts":')[1].split(b",")[0])
                if attempts < expected.get(otp_id, 1):
                    self.lost_counters.append((otp_id, attempts))
            elif otp_id in self.ledger.tried:
                self.swallowed.add(otp_id)
            else:
                self.lost_otps.append((otp_id, status, body))

    def drain(self, seconds_max):
        """Waits until every acknowledged job has an end; those that never do are lost."""
        wanted = {otp_id: address for otp_id, address in self.ledger.addresses.items()
                  if otp_id not in self.ledger.consumed and "@" in address}
        end = time.monotonic() + seconds_max
        while True:
            mails = self.sink.message_ids()
            missing = [otp_id for otp_id, address in wanted.items() if address not in mails]
            # A right guess that was carried out, but whose answer the kill swallowed, took its job along.
            if missing:
                answers = self.ask_about(missing)
                missing = [otp_id for otp_id in missing
                           if answers[otp_id][0] == 200 or otp_id not in self.ledger.tried]
            if not missing or time.monotonic() > end:
                self.lost_jobs = missing
                break
            time.sleep(0.5)
        self.copies = sum(len(ids) - 1 for ids in mails.values())
        self.other_ids = [address for address, ids in mails.items() if len(set(ids)) > 1]

    def report(self):
        ready = sorted(self.ready_seconds)
        acknowledged = [("jobs", sum("@" in address for address in self.ledger.addresses.values()), self.lost_jobs),
                        ("OTPs", len(self.ledger.addresses), self.lost_otps),
                        ("counted guesses", sum(n - 1 for n in self.ledger.attempts.values()), self.lost_counters),
                        ("limits' events", sum(self.ledger.limits.counts.values()), self.lost_events),
                        ("consumed codes", len(self.ledger.consumed), self.reopened)]
        table("kill -9 of the core", [
            (name, {"faults": self.kills, "acknowledged": count, "lost": len(lost),
                    **({"duplicated": self.copies} if name == "jobs" else {})})
            for name, count, lost in acknowledged])
        print("  leased at the kills %d | other Message-ID on a copy %d | integrity errors %d | consumed unseen %d"
              " | refused %s\n  ready again: median %.0f ms, longest %.0f ms" % (
                  self.in_flight, len(self.other_ids), len(self.damaged), len(self.swallowed),
                  dict(self.ledger.errors) or 0, ready[len(ready) // 2] * 1000, ready[-1] * 1000), flush=True)


class KillCore(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="otpgw-kill-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.sink = SmtpSink(self.folder / "mails")
        self.addCleanup(self.sink.close)

    def test_nothing_acknowledged_is_lost(self):
        gateway = Gateway({"limits": {**RATES, "prefix_digits": PREFIX_DIGITS}}, smtp_port=self.sink.port)
        self.addCleanup(gateway.close)
        api = gateway.start().client()
        wait_for("the smtp worker", lambda: api.put(None, provider="smtp").status == 200)
        run = KillRun(gateway, self.sink, self.folder)
        run.run(KILLS, DRAIN_SECONDS_MAX)
        self.assertEqual((run.lost_jobs, run.lost_otps, run.lost_counters, run.reopened), ([], [], [], []))
        self.assertEqual((run.lost_events, run.damaged, run.other_ids), ([], [], []))
        self.assertEqual({limit for limit, *_ in run.ledger.limits.counts}, set(RATES))
        self.assertLessEqual(run.copies, run.in_flight)
        # At most one request of each connection can have lost its answer in each kill.
        self.assertLessEqual(len(run.swallowed), KILLS * 16)
        self.assertGreater(len(run.ledger.addresses), KILLS * 5, "the load was no load")
        self.assertLessEqual(max(run.ready_seconds), READY_SECONDS_MAX)

    def test_the_control_that_acknowledges_before_it_commits_loses(self):
        toy = ToyCoreProcess(self.folder, self.sink.port)
        self.addCleanup(toy.close)
        toy.start()
        run = KillRun(toy, self.sink, self.folder)
        run.run(CONTROL_KILLS, drain_seconds_max=2)
        self.assertGreater(len(run.lost_jobs), 0)
        self.assertGreater(len(run.lost_otps), 0)
        self.assertGreater(len(run.lost_counters), 0)
        self.assertLessEqual({"address_sends", "client_sends", "namespace_sends"}, {limit for (limit, *_), *_ in run.lost_events})


if __name__ == "__main__":
    unittest.main()
