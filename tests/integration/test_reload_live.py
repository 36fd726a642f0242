"""SIGHUP under load: requests, sends and connections that are under way go on.

Goal: no request fails, no message is lost or doubled, however often the configuration is read again meanwhile. Method:
real signals, connections that are kept open, a storm of requests beside the reloads.
"""

import http.client
import itertools
import json
import threading
import time
import unittest

from client import RawConnection, basic
from gateway import SECRET, wait_for
from gateway_case import new_address, new_id
from reload_case import ReloadCase, overlay


class LiveRequests(ReloadCase):
    def test_connections_and_waiting_requests_go_on(self):
        self.box.fault("DATA", "", times=1, delay_seconds=2)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(
            self.api.put(new_id(), provider="smtp", to=new_address(), wait="20")))
        with RawConnection(self.gateway.port) as raw:
            request = "GET /api/providers HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n" % self.api.authorization
            self.assertEqual(raw.send(request).read_answer().status, 200)
            waiting.start()
            wait_for("the send's start", lambda: self.box.mail_commands)
            raw.send(request[:30])  # half of the next one
            self.reloaded({"providers": {"smtp": {"max_conns": 2}}, "app": {"otp_ttl": 100}})
            self.reloaded({"providers": {"smtp": {"enabled": False}}})
            self.assertEqual(raw.send(request[30:]).read_answer().data, ["console"])
        waiting.join()
        self.assertEqual(answers[0].status, 200, answers)
        self.assertEqual(answers[0].data["delivery"]["state"], "sent")

    def test_a_storm_of_reloads_under_load(self):
        """0 failed requests, 0 messages lost or doubled, the worker of the unchanged provider is not touched."""
        untouched = self.pid("console")
        storm = Storm(self)
        storm.run(seconds_min=4, seconds_max=60)
        self.assertEqual(storm.failures, [])  # no 401 either: the secret rotated all the while
        self.assertGreater(storm.rotations, 2)
        self.assertNotIn("not reloaded", self.gateway.log())
        self.assertGreater(storm.reloads, 10)
        self.assertGreater(len(storm.mailed), 50)
        for address in storm.mailed:
            self.box.wait_for(address, seconds=30)
        time.sleep(1)
        counts = {address: len(self.box.mails_to(address)) for address in storm.mailed}
        self.assertEqual({address: count for address, count in counts.items() if count != 1}, {})
        self.assertEqual(self.pid("console"), untouched)
        printed = self.gateway.console_path.read_text("utf-8").splitlines()
        self.assertEqual(sorted(json.loads(line)["to"] for line in printed if "storm-" in line),
                         sorted(storm.printed))
        wait_for("one worker each", lambda: len(self.gateway.worker_pids()) == 2)


class Storm:
    """Requests over kept connections from some threads while the configuration changes and SIGHUPs rain."""

    def __init__(self, case):
        self.case = case
        self.failures, self.mailed, self.printed = [], [], []
        self.reloads = self.rotations = 0
        self.secrets = case.gateway.folder / "secrets"
        self.secret = SECRET
        self.rotate(SECRET)
        self.using = {}  # thread -> the secret of its last request that has been answered
        self.stop = threading.Event()

    def rotate(self, *secrets):
        """Those are valid once the configuration has been read again."""
        whole = self.secrets.with_suffix(".new")
        whole.write_text("\n".join(secrets) + "\n", "utf-8")
        whole.replace(self.secrets)

    def run(self, seconds_min, seconds_max):
        """Ends when there has been enough of each kind, which takes a busy machine longer."""
        former = SECRET
        self.case.base["auth"] = {"app": {"secret": None, "secrets_file": str(self.secrets)}}
        self.case.reloaded()
        threads = [threading.Thread(target=self.ask, args=(kind,)) for kind in ("smtp", "console", "console")]
        for thread in threads:
            thread.start()
        before = self.case.gateway.log().count("has been read again")
        began = time.monotonic()
        for turn in itertools.count():
            took = time.monotonic() - began
            self.reloads = self.case.gateway.log().count("has been read again") - before
            if took > seconds_max or (took > seconds_min and self.is_enough()):
                break
            self.case.gateway.write_config(overlay(self.case.base, {
                "app": {"otp_ttl": 200 + turn % 50}, "providers": {"smtp": {"max_conns": 2 + turn % 3}}}))
            for _ in range(5):
                self.case.gateway.hup()
                time.sleep(0.02)
            if turn % 5 == 0:
                fresh = "secret-%d" % turn
                self.rotate(former, fresh)
                self.case.gateway.reload()  # may be the word of one that began before the file was written
                self.case.gateway.reload()
                self.secret = fresh  # the applications take the new one ...
                for name in list(self.using):
                    wait_for("the new secret's use", lambda: self.using[name] == fresh)
                self.rotate(fresh)  # ... and then the old one goes
                former = fresh
                self.rotations += 1
        self.stop.set()
        for thread in threads:
            thread.join()

    def is_enough(self):
        return self.rotations > 2 and self.reloads > 10 and len(self.mailed) > 50

    def ask(self, provider):
        connection = http.client.HTTPConnection("127.0.0.1", self.case.gateway.port, timeout=40)
        while not self.stop.is_set():
            secret = self.secret
            headers = {"Authorization": basic("app", secret), "Content-Type": "application/json"}
            address = "storm-" + new_address()
            form = {"provider": provider, "to": address, "wait": 10 if provider == "console" else 0}
            connection.request("PUT", "/api/otp/" + new_id(), json.dumps(form), headers)
            answer = connection.getresponse()
            body = answer.read()
            self.using[threading.get_ident()] = secret
            if answer.status != 200:
                self.failures.append((answer.status, body[:200]))
            (self.mailed if provider == "smtp" else self.printed).append(address)
        connection.close()



if __name__ == "__main__":
    unittest.main()
