"""The gateway, the mail sink and the load tools of one measurement."""

import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from certificates import self_signed
from client import basic
from gateway import SECRET, Gateway, program

HERE = pathlib.Path(__file__).resolve().parent
AUTHORIZATION = basic("app", SECRET)


class Folders:
    """Temporary folders, removed at the very end: removing large files slows the disk for what comes next."""

    all = []

    @classmethod
    def new(cls):
        build = HERE.parents[1] / "build"
        build.mkdir(exist_ok=True)
        cls.all.append(pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=build)))
        return cls.all[-1]

    @classmethod
    def remove_all(cls):
        for folder in cls.all:
            shutil.rmtree(folder, ignore_errors=True)


class Sink:
    def __init__(self, record=True):
        self.record_path = Folders.new() / "mails"
        options = ["--record", str(self.record_path)] if record else []
        self.process = subprocess.Popen([program("smtp_sink"), *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("port "):
            raise RuntimeError("smtp_sink did not start")
        self.port = int(line.split()[1])

    def times(self):
        """Recipient -> nanoseconds since 1970 of each of its mails."""
        found = {}
        if self.record_path.exists():
            with open(self.record_path, encoding="utf-8") as record:
                for line in record:
                    if line.endswith("\n"):
                        at, recipient, _ = line.split("\t")
                        found.setdefault(recipient, []).append(int(at))
        return found

    def count(self):
        if not self.record_path.exists():
            return 0
        with open(self.record_path, "rb") as record:
            return sum(block.count(b"\n") for block in iter(lambda: record.read(1 << 20), b""))

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()


class BenchGateway(Gateway):
    """The real gateway with the smtp provider on a sink, every write fsynced as always."""

    def __init__(self, sink, otps=0, limits=None, tls=False):
        super().__init__({
            "app": {"trusted_proxies": ["127.0.0.1"], "otp_max_attempts_max": 1000, "otp_max_generate_max": 1000,
                    "otp_ttl_max": 86400},
            "limits": limits or {},
            "auth": {"app": {"origins": ["https://app.example"]}, "other": None},
            "providers": {"console": None, "smtp": {"max_conns": 16}}}, smtp_port=sink.port)
        shutil.rmtree(self.folder)
        self.folder = Folders.new()
        self.log_path = self.folder / "gateway.log"
        self.database = self.folder / "otp.db"
        self.config_path = self.folder / "config.toml"
        if tls:
            certificate, key = self_signed(self.folder, "bench")
            self._changes["app"].update(tls_certificate=str(certificate), tls_key=str(key))
        self.write_config()
        self.start()
        end = time.monotonic() + 10
        while self.client().put(None, provider="smtp").status != 200:
            if time.monotonic() > end:
                raise RuntimeError("no worker for smtp:\n" + self.log())
        if otps:
            self.fill("bench-", otps, "provider=smtp&otp=111111&max_attempts=1000&ttl=86400")

    def fill(self, prefix, count, form):
        load("fill", self.port, AUTHORIZATION, prefix, count, form)

    def close(self):
        """Ends it at once, for nothing of it is needed any more, and leaves the folder for the end."""
        if self.process is not None:
            self.kill()


def load(*words):
    """otp_load with these words; its output."""
    done = subprocess.run([program("otp_load"), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError("otp_load %s: %s" % (words[0], done.stderr.strip()))
    return done.stdout


class WrkResult:
    def __init__(self, text):
        found = re.search(r"RESULT requests=(\d+) microseconds=(\d+) p50=(\d+) p99=(\d+) refused=(\d+) broken=(\d+)",
                          text)
        if not found:
            raise RuntimeError("wrk said:\n" + text)
        self.requests, microseconds, p50, p99, self.refused, self.broken = map(int, found.groups())
        self.per_second = self.requests / (microseconds / 1e6)
        self.p50_ms, self.p99_ms = p50 / 1000, p99 / 1000


def wrk(port, connections, seconds, script=None, words=(), path="/", scheme="http", header="Connection: keep-alive"):
    command = ["wrk", "-t2", "-c%d" % connections, "-d%ds" % seconds, "--timeout", "10s", "-H", header,
               "-H", "Authorization: " + AUTHORIZATION, "-s", str(HERE / ((script or "report") + ".lua")),
               "%s://127.0.0.1:%d%s" % (scheme, port, path), "--", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=HERE,
                          timeout=seconds + 60)
    return WrkResult(done.stdout)


def resident_mib(pid):
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) / 1024
