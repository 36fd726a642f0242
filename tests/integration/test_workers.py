"""Workers: one process per provider.

Goal: a worker that is killed comes back and its job is delivered; one provider's trouble is its own; workers that
are started by hand do the same work. Method: kill -9 and processes of our own.
"""

import os
import signal
import subprocess
import time
import unittest

from gateway import Gateway, process_exists, program, wait_for
from gateway_case import new_address, new_id
from mailbox import MailBox


class Spawned(unittest.TestCase):
    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)
        self.gateway = Gateway(smtp_port=self.box.port)
        self.addCleanup(self.gateway.close)
        self.gateway.start()
        self.api = self.gateway.client()

    def put(self, **form):
        answer = self.api.put(new_id(), provider="smtp", to=new_address(), **form)
        self.assertEqual(answer.status, 200, answer)
        return answer.data

    def worker(self):
        return wait_for("the smtp worker", lambda: self.gateway.worker_pid("smtp"))

    def test_killed_while_idle_it_comes_back(self):
        self.box.wait_for(self.put()["to"])
        pid = self.worker()
        os.kill(pid, signal.SIGKILL)
        otp = self.put()  # accepted although no worker is there
        self.box.wait_for(otp["to"], seconds=20)
        self.assertNotEqual(self.worker(), pid)

    def test_killed_while_sending_the_job_is_delivered(self):
        self.box.fault("DATA", "", times=1, delay_seconds=2)
        otp = self.put()
        wait_for("sending", lambda: self.api.get(otp["id"]).data["delivery"]["state"] == "sending")
        wait_for("the send's start", lambda: self.box.mail_commands)
        os.kill(self.worker(), signal.SIGKILL)
        self.box.wait_for(otp["to"], seconds=20)
        wait_for("sent", lambda: self.api.get(otp["id"]).data["delivery"]["state"] == "sent")
        self.assertLessEqual(len(self.box.mails_to(otp["to"])), 2)
        self.assertEqual(len({mail.message["Message-ID"] for mail in self.box.mails_to(otp["to"])}), 1)

    def test_stopped_like_a_hung_one_it_is_replaced(self):
        pid = self.worker()
        self.box.wait_for(self.put()["to"])
        os.kill(pid, signal.SIGSTOP)
        try:
            otp = self.put()
            self.box.wait_for(otp["to"], seconds=20)
        finally:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def test_the_other_provider_goes_on(self):
        pid = self.worker()
        os.kill(pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            answer = self.api.put(new_id(), to="someone", wait="10")
            self.assertEqual(answer.data["delivery"]["state"], "sent")
            self.assertLess(time.monotonic() - started, 5)
        finally:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def test_no_descriptor_leaks_into_a_worker(self):
        pid = self.worker()
        targets = []
        for name in os.listdir("/proc/%d/fd" % pid):
            try:
                targets.append(os.readlink("/proc/%d/fd/%s" % (pid, name)))
            except OSError:
                continue
        self.assertFalse([target for target in targets if "otp.db" in target or "key" in os.path.basename(target)])


class Journal(unittest.TestCase):
    """As systemd starts it: $JOURNAL_STREAM says which file is the journal (systemd.exec(5))."""

    def log_with(self, stream):
        gateway = Gateway()
        self.addCleanup(gateway.close)
        gateway.log_path.touch()
        status = gateway.log_path.stat()
        gateway.environment["JOURNAL_STREAM"] = stream % (status.st_dev, status.st_ino)
        gateway.start()
        wait_for("the worker", lambda: "connected to the core" in gateway.log())
        gateway.stop()
        return gateway.log()

    def test_lines_carry_their_level_there(self):
        log = self.log_with("%d:%d")
        for line in log.splitlines():
            self.assertRegex(line, "^<[34567]>")
        self.assertRegex(log, "(?m)^<6>listening on ")
        self.assertRegex(log, r"(?m)^<6>otpgateway-worker\[console\] info: connected to the core$")

    def test_and_nowhere_else(self):
        log = self.log_with("%d:1%d")
        self.assertNotRegex(log, "(?m)^<")
        self.assertRegex(log, r"(?m)^\d{4}-\d\d-\d\dT[\d:.]+Z I listening on ")


class BadPlugins(unittest.TestCase):
    def test_the_core_goes_on_beside_a_plugin_that_cannot_be_loaded(self):
        box = MailBox()
        self.addCleanup(box.shut_down)
        gateway = Gateway({"providers": {"broken": {"enabled": True, "plugin": "broken.so"}}}, smtp_port=box.port)
        self.addCleanup(gateway.close)
        broken = gateway.folder / "broken.so"
        broken.write_bytes(b"not a library")
        broken.chmod(0o644)
        gateway.write_config({"providers": {"broken": {"enabled": True, "plugin": str(broken)}}})
        code, output = gateway.run_once("--check-config")
        if code != 0:  # a start that says so is as good
            self.assertIn("broken", output)
            return
        api = gateway.start().client()
        self.assertEqual(api.put(new_id(), to="someone", wait="5").data["delivery"]["state"], "sent")
        answer = api.put(new_id(), provider="broken", patience=0, to="someone")
        self.assertEqual(answer.status, 503, answer)
        self.assertTrue(answer.headers["Retry-After"])
        self.assertIn("broken.so", gateway.log())


    def test_its_complaint_is_told_once_however_often_it_is_started(self):
        gateway = Gateway()
        self.addCleanup(gateway.close)
        later = gateway.folder / "later"
        gateway.write_config({"providers": {"console": {"file": str(later / "codes")}}})
        api = gateway.start().client()
        wait_for("the complaint", lambda: "providers.console: file: cannot open" in gateway.log())
        time.sleep(1.5)  # some starts more
        self.assertEqual(gateway.log().count("cannot open"), 1, gateway.log())
        self.assertRegex(gateway.log(), r"config\.toml:[0-9]+: providers\.console: file: cannot open")
        later.mkdir()
        wait_for("its next start", lambda: api.put(new_id(), to="someone").status == 200, seconds=20)
        self.assertEqual(gateway.log().count("cannot open"), 1, gateway.log())


class ByHand(unittest.TestCase):
    """[workers] spawn = false: the worker is a process of its own that reads the same configuration."""

    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)
        self.gateway = Gateway(smtp_port=self.box.port)
        self.addCleanup(self.gateway.close)
        self.gateway.write_config({"workers": {
            "spawn": False, "endpoint": "ipc://%s" % (self.gateway.folder / "workers.sock")}})
        self.workers = []

    def start_worker(self, provider="smtp"):
        log = open(self.gateway.folder / "worker.log", "ab")
        self.addCleanup(log.close)
        worker = subprocess.Popen([program("otpgateway-worker"), "--config=%s" % self.gateway.config_path, provider],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.end, worker)
        return worker

    @staticmethod
    def end(worker):
        if worker.poll() is None:
            worker.kill()
        worker.wait()

    def test_it_works_and_may_come_and_go(self):
        api = self.gateway.start().client()
        self.assertEqual(self.gateway.worker_pids(), [])
        worker = self.start_worker()
        first = wait_for("a worker for smtp", lambda: api.put(
            new_id(), provider="smtp", to=new_address()).data)
        self.box.wait_for(first["to"])
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(10), 0)
        second = api.put(new_id(), provider="smtp", to=new_address()).data
        self.assertIn(second["delivery"]["state"], ("queued", "sending"))
        self.start_worker()
        self.box.wait_for(second["to"])

    def test_it_outlives_the_core(self):
        self.gateway.start()
        worker = self.start_worker()
        api = self.gateway.client()
        wait_for("a worker for smtp", lambda: api.put(new_id(), provider="smtp").status == 200)
        self.gateway.kill()
        time.sleep(0.5)
        self.assertTrue(process_exists(worker.pid))
        self.gateway.start()
        otp = wait_for("a first PUT", lambda: api.put(new_id(), provider="smtp", to=new_address()).data)
        self.box.wait_for(otp["to"], seconds=20)

    def test_started_before_the_core(self):
        worker = self.start_worker()
        time.sleep(0.5)
        api = self.gateway.start().client()
        otp = wait_for("a first PUT", lambda: api.put(new_id(), provider="smtp", to=new_address()).data)
        self.box.wait_for(otp["to"], seconds=20)
        self.assertIsNone(worker.poll())

    def test_without_any_worker_ever_put_is_503(self):
        api = self.gateway.start().client()
        answer = api.put(new_id(), provider="smtp", patience=0, to=new_address())
        self.assertEqual(answer.status, 503, answer)
        self.assertTrue(answer.headers["Retry-After"])
        self.assertEqual(answer.json["status"], "error")

    def test_a_provider_without_one_is_named_in_the_log(self):
        self.gateway.start()
        wait_for("a warning", lambda: "start otpgateway-worker@console\n" in self.gateway.log(), seconds=30)

    def test_an_unknown_provider(self):
        worker = self.start_worker("nothing")
        self.assertNotEqual(worker.wait(10), 0)
        self.assertIn("nothing", (self.gateway.folder / "worker.log").read_text())


if __name__ == "__main__":
    unittest.main()
