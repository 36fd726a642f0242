"""A gateway whose worker is trusted too much: the control of the worker's crash test.

Jobs go to a worker process over its standard input and nothing comes back. When the worker dies, its jobs are
forgotten, or all that it ever got are sent again, twice, under new Message-IDs and without a look at their expiry.
"""

import json
import pathlib
import random
import subprocess
import sys
import threading
import time

from client import Client
from gateway import SECRET, process_exists
from toy_http import ToyServer

WORKER = str(pathlib.Path(__file__).with_name("toy_worker.py"))
RESTART_SECONDS = 1.2  # longer than the codes that are short live


class ToyMailer:
    """It with what the test asks of gateway.Gateway."""

    def __init__(self, smtp_port, forgets):
        self._smtp_port = smtp_port
        self._forgets = forgets
        self._jobs = []
        self._worker = None
        self._server = None
        self._watcher = None

    def start(self):
        self._server = ToyServer(self._answer)
        self._start_worker()
        return self

    def stop(self):
        if self._server:
            self._server.close()
            self._server = None
            self._worker.kill()
            self._watcher.join()

    close = stop

    def log(self):
        return ""

    def client(self):
        return Client(self._server.port, "app", SECRET)

    def worker_pid(self, _provider):
        return self._worker.pid if process_exists(self._worker.pid) else None

    def _start_worker(self):
        self._worker = subprocess.Popen([sys.executable, "-B", WORKER, str(self._smtp_port)],
                                        stdin=subprocess.PIPE, text=True, bufsize=1)
        self._watcher = threading.Thread(target=self._watch, args=(self._worker,))
        self._watcher.start()

    def _watch(self, worker):
        worker.wait()
        worker.stdin.close()
        time.sleep(RESTART_SECONDS)
        if self._server:
            self._start_worker()
            if not self._forgets:
                for job in self._jobs * 2:
                    self._hand_out(job)

    def _hand_out(self, job):
        try:
            self._worker.stdin.write(json.dumps(job) + "\n")
        except (OSError, ValueError):
            pass  # it is gone

    async def _answer(self, _method, _path, form):
        job = [form["to"], "%06d" % random.randrange(10 ** 6)]
        self._jobs.append(job)
        self._hand_out(job)
        return 200, {"data": {"otp": job[1], "ttl": int(form.get("ttl", 300))}}
