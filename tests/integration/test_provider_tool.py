"""otpgateway-provider, the tool of plug-in authors.

Goal: it says in one line what is wrong with each of the bad plug-ins, never crashes or hangs with one, finds nothing
wrong with good ones, and sends only when it is told to. Method: runs the program on the libraries of tests/abi and on
the bundled ones.
"""

import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from gateway import free_port, program, toml, wait_for
from mailbox import MailBox

LIBRARIES = pathlib.Path(program("otpgateway")).parent.parent / "lib" / "otpgateway"


def bad(name):
    return str(LIBRARIES / "test-providers" / (name + ".so"))


def bundled(name):
    return str(LIBRARIES / "providers" / (name + ".so"))


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="otpgw-tool-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_tool(self, *arguments, code):
        done = subprocess.run([program("otpgateway-provider"), *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, cwd=self.folder)
        self.output, self.errors = done.stdout.decode(), done.stderr.decode("utf-8", "replace")
        self.assertEqual(done.returncode, code, self.output + self.errors)
        return self.output

    def section(self, name, kind="providers", **keys):
        path = self.folder / "config.toml"
        path.write_text(toml({kind: {name: {"enabled": True, **keys}}}))
        return "--config=%s" % path

    def line(self, check):
        """What the tool said about one check: (word, sentence)."""
        for line in self.output.splitlines():
            if line[7:].startswith(check):
                return line[:7].strip(), line[28:].strip()
        self.fail("no line about %s in:\n%s" % (check, self.output))

    def assert_finds(self, check, *texts):
        word, sentence = self.line(check)
        self.assertEqual(word, "WRONG", self.output)
        for text in texts:
            self.assertIn(text, sentence)


class Secrecy(unittest.TestCase):
    def test_no_core_file_holds_the_credentials(self):
        hung = subprocess.Popen([program("otpgateway-provider"), "info", bad("load_hangs")])
        self.addCleanup(hung.wait)
        self.addCleanup(hung.kill)
        children = pathlib.Path("/proc/%d/task/%d/children" % (hung.pid, hung.pid))
        loading = int(wait_for("the process that loads it", children.read_text))
        self.addCleanup(os.kill, loading, signal.SIGKILL)
        for pid in (hung.pid, loading):
            self.assertRegex(pathlib.Path("/proc/%d/limits" % pid).read_text(), r"Max core file size +0 +0 ")


class Info(Tool):
    def test_shows_a_provider(self):
        self.assertIn("[providers.smtp]", self.run_tool("info", bundled("smtp"), code=0))

    def test_says_what_is_wrong_with_a_file(self):
        for name, text in (("no_symbol", "does not export otpgw_provider_entry"),
                           ("other_major", "made for plug-in ABI 2.0; this worker has 1.0"),
                           ("short_struct", "its entry is too short"), ("text", "cannot be loaded"),
                           ("unresolved", "undefined symbol"), ("init_fails", "its init failed with code 7"),
                           ("load_crashes", "it crashed (Aborted): while it was loaded"),
                           ("load_hangs", "it did not come back: while it was loaded"), ("missing", "no such file")):
            with self.subTest(name):
                self.run_tool("info", bad(name), code=1)
                self.assertIn(name + ".so", self.errors)
                self.assertIn(text, self.errors)
                self.assertEqual(len(self.errors.splitlines()), 1)


class Check(Tool):
    def test_finds_nothing_wrong_with_the_bundled_ones(self):
        kaleyra = {"api_key": "key", "sid": "HXAP", "sender": "GATEWY", "default_phone_code": "91"}
        pinpoint = {"application_id": "app", "access_key": "AKIDEXAMPLE", "secret_key": "secret",
                    "region": "ap-south-1", "default_phone_code": "91"}
        smtp = {"host": "127.0.0.1", "port": 25, "tls_type": "none", "from_email": "a@gateway.example"}
        for file, name, address, keys in (
                ("console", "console", "anna", {}), ("smtp", "smtp", "anna@mail.example", smtp),
                ("pinpoint", "pinpoint_sms", "+919876543210", pinpoint),
                ("kaleyra", "kaleyra_sms", "+919876543210", kaleyra),
                ("kaleyra", "kaleyra_whatsapp", "+919876543210", {**kaleyra, "template_name": "otp"})):
            with self.subTest(name):
                self.run_tool("check", bundled(file), self.section(name, **keys), "--provider=" + name,
                              "--to=" + address, code=0)
                self.assertEqual(self.line("good address")[0], "ok")
                self.assertEqual(self.line("bad addresses")[0], "ok")
                self.assertEqual(self.line("send")[0], "-", "nothing is sent without --send")
                self.assertEqual(os.listdir(self.folder), ["config.toml"], "nothing is left behind")

    def test_a_webhook_is_named(self):
        config = self.section("crm", kind="webhooks", url="http://127.0.0.1:%d/" % free_port())
        self.run_tool("check", bundled("webhook"), config, "--provider=crm", "--to=anna", code=0)
        self.assertEqual(self.line("bad configurations")[0], "ok")

    def test_what_cannot_be_loaded(self):
        self.run_tool("check", bad("load_crashes"), code=1)
        self.assert_finds("loading", "it crashed (Aborted)")
        self.run_tool("check", bad("no_symbol"), code=1)
        self.assert_finds("loading", "does not export")

    def test_create_that_crashes_or_hangs(self):
        self.run_tool("check", bad("minimal"), self.section("minimal", create="crash"), code=1)
        self.assert_finds("bad configurations", "it crashed (Aborted): in create with its own section")
        self.assert_finds("instances", "it crashed (Aborted): in create")

    def test_exceptions_from_create_and_validate(self):
        self.run_tool("check", bad("throwing"), code=1)
        self.assert_finds("bad addresses", "validate threw an exception")

    def test_validate_that_takes_everything(self):
        self.run_tool("check", bad("minimal"), "--to=dirty", code=1)
        self.assert_finds("bad addresses", "takes an empty address for valid")
        self.assert_finds("good address", "a normalised address that is not clean UTF-8")
        for address, text in (("nonsense", "the verdict 42, which does not exist"),
                              ("crash", "it crashed (Aborted): in validate"),
                              ("scribble", "it wrote beyond the end of a result: in validate"),
                              ("unending", "a country that is not two capital letters")):
            with self.subTest(address):
                self.run_tool("check", bad("minimal"), "--to=" + address, code=1)
                self.assert_finds("good address", text)

    def test_wrong_types_leaks_and_threads(self):
        self.run_tool("check", bad("careless"), "--to=anna", code=1)
        self.assert_finds("bad configurations", "create takes loft as a list")
        self.assert_finds("instances", "destroy leaks memory")
        self.assert_finds("validate on threads", "answers something else")

    def test_send_of_all_kinds(self):
        for name, check, text in (("careless", "send", "the code 4711, which does not exist"),
                                  ("careless", "send, bad address", "the code 4711"),
                                  ("careless", "send, deadline", "send took"),
                                  ("crashing_send", "send", "it crashed (Aborted): in send")):
            with self.subTest(name + ": " + check):
                if not self.__dict__.get("checked") == name:
                    self.run_tool("check", bad(name), self.section(name, timeout="3s"), "--to=anna", "--send", code=1)
                    self.checked = name
                self.assert_finds(check, text)

    def test_sends_when_it_is_told_to(self):
        box = MailBox()
        self.addCleanup(box.shut_down)
        config = self.section("smtp", host="127.0.0.1", port=box.port, tls_type="none", auth_protocol="none",
                              from_email="a@gateway.example", timeout="5s")
        self.run_tool("check", bundled("smtp"), config, "--to=anna@mail.example", code=0)
        self.assertEqual(box.mails_to("anna@mail.example"), [])
        self.run_tool("check", bundled("smtp"), config, "--to=anna@mail.example", "--send", code=0)
        self.assertEqual(self.line("send on threads")[0], "ok")
        # The one with 300 ms left may have come too late on a busy machine.
        self.assertIn(len(box.mails_to("anna@mail.example")), (9, 10))


class Send(Tool):
    def test_sends_one_message_and_says_so(self):
        file = self.folder / "codes"
        self.run_tool("send", bundled("console"), self.section("console", file=str(file)), "--to", "anna", code=0)
        self.assertIn("sent: the upstream took it", self.output)
        self.assertIn('"code":"354965"', file.read_text())

    def test_says_why_it_was_not_sent(self):
        config = self.section("smtp", host="127.0.0.1", port=free_port(), tls_type="none", auth_protocol="none",
                              from_email="a@gateway.example")
        self.run_tool("send", bundled("smtp"), config, "--to=anna@mail.example", code=1)
        self.assertIn("not sent; the gateway would try again", self.output)
        self.assertIn("it says", self.output)

    def test_a_bad_address_and_a_bad_configuration(self):
        self.run_tool("send", bundled("smtp"), self.section(
            "smtp", host="127.0.0.1", tls_type="none", from_email="a@gateway.example"), "--to=anna", code=1)
        self.assertIn("the address is not valid: ", self.errors)
        self.run_tool("send", bundled("smtp"), self.section("smtp", host="127.0.0.1", from_email="nonsense"), "--to=anna", code=1)
        self.assertIn("from_email", self.errors)

    def test_crashes_and_hangs(self):
        self.run_tool("send", bad("crashing_send"), self.section("crashing_send"), "--to=anna", code=1)
        self.assertIn("it crashed (Aborted): in send", self.errors)


class Usage(Tool):
    def test_says_what_is_wrong(self):
        for arguments, text in (((), "a command is missing"), (("fly", "x.so"), "unknown command fly"),
                                (("check",), "FILE.so is missing"), (("check", "a.so", "b.so"), "b.so is one too many"),
                                (("check", "a.so", "--confg=x"), "unknown option --confg"),
                                (("check", "a.so", "--to"), "--to needs a value"),
                                (("check", "a.so", "--send"), "--config=FILE is missing"),
                                (("send", "a.so", "--config=x"), "--to=ADDRESS is missing"),
                                (("info", "a.so", "--to=x"), "info takes nothing but")):
            with self.subTest(arguments):
                self.run_tool(*arguments, code=2)
                self.assertIn(text, self.errors)

    def test_a_section_that_is_not_there(self):
        self.run_tool("check", bundled("smtp"), self.section("mail"), code=2)
        self.assertIn("providers.smtp", self.errors)
        self.assertIn("--provider=NAME", self.errors)

    def test_one_of_several_providers_must_be_chosen(self):
        self.run_tool("check", bad("two_providers"), code=2)
        self.assertIn("offers two_sms two_whatsapp; choose one with --provider=NAME", self.errors)

    def test_version_and_help(self):
        self.assertIn("otpgateway-provider ", self.run_tool("--version", code=0))
        self.assertIn("--provider=NAME", self.run_tool("--help", code=0))


if __name__ == "__main__":
    unittest.main()
