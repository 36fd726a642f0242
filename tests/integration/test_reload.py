"""SIGHUP: the configuration is read again while everything goes on.

Goal: what changed takes effect, all of it or nothing; what did not change is not touched; no request fails, no
message is lost or doubled. Method: real signals, plug-in files put in place and taken away, real worker processes.
"""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from gateway import SECRET, Gateway, process_exists, program, wait_for
from gateway_case import new_address, new_id
from mailbox import MailBox
from reload_case import ReloadCase, overlay


class Providers(ReloadCase):
    def test_a_dropped_in_plugin_works_after_a_reload_alone(self):
        untouched = {name: self.pid(name) for name in ("console", "smtp")}
        self.assertEqual(self.api.put(new_id(), provider="acme", to="someone").message, "Unknown provider.")
        self.install("example", "acme")
        folder = self.gateway.folder / "drop"
        folder.mkdir()
        self.reloaded({"providers": {"acme": {"enabled": True, "directory": str(folder)}}})
        self.assertEqual(self.api.call("GET", "/api/providers").data, ["acme", "console", "smtp"])
        otp = self.sent("acme")  # at once: the first PUT waits for its worker
        files = [path.read_text("utf-8") for path in folder.glob("*.txt")]
        self.assertEqual(len(files), 1)
        self.assertIn(otp["otp"], files[0])
        self.assertEqual({name: self.pid(name) for name in untouched}, untouched)

    def test_a_removed_one_finishes_what_runs_and_takes_nothing_new(self):
        untouched, gone = self.pid("console"), self.pid("smtp")
        self.box.fault("DATA", "", times=1, delay_seconds=1.5)
        running = self.api.put(new_id(), provider="smtp", to=new_address()).data
        wait_for("the send's start", lambda: self.box.mail_commands)
        self.reloaded({"providers": {"smtp": {"enabled": False}}})
        answer = self.api.put(new_id(), provider="smtp", to=new_address())
        self.assertEqual((answer.status, answer.message), (400, "Unknown provider."))
        self.assertEqual(self.api.call("GET", "/api/providers").data, ["console"])
        self.box.wait_for(running["to"])
        wait_for("sent", lambda: self.state(running) == "sent")
        wait_for("its worker's end", lambda: not process_exists(gone))
        self.assertEqual(len(self.box.mails_to(running["to"])), 1)
        self.assertEqual(self.pid("console"), untouched)
        self.sent("console")

    def test_what_a_removed_one_had_queued_expires(self):
        self.box.fault("MAIL", "451 later")
        otp = self.api.put(new_id(), provider="smtp", to=new_address(), ttl=4).data
        wait_for("a first try", lambda: self.box.mail_commands)
        self.reloaded({"providers": {"smtp": {"enabled": False}}})
        self.box.heal()
        answer = self.api.put(new_id(), to="someone", wait="10")
        self.assertEqual(answer.data["delivery"]["state"], "sent")
        self.assertEqual(self.state(otp), "queued")
        self.assertEqual(self.api.resend(otp["id"]).status, 503)
        wait_for("the code's end", lambda: self.api.get(otp["id"]).status == 400)
        self.assertFalse(self.box.mails_to(otp["to"]))

    def test_what_waits_is_sent_when_it_comes_back(self):
        self.box.fault("MAIL", "451 later")
        otp = self.api.put(new_id(), provider="smtp", to=new_address()).data
        wait_for("a first try", lambda: self.box.mail_commands)
        self.reloaded({"providers": {"smtp": {"enabled": False}}})
        self.box.heal()
        self.reloaded()
        self.box.wait_for(otp["to"], seconds=20)
        wait_for("sent", lambda: self.state(otp) == "sent")
        self.assertEqual(len(self.box.mails_to(otp["to"])), 1)

    def test_a_changed_key_starts_that_worker_anew(self):
        untouched, former = self.pid("smtp"), self.pid("console")
        other = self.gateway.folder / "other.txt"
        self.reloaded({"providers": {"console": {"file": str(other)}}})
        wait_for("the former worker's end", lambda: not process_exists(former))
        otp = self.sent("console")
        self.assertIn(otp["otp"], other.read_text("utf-8"))
        self.assertEqual(self.pid("smtp"), untouched)

    def test_a_moved_line_changes_nothing(self):
        untouched = {name: self.pid(name) for name in ("console", "smtp")}
        self.gateway.config_path.write_text("\n\n\n" + self.gateway.config_path.read_text("utf-8"), "utf-8")
        self.gateway.reload()
        time.sleep(0.3)
        self.assertEqual({name: self.pid(name) for name in untouched}, untouched)

    def test_a_replaced_plugin_file_is_loaded(self):
        untouched, former = self.pid("console"), self.pid("smtp")
        self.install("smtp")
        self.reloaded()
        wait_for("the former worker's end", lambda: not process_exists(former))
        self.box.wait_for(self.sent("smtp")["to"])
        self.assertEqual(self.pid("console"), untouched)

    def test_sends_that_run_finish_beside_the_new_worker(self):
        former = self.pid("smtp")
        self.box.fault("DATA", "", times=1, delay_seconds=2)
        slow = self.api.put(new_id(), provider="smtp", to=new_address()).data
        wait_for("the send's start", lambda: self.box.mail_commands)
        self.reloaded({"providers": {"smtp": {"max_conns": 2}}})
        self.sent("smtp")
        self.assertTrue(process_exists(former))
        self.box.wait_for(slow["to"])
        wait_for("sent", lambda: self.state(slow) == "sent")
        self.assertEqual(len(self.box.mails_to(slow["to"])), 1)
        wait_for("the former worker's end", lambda: not process_exists(former))

    def test_what_the_former_worker_had_not_begun_is_no_failure(self):
        self.reloaded({"providers": {"smtp": {"max_conns": 8}}})
        wait_for("the new worker", lambda: len(self.gateway.worker_pids()) == 2)
        self.box.fault("DATA", "", delay_seconds=0.5)
        otps = [self.api.put(new_id(), provider="smtp", to=new_address()).data for _ in range(40)]
        wait_for("the sends' start", lambda: len(self.box.mail_commands) >= 8)
        self.reloaded({"providers": {"smtp": {"max_conns": 9}}})
        for otp in otps:
            self.box.wait_for(otp["to"], seconds=20)
        wait_for("all sent", lambda: all(self.state(otp) == "sent" for otp in otps))
        self.assertEqual({self.api.get(otp["id"]).data["delivery"]["tries"] for otp in otps}, {1})
        self.assertEqual({len(self.box.mails_to(otp["to"])) for otp in otps}, {1})
        self.assertNotIn("can't send", self.gateway.log())  # the breaker

    def test_addresses_are_judged_without_a_gap(self):
        answers = []
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                answers.append(self.api.put(new_id(), provider="smtp", to="no address").status)

        asking = threading.Thread(target=ask)
        asking.start()
        for connections in (2, 3, 4):
            former = self.pid("smtp")
            self.reloaded({"providers": {"smtp": {"max_conns": connections}}})
            wait_for("the former worker's end", lambda: not process_exists(former))
        stop.set()
        asking.join()
        self.assertEqual(set(answers), {400})

    def test_a_worker_that_was_killed_before_is_not_doubled(self):
        os.kill(self.pid("smtp"), signal.SIGKILL)
        self.reloaded()
        self.reloaded({"providers": {"smtp": {"max_conns": 2}}})
        self.reloaded()
        self.box.wait_for(self.sent("smtp")["to"])
        wait_for("one worker each", lambda: len(self.gateway.worker_pids()) == 2)


