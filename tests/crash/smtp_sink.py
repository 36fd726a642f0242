"""The sink of tests/fakes as a process, and what it wrote down."""

import collections
import signal
import subprocess

from gateway import program


class SmtpSink:
    def __init__(self, record_path):
        self.record_path = record_path
        self.process = subprocess.Popen([program("smtp_sink"), "--record", str(record_path)],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("port "):
            raise AssertionError("smtp_sink did not start: %r" % line)
        self.port = int(line.split()[1])

    def message_ids(self):
        """Recipient -> list of the Message-IDs of the mails that came for it."""
        found = collections.defaultdict(list)
        with open(self.record_path, encoding="utf-8") as record:
            for line in record:
                if line.endswith("\n"):
                    _, recipient, message_id = line[:-1].split("\t")
                    found[recipient].append(message_id)
        return found

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
