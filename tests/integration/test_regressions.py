"""Faults that a review found once.

Goal: none of them comes back. Method: for each, the shortest sequence of requests, signals and restarts that showed
it. Those that a unit test holds (chunk sizes, sweeping, liveness of jobs) are not repeated here.
"""

import os
import signal
import socket
import time
import unittest

from client import RawConnection
from gateway import Gateway, command_line, wait_for
from gateway_case import GatewayCase, new_address, new_id
from mailbox import MailBox


def parameters(count):
    return "&".join("p%d=1" % i for i in range(count))


class Requests(GatewayCase):
    def test_many_large_answers_to_pipelined_requests_all_come(self):
        request = "GET /static/otp.js HTTP/1.1\r\nHost: x\r\n\r\n"
        with RawConnection(self.gateway.port) as raw:
            raw.send(request * 300)
            for i in range(300):
                answer = raw.read_answer()
                self.assertIsNotNone(answer, "answer %d did not come" % i)
                self.assertEqual(answer.status, 200)

    def test_a_half_close_leaves_no_read_request_unanswered(self):
        request = "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"
        with RawConnection(self.gateway.port) as raw:
            raw.send(request * 3)
            raw.socket.shutdown(socket.SHUT_WR)
            for _ in range(3):
                self.assertEqual(raw.read_answer().status, 200)
            self.assertTrue(raw.is_closed())

    def test_a_form_of_thousands_of_names_is_refused_quickly(self):
        answer = self.api.call("POST", "/otp/app/" + new_id(), body=parameters(1900), headers={
            "Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(answer.status, 400, answer)

    def test_an_expired_code_that_was_verified_is_there_for_status_alone(self):
        otp = self.created(provider="console", to="someone", ttl=3)
        self.assertEqual(self.api.page(otp["id"], "POST", action="check", otp=otp["otp"]).status, 200)
        time.sleep(3.1)
        self.assertEqual(self.api.get(otp["id"]).message, "the OTP does not exist")
        self.assertEqual(self.api.status(otp["id"]).status, 200)

    def test_control_characters_in_an_address_are_refused_on_the_page_too(self):
        for pid in self.gateway.worker_pids():  # nobody can validate: the gateway's own rules must do
            os.kill(pid, signal.SIGSTOP)
        try:
            otp = self.created(provider="console")
            answer = self.api.page(otp["id"], "POST", "/address", to="a@b.example\r\nBcc: x@y.example", expected="")
            self.assertEqual(answer.status, 400, answer)
            self.assertEqual(self.api.get(otp["id"]).data["to"], "")
        finally:
            for pid in self.gateway.worker_pids():
                os.kill(pid, signal.SIGCONT)


class Processes(unittest.TestCase):
    def start(self, config=None, **options):
        gateway = Gateway(config, **options)
        self.addCleanup(gateway.close)
        return gateway.start()

    def test_the_page_of_a_provider_that_was_switched_off(self):
        gateway = self.start({"providers": {"mail": {"enabled": True, "plugin": "console.so"}}})
        otp = gateway.client().put(new_id(), provider="mail").data
        gateway.stop()
        gateway.write_config({"providers": {"mail": {"enabled": False, "plugin": "console.so"}}})
        gateway.start()
        answer = gateway.client().page(otp["id"], "POST", "/address", to="a@b.example", expected="")
        self.assertEqual(answer.status, 503, answer)
        self.assertTrue(gateway.healthy())

    def test_a_worker_does_not_inherit_the_configuration(self):
        gateway = self.start(environment={"OTP_GATEWAY_AUTH__APP__SECRET": "secret-of-the-environment"})
        pid = wait_for("a worker", gateway.worker_pids)[0]
        with open("/proc/%d/environ" % pid, "rb") as environment:
            self.assertNotIn(b"secret-of-the-environment", environment.read())
        self.assertNotIn("secret", command_line(pid))

    def test_a_second_instance_does_not_take_the_workers_socket(self):
        first = self.start()
        endpoint = "ipc://" + str(first.folder / "shared.sock")
        first.stop()
        first.write_config({"workers": {"endpoint": endpoint}})
        first.start()
        second = Gateway({"workers": {"endpoint": endpoint}})
        self.addCleanup(second.close)
        code, output = second.run_once()
        self.assertEqual(code, 1)
        self.assertIn("another instance", output)
        answer = first.client().put(new_id(), provider="console", to="someone", wait=5)
        self.assertEqual(answer.data["delivery"]["state"], "sent", answer)

    def test_a_pause_of_the_core_blames_no_job(self):
        box = MailBox()
        self.addCleanup(box.shut_down)
        gateway = self.start(smtp_port=box.port, config={"providers": {"smtp": {"timeout": "60s"}}})
        box.fault("DATA", "", times=1, delay_seconds=20)
        otp = gateway.client().put(new_id(), provider="smtp", to=new_address()).data
        wait_for("the send's start", lambda: box.mail_commands)
        for _ in range(3):
            gateway.process.send_signal(signal.SIGSTOP)
            time.sleep(4)
            gateway.process.send_signal(signal.SIGCONT)
            time.sleep(0.5)
        box.wait_for(otp["to"], seconds=30)
        wait_for("sent", lambda: gateway.client().get(otp["id"]).data["delivery"]["state"] == "sent")

    def test_a_wait_that_comes_while_stopping_is_answered_at_once(self):
        box = MailBox()
        self.addCleanup(box.shut_down)
        gateway = self.start(smtp_port=box.port)
        box.fault("DATA", "", times=1, delay_seconds=2)
        body = "provider=smtp&to=%s&wait=30" % new_address()
        with RawConnection(gateway.port) as raw:
            raw.send("PUT /api/otp/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n"
                     "Content-Type: application/x-www-form-urlencoded\r\n\r\n%s" % (
                         new_id(), gateway.client().authorization, len(body), body[:5]))
            time.sleep(0.2)
            gateway.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            raw.send(body[5:])
            self.assertEqual(raw.read_answer().status, 200)
        self.assertEqual(gateway.stop(), 0)


if __name__ == "__main__":
    unittest.main()