class Settings(ReloadCase):
    def test_the_applications(self):
        secret = self.gateway.folder / "secret"
        secret.write_text("before\n", "utf-8")
        changes = {"auth": {"app": {"secret": None, "secret_file": str(secret)},
                            "third": {"namespace": "third", "secret": "three", "origins": ["https://three.example"]},
                            "other": None}}
        self.reloaded(changes)
        self.assertEqual(self.api.call("GET", "/api/providers").status, 401)
        self.assertEqual(self.gateway.client("app", "before").call("GET", "/api/providers").status, 200)
        self.assertEqual(self.gateway.client("third", "three").call("GET", "/api/providers").status, 200)
        self.assertEqual(self.gateway.client("other").call("GET", "/api/providers").status, 401)
        secret.write_text("after\n", "utf-8")
        self.assertEqual(self.gateway.client("app", "before").call("GET", "/api/providers").status, 200)
        self.reloaded(changes)
        self.assertEqual(self.gateway.client("app", "before").call("GET", "/api/providers").status, 401)
        self.assertEqual(self.gateway.client("app", "after").call("GET", "/api/providers").status, 200)

    def test_values_and_texts(self):
        text = self.gateway.folder / "text.txt"
        text.write_text("one {{ .OTP }}", "utf-8")
        changes = {"app": {"otp_ttl": 100, "otp_max_attempts": 7, "logo_url": "https://logo.example/l.svg",
                           "root_url": "http://localhost:%d" % self.gateway.port},
                   "auth": {"app": {"origins": ["https://new.example"], "return_otp": False}},
                   "providers": {"smtp": {"template": str(text), "subject": "Hello {{ .OTP }}"}}}
        before = self.pid("smtp")
        self.reloaded(changes)
        answer = self.api.put(new_id(), provider="smtp", to=new_address(), wait="10").data
        self.assertEqual((answer["ttl"], answer["max_attempts"], answer.get("otp")), (100, 7, None))
        self.assertTrue(answer["url"].startswith("http://localhost:"), answer["url"])
        mail = self.box.wait_for(answer["to"])[0]
        self.assertTrue(mail.message["Subject"].startswith("Hello "), mail.message["Subject"])
        self.assertTrue(mail.part("text/html").startswith("one "), mail.content)
        page = self.api.page(answer["id"])
        self.assertIn("https://logo.example/l.svg", page.text)
        self.assertIn("frame-ancestors 'self' https://new.example", page.headers["Content-Security-Policy"])
        wait_for("the worker with the new settings", lambda: self.pid("smtp") != before)
        former = self.pid("smtp")
        text.write_text("two {{ .OTP }}", "utf-8")  # the file alone: its worker gets the text with each job
        self.reloaded(changes)
        answer = self.api.put(new_id(), provider="smtp", to=new_address(), wait="10").data
        self.assertTrue(self.box.wait_for(answer["to"])[0].part("text/html").startswith("two "))
        self.assertEqual(self.pid("smtp"), former)

    def test_debug_lines(self):
        self.sent("console")
        self.assertNotIn(": result 0 on attempt", self.gateway.log())
        self.reloaded({"app": {"enable_debug_logs": True}})
        self.sent("console")
        wait_for("a debug line", lambda: ": result 0 on attempt" in self.gateway.log())

    def test_variables_win_as_they_did_at_the_start(self):
        self.gateway.stop()
        self.gateway.environment = {"OTP_GATEWAY_APP__OTP_TTL": "77"}
        self.gateway.start()
        self.reloaded({"app": {"otp_ttl": 100, "otp_max_attempts": 9}})
        answer = self.api.put(new_id()).data
        self.assertEqual((answer["ttl"], answer["max_attempts"]), (77, 9))

    def test_what_needs_a_restart_is_named_and_stays(self):
        log = self.reloaded({"app": {"address": "127.0.0.1:1", "data_dir": "elsewhere", "root_url": None,
                                     "otp_ttl": 100},
                             "store": {"sqlite": {"path": "other.db"}, "min_free": "1MiB"},
                             "workers": {"spawn": False}})
        for key in ("app.address", "app.data_dir", "store.sqlite.path", "store.min_free", "workers.spawn",
                    "workers.endpoint"):
            self.assertRegex(log, r"\n?.*%s: has changed, which needs a restart" % key.replace(".", r"\."))
        answer = self.sent("console")
        self.assertEqual(answer["ttl"], 100)
        self.assertTrue(answer["url"].startswith(self.gateway.url), answer["url"])
        self.assertFalse((self.gateway.folder / "elsewhere").exists())

    def test_warnings_come_when_they_are_new(self):
        log = self.reloaded({"app": {"otp_tll": 5}})
        self.assertIn("did you mean app.otp_ttl?", log)
        self.assertNotIn("did you mean", self.reloaded({"app": {"otp_tll": 5}}))


