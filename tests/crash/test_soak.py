"""A steady load for a while.

Goal: memory, descriptors and the write-ahead log stay flat, and the tables are back where they began when all codes have
expired. Method: 70 % of what the gateway was found to take and mail, for half a minute in the default suite and for two
(or OTPGW_SOAK_SECONDS) in a long run; once a second its processes and files are looked at, and the last quarter of that
is held against the second. Job rows are kept a minute longer than their codes: only the long run waits for them. The
control is a process that leaks.
"""

import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from gateway import MEMORY_FACTOR, Gateway, program, wait_for
from report import LONG, amount, progress, table
from smtp_sink import SmtpSink

SECONDS = int(os.environ.get("OTPGW_SOAK_SECONDS", amount(30, 120)))
LOAD = 0.7
PROBE_PUTS = 4000  # to find out what the whole path takes: some seconds
TTL_SECONDS = 5
SWEEP_SECONDS = 5  # rows go in batches, once a second
JOB_KEPT_SECONDS = 60
RSS_GROWTH_MAX_KIB = 6 * 1024 * MEMORY_FACTOR  # of all processes: allocators breathe
DESCRIPTORS_GROWTH_MAX = 16
WAL_MAX_KIB = 32 * 1024  # it is cut back each 4 MiB; a reader holds it open for a moment
LEAK_KIB_PER_SECOND = 2048 * MEMORY_FACTOR


class Watch:
    """Samples of some processes and of a write-ahead log, once a second."""

    def __init__(self, pids, wal=None):
        self.pids = pids
        self.wal = wal
        self.samples = []  # (KiB resident, descriptors, KiB of log)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        began = time.monotonic()
        while not self._ended.wait(1):
            wal_kib = self.wal.stat().st_size // 1024 if self.wal and self.wal.exists() else 0
            self.samples.append((sum(map(resident_kib, self.pids)),
                                 sum(len(os.listdir("/proc/%d/fd" % pid)) for pid in self.pids), wal_kib))
            progress(int(time.monotonic() - began), SECONDS, "seconds: %d KiB resident, %d descriptors, %d KiB of log"
                     % self.samples[-1])

    def growth(self):
        """Of resident KiB and descriptors: the median of the last quarter less that of the second."""
        quarter = len(self.samples) // 4
        early, late = self.samples[quarter:2 * quarter], self.samples[-quarter:]
        return [statistics.median(sample[i] for sample in late) - statistics.median(sample[i] for sample in early)
                for i in (0, 1)]

    def complaints(self):
        rss, descriptors = self.growth()
        found = []
        if rss > RSS_GROWTH_MAX_KIB:
            found.append("memory grew by %d KiB" % rss)
        if descriptors > DESCRIPTORS_GROWTH_MAX:
            found.append("descriptors grew by %d" % descriptors)
        if max(sample[2] for sample in self.samples) > WAL_MAX_KIB:
            found.append("the log grew to %d KiB" % max(sample[2] for sample in self.samples))
        return found

    def row(self, case, **further):
        rss, descriptors = self.growth()
        return case, {"seconds": len(self.samples), "KiB resident": self.samples[-1][0], "KiB grown": "%+d" % rss,
                      "descriptors": self.samples[-1][1], "grown": "%+d" % descriptors,
                      "KiB of log": max(sample[2] for sample in self.samples), **further}


def resident_kib(pid):
    for line in pathlib.Path("/proc/%d/status" % pid).read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


class Soak(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="otpgw-soak-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def rows(self, gateway, what):
        with sqlite3.connect("file:%s?mode=ro" % gateway.database, uri=True) as database:
            count = database.execute("SELECT count(*) FROM " + what).fetchone()[0]
        database.close()
        return count

    def test_nothing_grows(self):
        sink = SmtpSink(self.folder / "mails")
        self.addCleanup(sink.close)
        gateway = Gateway({"app": {"otp_ttl": TTL_SECONDS}}, smtp_port=sink.port)
        self.addCleanup(gateway.close)
        api = gateway.start().client()
        wait_for("the smtp worker", lambda: api.put(None, provider="smtp").status == 200)

        began = time.monotonic()
        subprocess.run([program("otp_load"), "fill", str(gateway.port), api.authorization, "probe-", str(PROBE_PUTS),
                        "provider=smtp&ttl=60&to=probe@mail.example"], check=True)
        wait_for("all mails", lambda: len(sink.message_ids()["probe@mail.example"]) >= PROBE_PUTS, 60)
        rate = int(LOAD * PROBE_PUTS / (time.monotonic() - began))

        wal = gateway.database.with_name(gateway.database.name + "-wal")
        with Watch([gateway.process.pid, *gateway.worker_pids()], wal) as watch:
            load = subprocess.run([program("otp_load"), "mail", str(gateway.port), api.authorization, str(rate),
                                   str(SECONDS)], check=True, stdout=subprocess.PIPE, text=True)
        acknowledged = [line.split("\t")[0] for line in load.stdout.splitlines()]
        wait_for("no OTP's row", lambda: self.rows(gateway, "otp WHERE id LIKE 'mail-%'") == 0,
                 TTL_SECONDS + SWEEP_SECONDS + SECONDS)
        unfinished = self.rows(gateway, "job WHERE state IN (1, 2)")
        if LONG:
            wait_for("no job's row", lambda: self.rows(gateway, "job") == 0,
                     JOB_KEPT_SECONDS + TTL_SECONDS + SWEEP_SECONDS + SECONDS)
        mails = sink.message_ids()
        table("soak", [watch.row("%d PUTs a second" % rate, acknowledged=len(acknowledged), **{
            "duplicated": sum(len(mails[address]) > 1 for address in acknowledged),
            "unsent": sum(not mails[address] for address in acknowledged)})])
        self.assertEqual(watch.complaints(), [])
        self.assertEqual(unfinished, 0)
        self.assertEqual(len(acknowledged), rate * SECONDS)

    def test_the_control_that_leaks_is_found(self):
        leak = subprocess.Popen([sys.executable, "-c", "import time\nkept = []\nwhile True:\n"
                                 " kept += [bytearray(%d * 1024), *(open('/dev/null') for _ in range(4))]\n"
                                 " time.sleep(1)" % LEAK_KIB_PER_SECOND])
        self.addCleanup(leak.wait)
        self.addCleanup(leak.kill)
        with Watch([leak.pid]) as watch:
            time.sleep(12)
        table("control", [watch.row("leaks")])
        self.assertEqual(len(watch.complaints()), 2)


if __name__ == "__main__":
    unittest.main()
