"""The systemd units, and an installed gateway that runs as they say.

Goal: the sandbox is as tight as it claims and lets the programs do all their work; core and workers are two users who
meet at one socket and nowhere else. Method: an installation of its own; systemd-analyze; the commands, users and modes
that the units name, with strace failing every system call that their filters leave out. No systemd runs here.
"""

import os
import pathlib
import re
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from client import Client
from gateway import children, free_port, wait_for
from mailbox import MailBox

EXPOSURE_MAX = 15  # of 100
IDS = {"otpgateway": 61001, "otpgateway-worker": 61002, "stranger": 61003}
SECRET = "change-me"  # of the installed sample


def run(*words, **options):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", timeout=60, **options)


class Unit:
    """A unit file: unit["User"] is a setting's last value, unit.all("SystemCallFilter") are all of them."""

    def __init__(self, path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")

    def all(self, name):
        return re.findall(r"^%s=(.*)$" % name, self.text, re.MULTILINE)

    def __getitem__(self, name):
        return self.all(name)[-1]


class SyscallSets:
    """systemd's names for sets of system calls."""

    def __init__(self):
        self.sets = {}
        for line in run("systemd-analyze", "syscall-filter").stdout.splitlines():
            if line.startswith("@"):
                members = self.sets.setdefault(line.strip(), [])
            elif line.strip() and not line.strip().startswith("#") and self.sets:
                members.append(line.strip())

    def calls(self, name):
        if not name.startswith("@"):
            return {name}
        return set().union(*(self.calls(member) for member in self.sets[name]))

    def allowed(self, unit):
        allowed = set()
        for line in unit.all("SystemCallFilter"):
            named = set().union(*(self.calls(name) for name in line.lstrip("~").split()))
            allowed = allowed - named if line.startswith("~") else allowed | named
        return allowed


def setUpModule():
    global folder, prefix, documents, core, worker
    folder = pathlib.Path(tempfile.mkdtemp(prefix="otpgw-units-"))
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    prefix = folder / "usr"
    done = run("cmake", "--install", os.environ["OTPGW_BUILD"], "--prefix", prefix, "--strip")
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    documents = prefix / "share/doc/otpgateway"
    units = prefix / "lib/systemd/system"
    core, worker = Unit(units / "otpgateway.service"), Unit(units / "otpgateway-worker@.service")


class Files(unittest.TestCase):
    def exposure(self, path):
        return run("systemd-analyze", "security", "--offline=true", "--threshold=%d" % EXPOSURE_MAX, path)

    def test_the_sandbox_is_tight(self):
        for unit in (core, worker):
            done = self.exposure(unit.path)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_looser_one_is_noticed(self):
        loose = folder / "loose.service"
        loose.write_text(re.sub("^(SystemCallFilter|ProtectSystem|PrivateUsers)=.*\n", "", core.text, flags=re.M))
        self.assertNotEqual(self.exposure(loose).returncode, 0)

    def test_systemd_understands_them(self):
        done = run("systemd-analyze", "verify", core.path, worker.path)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_the_users(self):
        (folder / "etc").mkdir(exist_ok=True)
        done = run("systemd-sysusers", "--root=%s" % folder, prefix / "lib/sysusers.d/otpgateway.conf")
        self.assertEqual(done.returncode, 0, done.stdout)
        users = (folder / "etc/passwd").read_text()
        for unit in (core, worker):
            self.assertRegex(users, "(?m)^%s:" % unit["User"])
            self.assertRegex((folder / "etc/group").read_text(), "(?m)^%s:" % unit["Group"])
        # What the core's unit wrote, a command typed as its user replaces: --rotate-key.
        self.assertRegex((folder / "etc/group").read_text(), "(?m)^%s:.*:%s$" % (core["Group"], core["User"]))


class Documents(unittest.TestCase):
    def test_what_the_readme_names_is_there(self):
        text = (documents / "README.md").read_text("utf-8")
        named = set(re.findall(r"\]\((?!https?:|#)([^)#]+)", text) + re.findall(r'<img src="([^"]+)"', text))
        self.assertGreater(len(named), 10)
        self.assertEqual([name for name in sorted(named) if not (documents / name).exists()], [])


class Process:
    """A program as its unit starts it, but for the paths in /etc. Its trace names the calls that were made to fail."""

    def __init__(self, name, unit, allowed, words, environment):
        self.trace_path = folder / "traces" / name
        self.log_path = folder / (name + ".log")
        identity = ["setpriv", "--reuid=%d" % IDS[unit["User"]], "--regid=%d" % IDS[unit["Group"]],
                    "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        more = [str(IDS[group]) for line in unit.all("SupplementaryGroups") for group in line.split()]
        identity += ["--groups=" + ",".join(more)] if more else ["--clear-groups"]
        strace = ["strace", "-f", "-qq", "-s", "0", "-e", "signal=none", "-o", str(self.trace_path), "-e",
                  "inject=!%s:error=%s" % (",".join("?" + call for call in sorted(allowed)),
                                           unit["SystemCallErrorNumber"])]
        umask = int(unit["UMask"], 8)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(identity + strace + words, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd="/", preexec_fn=lambda: os.umask(umask),
                                            env={"PATH": os.environ["PATH"], **environment})

    @property
    def pid(self):
        return children(self.process.pid)[0]

    def log(self):
        return self.log_path.read_text("utf-8", "replace")

    def wait_for_log(self, words):
        wait_for(words, lambda: words in self.log() or self.process.poll() is not None)
        if words not in self.log():
            raise AssertionError(self.log())

    def stop(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(30)

    def trace(self):
        return self.trace_path.read_text("utf-8", "replace")


@unittest.skipUnless(os.geteuid() == 0, "two users need root")
class TwoUsers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = MailBox()
        cls.addClassCleanup(cls.box.shut_down)
        cls.port = free_port()
        owner, group = IDS[core["User"]], IDS[core["Group"]]
        cls.state = cls.make_folder("state", owner, group, int(core["StateDirectoryMode"], 8))
        cls.runtime = cls.make_folder("run", owner, group, int(core["RuntimeDirectoryMode"], 8))
        cls.make_folder("traces", 0, 0, 0o1777)
        cls.etc = cls.make_folder("etc/otpgateway", 0, 0, 0o755)
        for name, readers in (("config.toml", owner), ("providers.toml", group)):
            sample = (documents / name).read_text("utf-8")
            (cls.etc / name).write_text(sample.replace("/var/lib/" + core["StateDirectory"], str(cls.state)), "utf-8")
            os.chown(cls.etc / name, 0, readers)
            (cls.etc / name).chmod(0o640)

    @staticmethod
    def make_folder(name, owner, group, mode):
        path = folder / name
        path.mkdir(parents=True)
        os.chown(path, owner, group)
        path.chmod(mode)
        return path

    def setUp(self):
        self.processes = []
        self.addCleanup(lambda: [one.stop() for one in self.processes])

    def start(self, name, unit, instance=""):
        words = shlex.split(unit["ExecStart"].replace("/etc/otpgateway", str(self.etc)).replace("%i", instance))
        environment = {
            "STATE_DIRECTORY": str(self.state),
            "OTP_GATEWAY_APP__ADDRESS": "127.0.0.1:%d" % self.port,
            "OTP_GATEWAY_ADMIN__ADDRESS": "",
            "OTP_GATEWAY_WORKERS__ENDPOINT": "ipc://%s/broker.sock" % self.runtime,
            "OTP_GATEWAY_PROVIDERS__SMTP__PORT": str(self.box.port),
        }
        process = Process(name, unit, SyscallSets().allowed(unit), words, environment)
        self.processes.append(process)
        return process

    def in_a_shell(self, option):
        """A command as somebody types it: with the unit's user, and nothing that the unit sets up."""
        return run("setpriv", "--reuid=%d" % IDS["otpgateway"], "--regid=%d" % IDS["otpgateway"], "--clear-groups",
                   prefix / "bin/otpgateway", "--config=%s" % (self.etc / "config.toml"), option)

    def as_user(self, user, code, *arguments):
        """Python code as that user, with its own group alone."""
        return run("setpriv", "--reuid=%d" % IDS[user], "--regid=%d" % IDS[user], "--clear-groups",
                   "/usr/bin/python3", "-c", code, *arguments)

    def can_read(self, user, path):
        return self.as_user(user, "import sys; open(sys.argv[1], 'rb').read()", path).returncode == 0

    def can_connect(self, user):
        code = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        return self.as_user(user, code, self.runtime / "broker.sock").returncode == 0

    def test_a_code_is_sent_and_nobody_sees_what_is_not_theirs(self):
        mailer = self.start("worker", worker, "smtp")  # it waits for the core
        gateway = self.start("core", core)
        gateway.wait_for_log("worker of smtp is ready")
        self.assert_sends("two-users")

        socket = (self.runtime / "broker.sock").stat()
        self.assertEqual((stat.S_IMODE(socket.st_mode), socket.st_gid), (0o660, IDS["otpgateway-worker"]))
        self.assertTrue(self.can_connect("otpgateway-worker"))
        self.assertFalse(self.can_connect("stranger"))

        private = [self.state / "otpgateway.db", self.state / "otpgateway.key", self.state / "key-in-use",
                   self.etc / "config.toml"]
        for path in private:
            self.assertTrue(self.can_read("otpgateway", path), path)
            self.assertFalse(self.can_read("otpgateway-worker", path), path)
        self.assertTrue(self.can_read("otpgateway-worker", self.etc / "providers.toml"))
        self.assertFalse(self.can_read("stranger", self.etc / "providers.toml"))

        self.assertIn("/smtp.so", self.maps(mailer))
        self.assertNotIn("/providers/", self.maps(gateway))
        self.assertNotIn(str(self.state), self.maps(mailer) + self.open_files(mailer))
        self.assertIn("otpgateway.db", self.open_files(gateway))

        done = self.in_a_shell("--address-tag=john@doe.example")
        self.assertEqual(done.returncode, 0, done.stdout)

        os.kill(gateway.pid, signal.SIGKILL)
        gateway.process.wait(30)
        second = self.start("core-again", core)
        second.wait_for_log("worker of smtp is ready")
        self.assert_sends("after-a-crash")

        self.assertEqual((mailer.stop(), second.stop()), (0, 0))
        for process, unit in ((gateway, core), (second, core), (mailer, worker)):
            self.check_trace(process.trace(), unit)

    def assert_sends(self, otp_id):
        address = otp_id + "@mail.example"
        answer = Client(self.port, "myAppName", SECRET).put(otp_id, provider="smtp", to=address, wait=15)
        self.assertEqual((answer.status, answer.data["delivery"]["state"]), (200, "sent"), answer)
        self.box.wait_for(address)

    def check_trace(self, trace, unit):
        """What systemd would have forbidden. Nothing that mattered, or no mail had come."""
        failed = set(re.findall(r"(\w+)\(.*\(INJECTED\)", trace))
        # getrlimit(): how many descriptors there may be. The unit has set that.
        self.assertLessEqual(failed, {"prlimit64"})
        families = set(re.findall(r"socket\((AF_\w+)", trace))
        self.assertLessEqual(families, set(unit["RestrictAddressFamilies"].split()))
        # MemoryDenyWriteExecute
        self.assertIsNone(re.search(r"mmap\(.*PROT_WRITE\|PROT_EXEC", trace))
        self.assertIsNone(re.search(r"mprotect\(.*PROT_EXEC", trace))
        self.assertGreater(trace.count("\n"), 500)

    def test_a_folder_where_others_may_write_is_refused(self):
        self.runtime.chmod(0o770)
        self.addCleanup(self.runtime.chmod, 0o750)
        gateway = self.start("core", core)
        self.assertEqual(gateway.process.wait(30), int(core["RestartPreventExitStatus"]))
        self.assertIn("workers.endpoint: %s may be written by its group" % self.runtime, gateway.log())

    def test_a_filter_that_is_too_tight_is_noticed(self):
        tight = Unit(core.path)
        tight.text = tight.text.replace("SystemCallFilter=sched_setscheduler\n", "")
        self.assertNotEqual(self.start("tight", tight).process.wait(30), 0)

    @staticmethod
    def maps(process):
        return pathlib.Path("/proc/%d/maps" % process.pid).read_text()

    @staticmethod
    def open_files(process):
        return "\n".join(os.readlink(entry) for entry in pathlib.Path("/proc/%d/fd" % process.pid).iterdir())


if __name__ == "__main__":
    unittest.main()
