"""An application's secret changes under load.

Goal: with the old and the new secret live together for a while, no request is refused. Method: clients that never
stop calling while a file of secrets is replaced and SIGHUP sent, several times over. Control: the same without the
time together is refused requests.
"""

import http.client
import os
import threading
import unittest

from client import basic
from gateway import Gateway, wait_for

CLIENTS = 6
ROUNDS = 20 if os.environ.get("OTPGW_LONG") == "1" else 4
CALLS_EACH = 30  # between one step and the next


class Caller(threading.Thread):
    """Calls over one connection for as long as it may, with the secret that the application has now."""

    def __init__(self, application):
        super().__init__(daemon=True)
        self.application = application
        self.calls = 0
        self.refused = 0
        self.others = []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.application.port, timeout=20)
        while not self.application.stopping.is_set():
            connection.request("GET", "/api/providers",
                               headers={"Authorization": basic("app", self.application.secret)})
            answer = connection.getresponse()
            answer.read()
            if answer.status == 401:
                self.refused += 1
            elif answer.status != 200:
                self.others.append(answer.status)
            self.calls += 1
        connection.close()


class Application:
    def __init__(self, port, secret):
        self.port = port
        self.secret = secret
        self.stopping = threading.Event()
        self.callers = [Caller(self) for _ in range(CLIENTS)]
        for caller in self.callers:
            caller.start()

    def call_on(self):
        """Returns when each client has called some more times."""
        before = [caller.calls for caller in self.callers]
        wait_for("calls of every client", lambda: all(caller.calls - calls >= CALLS_EACH for caller, calls in
                                                      zip(self.callers, before)))

    def stop(self):
        self.stopping.set()
        for caller in self.callers:
            caller.join()


class Rotation(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.file = self.gateway.folder / "secrets"
        self.write("secret-0")
        self.gateway.write_config({"auth": {"app": {"secret": None, "secrets_file": str(self.file)}}})
        self.gateway.start()
        self.application = Application(self.gateway.port, "secret-0")
        self.addCleanup(self.application.stop)

    def write(self, *secrets):
        whole = self.file.with_suffix(".new")
        whole.write_text("\n".join(secrets) + "\n", encoding="utf-8")
        whole.chmod(0o600)
        whole.replace(self.file)

    def reload(self, *secrets):
        self.write(*secrets)
        self.assertIn("has been read again", self.gateway.reload())

    def refused(self):
        self.application.stop()
        for caller in self.application.callers:
            self.assertEqual(caller.others, [])
        return sum(caller.refused for caller in self.application.callers)

    def test_with_both_live_for_a_while(self):
        for number in range(ROUNDS):
            old, new = "secret-%d" % number, "secret-%d" % (number + 1)
            self.application.call_on()
            self.reload(old, new)
            self.application.call_on()
            self.application.secret = new
            self.application.call_on()  # the last call with the old one is answered by now
            self.reload(new)
            self.assertEqual(self.gateway.client("app", old).call("GET", "/api/providers").status, 401)
        self.application.call_on()
        self.assertEqual(self.refused(), 0)

    def test_the_control_without(self):
        self.application.call_on()
        self.reload("secret-1")
        self.application.call_on()
        self.application.secret = "secret-1"
        self.application.call_on()
        self.assertGreater(self.refused(), 0)


if __name__ == "__main__":
    unittest.main()
