"""The installed gateway under a systemd that runs (in_systemd boots it).

Goal: the README's commands bring up a gateway that sends, in its sandbox; what is killed or hangs comes back, what
somebody has to mend stays down and says why; the examples in the units work. Method: systemctl and journalctl, the
README's own lines, and the units' own comments as drop-ins. Control: without its drop-in the gateway gets no port below
1024, and without the credential the secret of the sample is taken.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

import certificates
from client import Client
from gateway import wait_for
from mailbox import MailBox

ROOT = pathlib.Path(__file__).resolve().parents[2]
ETC = pathlib.Path("/etc/otpgateway")
STATE = pathlib.Path("/var/lib/otpgateway")
UNITS = pathlib.Path("/usr/local/lib/systemd/system")
CORE, WORKER = "otpgateway.service", "otpgateway-worker@smtp.service"
NAMESPACE, SECRET = "myAppName", "change-me"  # the installed sample's
PORT = 9000


def run(*words, check=True):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", timeout=120)
    if check and done.returncode != 0:
        raise AssertionError("%s ended with %d:\n%s" % (" ".join(map(str, words)), done.returncode, done.stdout))
    return done.stdout


def as_typed(line):
    """A line of the README for root, who has no sudo."""
    line = re.sub(r"^sudo -u (\S+) ", r"runuser -u \1 -- ", line)
    return run("sh", "-ec", re.sub(r"^sudo ", "", line))


def readme_block(first_line):
    text = (ROOT / "README.md").read_text("utf-8")
    return re.search(r"```sh\n(%s.*?)```" % re.escape(first_line), text, re.DOTALL).group(1).splitlines()


def show(unit, name):
    return run("systemctl", "show", "--value", "--property=" + name, unit).strip()


def journal(*options):
    return run("journalctl", "--boot", "--no-pager", "--output=cat", "--unit=" + CORE, "--unit=" + WORKER, *options)


def rewrite(path, pattern, replacement):
    text, count = re.subn(pattern, replacement, path.read_text("utf-8"), flags=re.MULTILINE)
    if count != 1:
        raise AssertionError("%s has %d times %s" % (path, count, pattern))
    path.write_text(text, "utf-8")


def commented_out(unit_file):
    """The lines of the unit that its reader is to take over."""
    text = (UNITS / unit_file).read_text("utf-8")
    return re.findall(r"^#((?:LoadCredential|Environment)=.*)$", text, re.MULTILINE)


def setUpModule():
    global box
    run("cmake", "--install", os.environ["OTPGW_BUILD"], "--prefix", "/usr/local")
    box = MailBox()
    unittest.addModuleCleanup(box.shut_down)
    *prepare, start = readme_block("sudo systemd-sysusers")
    for line in prepare:
        as_typed(line)
    rewrite(ETC / "providers.toml", "^port = 25$", "port = %d" % box.port)
    as_typed(start)


class Booted(unittest.TestCase):
    def setUp(self):
        saved = {path: path.read_bytes() for path in ETC.iterdir()}

        def restore():
            for path in ETC.iterdir():
                if path not in saved:
                    path.unlink()
            for path, content in saved.items():
                path.write_bytes(content)
            for unit in (CORE, WORKER):
                shutil.rmtree("/etc/systemd/system/%s.d" % unit, ignore_errors=True)
            run("systemctl", "daemon-reload")
            run("systemctl", "restart", CORE, WORKER)

        self.addCleanup(restore)

    def drop_in(self, unit, lines):
        folder = pathlib.Path("/etc/systemd/system/%s.d" % unit)
        folder.mkdir()
        (folder / "test.conf").write_text("[Service]\n" + "\n".join(lines) + "\n", "utf-8")
        run("systemctl", "daemon-reload")

    def secret_file(self, name, secret):
        (ETC / name).write_text(secret + "\n", "utf-8")
        (ETC / name).chmod(0o600)

    def assert_sends(self, port=PORT, secret=SECRET, tls=None):
        otp_id = os.urandom(8).hex()
        client = Client(port, NAMESPACE, secret, tls)
        wait_for("the gateway", lambda: self.answers(client))
        answer = client.put(otp_id, provider="smtp", to=otp_id + "@mail.example", wait=20)
        self.assertEqual((answer.status, answer.data["delivery"]["state"]), (200, "sent"), answer)
        box.wait_for(otp_id + "@mail.example")

    @staticmethod
    def answers(client):
        try:
            return client.call("GET", "/api/health").status == 200
        except OSError:
            return False

    def assert_stays_down(self, unit, *sentences):
        wait_for("its end", lambda: show(unit, "ActiveState") == "failed")
        self.assertEqual((show(unit, "ExecMainStatus"), show(unit, "NRestarts")), ("2", "0"))
        for sentence in sentences:
            self.assertIn(sentence, journal("--priority=err"))

    def test_it_sends_in_its_sandbox(self):
        self.assert_sends()
        wait_for("its status", lambda: show(CORE, "StatusText") == "Ready.")
        for unit in (CORE, WORKER):
            status = pathlib.Path("/proc/%s/status" % show(unit, "MainPID")).read_text()
            for line in ("CapEff:\t0{16}", "CapBnd:\t0{16}", "NoNewPrivs:\t1", "Seccomp:\t2"):
                self.assertRegex(status, "(?m)^%s$" % line)
        inside = ("nsenter", "--target", show(WORKER, "MainPID"), "--mount", "setpriv", "--reuid=otpgateway-worker",
                  "--regid=otpgateway-worker", "--clear-groups")
        self.assertIn("smtp", run(*inside, "cat", ETC / "providers.toml"))
        for words in (("cat", ETC / "config.toml"), ("ls", STATE), ("ls", "/root"), ("touch", "/usr/local/x")):
            self.assertRegex(run(*inside, *words, check=False), "Permission denied|Read-only")

    def test_what_is_killed_comes_back(self):
        for units in ((CORE,), (WORKER,), (CORE, WORKER)):
            pids = {unit: show(unit, "MainPID") for unit in units}
            for pid in pids.values():
                os.kill(int(pid), signal.SIGKILL)
            for unit, pid in pids.items():
                wait_for("another process", lambda: show(unit, "MainPID") not in ("0", pid))
            self.assert_sends()

    def test_what_hangs_is_replaced(self):
        self.drop_in(CORE, ["WatchdogSec=5s"])  # instead of 30
        run("systemctl", "restart", CORE)
        self.assert_sends()
        pid = show(CORE, "MainPID")
        os.kill(int(pid), signal.SIGSTOP)
        wait_for("another process", lambda: show(CORE, "MainPID") not in ("0", pid), 30)
        self.assert_sends()

    def test_the_key_is_rotated_as_the_readme_says(self):
        in_use = (STATE / "key-in-use").read_text()
        command, = readme_block("sudo -u otpgateway otpgateway")
        self.assertIn("has a new key", as_typed(command))
        run("systemctl", "reload", CORE)
        wait_for("the new key", lambda: (STATE / "key-in-use").read_text() != in_use)
        self.assert_sends()

    def test_a_wrong_configuration_changes_nothing_and_then_stays_down(self):
        rewrite(ETC / "config.toml", "^root_url = .*$", "root_url = 5")
        run("systemctl", "reload", CORE)
        sentence = "config.toml:7: app.root_url: expected a text in quotes; got 5"
        wait_for("the refusal", lambda: sentence in journal("--priority=err"))
        self.assert_sends()
        run("systemctl", "restart", CORE, check=False)
        self.assert_stays_down(CORE, "otpgateway: /etc/otpgateway/" + sentence)

    def test_a_wrong_section_keeps_its_worker_down(self):
        rewrite(ETC / "providers.toml", "^port = .*$", 'port = "x"')
        run("systemctl", "restart", WORKER, check=False)
        self.assert_stays_down(WORKER, "providers.smtp.port: expected a number from 1 to 65535")
        self.assertEqual(show(CORE, "ActiveState"), "active")

    def test_a_damaged_database_stays_as_it_is(self):
        run("systemctl", "stop", CORE)
        files = [path for path in STATE.iterdir() if path.name.startswith("otpgateway.db")]
        saved = {path: path.read_bytes() for path in files}
        for path in files:
            path.unlink()
        damaged = b"no database" * 1000
        database = STATE / "otpgateway.db"
        database.write_bytes(damaged)
        shutil.chown(database, "otpgateway", "otpgateway-worker")
        run("systemctl", "start", CORE, check=False)
        self.assert_stays_down(CORE, "/var/lib/otpgateway/otpgateway.db: ")
        self.assertEqual(database.read_bytes(), damaged)
        for path, content in saved.items():
            path.write_bytes(content)
            shutil.chown(path, "otpgateway", "otpgateway-worker")
        run("systemctl", "start", CORE)
        self.assert_sends()

    def test_secrets_as_credentials(self):
        for unit, unit_file, name, secret in (
                (CORE, "otpgateway.service", "myapp.secret", "from-a-credential"),
                (WORKER, "otpgateway-worker@.service", "smtp.password", "not-asked-for")):
            self.secret_file(name, secret)
            self.drop_in(unit, commented_out(unit_file))
        self.assert_sends()  # the control: not yet
        rewrite(ETC / "config.toml", "^secret = .*\n", "")
        run("systemctl", "restart", CORE)
        self.assert_sends(secret="from-a-credential")
        self.assertEqual(Client(PORT, NAMESPACE, SECRET).call("GET", "/api/providers").status, 401)
        run("systemctl", "reload", CORE)
        wait_for("the reload", lambda: "has been read again" in journal("--lines=3"))
        self.assert_sends(secret="from-a-credential")

    def test_https_on_port_443(self):
        certificate, key = certificates.self_signed(ETC, "tls")
        for path in (certificate, key):
            path.chmod(0o640)
            shutil.chown(path, "root", "otpgateway")
        rewrite(ETC / "config.toml", "^address = .*$", 'address = "0.0.0.0:443"\ntls_certificate = "%s"\ntls_key = "%s"'
                % (certificate, key))
        run("systemctl", "restart", CORE, check=False)  # the control
        wait_for("the refusal", lambda: "can't listen on 0.0.0.0:443" in journal("--priority=err"))
        named = r"`(AmbientCapabilities=\w+)`, the same in `(CapabilityBoundingSet=)`, `(PrivateUsers=no)`.*`(IPAddressAllow=any)`"
        lines = re.search(named, (ROOT / "README.md").read_text("utf-8").replace("\n", " ")).groups()
        self.drop_in(CORE, [lines[0], lines[1] + lines[0].split("=")[1], *lines[2:]])
        run("systemctl", "restart", CORE)
        self.assert_sends(port=443, tls=certificates.trusting(certificate))

    def test_the_journal_knows_what_is_a_warning(self):
        warnings = journal("--priority=warning")
        self.assertIn("auth.myApp.secret: still the sample's", warnings)
        self.assertNotIn("listening on", warnings)
        self.assertRegex(journal(), "(?m)^listening on 127.0.0.1:9000$")


if __name__ == "__main__":
    unittest.main()
