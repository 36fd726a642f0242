"""Bad plug-ins in a real gateway.

Goal: a plug-in that crashes, hangs, leaks, writes where it must not or answers nonsense harms itself alone: the core
lives, messages of another provider go through meanwhile, its own messages end as the contract says, the log says what
is wrong, and a worker that can't start is not started in a busy loop. Method: the libraries of tests/abi as
providers, each with a worker of its own. What minimal.so's send does is chosen by the message's subject, its validate
by the address, its create by the section.
"""

import os
import time
import unittest

from gateway import Gateway, program, wait_for
from gateway_case import new_id

LIBRARIES = os.path.join(os.path.dirname(program("otpgateway")), "..", "lib", "otpgateway", "test-providers")
CORE_STARTS = "next start in"
SEND_FAULTS = ("crash", "hang", "nonsense", "silent", "leak", "dirty", "retry", "scribble", "hoard")
DEATHS_SECONDS_MAX = 60  # three times a second's time-out, the watchdog's 2 s and a pause


def library(name):
    return os.path.normpath(os.path.join(LIBRARIES, name + ".so"))


def section(file, **keys):
    return {"enabled": True, "plugin": library(file), "max_conns": 1, "timeout": "1s", **keys}


class BadPlugins(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        providers = {"bad_" + fault: section("minimal", subject=fault) for fault in SEND_FAULTS}
        providers["bad_throw"] = section("throwing")
        for fault in ("crash", "hang", "scribble"):
            providers["bad_validate_" + fault] = section("minimal")
        providers["bad_create_crash"] = section("minimal", create="crash")
        providers["bad_create_hang"] = section("minimal", create="hang")
        providers["bad_load_crash"] = section("load_crashes")
        providers["bad_load_hang"] = section("load_hangs")
        cls.gateway = Gateway({"providers": providers})
        cls.addClassCleanup(cls.gateway.close)
        cls.started = time.monotonic()
        cls.gateway.start()
        cls.api = cls.gateway.client()

    def setUp(self):
        self.core = self.gateway.process.pid

    def tearDown(self):
        self.assertIsNone(self.gateway.process.poll(), "the core has ended")

    def put(self, fault, to="somebody", **form):
        answer = self.api.put(new_id(), provider="bad_" + fault, to=to, **form)
        self.assertEqual(answer.status, 200, answer)
        return answer.data["id"]

    def delivery(self, otp_id):
        return self.api.get(otp_id).data["delivery"]

    def ended(self, otp_id, seconds=DEATHS_SECONDS_MAX):
        """Its delivery once it has ended. Meanwhile another provider's messages go through."""
        def state():
            self.assert_other_provider_works()
            delivery = self.delivery(otp_id)
            return delivery if delivery["state"] not in ("queued", "sending") else None
        return wait_for("the delivery's end", state, seconds)

    def assert_other_provider_works(self):
        answer = self.api.put(new_id(), to="anna", wait="5")
        self.assertEqual(answer.data["delivery"]["state"], "sent", answer)

    def assert_logged(self, provider, *texts):
        """One line of the log about that provider holds all the texts."""
        def found():
            return [line for line in self.gateway.log().splitlines()
                    if "bad_" + provider in line and all(text in line for text in texts)]
        return wait_for("a log line of bad_%s with %s" % (provider, texts), found, 20)

    # send ---------------------------------------------------------------------------------------------------------

    def assert_fails_after_three_deaths(self, fault, *log):
        delivery = self.ended(self.put(fault))
        self.assertEqual(delivery["state"], "failed", delivery)
        self.assertIn("worker died", delivery["detail"])
        self.assert_logged(fault, *log)

    def test_crash_in_send(self):
        self.assert_fails_after_three_deaths("crash", "was killed by signal 6")

    def test_hang_in_send(self):
        self.assert_fails_after_three_deaths("hang", "ended with status 3")
        self.assert_logged("hang", "did not return 2 s after its deadline")

    def test_writes_beyond_the_result_of_send(self):
        self.assert_fails_after_three_deaths("scribble", "send wrote beyond its result")

    def test_nonsense_from_send(self):
        self.assertEqual(self.ended(self.put("nonsense"))["state"], "unknown")
        self.assert_logged("nonsense", "send gave the code 4711, which does not exist")

    def test_silence_from_send_is_not_success(self):
        self.assertEqual(self.ended(self.put("silent"))["state"], "unknown")

    def test_exceptions(self):
        wait_for("its worker", lambda: self.api.put(new_id(), provider="bad_throw", to="good").status == 200)
        answer = self.api.put(new_id(), provider="bad_throw", to="somebody")
        self.assertEqual(answer.status, 400, answer)
        self.assertIn("could not be checked", answer.message)
        self.assert_logged("throw", "validate threw an exception")
        self.assertEqual(self.ended(self.put("throw", to="good"))["state"], "unknown")
        self.assert_logged("throw", "send threw an exception")

    def test_an_address_in_detail(self):
        delivery = self.ended(self.put("leak", to="secret-recipient"))
        self.assertEqual(delivery["state"], "failed")
        self.assertIn("withheld", delivery["detail"])
        self.assert_logged("leak", "quoted the code or the address")
        self.assertNotIn("secret-recipient", self.gateway.log())

    def test_text_without_an_end_and_no_utf8(self):
        delivery = self.ended(self.put("dirty"))
        self.assertEqual(delivery["state"], "sent")
        self.assertEqual(delivery["upstream_id"], "?" * 128)
        self.assert_logged("dirty", "upstream_id has no NUL at its end")

    def test_a_negative_pause_is_the_ordinary_one(self):
        otp_id = self.put("retry", ttl="60")
        wait_for("a first try", lambda: self.delivery(otp_id)["tries"] >= 1)
        time.sleep(0.5)
        self.assertLessEqual(self.delivery(otp_id)["tries"], 2, "it must not spin")
        wait_for("a second try", lambda: self.delivery(otp_id)["tries"] >= 2, 20)
        self.assert_logged("retry", "negative retry_after_ms")

    @unittest.skipIf(os.environ.get("OTPGW_SANITIZER") == "tsan",
                     "writing to so much memory takes longer there than the call may last")
    def test_a_leak_ends_the_worker_and_no_message(self):
        ids = [self.put("hoard") for _ in range(4)]
        for otp_id in ids:
            delivery = self.ended(otp_id)
            self.assertEqual(delivery["state"], "sent", delivery)
        self.assert_logged("hoard", "leaks memory")
        self.assert_logged("hoard", "ended with status 5")

    # validate -----------------------------------------------------------------------------------------------------

    def assert_survives_validate(self, fault, *log):
        wait_for("its worker", lambda: self.api.put(
            new_id(), provider="bad_validate_" + fault, to="somebody").status == 200)
        started = time.monotonic()
        otp_id = self.put("validate_" + fault, to=fault)  # taken by its length: no worker answers
        self.assertLess(time.monotonic() - started, 5)
        self.assert_other_provider_works()
        self.assert_logged("validate_" + fault, *log)
        self.assertEqual(self.ended(otp_id)["state"], "sent")  # its send has nothing against the address

    def test_crash_in_validate(self):
        self.assert_survives_validate("crash", "was killed by signal 6")

    def test_hang_in_validate(self):
        self.assert_survives_validate("hang", "ended with status 3")

    def test_writes_beyond_the_result_of_validate(self):
        self.assert_survives_validate("scribble", "validate wrote beyond its result")

    # load and create ----------------------------------------------------------------------------------------------

    def assert_never_starts(self, provider, *log):
        answer = self.api.put(new_id(), provider="bad_" + provider, patience=0, to="somebody")
        self.assertEqual(answer.status, 503, answer)
        self.assertTrue(answer.headers["Retry-After"])
        self.assert_other_provider_works()
        self.assert_logged(provider, "loading ")
        self.assert_logged(provider, *log, CORE_STARTS)
        starts = len(self.assert_logged(provider, CORE_STARTS))
        # 100 ms, doubled each time: 9 starts take 25 s.
        self.assertLessEqual(starts, 12, "a busy loop")

    def test_crash_while_it_is_loaded(self):
        self.assert_never_starts("load_crash", "was killed by signal 6")

    def test_hang_while_it_is_loaded(self):
        self.assert_never_starts("load_hang", "ended with status 3")

    def test_crash_in_create(self):
        self.assert_never_starts("create_crash", "was killed by signal 6")

    def test_hang_in_create(self):
        self.assert_never_starts("create_hang", "ended with status 3")
        self.assert_logged("create_hang", "did not load, create or end within 10 s")


if __name__ == "__main__":
    unittest.main()