class Refused(ReloadCase):
    def test_a_configuration_that_is_wrong_changes_nothing(self):
        former = {name: self.pid(name) for name in ("console", "smtp")}
        template = self.gateway.folder / "bad.tpl"
        template.write_text("one\n{{ if .OTP }}\n", "utf-8")
        for changes, texts in (
                ({"app": {"otp_max_attempts": "many"}}, ("config.toml:", "app.otp_max_attempts: expected")),
                ({"auth": {"app": {"secret": None, "secret_file": "/nowhere/secret"}}},
                 ("config.toml:", "auth.app.secret_file", "no such file")),
                ({"providers": {"acme": {"enabled": True}}}, ("config.toml:", "providers.acme.plugin")),
                ({"providers": {"smtp": {"template": str(template)}}}, ("bad.tpl:2",)),
                ({"providers": {"smtp": {"from_email": "nobody"}}},
                 ("config.toml:", ": providers.smtp: from_email: expected")),
                ({"auth": None}, ("auth.NAME",))):
            with self.subTest(changes):
                wrong = overlay({"app": {"otp_ttl": 100, "plugins_dir": str(self.plugins)},
                               "providers": {"console": {"enabled": False}}}, changes)
                line = self.refused(wrong, *texts)
                self.assertNotIn(SECRET, line)
                answer = self.sent("console")
                self.assertEqual(answer["ttl"], 300)
                self.assertEqual({name: self.pid(name) for name in former}, former)
        self.gateway.config_path.write_text("[app]\naddress = \n", "utf-8")
        self.assertIn("config.toml:2", self.gateway.reload())
        self.gateway.config_path.unlink()
        self.assertIn(str(self.gateway.config_path), self.gateway.reload())
        self.assertEqual(self.sent("console")["ttl"], 300)
        self.assertEqual(self.sent("smtp")["ttl"], 300)
        self.reloaded({"app": {"otp_ttl": 100}})
        self.assertEqual(self.sent("console")["ttl"], 100)

    def test_a_plugin_that_is_no_library(self):
        (self.plugins / "acme.so").write_bytes(b"no library")
        (self.plugins / "acme.so").chmod(0o644)
        self.refused({"providers": {"acme": {"enabled": True}}}, ": providers.acme: ", "acme.so: cannot be loaded")
        self.assertEqual(self.api.call("GET", "/api/providers").data, ["console", "smtp"])


