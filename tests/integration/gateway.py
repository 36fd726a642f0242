"""Starts and stops the real gateway for a test.

Every Gateway has a temporary folder and ports of its own, so tests run in any order and several times at once.
OTPGW_BIN names the folder of the programs under test (build/<preset>/bin).
"""

import copy
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from certificates import trusting_anybody
from client import Client, connect

START_SECONDS_MAX = 20  # generous: sanitizer builds on a busy machine
STOP_SECONDS_MAX = 20
# Of a sanitizer's build: how much more memory and time it may take.
MEMORY_FACTOR = int(os.environ.get("OTPGW_MEMORY_FACTOR", "1"))
TIME_FACTOR = int(os.environ.get("OTPGW_TIME_FACTOR", "1"))
SECRET = "app-secret-7f1d"
OTHER_SECRET = "other-secret-93ab"


def program(name):
    folder = os.environ.get("OTPGW_BIN")
    if not folder:
        raise RuntimeError("OTPGW_BIN must name the folder of the programs under test, like build/dev/bin")
    return os.path.join(os.path.abspath(folder), name)


def free_port():
    """A port that nobody listens on, below the range from which outgoing connections take theirs."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def toml(sections):
    """Nested dictionaries as TOML text. Keys whose value is a dictionary become sections."""
    lines = []

    def value_text(value):
        if isinstance(value, list):
            return "[" + ", ".join(value_text(item) for item in value) + "]"
        return json.dumps(value, ensure_ascii=False)

    def write(prefix, section):
        plain = {key: value for key, value in section.items() if not isinstance(value, dict)}
        if prefix and plain:
            lines.append("[%s]" % prefix)
        for key, value in plain.items():
            lines.append("%s = %s" % (key, value_text(value)))
        for key, value in section.items():
            if isinstance(value, dict):
                write(prefix + "." + key if prefix else key, value)

    write("", sections)
    return "\n".join(lines) + "\n"


def merge(base, changes):
    """`base` with `changes` laid over it, section by section. A None takes the key away."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merge(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def wait_for(what, condition, seconds=10.0):
    """Returns the first true value of condition(); fails the test with `what` when time is up."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %.1f s in vain for: %s" % (seconds, what))
        time.sleep(0.02)


class Gateway:
    """One gateway: its folder, its configuration and its process."""

    def __init__(self, config=None, smtp_port=None, environment=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="otpgw-test-"))
        self.environment = environment or {}
        self.process = None
        self.log_path = self.folder / "gateway.log"
        self.console_path = self.folder / "console.txt"
        self.database = self.folder / "otp.db"
        self.config_path = self.folder / "config.toml"
        self.port = free_port()
        self._smtp_port = smtp_port
        self._changes = config or {}
        self.write_config()

    def default_config(self):
        config = {
            "app": {
                "address": "127.0.0.1:%d" % self.port,
                "root_url": self.url,
                "data_dir": str(self.folder / "data"),
            },
            "admin": {"address": ""},
            # Off, unless a test is about them: the others send to one address and guess as often as they like.
            "limits": {"address_sends": [], "address_guesses": [], "ip_posts": [], "resend_cooldown": 0},
            "store": {"engine": "sqlite", "sqlite": {"path": str(self.database)}},
            "auth": {
                "app": {"namespace": "app", "secret": SECRET, "origins": ["http://localhost:*"]},
                "other": {
                    "namespace": "other",
                    "secret": OTHER_SECRET,
                    "origins": ["https://other.example"],
                    "return_otp": False,
                },
            },
            "providers": {"console": {"enabled": True, "file": str(self.console_path)}},
        }
        if self._smtp_port:
            config["providers"]["smtp"] = {
                "enabled": True,
                "host": "127.0.0.1",
                "port": self._smtp_port,
                "auth_protocol": "none",
                "tls_type": "none",
                "from_email": "OTP verification <otp@gateway.example>",
                "max_conns": 4,
                "timeout": "3s",
            }
        return config

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.port)

    @property
    def tls(self):
        """For clients, when the gateway speaks HTTPS."""
        return trusting_anybody() if "tls_certificate" in self._changes.get("app", {}) else None

    def write_config(self, changes=None):
        if changes is not None:
            self._changes = changes
        whole = self.config_path.with_suffix(".new")  # at once: a gateway may be reading it
        whole.write_text(toml(merge(self.default_config(), self._changes)), encoding="utf-8")
        whole.replace(self.config_path)

    # Life cycle -----------------------------------------------------------------------------------------------

    def command(self, *options):
        return [program("otpgateway"), "--config=%s" % self.config_path, *options]

    def spawn(self, *options):
        """Starts the process without waiting for it."""
        (self.folder / "data").mkdir(exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(*options), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **self.environment})
        return self

    def start(self):
        """Starts the process and waits for /api/health. Takes another port when this one was lost to somebody."""
        for _ in range(5):
            self.spawn()
            if self._wait_healthy():
                return self
            if "in use" not in self.log().lower():
                break
            self.port = free_port()
            self.write_config()
        raise AssertionError("the gateway did not start:\n" + self.log())

    def _wait_healthy(self):
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            if self.healthy():
                return True
            time.sleep(0.01)
        return False

    def healthy(self):
        connection = connect(self.port, self.tls, timeout=2)
        try:
            connection.request("GET", "/api/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def run_once(self, *options, seconds=START_SECONDS_MAX, environment=None):
        """Runs the program to its end: for starts that must fail. Returns (exit code, output)."""
        (self.folder / "data").mkdir(exist_ok=True)
        done = subprocess.run(
            self.command(*options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=self.folder, timeout=seconds, env={**os.environ, **self.environment, **(environment or {})})
        return done.returncode, done.stdout.decode("utf-8", "replace")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS_MAX)
        self.process = None
        return code

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    def reload(self, changes=None):
        """Writes the configuration, sends SIGHUP and waits for what comes of it. Returns the new part of the log."""
        if changes is not None:
            self.write_config(changes)
        before = len(self.log())
        self.hup()
        return wait_for("the end of the reload", lambda: self._reloaded(self.log()[before:]), START_SECONDS_MAX)

    @staticmethod
    def _reloaded(log):
        return log if "has been read again\n" in log or "not reloaded" in log else None

    def kill(self):
        """kill -9 of the core, and waits until it has gone."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self):
        """Ends whatever still runs and removes the folder."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    # What a test asks -------------------------------------------------------------------------------------------

    def log(self):
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def client(self, namespace="app", secret=None):
        if secret is None:
            secret = {"app": SECRET, "other": OTHER_SECRET}[namespace]
        return Client(self.port, namespace, secret, self.tls)

    def main_key(self):
        """What the key file holds."""
        return (self.folder / "data" / "otpgateway.key").read_bytes()

    def worker_pids(self):
        """Process ids of the workers that the core started, by provider unknown: its live children."""
        if self.process is None:
            return []
        return [pid for pid in children(self.process.pid) if "worker" in command_line(pid)]

    def worker_pid(self, provider):
        """The worker of one provider, or None while there is none: the one that has its plug-in loaded."""
        for pid in self.worker_pids():
            try:
                with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as maps:
                    if "/%s.so" % provider in maps.read():
                        return pid
            except OSError:
                continue
        return None

    def processor_seconds(self):
        """What the process has used so far."""
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_kib(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def children(pid):
    result = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[1]) == pid:
            result.append(int(entry))
    return result


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def process_exists(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
