"""A core that acknowledges first and commits later, and whose codes live by the wall clock: the control of the tests
that kill the core and that set the clock. Its jobs stand in memory until they are mailed; what limits count is committed
like all the rest.

usage: toy_core.py PORT DATABASE SMTP_PORT
"""

import os
import pathlib
import select
import smtplib
import sqlite3
import subprocess
import sys
import threading
import time

from client import Client
from gateway import SECRET, free_port, wait_for
from limit_counters import Keys, lowest_count, of_guess, of_send, one_window
from toy_http import ToyServer

MAIN_KEY = bytes(32)
COMMIT_SECONDS = 0.1  # how far the database is behind the answers


class ToyCore:
    def __init__(self, database):
        self.lock = threading.Lock()
        self.jobs = []  # lock: addresses to be mailed
        self.keys = Keys(MAIN_KEY)
        self.database = sqlite3.connect(database, check_same_thread=False)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS otp (id TEXT PRIMARY KEY, code TEXT, address TEXT, attempts INTEGER, expires_at REAL)")
        self.database.execute("CREATE TABLE IF NOT EXISTS job (state INTEGER, provider TEXT)")
        self.database.execute("CREATE TABLE IF NOT EXISTS counter (key BLOB PRIMARY KEY, windows BLOB)")
        self.database.commit()

    async def answer(self, method, path, form):
        if not path.startswith(("/api/otp/", "/otp/app/")):
            return 200, {}
        with self.lock:
            return self.answer_about(method, path.rsplit("/", 1)[1], form)

    def answer_about(self, method, otp_id, form):
        if method == "PUT":
            self.database.execute("INSERT OR REPLACE INTO otp VALUES (?, ?, ?, 1, ?)",
                                  (otp_id, form["otp"], form.get("to"), time.time() + float(form["ttl"])))
            self.jobs.append(form.get("to"))
            if form.get("to"):
                self.count(of_send(form["to"], form.get("client_ip", "")))
            return 200, {"data": {"attempts": 1}}
        row = self.database.execute("SELECT code, address, attempts, expires_at FROM otp WHERE id = ? AND expires_at > ?",
                                    (otp_id, time.time())).fetchone()
        if row is None:
            return 400, {"message": "the OTP does not exist"}
        code, address, attempts, expires_at = row
        if method == "GET":
            return 200, {"data": {"attempts": attempts, "ttl": expires_at - time.time()}}
        if form["otp"] == code:
            self.database.execute("DELETE FROM otp WHERE id = ?", (otp_id,))
            return 200, {}
        self.database.execute("UPDATE otp SET attempts = attempts + 1 WHERE id = ?", (otp_id,))
        self.count(of_guess(address or ""))
        return 400, {"message": "Incorrect OTP", "data": {"attempts": attempts + 1}}

    def count(self, events):
        for key in (self.keys.of(*event) for event in events):
            row = self.database.execute("SELECT windows FROM counter WHERE key = ?", (key,)).fetchone()
            count = lowest_count(row[0]) if row else 0
            self.database.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (key, one_window(count + 1)))

    def commit_and_mail(self, smtp_port):
        while True:
            select.select([], [], [], COMMIT_SECONDS)  # libfaketime 0.9.10 breaks time.sleep()
            with self.lock:
                self.database.commit()
                addresses, self.jobs = self.jobs, []
            if smtp_port and any(addresses):
                with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
                    for address in filter(None, addresses):
                        smtp.sendmail("toy@gateway.example", address, "Message-ID: <%s>\r\n\r\ntoy\r\n" % address)


class ToyCoreProcess:
    """It as a process, with what the tests ask of gateway.Gateway."""

    def __init__(self, folder, smtp_port=0, environment=None):
        self.folder = pathlib.Path(folder)
        self.database = self.folder / "toy.db"
        self.port = free_port()
        self._smtp_port = smtp_port
        self._environment = {**os.environ, **(environment or {})}
        self._process = None

    def start(self):
        self._process = subprocess.Popen([sys.executable, "-B", __file__, str(self.port), str(self.database),
                                          str(self._smtp_port)], env=self._environment)
        wait_for("the toy core", self._answers)
        return self

    def _answers(self):
        try:
            return self.client().call("GET", "/").status == 200
        except OSError:
            return False

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process = None

    def close(self):
        if self._process:
            self.kill()

    @property
    def pid(self):
        return self._process.pid

    @staticmethod
    def main_key():
        return MAIN_KEY

    def worker_pids(self):
        return []

    def client(self):
        return Client(self.port, "app", SECRET)


if __name__ == "__main__":
    core = ToyCore(sys.argv[2])
    server = ToyServer(core.answer, int(sys.argv[1]))
    core.commit_and_mail(int(sys.argv[3]))
