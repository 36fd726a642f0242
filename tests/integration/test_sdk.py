"""A stranger writes a provider against an installed gateway.

Goal: an installed prefix works by itself, what scripts/new-provider makes in C++, C and Rust builds out of tree
against it, passes otpgateway-provider's checks and carries a real message; and what plugins/README.md tells people to
type works. Method: `cmake --install` of the build into a temporary prefix, then what a person would do. Rust: Debian's
rustc when it is there.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from gateway import Gateway, free_port, program
from gateway_case import new_id

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(program("otpgateway")).parent.parent
RUSTC = "/usr/bin/rustc" if os.path.exists("/usr/bin/rustc") else "rustc"


def run(*command, code=0, cwd=None, **environment):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          cwd=cwd, env={**os.environ, **environment}, timeout=150)
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode != code:
        raise AssertionError("%s ended with %d:\n%s" % (" ".join(map(str, command)), done.returncode, output))
    return output


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="otpgw-sdk-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        # From here on the installed programs are the ones under test.
        built = os.environ["OTPGW_BIN"]
        cls.addClassCleanup(os.environ.__setitem__, "OTPGW_BIN", built)
        os.environ["OTPGW_BIN"] = str(cls.prefix / "bin")

    def send_through_a_gateway(self, **providers):
        gateway = Gateway({"providers": providers})
        self.addCleanup(gateway.close)
        return gateway.start(), [
            gateway.client().put(new_id(), provider=name, to="anna", otp="354965", wait="10").data["delivery"]["state"]
            for name in providers]

    def test_a_prefix_works_by_itself(self):
        gateway, states = self.send_through_a_gateway(console={})
        self.assertEqual(states, ["sent"])
        self.assertIn(str(self.prefix), os.readlink("/proc/%d/exe" % gateway.process.pid))
        with open("/proc/%d/maps" % gateway.worker_pid("console"), encoding="utf-8") as maps:
            self.assertIn("%s/lib/otpgateway/providers/console.so" % self.prefix, maps.read())
        page = gateway.client().call("GET", "/static/otp.js")
        self.assertEqual(page.status, 200)

    def assert_provider_works(self, language, build):
        name = "pigeon" + (language.strip("-") or "cpp")
        folder, outgoing = self.folder / name, self.folder / (name + "-outgoing")
        outgoing.mkdir()
        told = run(SOURCE / "scripts/new-provider", name, *filter(None, [language]), folder)
        self.assertIn("build/%s.so" % name, told)
        build(folder, name)
        library = folder / "build" / (name + ".so")

        tool = self.prefix / "bin/otpgateway-provider"
        self.assertIn("[providers.%s]" % name, run(tool, "info", library))
        run(tool, "check", library)  # without a configuration, as far as that goes
        config = self.folder / (name + ".toml")
        config.write_text('[providers.%s]\nenabled = true\ndirectory = "%s"\n' % (name, outgoing))
        checked = run(tool, "check", library, "--config", config, "--to", "anna", "--send")
        self.assertNotIn("not tried", checked)
        self.assertEqual(len(list(outgoing.glob("*.txt"))), 10, checked)
        self.assertIn("sent: the upstream took it", run(tool, "send", library, "--config", config, "--to", "anna"))

        installed = self.prefix / "lib/otpgateway/providers" / library.name
        if language == "--rust":
            shutil.copy(library, installed)
        else:
            run("cmake", "--install", folder / "build", "--prefix", self.prefix)
        self.assertTrue(installed.exists())
        _, states = self.send_through_a_gateway(**{name: {"enabled": True, "directory": str(outgoing)}})
        self.assertEqual(states, ["sent"])
        texts = [file.read_text() for file in outgoing.glob("*.txt")]
        self.assertEqual(len(texts), 12)
        self.assertEqual(sum(text.startswith("To: anna\n\n") and "354965" in text for text in texts), 12)

    def build_with_cmake(self, folder, _):
        run("cmake", "-S", folder, "-B", folder / "build", CMAKE_PREFIX_PATH=str(self.prefix))
        run("cmake", "--build", folder / "build")

    def test_a_provider_in_cpp(self):
        self.assert_provider_works("", self.build_with_cmake)

    def test_a_provider_in_c(self):
        self.assert_provider_works("--c", self.build_with_cmake)

    def test_a_provider_in_rust(self):
        def build(folder, name):
            (folder / "build").mkdir()
            run(RUSTC, "--edition", "2021", "-O", "-D", "warnings", "-C", "strip=symbols", "--crate-type", "cdylib",
                "--crate-name", name, "-o", folder / "build" / (name + ".so"), folder / "src/lib.rs")
        self.assert_provider_works("--rust", build)

    def test_the_readme_as_it_stands(self):
        text = (SOURCE / "plugins/README.md").read_text()
        section = text.split("## A provider in ten minutes", 1)[1].split("\n## ", 1)[0]
        commands = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        self.assertGreaterEqual(len(commands), 4)
        home, port = self.folder / "home", free_port()
        home.mkdir()
        script = "\n".join(commands).replace("build/release", str(BUILD)).replace("localhost:9000",
                                                                                  "127.0.0.1:%d" % port)
        # A gateway that the script leaves behind, because a command before its end failed, ends with it.
        script = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + script
        output = run("bash", "-c", script, cwd=SOURCE, HOME=str(home), OTP_GATEWAY_APP__ADDRESS="127.0.0.1:%d" % port)
        self.assertIn('"state":"sent"', output)
        self.assertIn("To: anna", output)


class NewProvider(unittest.TestCase):
    """What it refuses."""

    def test_names_and_folders(self):
        with tempfile.TemporaryDirectory(prefix="otpgw-sdk-") as folder:
            for name in ("", "Pigeon", "carrier-pigeon", "../pigeon", "1pigeon", "smtp"):
                with self.subTest(name):
                    self.assertIn("expected a name" if name != "smtp" else "the gateway has that name already",
                                  run(SOURCE / "scripts/new-provider", name, folder + "/new", code=2))
            self.assertIn("it is there already", run(SOURCE / "scripts/new-provider", "pigeon", folder, code=2))
            self.assertIn("unknown option --cobol", run(SOURCE / "scripts/new-provider", "pigeon", "--cobol", code=2))
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
