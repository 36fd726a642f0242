"""TLS that costs the server work and says nothing.

Goal: records without data, however many, hold up nobody and end in a closed connection. Method: a client that makes such
records (rude_tls.py), while another one asks and takes the time.
"""

import threading
import time
import unittest

from rude_tls import RudeTls
from test_tls import HEALTH, TlsCase

RECORDS_MAX = 300_000  # seconds of work
RECORDS_AT_ONCE = 1000
ANSWER_SECONDS_MAX = 5


class RudeClients(TlsCase):
    SERVER_TIMEOUT = "20s"  # nothing here may need it

    def assert_flood_is_ended(self, client, make):
        """Sends what make(count) makes, until it is closed; whoever asks meanwhile is answered."""
        outcome = []

        def flood():
            try:
                for _ in range(RECORDS_MAX // RECORDS_AT_ONCE):
                    client.socket.sendall(make(RECORDS_AT_ONCE))
                outcome.append("all was taken")
            except (ConnectionResetError, BrokenPipeError):
                outcome.append("closed")

        def drop_what_comes():
            try:
                while client.socket.recv(65536):
                    pass
            except OSError:
                pass

        threads = [threading.Thread(target=flood), threading.Thread(target=drop_what_comes)]
        for thread in threads:
            thread.start()
        longest = 0
        while threads[0].is_alive():
            began = time.monotonic()
            self.assert_still_serves()
            longest = max(longest, time.monotonic() - began)
        for thread in threads:
            thread.join()
        self.assertLess(longest, ANSWER_SECONDS_MAX)
        self.assertEqual(outcome, ["closed"])
        self.assert_still_serves()

    def test_key_updates_without_end(self):
        for want_answers in (False, True):
            with self.subTest(want_answers), RudeTls(self.gateway.port) as client:
                self.assert_flood_is_ended(client, lambda count: client.key_updates(count, want_answers))

    def test_greetings_without_end(self):
        with RudeTls(self.gateway.port, is_tls_1_2=True) as client:
            self.assert_flood_is_ended(client, client.hellos)

    def test_key_updates_between_requests(self):
        with RudeTls(self.gateway.port) as client:
            for _ in range(20):
                client.socket.sendall(client.key_updates(20))
                self.assertTrue(client.ask(HEALTH.encode()).startswith(b"HTTP/1.1 200 OK\r\n"))


if __name__ == "__main__":
    unittest.main()
