"""The command line and the configuration at start.

Goal: what is wrong ends the start with one line that a user can act on; what an older configuration holds works;
what belongs to a later release is refused, not ignored. Method: run the program on files.
"""

import hashlib
import os
import pathlib
import pty
import re
import socket
import subprocess
import time
import unittest

from gateway import Gateway, free_port, program
from gateway_case import new_id

# What somebody who comes from the Go program brings along.
GO_CONFIG = """
[app]
address = "127.0.0.1:PORT"
server_timeout = "5s"
enable_debug_logs = true
otp_ttl = 300
otp_max_attempts = 5
otp_max_resends = 3
otp_max_generate = 3
root_url = "http://127.0.0.1:PORT"
logo_url = ""
favicon_url = ""

STORE
[store.redis]
host = "localhost"
port = "6379"
user = ""
password = ""
publish_key = ""

[auth.MyApp]
namespace = "MyApp"
secret = "my_secret_token"

[auth.MyOtherApp]
namespace = "MyOtherApp"
secret = "my_secret_token2"

[providers.smtp]
enabled = true
subject = "{{ .Namespace }}: {{ .Channel }} verification"
template = "static/smtp.tpl"
from_email = "OTP verification <yoursite@yoursite.com>"
host = "localhost"
port = 25
auth_protocol = "cram" # login | cram | plain | none
username = "smtp-user"
password = "smtp-password"
max_conns = 10
timeout = "5s"
tls_type = "none" # none | STARTTLS | TLS
tls_skip_verify = false

[providers.kaleyra_sms]
enabled = false
subject = ""
template = "static/sms.txt"
sender = "YOURID"
sid = ""
api_key = ""
sms_entity_id = ""
sms_template_id = ""
default_phone_code = "+91"
max_conns = 10
timeout = "5s"

[providers.kaleyra_whatsapp]
enabled = false
subject = ""
template = ""
sender = ""
sid = ""
api_key = ""
default_phone_code = "+91"
template_name = "otp"
max_conns = 10
timeout = "5s"

[providers.pinpoint_sms]
enabled = false
subject = "Verification"
template = "static/sms.txt"
application_id = ""
access_key = ""
secret_key = ""
region = ""
sms_sender_id = ""
sms_entity_id = ""
sms_template_id = ""
sms_message_type = "TRANSACTIONAL"
default_phone_code = "+91"
max_conns = 10
timeout = "5s"

[webhooks.your_provider]
enabled = false
url = "https://your-webhook-endpoint:8000"
max_conns = 10
timeout = "5s"
username = ""
password = ""
subject = "{{ .Namespace }}: {{ .Channel }} verification"
template = ""
channel_name = "Phone call"
address_name = "Mobile number"
max_address_len = 12
max_otp_len = 6
"""

