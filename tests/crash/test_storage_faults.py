"""Bad disks: full, failing, read-only, corrupt, and somebody else in the database.

Goal: no 2xx for what is not kept, whatever the disk does; a full disk is 503 and goes away by itself when there is
space; a corrupt database is refused and left as it is; another program's write lock is 503 for as long as it lasts.
Method: the real gateway on a tmpfs that is filled, under strace that makes the Nth call on the database's files fail,
once or from then on (every 20th of the first 200 calls, all in a long run), on files with flipped bytes, and beside a
program that holds the lock. What was acknowledged is asked for again by a gateway on a healthy disk. The control is a
disk that says it wrote.
"""

import contextlib
import http.client
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from gateway import Gateway, children, wait_for
from report import amount, progress, table

CALLS = range(1, 201, amount(20, 1))
READS = range(1, 33, amount(4, 1))
FLIPS = amount(20, 200)
ERRORS = ("EIO", "ENOSPC", "EROFS")
SYSCALLS = "openat,pread64,pwrite64,fdatasync,fsync,ftruncate,fallocate,unlink"
HOW_OFTEN = {"once": "", "from then on": "+"}
PUTS = 25
REFUSAL_SECONDS_MAX = 2


class Acknowledged:
    """What was said of one OTP with a 2xx, or with a counted guess."""

    def __init__(self, code):
        self.code = code
        self.attempts = 1


def put_many(gateway, prefix, count=PUTS):
    """PUTs, and a wrong guess for each, until PUTs fail three times in a row: id -> Acknowledged, and their statuses."""
    acknowledged, statuses, failures = {}, [], 0
    client = gateway.client()
    for number in range(count):
        otp_id = "%s-%03d" % (prefix, number)
        try:
            answer = client.put(otp_id, provider="console", to="someone")
        except (OSError, http.client.HTTPException):
            statuses.append(0)
        else:
            statuses.append(answer.status)
            if answer.status == 200:
                acknowledged[otp_id] = Acknowledged(answer.data["otp"])
                guess_wrong(client, otp_id, acknowledged[otp_id])
        failures = 0 if statuses[-1] == 200 else failures + 1
        if failures == 3:
            break
    return acknowledged, statuses


def guess_wrong(client, otp_id, acknowledged):
    try:
        answer = client.check(otp_id, "wrong")
    except (OSError, http.client.HTTPException):
        return
    if answer.status == 400:
        acknowledged.attempts = answer.data["attempts"]


class Unavailable(AssertionError):
    """The gateway says itself that it can't."""


