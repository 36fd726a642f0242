"""Metrics and readiness on the admin address.

Goal: each number is exactly what happened, nothing of a person or an application stands in them, and /ready is true
about the store. Method: requests, mails, guesses, killed workers and full disks of known number; scrapes read by a strict
parser before and after.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from client import RawConnection
from exposition import Exposition, fetch, ready
from gateway import OTHER_SECRET, SECRET, Gateway, free_port, merge, wait_for
from gateway_case import new_address, new_id, other_code
from mailbox import MailBox

REQUESTS = "otpgateway_http_requests_total"
RESULTS = ("sent", "retry", "rejected", "unknown", "broken", "lost")
STATES = ("sent", "failed", "expired", "unknown")


class MetricsCase(unittest.TestCase):
    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)
        self.admin = free_port()
        self.gateway = Gateway(self.with_admin({}), smtp_port=self.box.port)
        self.addCleanup(self.gateway.close)
        self.api = self.gateway.client()

    def with_admin(self, changes):
        return merge({"admin": {"address": "127.0.0.1:%d" % self.admin}}, changes)

    def start(self, changes=None, workers=2):
        if changes:
            self.gateway.write_config(self.with_admin(changes))
        self.gateway.start()
        self.api = self.gateway.client()
        wait_for("the workers", lambda: sum(
            value for (name, _), value in self.scrape().samples.items()
            if name == "otpgateway_workers_ready") == workers)
        return self.api

    def scrape(self):
        return Exposition(self.admin)

    def mail(self, otp_id=None, **form):
        """A mail that was sent, with its OTP."""
        answer = self.api.put(otp_id or new_id(), **{"provider": "smtp", "to": new_address(), "wait": "15", **form})
        self.assertEqual(answer.status, 200, answer)
        return answer.data

    def assert_ends(self, since, provider="smtp", **states):
        """Exactly these deliveries of the provider ended."""
        self.assertEqual({state: since("otpgateway_deliveries_total", provider=provider, state=state)
                          for state in STATES}, {**dict.fromkeys(STATES, 0), **states})

    def assert_results(self, since, provider="smtp", **results):
        self.assertEqual({result: since("otpgateway_send_results_total", provider=provider, result=result)
                          for result in RESULTS}, {**dict.fromkeys(RESULTS, 0), **results})
        self.assertEqual(since("otpgateway_send_attempts_total", provider=provider), sum(results.values()))


class Counting(MetricsCase):
    def test_a_first_scrape_shows_zeros(self):
        self.start()
        first = self.scrape()
        self.assertEqual(first("otpgateway_build_info", version=self.version()), 1)
        self.assertEqual(first("otpgateway_ready"), 1)
        for provider in ("smtp", "console"):
            self.assertEqual(first("otpgateway_workers_ready", provider=provider), 1)
            for name in ("otps_created_total", "otps_verified_total", "otps_resent_total", "send_attempts_total",
                         "worker_restarts_total", "jobs_in_flight", "jobs_queued", "oldest_due_job_age_seconds",
                         "breaker_state", "delivery_duration_seconds_count"):
                self.assertEqual(first("otpgateway_" + name, provider=provider), 0, name)
            for state in STATES:
                self.assertEqual(first("otpgateway_deliveries_total", provider=provider, state=state), 0)
            for result in RESULTS:
                self.assertEqual(first("otpgateway_send_results_total", provider=provider, result=result), 0)
        for method, route in (("PUT", "/api/otp"), ("PUT", "/api/otp/:id"), ("POST", "/otp/:namespace/:id"),
                              ("DELETE", "/api/otp/:id/status"), ("GET", "/static/*")):
            self.assertEqual(first(REQUESTS, method=method, route=route, code="200"), 0)
            self.assertEqual(first("otpgateway_http_request_duration_seconds_count", method=method, route=route), 0)
        for kind in ("unavailable", "broken"):
            self.assertEqual(first("otpgateway_store_errors_total", kind=kind), 0)
        self.assertGreater(first("otpgateway_store_free_bytes"), 0)
        self.assertGreater(first("otpgateway_store_wal_bytes"), 0)

    def version(self):
        return self.gateway.run_once("--version")[1].split()[1]

    def test_the_process(self):
        self.start()
        scrape = self.scrape()
        pid = self.gateway.process.pid
        self.assertLess(abs(scrape("process_start_time_seconds") - os.stat("/proc/%d" % pid).st_ctime), 5)
        with open("/proc/%d/statm" % pid, encoding="ascii") as statm:
            resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        self.assertLess(abs(scrape("process_resident_memory_bytes") - resident), resident / 2)
        self.assertLess(abs(scrape("process_open_fds") - len(os.listdir("/proc/%d/fd" % pid))), 5)
        self.assertGreater(scrape("process_cpu_seconds_total"), 0)
        self.assertGreaterEqual(scrape("process_max_fds"), 1024)

    def test_requests_by_route_and_code(self):
        self.start()
        before = self.scrape()
        otp = self.api.put(new_id(), to="someone").data
        self.api.put(None)
        self.api.put("short", to="someone")  # 400
        self.api.call("GET", "/api/otp/" + otp["id"])
        self.api.call("HEAD", "/api/otp/" + otp["id"])
        self.api.call("GET", "/api/providers", headers={"Authorization": None})  # 401
        self.api.call("GET", "/nowhere/%s" % otp["id"])
        self.api.call("DELETE", "/api/providers")  # 405
        self.api.page(otp["id"])
        for _ in range(3):
            self.api.call("GET", "/static/otp.js")
        for text in ("BAD\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n"):
            with RawConnection(self.gateway.port) as raw:
                self.assertEqual(raw.send(text).read_answer().status, 400)
        after = self.scrape()
        since = after.since(before)
        for method, route, code, count in (
                ("PUT", "/api/otp/:id", "200", 1), ("PUT", "/api/otp/:id", "400", 1), ("PUT", "/api/otp", "200", 1),
                ("GET", "/api/otp/:id", "200", 2), ("GET", "/api/providers", "401", 1), ("none", "none", "404", 1),
                ("none", "none", "405", 1), ("none", "none", "400", 2), ("GET", "/otp/:namespace/:id", "200", 1),
                ("GET", "/static/*", "200", 3), ("GET", "/", "200", 0)):
            self.assertEqual(since(REQUESTS, method=method, route=route, code=code), count, (method, route, code))
        count, total = after.histogram("otpgateway_http_request_duration_seconds", method="PUT", route="/api/otp/:id")
        self.assertEqual(count, 2)
        self.assertGreater(total, 0)

    def test_connections(self):
        self.start()
        self.assertEqual(self.scrape()("otpgateway_http_connections"), 0)
        with RawConnection(self.gateway.port), RawConnection(self.gateway.port):
            wait_for("two", lambda: self.scrape()("otpgateway_http_connections") == 2)
        wait_for("none", lambda: self.scrape()("otpgateway_http_connections") == 0)

    def test_codes_and_guesses(self):
        self.start()
        before = self.scrape()
        key = {"Idempotency-Key": "once"}
        otp_id = new_id()
        otp = self.mail(otp_id, headers=key, max_attempts=3)
        self.mail(otp_id, headers=key, to=otp["to"], max_attempts=3)  # the same answer again: nothing new
        self.assertEqual(self.api.resend(otp_id, wait="15").status, 200)
        for _ in range(2):
            self.assertEqual(self.api.check(otp_id, other_code(otp["otp"])).status, 400)
        self.assertEqual(self.api.check(otp_id, "").status, 400)  # evaluates nothing
        for _ in range(2):  # with skip_delete a right code may repeat
            self.assertEqual(self.api.check(otp_id, otp["otp"], skip_delete="true").status, 200)
        self.api.page(otp_id, "POST", action="check", otp=otp["otp"])  # closed: evaluates nothing
        locked = self.api.put(new_id(), max_attempts=1).data
        self.assertEqual(self.api.check(locked["id"], other_code(locked["otp"])).status, 400)
        self.assertEqual(self.api.check(locked["id"], locked["otp"]).status, 429)
        self.assertEqual(self.api.check(new_id(), "123456").status, 400)
        paged = self.mail()
        self.assertEqual(self.api.page(paged["id"], "POST", action="check", otp=paged["otp"]).status, 200)
        since = self.scrape().since(before)
        self.assertEqual({outcome: since("otpgateway_checks_total", outcome=outcome)
                          for outcome in ("right", "wrong", "locked", "not_found")},
                         {"right": 3, "wrong": 3, "locked": 1, "not_found": 1})
        self.assertEqual(since("otpgateway_otps_created_total", provider="smtp"), 2)
        self.assertEqual(since("otpgateway_otps_created_total", provider="console"), 1)
        self.assertEqual(since("otpgateway_otps_resent_total", provider="smtp"), 1)
        self.assertEqual(since("otpgateway_otps_verified_total", provider="smtp"), 2)
        self.assertEqual(since("otpgateway_otps_verified_total", provider="console"), 0)
        self.assert_ends(since, sent=3)

    def test_the_store(self):
        self.start()
        before = self.scrape()
        self.mail()
        after = self.scrape()
        commits, took = after.histogram("otpgateway_store_commit_duration_seconds")
        shared, writes = after.histogram("otpgateway_store_commit_writes")
        self.assertEqual(commits, shared)
        new = commits - before("otpgateway_store_commit_duration_seconds_count")
        self.assertGreaterEqual(new, 3, "the PUT, the lease, the result")
        self.assertGreaterEqual(writes - before("otpgateway_store_commit_writes_sum"), new)
        self.assertGreater(took, 0)


class Sending(MetricsCase):
    def test_results_and_ends(self):
        self.start()
        before = self.scrape()
        self.mail()
        self.box.fault("DATA", "451 later", times=1)
        self.mail()
        self.box.fault("RCPT", "550 no such user", times=1)
        self.assertEqual(self.api.put(new_id(), provider="smtp", to=new_address(), wait="15").status, 500)
        self.assertEqual(self.api.put(new_id(), to="someone", wait="15").status, 200)
        after = self.scrape()
        since = after.since(before)
        self.assert_results(since, sent=2, retry=1, rejected=1)
        self.assert_ends(since, sent=2, failed=1)
        self.assert_results(since, "console", sent=1)
        self.assert_ends(since, "console", sent=1)
        count, total = after.histogram("otpgateway_delivery_duration_seconds", provider="smtp")
        self.assertEqual(count, 2)
        self.assertGreater(total, 0.5, "the second waited for its retry")
        self.assertLess(total, 60)

    def test_a_worker_killed_under_a_send(self):
        self.start()
        before = self.scrape()
        self.box.fault("DATA", "", times=1, delay_seconds=20)
        otp = self.api.put(new_id(), provider="smtp", to=new_address()).data
        wait_for("a send", lambda: self.scrape()("otpgateway_jobs_in_flight", provider="smtp") == 1)
        wait_for("the server's delay", lambda: self.box.is_used_up("DATA"))  # or the next send would meet it
        os.kill(wait_for("the worker", lambda: self.gateway.worker_pid("smtp")), signal.SIGKILL)
        self.box.wait_for(otp["to"], seconds=20)
        wait_for("the result", lambda: self.scrape()(
            "otpgateway_deliveries_total", provider="smtp", state="sent") == 1)
        after = self.scrape()
        since = after.since(before)
        self.assert_results(since, sent=1, lost=1)
        self.assert_ends(since, sent=1)
        self.assertEqual(since("otpgateway_worker_exits_total", provider="smtp", reason="signal"), 1)
        self.assertEqual(since("otpgateway_worker_exits_total", provider="smtp", reason="exit"), 0)
        self.assertEqual(since("otpgateway_worker_restarts_total", provider="smtp"), 1)
        self.assertEqual(since("otpgateway_worker_restarts_total", provider="console"), 0)
        self.assertEqual(after("otpgateway_workers_ready", provider="smtp"), 1)
        self.assertEqual(after("otpgateway_jobs_in_flight", provider="smtp"), 0)

    def test_a_queue_without_a_worker(self):
        self.start()
        self.gateway.stop()
        # The provider is known from before, and nobody starts its worker.
        self.start({"workers": {"spawn": False, "endpoint": "ipc://%s/w" % self.gateway.folder}}, workers=0)
        before = self.scrape()
        replaced = new_id()
        for otp_id, provider in ((replaced, "smtp"), (replaced, "console"), (new_id(), "smtp"), (new_id(), "smtp")):
            self.assertEqual(self.api.put(otp_id, provider=provider, to=new_address()).status, 200)
        after = self.scrape()
        self.assert_ends(after.since(before), expired=1)  # the replaced one
        self.assertEqual(after("otpgateway_jobs_queued", provider="smtp"), 2)
        self.assertEqual(after("otpgateway_jobs_queued", provider="console"), 1)
        self.assertEqual(self.api.put(new_id(), provider="smtp", to=new_address(), ttl=1).status, 200)
        wait_for("its end", lambda: self.scrape()("otpgateway_deliveries_total", provider="smtp", state="expired") == 2)
        end = self.scrape()
        self.assert_ends(end.since(before), expired=2)
        self.assertEqual(end("otpgateway_jobs_queued", provider="smtp"), 2)
        self.assert_results(end.since(before))
        self.assertGreater(end("otpgateway_oldest_due_job_age_seconds", provider="smtp"), 2)
        self.assertLess(end("otpgateway_oldest_due_job_age_seconds", provider="smtp"), 120)
        status, said = ready(self.admin)
        self.assertEqual(status, 200, "a provider's trouble is shown and takes nothing away")
        self.assertEqual(said["troubles"], ["The provider console has no worker.", "The provider smtp has no worker."])
        self.assertEqual(said["providers"]["smtp"], {"workers": 0, "breaker": "closed", "jobs_queued": 2})


class Reload(MetricsCase):
    def test_providers_come_and_go(self):
        self.start({"providers": {"console": {"enabled": False}}}, workers=1)
        workers = ("otpgateway_workers_ready", frozenset({("provider", "console")}))
        self.assertNotIn(workers, self.scrape().samples)
        self.reload({})
        wait_for("its worker", lambda: self.scrape().samples.get(workers) == 1)
        self.assertEqual(self.scrape()("otpgateway_deliveries_total", provider="console", state="sent"), 0)
        self.assertEqual(self.api.put(new_id(), to="someone", wait="15").status, 200)
        self.reload({"providers": {"console": {"enabled": False}}})
        wait_for("its end", lambda: workers not in self.scrape().samples)
        last = self.scrape()
        self.assertEqual(last("otpgateway_deliveries_total", provider="console", state="sent"), 1, "counts stay")
        self.assertEqual(last("otpgateway_worker_exits_total", provider="console", reason="exit"), 0)
        self.assertEqual(last("otpgateway_worker_restarts_total", provider="console"), 0)

    def reload(self, changes):
        self.gateway.write_config(self.with_admin(changes))
        self.gateway.process.send_signal(signal.SIGHUP)


class Secrecy(MetricsCase):
    def test_nothing_of_persons_and_applications(self):
        self.start()
        otp = self.mail(otp="735190", to="needle@mail.example")
        self.api.page(otp["id"], "POST", action="check", otp="481516")
        self.api.call("GET", "/otp/app/%s?otp=735190&action=check" % otp["id"])
        self.api.call("GET", "/no/%s" % otp["id"])
        self.box.fault("RCPT", "550 needle@mail.example")
        self.api.put("needle-id-0001", provider="smtp", to="needle@mail.example", otp="735190", wait="10")
        self.api.check("needle-id-0001", "735190")
        for text in (self.scrape().text, fetch(self.admin, "/ready")[2]):
            for needle in ("735190", "481516", "needle", "mail.example", otp["id"], SECRET, OTHER_SECRET, '"app"',
                           str(self.gateway.folder)):
                self.assertNotIn(needle, text)


class UnderLoad(MetricsCase):
    def test_scrapes_disturb_nobody_and_lose_nothing(self):
        self.start()
        before = self.scrape()
        statuses = []

        def put(count=100):
            statuses.extend(self.api.put(None, provider="smtp").status for _ in range(count))

        threads = [threading.Thread(target=put) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            self.scrape()
            self.assertEqual(ready(self.admin)[0], 200)
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 400)
        since = self.scrape().since(before)
        self.assertEqual(since(REQUESTS, method="PUT", route="/api/otp", code="200"), 400)
        self.assertEqual(since("otpgateway_otps_created_total", provider="smtp"), 400)


class AdminAddress(MetricsCase):
    def test_each_address_serves_its_own(self):
        self.start()
        self.assertEqual(fetch(self.gateway.port, "/metrics")[0], 404)
        self.assertEqual(fetch(self.gateway.port, "/ready")[0], 404)
        self.assertEqual(fetch(self.admin, "/api/health")[0], 404)
        self.assertEqual(fetch(self.admin, "/otp/app/something")[0], 404)
        status, said = ready(self.admin)
        self.assertEqual((status, said["ready"], said["troubles"]), (200, True, []))

    def test_a_configured_address_that_is_taken_ends_the_start(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.admin))
            taken.listen()
            code, output = self.gateway.run_once()
        self.assertEqual(code, 1)
        self.assertIn("admin.address: can't listen on 127.0.0.1:%d" % self.admin, output)

    def test_the_default_one_taken_is_a_warning(self):
        """A developer runs two gateways. Whoever holds the port on this machine, it is taken."""
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", 9001))
                taken.listen()
            except OSError:
                pass
            self.gateway.write_config({"admin": None})
            self.gateway.start()
        self.assertEqual(self.gateway.client().call("GET", "/api/health").status, 200)
        lines = [line for line in self.gateway.log().splitlines() if "admin.address" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("can't listen on 127.0.0.1:9001", lines[0])

    def test_an_address_for_everybody_warns(self):
        self.gateway.write_config({"admin": {"address": "0.0.0.0:%d" % self.admin}})
        self.gateway.start()
        self.assertIn("no authentication", self.gateway.log())


class Readiness(MetricsCase):
    """On a small disk of the test's own."""

    def setUp(self):
        super().setUp()
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="otpgw-disk-"))
        self.addCleanup(shutil.rmtree, self.disk, ignore_errors=True)
        self.ballast = self.disk / "ballast"

    def start_on(self, size, min_free):
        if os.geteuid() != 0:
            self.skipTest("mounting a small disk needs root")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s" % size, "tmpfs", str(self.disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(self.disk)], check=True)
        self.start({"store": {"min_free": min_free, "sqlite": {"path": str(self.disk / "otp.db")}}})

    def fill(self, leave=0):
        free = os.statvfs(self.disk)
        with open(self.ballast, "wb", buffering=0) as file:
            try:
                file.write(bytes(max(0, free.f_bavail * free.f_frsize - leave)))
            except OSError:  # the gateway took the last of it
                pass

    def test_a_full_disk_is_not_ready_and_passes_without_a_request(self):
        self.start_on("2m", min_free=0)
        self.fill()
        statuses = []
        while statuses[-3:] != [503] * 3:
            self.assertLess(len(statuses), 2000, "the disk never became full")
            statuses.append(self.api.put(None).status)
        full = self.scrape()
        self.assertEqual(full("otpgateway_ready"), 0)
        self.assertEqual(full("otpgateway_store_writable"), 0)
        self.assertGreaterEqual(full("otpgateway_store_errors_total", kind="unavailable"), 3)
        self.assertEqual(full("otpgateway_store_errors_total", kind="broken"), 0)
        status, said = ready(self.admin)
        self.assertEqual((status, said["ready"], said["store"]["writable"]), (503, False, False))
        self.assertEqual(said["troubles"][0], "The store can't be written.")
        health = self.api.call("GET", "/api/health")
        self.assertEqual((health.status, health.message), (503, "Unable to reach store."))
        end = time.monotonic() + 3
        while time.monotonic() < end:  # it stays so while the disk is full, whatever the gateway tries by itself
            self.assertEqual(ready(self.admin)[0], 503)
            time.sleep(0.1)
        self.ballast.unlink()
        wait_for("ready", lambda: ready(self.admin)[0] == 200)  # nobody writes: it finds out by itself
        self.assertEqual(self.scrape()("otpgateway_store_writable"), 1)
        self.assertEqual(self.api.put(None).status, 200)

    def test_below_min_free_it_stays_ready_and_says_so(self):
        self.start_on("16m", min_free="8MiB")
        self.fill(leave=4 << 20)
        wait_for("a refusal", lambda: self.scrape()("otpgateway_store_takes_new_otps") == 0)
        self.assertLess(self.scrape()("otpgateway_store_free_bytes"), 8 << 20)
        status, said = ready(self.admin)
        self.assertEqual((status, said["ready"], said["store"]["takes_new_otps"]), (200, True, False))
        self.assertEqual(said["troubles"],
                         ["New OTPs are refused: less than store.min_free is free on the store's disk."])
        self.assertEqual(self.api.put(None).status, 503)
        self.assertEqual(self.api.call("GET", "/api/health").status, 200)
        self.ballast.unlink()
        wait_for("space", lambda: ready(self.admin)[1]["store"]["takes_new_otps"])

    def test_the_service_manager_sees_it(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            path = self.gateway.folder / "notify"
            notify.bind(str(path))
            notify.settimeout(20)
            self.gateway.environment["NOTIFY_SOCKET"] = str(path)
            alone = {"workers": {"spawn": False, "endpoint": "ipc://%s/w" % self.gateway.folder}}
            for changes, status in ((alone, "The provider console has no worker. The provider smtp has no worker."),
                                    ({}, "Ready.")):
                self.gateway.write_config(self.with_admin(changes))
                self.gateway.start()
                while notify.recv(4096).decode("utf-8") != "STATUS=" + status:
                    pass
                self.gateway.stop()

    def test_while_stopping_it_is_not_ready(self):
        self.start()
        self.box.fault("DATA", "", times=1, delay_seconds=2)
        waiting = threading.Thread(target=lambda: self.api.put(
            None, provider="smtp", to=new_address(), wait="10"))
        waiting.start()
        wait_for("a send", lambda: self.scrape()("otpgateway_jobs_in_flight", provider="smtp") == 1)
        self.gateway.process.send_signal(signal.SIGTERM)
        wait_for("not ready", lambda: ready(self.admin)[0] == 503)
        waiting.join()
        self.assertEqual(self.gateway.stop(), 0)


if __name__ == "__main__":
    unittest.main()
