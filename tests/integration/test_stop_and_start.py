"""Starting, stopping and starting again.

Goal: SIGTERM finishes what runs, keeps what waits and exits 0; a second instance on the same database or port is
refused with a clear line; kill -9 loses nothing that was acknowledged. Method: real processes and signals.
"""

import signal
import sqlite3
import threading
import time
import unittest

from client import RawConnection
from gateway import Gateway, process_exists, wait_for
from gateway_case import new_address, new_id, other_code
from mailbox import MailBox


class StopAndStart(unittest.TestCase):
    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)

    def gateway(self, config=None):
        gateway = Gateway(config, smtp_port=self.box.port)
        self.addCleanup(gateway.close)
        return gateway

    def test_sigterm_exits_0_and_takes_the_workers_along(self):
        gateway = self.gateway().start()
        wait_for("both workers", lambda: len(gateway.worker_pids()) == 2)
        workers = gateway.worker_pids()
        self.assertEqual(gateway.stop(), 0)
        wait_for("the workers' end", lambda: not any(process_exists(pid) for pid in workers))

    def test_sigint_exits_0(self):
        gateway = self.gateway().start()
        gateway.process.send_signal(signal.SIGINT)
        self.assertEqual(gateway.process.wait(20), 0)

    def test_sigterm_finishes_requests_that_run(self):
        gateway = self.gateway().start()
        api = gateway.client()
        self.box.fault("DATA", "", delay_seconds=3)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(
            api.put(new_id(), provider="smtp", to=new_address(), wait="10")))
        waiting.start()
        wait_for("the send's start", lambda: self.box.mail_commands)
        with RawConnection(gateway.port) as raw:  # half a request
            data = "PUT /api/otp/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 16\r\n" \
                   "Content-Type: application/x-www-form-urlencoded\r\n\r\nprovider=" % (new_id(), api.authorization)
            raw.send(data)
            time.sleep(0.1)
            gateway.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            raw.send("console")
            self.assertEqual(raw.read_answer().status, 200)
            self.assertTrue(raw.is_closed())
        waiting.join()
        self.assertEqual(answers[0].status, 200, answers)
        self.assertEqual(gateway.process.wait(20), 0)

    def test_jobs_are_kept_and_sent_after_a_restart(self):
        self.box.close()
        gateway = self.gateway().start()
        otps = [gateway.client().put(new_id(), provider="smtp", to=new_address()).data for _ in range(20)]
        self.assertEqual(gateway.stop(), 0)
        self.box.open()
        gateway.start()
        for otp in otps:
            mails = self.box.wait_for(otp["to"], seconds=30)
            self.assertIn(otp["otp"], mails[0].part("text/plain"))
            self.assertEqual(gateway.client().get(otp["id"]).data["generate"], 1)

    def test_everything_survives_kill_9(self):
        self.box.close()
        gateway = self.gateway().start()
        api = gateway.client()
        otp = api.put(new_id(), provider="smtp", to=new_address(), max_attempts=9, extra='{"a":[1]}').data
        for _ in range(3):
            api.check(otp["id"], other_code(otp["otp"]))
        workers = gateway.worker_pids()
        gateway.kill()
        wait_for("the workers' end", lambda: not any(process_exists(pid) for pid in workers))
        self.box.open()
        gateway.start()
        found = api.get(otp["id"]).data
        self.assertEqual((found["attempts"], found["max_attempts"], found["extra"]), (4, 9, {"a": [1]}))
        self.box.wait_for(otp["to"], seconds=30)
        self.assertEqual(api.check(otp["id"], otp["otp"]).status, 200)
        gateway.stop()
        with sqlite3.connect(gateway.database) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))

    def assert_refused(self, gateway, *texts, code=1):
        """Most of these may pass: 1, after which the unit starts it again. 2 ends that."""
        got, output = gateway.run_once(seconds=10)
        self.assertEqual(got, code, output)
        lines = [line for line in output.splitlines() if any(text in line for text in texts)]
        self.assertTrue(lines, output)

    def test_a_second_instance_on_the_same_port(self):
        first = self.gateway().start()
        second = self.gateway()
        second.port = first.port
        second.write_config()
        self.assert_refused(second, str(first.port))
        self.assertEqual(first.client().put(new_id()).status, 200)

    def test_a_second_instance_on_the_same_database(self):
        first = self.gateway().start()
        second = self.gateway({"store": {"sqlite": {"path": str(first.database)}},
                               "app": {"data_dir": str(first.folder / "data")}})
        self.assert_refused(second, str(first.database), "database")
        self.assertEqual(first.client().put(new_id()).status, 200)

    def test_a_database_that_is_none(self):
        gateway = self.gateway()
        gateway.database.write_bytes(b"this is no database, but it is long enough to look like one" * 100)
        before = gateway.database.read_bytes()
        self.assert_refused(gateway, str(gateway.database), "database")
        self.assertEqual(gateway.database.read_bytes(), before)  # never recreated

    def test_a_database_from_the_future(self):
        gateway = self.gateway().start()
        gateway.stop()
        with sqlite3.connect(gateway.database) as database:
            database.execute("PRAGMA user_version = 999999")
        self.assert_refused(gateway, "999999", "newer", "version", code=2)

    def test_a_lost_key_file_is_not_made_anew(self):
        gateway = self.gateway().start()
        gateway.stop()
        for path in (gateway.folder / "data").iterdir():
            if path.is_file():
                path.unlink()
        self.assert_refused(gateway, "key")  # with a new key no code would ever compare again

    def test_files_are_for_the_owner_alone(self):
        gateway = self.gateway().start()
        gateway.client().put(new_id())
        for path in [gateway.database, *(gateway.folder / "data").rglob("*")]:
            self.assertEqual(path.stat().st_mode & 0o077 if path.is_file() else 0, 0, path)

    def test_codes_still_compare_after_a_restart(self):
        gateway = self.gateway().start()
        otp = gateway.client().put(new_id()).data
        gateway.stop()
        gateway.start()
        self.assertEqual(gateway.client().check(otp["id"], otp["otp"]).status, 200)

    def test_ready_soon(self):
        gateway = self.gateway()
        started = time.monotonic()
        gateway.start()
        self.assertLess(time.monotonic() - started, 5)


if __name__ == "__main__":
    unittest.main()
