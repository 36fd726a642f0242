"""Bad disks: full, failing, read-only, corrupt.

Goal: no 2xx for what is not kept, whatever the disk does; a full disk is 503 and goes away by itself when there is
space; a corrupt database is refused and left as it is. Method: the real gateway on a tmpfs that is filled, under strace
that makes the Nth call on the database's files fail (every 20th of the first 200 calls, all with OTPGW_LONG), and on
files with flipped bytes. What was acknowledged is asked for again by a gateway on a healthy disk.
"""

import http.client
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from gateway import Gateway, children, wait_for

LONG = bool(os.environ.get("OTPGW_LONG"))
CALLS = range(1, 201) if LONG else range(1, 201, 20)
FLIPS = 200 if LONG else 20
ERRORS = ("EIO", "ENOSPC", "EROFS")
SYSCALLS = "openat,pread64,pwrite64,fdatasync,fsync,ftruncate,fallocate,unlink"
PUTS = 25


def put_many(gateway, prefix, count=PUTS):
    """PUTs until they fail three times in a row. Returns the acknowledged ids with their codes, and the statuses."""
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
                acknowledged[otp_id] = answer.data["otp"]
        failures = 0 if statuses[-1] == 200 else failures + 1
        if failures == 3:
            break
    return acknowledged, statuses


class StorageFaults(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway(config={"store": {"min_free": 0}})
        self.addCleanup(self.gateway.close)

    def assert_kept(self, acknowledged):
        client = self.gateway.client()
        for otp_id, code in acknowledged.items():
            answer = client.check(otp_id, code)
            self.assertEqual(answer.status, 200, "%s was acknowledged: %r" % (otp_id, answer))


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
    def faulty_run(self, prefix, fault):
        """One run with that fault of strace's. Returns what was acknowledged, and whether anything failed."""
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
            if process.poll() is not None:
                return {}, False
            acknowledged, statuses = put_many(self.gateway, prefix)
            return acknowledged, any(status != 200 for status in statuses)
        finally:
            for pid in children(process.pid):
                os.kill(pid, signal.SIGKILL)
            process.wait()
            self.gateway.process = None

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

    def test_a_call_that_fails_is_never_a_success(self):
        runs = felt = total = 0
        for error in ERRORS:
            for call in CALLS:
                acknowledged, failed = self.faulty_run(
                    "%s-%d" % (error.lower(), call), "%s:error=%s:when=%d+" % (SYSCALLS, error, call))
                runs += 1
                felt += failed
                total += len(acknowledged)
                if runs % 50 == 0:
                    print("%d runs" % runs, flush=True)
                self.gateway.start()
                self.assert_kept(acknowledged)
                self.gateway.stop()
        print("%d runs with a failing disk, %d felt it, %d PUTs acknowledged, 0 of them lost" % (runs, felt, total))
        self.assertGreater(felt, runs // 2, "the faults did not reach the gateway")


class CorruptFile(StorageFaults):
    def test_flipped_bytes_are_never_a_success(self):
        """A damaged file is refused, or serves what it still has; it is not made anew, and a 2xx is kept."""
        self.gateway.start()
        put_many(self.gateway, "good")
        self.gateway.stop()
        good = self.gateway.database.read_bytes()
        refused = ended = 0
        for number in range(FLIPS):
            damaged = bytearray(good)
            page = random.randrange(len(good) // 4096)
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
            try:
                self.assert_kept(acknowledged)
            except (OSError, http.client.HTTPException):
                # It met the damage and ended itself.
                wait_for("its end", lambda: self.gateway.process.poll() is not None)
                ended += 1
            if self.gateway.process.poll() is None:
                self.gateway.stop()
            self.gateway.process = None
        print("%d damaged files: %d refused at the start, %d ended the gateway later" % (FLIPS, refused, ended))
        self.gateway.database.write_bytes(b"\x00" * 4096)
        code, output = self.gateway.run_once()
        self.assertNotEqual(code, 0, output)

    def answers(self):
        try:
            return self.gateway.client().call("GET", "/", timeout=2).status == 200
        except (OSError, http.client.HTTPException):
            return False


if __name__ == "__main__":
    unittest.main()