SOURCES = pathlib.Path(__file__).resolve().parents[2]


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def assert_refused(self, *texts, options=("--check-config",), environment=None):
        code, output = self.gateway.run_once(*options, environment=environment, seconds=10)
        self.assertEqual(code, 2, output)
        for text in texts:
            self.assertIn(text, output)
        return output

    def assert_accepted(self, environment=None):
        code, output = self.gateway.run_once("--check-config", environment=environment)
        self.assertEqual(code, 0, output)
        return output

    def test_version_and_help(self):
        code, output = self.gateway.run_once("--version")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"[0-9]+\.[0-9]+\.[0-9]+")
        code, output = self.gateway.run_once("--help")
        self.assertEqual(code, 0)
        for option in ("config", "version", "check-config", "Exit codes"):
            self.assertIn(option, output)

    def test_unknown_options(self):
        self.assert_refused("nonsense", options=("--nonsense",))

    def test_check_config_starts_nothing(self):
        self.assert_accepted()
        self.assertFalse(self.gateway.database.exists())

    def test_where_nobody_can_listen(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            for key, address, said in (
                    ("app", "127.0.0.1:%d" % taken.getsockname()[1], "it is in use; is another instance running?"),
                    ("app", "192.0.2.1:9000", "this machine has no such address"),
                    ("app", "%s.invalid:9000" % ("x" * 64), "no such host"),
                    ("admin", "127.0.0.1:%d" % taken.getsockname()[1], "it is in use")):
                with self.subTest((key, address)):
                    self.gateway.write_config({key: {"address": address}})
                    code, output = self.gateway.run_once()
                    self.assertEqual(code, 1, output)
                    self.assertIn("%s.address: can't listen on %s: %s" % (key, address, said), output)
                    self.assertEqual("another instance" in output, "in use" in said)

    def test_a_data_folder_that_cannot_be_used(self):
        closed, file = self.gateway.folder / "closed", self.gateway.folder / "file"
        closed.mkdir(mode=0o500)
        file.touch()
        if os.geteuid() == 0:  # which may write everywhere, but for a right that can be left
            command = self.gateway.command
            self.gateway.command = lambda *options: ["setpriv", "--bounding-set=-dac_override", *command(*options)]
        for changes, code, said in (
                ({"app": {"data_dir": str(closed)}}, 1, "app.data_dir: can't write into the folder %s: Permission" % closed),
                ({"app": {"data_dir": str(file)}}, 1, "app.data_dir: can't make the folder %s: Not a" % file),
                ({"store": {"sqlite": {"path": str(closed)}}}, 2, "store.sqlite.path: expected a database file; %s is" % closed)):
            with self.subTest(changes):
                self.gateway.write_config(changes)
                ended, output = self.gateway.run_once()
                self.assertEqual(ended, code, output)
                self.assertIn(said, output)

    def test_what_needs_a_key_before_there_is_one(self):
        for options in (["--address-tag=x"], ["--rotate-key"], ["--drop-old-keys"]):
            code, output = self.gateway.run_once(*options)
            self.assertEqual(code, 1)
            self.assertIn("otpgateway.key: there is no key file; a first start makes one,", output)

    def test_a_missing_file(self):
        self.gateway.config_path.unlink()
        self.assert_refused(str(self.gateway.config_path))
        self.assert_refused(str(self.gateway.config_path), options=())

    def test_broken_toml(self):
        self.gateway.config_path.write_text("[app]\naddress = \n", encoding="utf-8")
        self.assert_refused("config.toml:2")

    def test_errors_name_file_line_and_key(self):
        for section, key, value in (("app", "otp_ttl", "soon"), ("app", "otp_ttl", 0), ("app", "address", "nowhere"),
                                    ("app", "otp_max_attempts", -1), ("app", "root_url", "ftp://x"),
                                    ("app", "locale", "de"),
                                    ("store", "engine", "mysql")):
            with self.subTest((key, value)):
                self.gateway.write_config({section: {key: value}})
                self.assert_refused("config.toml:", "%s.%s" % (section, key))

    def test_bad_namespaces(self):
        for name in ("a:b", "a/b", ""):
            with self.subTest(name):
                self.gateway.write_config({"auth": {"app": {"namespace": name}}})
                self.assert_refused("auth.app.namespace")
        self.gateway.write_config({"auth": {"app": {"secret": None}}})
        self.assert_refused("auth.app")
        self.gateway.write_config({"auth": {"other": {"namespace": "app"}}})
        self.assert_refused("app")

    def test_bad_origins(self):
        for origin in ("app.example", "https://app.example/path", "*", "javascript:x"):
            with self.subTest(origin):
                self.gateway.write_config({"auth": {"app": {"origins": [origin]}}})
                self.assert_refused("auth.app.origins")

    def test_unknown_keys_warn_with_the_nearest_name(self):
        self.gateway.write_config({"app": {"otp_tll": 5}})
        self.assertIn("otp_ttl", self.assert_accepted())

    def test_what_plugins_have_against_their_sections(self):
        self.gateway.write_config({"providers": {
            "console": {"file": "/nowhere/codes"},
            "smtp": {"enabled": True, "host": "localhost", "from_email": "nobody", "password": "very-secret-word"}}})
        output = self.assert_refused()
        self.assertRegex(output, r"config\.toml:[0-9]+: providers\.smtp: from_email: expected")
        self.assertRegex(output, r"config\.toml:[0-9]+: providers\.console: file: cannot open /nowhere/codes")
        self.assertNotIn("very-secret-word", output)
        library = self.gateway.folder / "acme.so"
        library.write_bytes(b"no library")
        library.chmod(0o644)
        self.gateway.write_config({"providers": {"acme": {"enabled": True, "plugin": str(library)}}})
        self.assertRegex(self.assert_refused(), r"config\.toml:[0-9]+: providers\.acme: .*acme\.so: cannot be loaded")

    def test_plugins_that_crash_or_hang_when_they_are_tried(self):
        library = pathlib.Path(program("")).parent / "lib/otpgateway/test-providers/minimal.so"
        self.gateway.write_config({"providers": {
            name: {"enabled": True, "plugin": str(library), "create": name} for name in ("crash", "hang")}})
        started = time.monotonic()
        code, output = self.gateway.run_once("--check-config", seconds=60)
        self.assertNotEqual(code, 0, output)
        self.assertLess(time.monotonic() - started, 30)  # both at once, and bounded
        self.assertRegex(output, r"config\.toml:[0-9]+: providers\.crash: .*minimal\.so was ended by signal 6 when it")
        self.assertRegex(output, r"config\.toml:[0-9]+: providers\.hang: .*minimal\.so hung for 9 s when it was tried")

    def test_later_releases(self):
        for changes in ({"workers": {"endpoint": "tcp://127.0.0.1:1"}}, {"store": {"engine": "redis"}}):
            with self.subTest(changes):
                self.gateway.write_config(changes)
                self.assertIn("not yet", self.assert_refused().lower())

    def test_templates(self):
        for tag in ("{{ if .OTP }}x{{ end }}", "{{ .Nothing }}", "{{ upper .OTP }}", "{{ .OTP", "{{# .OTP }}"):
            with self.subTest(tag):
                path = self.gateway.folder / "bad.tpl"
                path.write_text("first line\n%s\n" % tag, encoding="utf-8")
                self.gateway.write_config({"providers": {"console": {"template": "bad.tpl"}}})
                self.assert_refused("bad.tpl:2")
        self.gateway.write_config({"providers": {"console": {"template": "missing.tpl"}}})
        self.assert_refused("missing.tpl")

    def test_secrets_from_files(self):
        secret = self.gateway.folder / "secret"
        secret.write_text("from-a-file\n", encoding="utf-8")
        self.gateway.write_config({"auth": {"app": {"secret": None, "secret_file": str(secret)}}})
        self.gateway.start()
        self.assertEqual(self.gateway.client("app", "from-a-file").call("GET", "/api/providers").status, 200)
        self.gateway.stop()
        secret.unlink()
        self.assert_refused("secret")

    def test_new_secret_and_its_hash(self):
        code, output = self.gateway.run_once("--new-secret")
        self.assertEqual(code, 0, output)
        secret, line = output.splitlines()
        self.assertRegex(secret, "^[A-Za-z0-9_-]{43}$")
        self.assertNotEqual(self.gateway.run_once("--new-secret")[1], output)
        hashed = subprocess.run(self.gateway.command("--hash-secret"), input=secret + "\n", text=True,
                                capture_output=True, timeout=20, check=True)
        self.assertEqual(hashed.stdout.strip(), line)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        self.assertEqual(line, 'secret_sha256 = "%s"' % digest)
        self.gateway.write_config({"auth": {"app": {"secret": None, "secret_sha256": digest}}})
        self.gateway.start()
        self.assertEqual(self.gateway.client("app", secret).call("GET", "/api/providers").status, 200)
        self.assertEqual(self.gateway.client("app", digest).call("GET", "/api/providers").status, 401)

    def test_a_typed_secret_is_not_shown(self):
        main, terminal = pty.openpty()
        self.addCleanup(os.close, main)
        process = subprocess.Popen(self.gateway.command("--hash-secret"), stdin=terminal, stdout=terminal,
                                   stderr=terminal)
        os.close(terminal)
        shown = b""
        while b"Secret: " not in shown:
            shown += os.read(main, 1000)
        os.write(main, b"typed-secret-5r8\n")
        while b"secret_sha256" not in shown or not shown.endswith(b"\n"):
            shown += os.read(main, 1000)
        self.assertEqual(process.wait(20), 0)
        self.assertNotIn(b"typed-secret-5r8", shown)
        self.assertIn(hashlib.sha256(b"typed-secret-5r8").hexdigest().encode(), shown)

    def test_nothing_to_hash(self):
        code, output = self.gateway.run_once("--hash-secret")
        self.assertEqual(code, 2)
        self.assertEqual(output, "otpgateway: expected a secret, one line on standard input; got nothing\n")

    def test_environment_overrides(self):
        self.gateway.environment = {"OTP_GATEWAY_APP__OTP_TTL": "123",
                                    "OTP_GATEWAY_AUTH__APP__SECRET": "from-the-environment"}
        self.gateway.start()
        api = self.gateway.client("app", "from-the-environment")
        self.assertEqual(api.put(new_id()).data["ttl"], 123)
        self.gateway.stop()
        self.assert_refused("OTP_GATEWAY_APP__OTP_TTL", environment={"OTP_GATEWAY_APP__OTP_TTL": "soon"})

    def test_several_files_later_ones_win(self):
        more = self.gateway.folder / "more.toml"
        more.write_text("[app]\notp_ttl = \"2m\"\n", encoding="utf-8")
        command = self.gateway.command
        self.gateway.command = lambda *options: command("--config=%s" % more, *options)
        self.gateway.start()
        self.assertEqual(self.gateway.client().put(new_id()).data["ttl"], 120)

    def test_no_secret_in_a_configuration_error(self):
        self.gateway.write_config({"app": {"otp_ttl": "soon"}, "auth": {"app": {"secret": "very-secret-word"}}})
        self.assertNotIn("very-secret-word", self.assert_refused("otp_ttl"))

    def test_the_go_programs_configuration(self):
        def write(store):
            self.gateway.port = free_port()
            text = GO_CONFIG.replace("PORT", str(self.gateway.port)).replace("STORE", store)
            self.gateway.config_path.write_text(text, encoding="utf-8")

        write("")
        self.assertIn('engine = "sqlite"', self.assert_refused(options=()))
        write('[store]\nengine = "sqlite"')
        self.gateway.environment = {"OTP_GATEWAY_APP__DATA_DIR": str(self.gateway.folder / "data")}
        self.gateway.start()
        api = self.gateway.client("MyApp", "my_secret_token")
        self.assertEqual(api.call("GET", "/api/providers").data, ["smtp"])
        self.assertEqual(api.put(new_id(), provider="smtp").status, 200)

    def test_the_projects_own_samples(self):
        for name in ("config.sample.toml", "dev.toml"):
            with self.subTest(name):
                self.gateway.config_path = SOURCES / "config" / name
                warned = "still the sample's" in self.assert_accepted()
                self.assertEqual(warned, name == "config.sample.toml")  # whose secret is to be changed

    def test_the_sample_names_every_key(self):
        sample = (SOURCES / "config/config.sample.toml").read_text("utf-8")
        sections, lines = {}, []
        for line in sample.splitlines():
            if header := re.fullmatch(r"(?:# )?\[([\w.]+)\]", line):
                lines = sections.setdefault(header[1], [])
            lines.append(line)
        table = (SOURCES / "core/config/schema.cpp").read_text("utf-8").split("kKeys[] = {")[1].split("};")[0]
        keys = [key for line in table.splitlines() if "Type::section" not in line
                for key in re.findall(r'[({ ]"([a-z][a-z_.*]*\.[a-z_0-9]+)"', line)]
        self.assertGreater(len(keys), 100)
        for key in keys:
            section, name = key.rsplit(".", 1)
            with self.subTest(key):
                self.assertRegex("\n".join(sections.get(section, [sample])), r"\b%s\b" % name)


if __name__ == "__main__":
    unittest.main()