class Notified(unittest.TestCase):
    def test_the_service_manager_is_told(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(folder.name + "/notify")
            told.settimeout(10)
            gateway = Gateway(environment={"NOTIFY_SOCKET": folder.name + "/notify"})
            self.addCleanup(gateway.close)
            gateway.start()

            def next_told():
                """The next that is no STATUS=, which comes whenever something changes."""
                while (said := told.recv(4096)).startswith(b"STATUS="):
                    pass
                return said

            self.assertEqual(next_told(), b"READY=1")
            before = time.monotonic_ns() // 1000
            gateway.reload()
            lines = next_told().decode().split("\n")
            self.assertEqual(lines[0], "RELOADING=1")
            name, microseconds = lines[1].split("=")
            self.assertEqual(name, "MONOTONIC_USEC")
            self.assertTrue(before <= int(microseconds) <= time.monotonic_ns() // 1000)
            self.assertEqual(next_told(), b"READY=1")
            gateway.config_path.unlink()
            gateway.reload()
            self.assertTrue(next_told().startswith(b"RELOADING=1"))
            self.assertEqual(next_told(), b"READY=1")


class ByHand(unittest.TestCase):
    """[workers] spawn = false."""

    def test_a_new_provider_and_its_worker_are_accepted(self):
        box = MailBox()
        self.addCleanup(box.shut_down)
        gateway = Gateway(smtp_port=box.port)
        self.addCleanup(gateway.close)
        base = {"workers": {"spawn": False, "endpoint": "ipc://%s" % (gateway.folder / "workers.sock")}}
        gateway.write_config(overlay(base, {"providers": {"smtp": {"enabled": False}}}))
        api = gateway.start().client()
        self.assertEqual(api.put(new_id(), provider="smtp").message, "Unknown provider.")
        gateway.write_config(base)
        with open(gateway.folder / "worker.log", "ab") as log:
            worker = subprocess.Popen(
                [program("otpgateway-worker"), "--config=%s" % gateway.config_path, "smtp"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        wait_for("the word about it", lambda: "not enabled here" in gateway.log())
        gateway.reload()
        answer = api.put(new_id(), provider="smtp", to=new_address(), wait="10")
        self.assertEqual(answer.data["delivery"]["state"], "sent", answer)
        self.assertIn("restart its worker", gateway.reload(overlay(base, {"providers": {"smtp": {"max_conns": 3}}})))
        gateway.reload(overlay(base, {"providers": {"smtp": {"enabled": False}}}))
        self.assertEqual(api.put(new_id(), provider="smtp").message, "Unknown provider.")
        self.assertIsNone(worker.poll())


if __name__ == "__main__":
    unittest.main()