class StorageFaults(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway(config={"store": {"min_free": 0}})
        self.addCleanup(self.gateway.close)

    def assert_kept(self, acknowledged):
        client = self.gateway.client()
        for otp_id, known in acknowledged.items():
            answer = client.get(otp_id)
            if answer.status >= 500:
                raise Unavailable("%s was acknowledged: %r" % (otp_id, answer))
            self.assertEqual(answer.status, 200, "%s was acknowledged: %r" % (otp_id, answer))
            self.assertEqual(answer.data["id"], otp_id)
            self.assertGreaterEqual(answer.data["attempts"], known.attempts, otp_id)
            answer = client.check(otp_id, known.code)
            self.assertEqual(answer.status, 200, "%s was acknowledged: %r" % (otp_id, answer))


@unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
class FullDisk(StorageFaults):
    def setUp(self):
        super().setUp()
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="otpgw-disk-"))
        self.addCleanup(shutil.rmtree, self.disk, ignore_errors=True)
        self.ballast = self.disk / "ballast"

    def mount(self, size):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s" % size, "tmpfs", str(self.disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(self.disk)], check=True)

    def fill(self, leave=0):
        """Leaves that many bytes of the disk."""
        free = os.statvfs(self.disk)
        with open(self.ballast, "wb", buffering=0) as file:
            try:
                for _ in range((free.f_bavail * free.f_frsize - leave) // 4096):
                    file.write(bytes(4096))
            except OSError:  # the gateway took the last of it
                pass

    def start(self, size, min_free):
        self.mount(size)
        self.gateway.write_config({"store": {"min_free": min_free, "sqlite": {"path": str(self.disk / "otp.db")}}})
        self.gateway.start()

    def test_no_space_is_503_and_passes(self):
        self.start("1m", min_free=0)
        acknowledged, statuses = put_many(self.gateway, "before", 4)
        self.assertEqual(set(statuses), {200})
        self.fill()
        more, statuses = put_many(self.gateway, "full", 500)
        acknowledged.update(more)
        self.assertEqual(statuses[-3:], [503] * 3, "the disk never became full")
        client = self.gateway.client()
        self.assertEqual(client.call("GET", "/api/health").status, 503)
        self.assertEqual(client.get("before-000").status, 200, "reads go on")
        self.assertIsNone(self.gateway.process.poll())

        self.ballast.unlink()
        wait_for("a PUT that works", lambda: client.put(None, provider="console", to="someone").status == 200)
        self.assertEqual(client.call("GET", "/api/health").status, 200)
        self.assert_kept(acknowledged)
        self.assertEqual(self.gateway.stop(), 0)
        table("a full disk", [("1 MiB tmpfs", {
            "faults": statuses.count(503), "acknowledged": 2 * len(acknowledged), "lost": 0})])

    def test_a_start_on_a_full_disk_is_refused_or_serves(self):
        self.start("1m", min_free=0)
        acknowledged, _ = put_many(self.gateway, "before", 4)
        self.gateway.kill()
        self.fill()
        code, output = 0, ""
        self.gateway.spawn()
        try:
            code = self.gateway.process.wait(3)
            output = self.gateway.log()
        except subprocess.TimeoutExpired:
            self.gateway.kill()
        if code != 0:
            self.assertIn(str(self.disk / "otp.db"), output, "the error names the file")
        self.ballast.unlink()
        self.gateway.start()
        self.assert_kept(acknowledged)

    def test_below_min_free_checks_go_on(self):
        self.start("16m", min_free="8MiB")
        acknowledged, statuses = put_many(self.gateway, "before", 4)
        self.assertEqual(set(statuses), {200})
        self.fill(leave=4 << 20)
        client = self.gateway.client()
        refused = wait_for("a refused PUT", lambda: (lambda a: a if a.status == 503 else None)(
            client.put("refused", provider="console", to="someone")))
        self.assertIn("Retry-After", refused.headers)
        self.assertEqual(client.call("GET", "/api/health").status, 200)
        self.assertEqual(client.check("before-000", "000000x").status, 400)
        self.assert_kept(acknowledged)
        self.ballast.unlink()
        wait_for("a PUT that works", lambda: client.put("later1", provider="console", to="x").status == 200)


class FailingDisk(StorageFaults):
    @contextlib.contextmanager
    def start_with(self, fault):
        """Starts the gateway with that fault of strace's. Gives its process once it is reachable or has ended."""
        database = self.gateway.database
        wrapped = ["strace", "-f", "-qq", "-o", os.devnull, "-P", str(database), "-P", "%s-wal" % database,
                   "-e", "trace=%s" % SYSCALLS, "-e", "inject=" + fault]
        with open(self.gateway.log_path, "ab") as log:
            process = subprocess.Popen([*wrapped, *self.gateway.command()], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, cwd=self.gateway.folder)
        self.gateway.process = process
        try:
            end = time.monotonic() + 20
            while process.poll() is None and not self.reachable():
                self.assertLess(time.monotonic(), end, self.gateway.log())
                time.sleep(0.01)
            yield process
        finally:
            for pid in children(process.pid):
                with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            self.gateway.process = None

    def faulty_run(self, prefix, fault):
        """One run with that fault. Returns what was acknowledged, and whether anything failed."""
        with self.start_with(fault) as process:
            if process.poll() is not None:
                return {}, True
            acknowledged, statuses = put_many(self.gateway, prefix)
            return acknowledged, any(status != 200 for status in statuses)

    def reachable(self):
        try:
            self.gateway.client().call("GET", "/", timeout=2)
            return True
        except (OSError, http.client.HTTPException):
            return False

    def setUp(self):
        super().setUp()
        self.gateway.start()  # makes the database, and knows the console's descriptor
        wait_for("a worker", lambda: self.gateway.client().put(None, provider="console", to="x").status == 200)
        self.gateway.stop()

    def test_the_control_a_disk_that_lies_loses(self):
        """Writes that say they worked and did nothing: here acknowledged OTPs must be missing."""
        acknowledged, _ = self.faulty_run("lie", "pwrite64:retval=4096:when=60+")
        self.assertGreater(len(acknowledged), 0)
        self.gateway.start()
        with self.assertRaises(AssertionError):
            self.assert_kept(acknowledged)

    def test_a_start_that_cannot_read_says_so_and_may_be_tried_again(self):
        """A disk that fails is no damaged database, whose owner would put a backup in its place."""
        ended = found_by_the_check = 0
        for call in READS:
            self.gateway.log_path.unlink(missing_ok=True)
            with self.start_with("pread64:error=EIO:when=%d" % call) as process:
                if process.poll() is None:
                    continue
            log = self.gateway.log()
            self.assertEqual(process.returncode, 1, log)
            self.assertNotIn("damaged", log)
            self.assertRegex(log, "%s: .*(disk I/O error|can't be read)" % self.gateway.database)
            ended += 1
            found_by_the_check += "can't be read" in log
        self.assertGreater(ended, len(READS) // 2, "the faults did not reach the gateway")
        self.assertGreater(found_by_the_check, 0)

    def test_a_call_that_fails_is_never_a_success(self):
        rows = []
        for error in ERRORS:
            for often, suffix in HOW_OFTEN.items():
                felt = total = 0
                for call in CALLS:
                    acknowledged, failed = self.faulty_run(
                        "%s%s-%d" % (error.lower(), len(rows), call),
                        "%s:error=%s:when=%d%s" % (SYSCALLS, error, call, suffix))
                    felt += failed
                    total += 2 * len(acknowledged)
                    self.gateway.start()
                    self.assert_kept(acknowledged)
                    self.gateway.stop()
                    progress(len(rows) * len(CALLS) + len(CALLS[:CALLS.index(call) + 1]),
                             len(ERRORS) * len(HOW_OFTEN) * len(CALLS), "runs with a failing call, 0 lost so far")
                rows.append(("%s %s" % (error, often), {
                    "faults": len(CALLS), "acknowledged": total, "lost": 0, "felt": felt}))
                if suffix:
                    self.assertGreater(felt, len(CALLS) // 2, "the faults did not reach the gateway")
        table("a call on the database fails", rows)


class CorruptFile(StorageFaults):
    def test_flipped_bytes_are_never_a_success(self):
        """A damaged file is refused, or serves what it still has; it is not made anew, and a 2xx is kept."""
        self.gateway.start()
        put_many(self.gateway, "good")
        self.gateway.stop()
        good = self.gateway.database.read_bytes()
        pages = range(len(good) // 4096)
        pages_with_ids = [page for page in pages if b"good-0" in good[page * 4096:(page + 1) * 4096]]
        refused = ended = total = 0
        for number in range(FLIPS):
            damaged = bytearray(good)
            page = random.choice(pages_with_ids if number % 2 else pages)
            for _ in range(16):
                at = page * 4096 + random.randrange(4096)
                damaged[at] ^= 1 + random.randrange(255)
            self.gateway.database.write_bytes(damaged)
            for suffix in ("-wal", "-shm", ".suspect"):
                pathlib.Path("%s%s" % (self.gateway.database, suffix)).unlink(missing_ok=True)
            self.gateway.log_path.unlink(missing_ok=True)
            self.gateway.spawn()
            wait_for("an end or an answer", lambda: self.gateway.process.poll() is not None or self.answers())
            if self.gateway.process.poll() is not None:
                refused += 1
                self.assertNotEqual(self.gateway.process.returncode, 0)
                self.assertIn(str(self.gateway.database), self.gateway.log())
                self.assertEqual(self.gateway.database.read_bytes(), bytes(damaged), "the file is left as it was")
                self.gateway.process = None
                continue
            acknowledged, _ = put_many(self.gateway, "flip-%d" % number, 5)
            total += 2 * len(acknowledged)
            try:
                self.assert_kept(acknowledged)
            except (OSError, http.client.HTTPException, Unavailable):
                # It met the damage and ended itself.
                wait_for("its end", lambda: self.gateway.process.poll() is not None)
                ended += 1
            if self.gateway.process.poll() is None:
                self.gateway.stop()
            self.gateway.process = None
            progress(number + 1, FLIPS, "damaged files")
        table("a damaged page", [("%d files" % FLIPS, {
            "faults": FLIPS, "acknowledged": total, "lost": 0, "refused": refused, "ended later": ended})])
        self.gateway.database.write_bytes(b"\x00" * 4096)
        code, output = self.gateway.run_once()
        self.assertNotEqual(code, 0, output)

    def answers(self):
        try:
            return self.gateway.client().call("GET", "/", timeout=2).status == 200
        except (OSError, http.client.HTTPException):
            return False


class SecondWriter(StorageFaults):
    def setUp(self):
        super().setUp()
        self.gateway.start()
        self.client = self.gateway.client()
        wait_for("a worker", lambda: self.client.put(None, provider="console", to="x").status == 200)

    @contextlib.contextmanager
    def write_lock(self):
        """Another program is in the middle of a write transaction."""
        with subprocess.Popen(
                [sys.executable, "-c", "import sqlite3, sys\n"
                 "sqlite3.connect(sys.argv[1], isolation_level=None).execute('BEGIN IMMEDIATE')\n"
                 "print('held', flush=True)\nsys.stdin.read()", str(self.gateway.database)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "held\n")
            yield

    def refused_at_once(self, call):
        asked_at = time.monotonic()
        answer = call()
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("Retry-After", answer.headers)
        self.assertLess(time.monotonic() - asked_at, REFUSAL_SECONDS_MAX)

    def test_a_write_lock_is_503_while_it_lasts(self):
        acknowledged, statuses = put_many(self.gateway, "before", 5)
        self.assertEqual(set(statuses), {200})
        with self.write_lock():
            for number in range(5):
                self.refused_at_once(lambda n=number: self.client.put("held-%d" % n, provider="console", to="x"))
                self.refused_at_once(lambda n=number: self.client.check("before-%03d" % n, "wrong"))
                self.assertEqual(self.client.get("before-%03d" % number).status, 200, "reads go on")
            self.assertEqual(self.client.call("GET", "/api/health").status, 503)
        wait_for("a PUT that works", lambda: self.client.put(None, provider="console", to="x").status == 200)
        self.assertEqual(self.client.call("GET", "/api/health").status, 200)
        for number in range(5):
            self.assertEqual(self.client.get("held-%d" % number).status, 400, "it was refused")
        self.assert_kept(acknowledged)

    def test_a_result_that_meets_a_write_lock_is_stored_later_and_nothing_is_sent_twice(self):
        for number in range(3):
            self.client.put("result-%d" % number, provider="console", to="lock-%d" % number)
            with self.write_lock():
                time.sleep(0.5)  # a worker may have it by now, and its result finds the lock
        for number in range(3):
            wait_for("an end", lambda n=number: self.client.get("result-%d" % n).data["delivery"]["state"] == "sent")
            self.assertEqual(self.gateway.console_path.read_text("utf-8").count("lock-%d" % number), 1)

    def test_a_second_core_is_refused_and_the_first_goes_on(self):
        acknowledged, _ = put_many(self.gateway, "first", 5)
        code, output = self.gateway.run_once()
        self.assertNotEqual(code, 0)
        self.assertIn("another instance is running on this database", output)
        self.assert_kept(acknowledged)


if __name__ == "__main__":
    unittest.main()
