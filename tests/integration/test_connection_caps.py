"""How many connections there may be, and what becomes of them at a stop.

Goal: few descriptors make the gateway close idle connections, never refuse or forget a client that asks; a stop answers
who had asked. Method: a low limit of open files, from the start and later; a process that is stopped while requests come.
"""

import resource
import signal
import socket
import threading
import time
import unittest

from client import RawConnection
from gateway import MEMORY_FACTOR, Gateway, wait_for
from gateway_case import GatewayCase

HEALTH = "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"


class FewDescriptors(Gateway):
    """Started with a limit of 200 open files."""

    def command(self, *options):
        return ["prlimit", "--nofile=200:200", *super().command(*options)]


def open_idle(case, port, count):
    opened = []
    for i in range(count):
        raw = RawConnection(port, source="127.0.5.%d" % (i % 200 + 1))
        case.addCleanup(raw.socket.close)
        case.assertEqual(raw.send(HEALTH).read_answer().status, 200)
        opened.append(raw)
    return opened


class Caps(unittest.TestCase):
    def gateway(self, kind):
        gateway = kind()
        self.addCleanup(gateway.close)
        return gateway.start()

    def test_a_low_limit_of_open_files_at_the_start(self):
        gateway = self.gateway(FewDescriptors)
        self.assertIn("at most 128 connections, because the process may open only 200 files", gateway.log())
        opened = open_idle(self, gateway.port, 300)  # each was answered
        self.assertFalse(opened[0].socket.recv(1))  # the longest idle ones have gone
        self.assertEqual(opened[-1].send(HEALTH).read_answer().status, 200)

    def test_descriptors_run_out(self):
        gateway = self.gateway(Gateway)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (100, 1000))
        opened = [RawConnection(gateway.port).send(HEALTH) for _ in range(150)]
        for raw in opened:
            self.addCleanup(raw.socket.close)
        # Some were closed to make room; whoever asks now is served, and the loop doesn't spin.
        wait_for("an answer", gateway.healthy)
        for _ in range(20):
            wait_for("an answer", gateway.healthy)
        before = gateway.processor_seconds()
        time.sleep(0.5)
        self.assertLess(gateway.processor_seconds() - before, 0.2)

    def test_a_stop_answers_who_had_asked(self):
        gateway = self.gateway(Gateway)
        idle, asking = open_idle(self, gateway.port, 2)
        gateway.process.send_signal(signal.SIGSTOP)
        asking.send(HEALTH)
        # Not even accepted yet: more than one turn of the loop takes, from addresses that may have them all.
        fresh = [RawConnection(gateway.port, source="127.0.6.%d" % (i % 10 + 1)).send(HEALTH) for i in range(600)]
        for raw in fresh:
            self.addCleanup(raw.socket.close)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.send_signal(signal.SIGCONT)
        for raw in (asking, *fresh):
            answer = raw.read_answer()
            self.assertEqual(answer.status, 200)
            raw.socket.close()
        self.assertFalse(idle.socket.recv(1))
        self.assertEqual(gateway.process.wait(10), 0)


class SlowReaders(GatewayCase):
    def test_all_answers_come_in_order_and_memory_is_bounded(self):
        count = 4000
        pair = "GET /static/otp.js HTTP/1.1\r\nHost: x\r\n\r\n" + HEALTH
        before = self.gateway.resident_kib()
        with RawConnection(self.gateway.port) as raw:
            sender = threading.Thread(target=raw.send, args=(pair * count,))
            sender.start()
            time.sleep(0.5)  # all buffers are full now
            self.assertLess(self.gateway.resident_kib() - before, 4096 * MEMORY_FACTOR)
            received = raw.socket.recv(65536)
            while received.count(b"HTTP/1.1 200 OK\r\n") < 3:
                received += raw.socket.recv(65536)
            answers = received[:received.index(b"HTTP/1.1 200 OK\r\n", received.index(b'"OK"'))]  # to the first pair
            rest = len(answers) * count - len(received)
            while rest > 0:
                data = raw.socket.recv(65536)
                self.assertTrue(data, "%d bytes are missing" % rest)
                rest -= len(data)
            sender.join()
            raw.buffer = b""
            self.assertEqual(raw.send(HEALTH).read_answer().data, "OK")

    def test_one_who_takes_no_answer_is_closed(self):
        with RawConnection(self.gateway.port, timeout=40) as raw:
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            began = time.monotonic()
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                while True:  # blocks when nothing is read from us any more, until we are closed
                    raw.send("GET /static/otp.js HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
            self.assertLess(time.monotonic() - began, 30)


if __name__ == "__main__":
    unittest.main()
