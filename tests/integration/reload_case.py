"""A gateway whose configuration a test changes while it runs."""

import os
import pathlib
import shutil
import unittest

from gateway import Gateway, program, wait_for
from gateway_case import new_address, new_id
from mailbox import MailBox

PROVIDERS = pathlib.Path(program("")).parent / "lib/otpgateway/providers"


def overlay(base, changes):
    """`base` with `changes` laid over it. A None stays: it takes a key of the gateway's defaults away."""
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = overlay(result[key], value) if both else value
    return result


class ReloadCase(unittest.TestCase):
    """A gateway of the test's own with console and smtp, whose plug-ins lie in a folder of its own."""

    CONFIG = {}

    def setUp(self):
        self.box = MailBox()
        self.addCleanup(self.box.shut_down)
        self.gateway = Gateway(smtp_port=self.box.port)
        self.addCleanup(self.gateway.close)
        self.plugins = self.gateway.folder / "plugins"
        self.plugins.mkdir()
        for name in ("console", "smtp"):
            self.install(name)
        self.base = overlay({"app": {"plugins_dir": str(self.plugins)}}, self.CONFIG)
        self.gateway.write_config(self.base)
        self.gateway.start()
        self.api = self.gateway.client()
        for name in ("console", "smtp"):
            wait_for("the worker of " + name, lambda: self.api.put(new_id(), provider=name).status == 200)

    def install(self, name, as_name=None):
        """A plug-in appears under its name all at once, as packages do it."""
        target = self.plugins / ((as_name or name) + ".so")
        shutil.copy(PROVIDERS / (name + ".so"), str(target) + ".new")
        os.rename(str(target) + ".new", target)

    def reload(self, changes=None):
        return self.gateway.reload(overlay(self.base, changes or {}))

    def reloaded(self, changes=None):
        log = self.reload(changes)
        self.assertIn("has been read again", log)
        return log

    def refused(self, changes, *texts):
        log = self.reload(changes)
        lines = [line for line in log.splitlines() if "not reloaded" in line]
        self.assertEqual(len(lines), 1, log)
        for text in texts:
            self.assertIn(text, lines[0])
        return lines[0]

    def pid(self, provider):
        return wait_for("the worker of " + provider, lambda: self.gateway.worker_pid(provider))

    def sent(self, provider, **form):
        answer = self.api.put(new_id(), provider=provider, to=new_address(), wait="10", **form)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.data["delivery"]["state"], "sent", answer)
        return answer.data

    def state(self, otp):
        return self.api.get(otp["id"]).data["delivery"]["state"]
