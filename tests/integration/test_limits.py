"""[limits]: what is refused when too much is sent or guessed, and what that leaves untouched.

Goal: every limit holds across ids and doors, says how long to wait, forgets nothing at a restart, and is told to
operators without an address. Method: the real gateway with small limits, and once with those it has by itself.
"""

import concurrent.futures
import re
import subprocess
import time
import unittest

from exposition import Exposition
from gateway import Gateway, free_port, merge, program, wait_for
from gateway_case import GatewayCase, new_address, new_id, other_code
from webhook_sink import WebhookSink


class LimitsCase(GatewayCase):
    def refused(self, answer, *texts):
        """The seconds after which it may be asked again."""
        self.assert_error(answer, 429, *texts)
        seconds = int(answer.headers["Retry-After"])
        self.assertIn("Retry after %d seconds." % seconds, answer.message)
        self.assertNotIn("data", answer.json)
        return seconds

    def sent(self, to, otp_id=None, api=None, **form):
        """An OTP that has been sent, so that it can be sent again."""
        return self.created(otp_id, api, to=to, wait="10", **form)


class Defaults(LimitsCase):
    CONFIG = {"limits": None}

    def test_five_sends_to_an_address_in_ten_minutes(self):
        to = new_address()
        for _ in range(5):
            self.created(to=to)
        seconds = self.refused(self.api.put(new_id(), to=to), "Too many codes have been sent to this address")
        self.assertTrue(590 <= seconds <= 600, seconds)
        self.refused(self.api.put(new_id(), to=to.upper()))
        self.created(to=new_address())
        self.created(api=self.other, to=to)  # another namespace counts for itself

    def test_twenty_wrong_guesses_for_an_address_in_a_day(self):
        to = new_address()
        otps = [self.created(to=to) for _ in range(5)]
        for otp in otps[:4]:
            for _ in range(5):
                self.assert_error(self.api.check(otp["id"], other_code(otp["otp"])), 400, "Incorrect OTP")
        right = self.api.check(otps[4]["id"], otps[4]["otp"])
        seconds = self.refused(right, "Too many wrong codes have been entered for this address")
        self.assertTrue(86_000 <= seconds <= 86_400, seconds)
        self.assertEqual(self.api.get(otps[4]["id"]).data["attempts"], 1)
        page = self.api.page(otps[4]["id"], "POST", otp=otps[4]["otp"])
        self.assertEqual((page.status, page.headers["Retry-After"][:2]), (429, "86"))
        self.assertRegex(page.text, r"Too many wrong codes have been entered\. Please try again in 2[34]:\d\d:\d\d\.")
        self.assert_error(self.api.status(otps[4]["id"]), 400, "OTP not verified.")

    def test_a_page_waits_before_it_sends_again(self):
        before = time.monotonic()
        otp = self.sent(new_address())
        page = self.api.page(otp["id"], "POST", action="resend")
        self.assertEqual(page.status, 429)
        passed = time.monotonic() - before
        self.assertTrue(30 - passed <= int(page.headers["Retry-After"]) <= 30, (passed, page.headers))
        self.assertRegex(page.text, r"We have just sent you a code\. You can ask for another one in 0:\d\d\.")
        self.assertRegex(self.api.page(otp["id"]).text, r'data-cooldown="([1-9]|[12]\d|30)"')
        self.assertEqual(self.api.get(otp["id"]).data["generate"], 1)
        self.assertEqual(self.api.resend(otp["id"]).status, 200)  # the application knows what it does


class Sends(LimitsCase):
    CONFIG = {"limits": {"address_sends": ["2/1h"]}}

    def test_every_door_counts_and_the_live_code_stays_valid(self):
        to = new_address()
        otp = self.sent(to)
        page = self.api.page(otp["id"], "POST", action="resend")
        self.assertEqual(page.status, 303)
        self.refused(self.api.put(otp["id"], to=to))
        page = self.api.page(self.created()["id"], "POST", "/address", to=to)
        self.assertEqual(page.status, 429)
        self.assertIn("Too many codes have been sent. You can ask for another one in", page.text)
        self.assertIn(to, page.text)  # as it was entered
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 200)

    def test_a_page_that_replaces_its_address_counts_for_the_new_one(self):
        first, second = new_address(), new_address()
        otp = self.created()
        self.assertEqual(self.api.page(otp["id"], "POST", "/address", to=first).status, 303)
        token = self.api.address_token(otp["id"])
        self.assertEqual(self.api.page(otp["id"], "POST", "/address", to=second, expected=token).status, 303)
        for to in (first, second):
            self.created(to=to)
            self.refused(self.api.put(new_id(), to=to))

    def test_a_replay_counts_nothing(self):
        to, otp_id = new_address(), new_id()
        for _ in range(4):
            self.assertEqual(self.api.put(otp_id, {"Idempotency-Key": "k"}, to=to).status, 200)
        self.created(to=to)
        self.refused(self.api.put(new_id(), {"Idempotency-Key": "other"}, to=to))

    def test_what_is_refused_for_another_reason_counts_nothing(self):
        to = new_address()
        for wrong in ({"ttl": "x"}, {"otp": "1234567"}, {"provider": "nobody"}, {"client_ip": "somewhere"}):
            self.assertEqual(self.api.put(new_id(), **{"to": to, **wrong}).status, 400)
        self.created(to=to)
        self.created(to=to)


class PagePosts(LimitsCase):
    CONFIG = {"limits": {"ip_posts": ["3/1h"]}}

    def post(self, otp_id=None, **form):
        return self.api.page(otp_id or new_id(), "POST", **{"otp": "000000", **form})

    def test_failing_posts_of_a_client_are_bounded_over_all_ids_also_at_once(self):
        otp = self.created(to=new_address())
        for _ in range(5):  # what succeeds counts nothing, and neither does looking
            self.assertEqual(self.post(otp["id"], otp=otp["otp"]).status, 200)
            self.assertEqual(self.api.page(new_id()).status, 404)
        foreign = self.api.page(otp["id"], "POST", headers={"Sec-Fetch-Site": "cross-site"}, otp="1")
        self.assertEqual(foreign.status, 403)  # some other site can't use a person's tries up
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            statuses = [page.status for page in pool.map(lambda _: self.post(), range(32))]
        self.assertLessEqual(statuses.count(404), 3, statuses)
        self.assertGreaterEqual(statuses.count(429), 29, statuses)
        while statuses.count(404) < 3:  # one that has just ended may have counted twice for a moment
            statuses.append(self.post().status)
        page = self.post(otp["id"], otp=otp["otp"])
        self.assertEqual(page.status, 429)
        self.assertTrue(3500 <= int(page.headers["Retry-After"]) <= 3600)
        self.assertIn("Too many tries from your network have failed. Please try again in", page.text)
        self.assertEqual(self.api.page(otp["id"]).status, 200)
        self.assertEqual(self.api.check(otp["id"], otp["otp"], skip_delete="true").status, 200)
        self.gateway.kill()
        self.gateway.start()
        self.assertEqual(self.post().status, 429)


class Unlocking(LimitsCase):
    CONFIG = {"limits": {"address_sends": ["1/1h"], "address_guesses": ["1/1h"]}}

    def clear(self, api=None, **query):
        return (api or self.api).call("DELETE", "/api/limits", query=query)

    def test_clears_sends_and_guesses_of_the_address(self):
        to = new_address()
        otp = self.created(to=to)
        self.assert_error(self.api.check(otp["id"], other_code(otp["otp"])), 400)
        self.refused(self.api.put(new_id(), to=to))
        self.refused(self.api.check(otp["id"], otp["otp"]))
        self.assertEqual(self.assert_success(self.clear(self.other, to=to)), {"cleared": 0})
        self.refused(self.api.check(otp["id"], otp["otp"]))
        self.assertEqual(self.assert_success(self.clear(to=to)), {"cleared": 2})
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 200)
        self.created(to=to)

    def test_wrong_calls(self):
        self.assert_error(self.clear(), 400, "`to` is empty.")
        self.assert_error(self.clear(to="a@mail.example", provider="nobody"), 400, "Unknown provider.")
        self.assertEqual(self.api.call("DELETE", "/api/limits", headers={"Authorization": None}).status, 401)
        self.assertEqual(self.api.call("GET", "/api/limits").status, 405)


class Restart(unittest.TestCase):
    def test_forgets_nothing_and_a_reload_takes_the_new_limits(self):
        gateway = Gateway({"limits": {"address_sends": ["2/1h"]}})
        self.addCleanup(gateway.close)
        api, to = gateway.start().client(), new_address()
        self.assertEqual(api.put(new_id(), to=to).status, 200)
        gateway.kill()
        gateway.start()
        self.assertEqual(api.put(new_id(), to=to).status, 200)
        self.assertEqual(api.put(new_id(), to=to).status, 429)
        gateway.reload({"limits": {"address_sends": ["3/1h"]}})
        self.assertEqual(api.put(new_id(), to=to).status, 200)
        self.assertEqual(api.put(new_id(), to=to).status, 429)
        log = re.sub(r"console: .*", "", gateway.log())  # which prints what it sends
        tag = re.search(r"refused: limits\.address_sends in namespace app, address tag ([0-9a-z]{8})\n", log)
        self.assertTrue(tag, log)
        self.assertNotIn(to, log)
        self.assertEqual(gateway.run_once("--address-tag=" + to), (0, tag.group(1) + "\n"))
        self.assertEqual(gateway.run_once("--address-tag=" + to.upper()), (0, tag.group(1) + "\n"))


class Phones(unittest.TestCase):
    """By phone number: its beginning, its country; by the client; and what operators see of it."""

    def start(self, limits, **section):
        sink = self.sink = WebhookSink()
        self.addCleanup(sink.close)
        self.admin = free_port()
        self.config = {
            "admin": {"address": "127.0.0.1:%d" % self.admin}, "limits": limits,
            "webhooks": {"sms": sink.section(**(section or {"channel_kind": "sms", "default_phone_code": "49"}))}}
        self.gateway = Gateway(self.config)
        self.addCleanup(self.gateway.close)
        self.api = self.gateway.start().client()

    def put(self, to, **form):
        return self.api.put(new_id(), **{"provider": "sms", "to": to, "wait": "10", **form})

    def scraped(self, name, **labels):
        return Exposition(self.admin)("otpgateway_" + name, **labels)

    def test_by_address_in_every_spelling(self):
        self.start({"address_sends": ["2/1h"]})
        self.assertEqual(self.put("0151 23456789").status, 200)
        self.assertEqual(self.put("+49 (151) 2345-6789").status, 200)
        self.assertEqual(self.put("004915123456789").status, 429)
        cleared = self.api.call("DELETE", "/api/limits", query={"to": "0151-23456789", "provider": "sms"})
        self.assertEqual(cleared.data, {"cleared": 1})
        self.assertEqual(self.put("004915123456789").status, 200)
        self.assertEqual(self.api.call("DELETE", "/api/limits", query={"to": "1", "provider": "sms"}).status, 400)

    def test_by_address_in_every_spelling_where_nobody_normalises_it(self):
        self.start({"address_sends": ["2/1h"]}, channel_kind="other")
        spellings = ["0049 151 23456789", "+49 (0)151-23456789", "4915123456789"]
        self.assertEqual([self.put(to).status for to in spellings], [200, 200, 429])
        self.assertEqual([self.put(to).status for to in (" a@b.example", "A+x@b.example.", "a@b.example")],
                         [200, 200, 429])
        self.assertEqual(self.api.call("DELETE", "/api/limits", query={"to": "+4915123456789"}).data, {"cleared": 1})

    def test_by_the_beginning_of_the_number(self):
        self.start({"prefix_sends": ["2/1h"], "prefix_digits": 6})
        self.assertEqual([self.put("+49151234567%02d" % i).status for i in range(3)], [200, 200, 429])
        self.assertIn("begin like this one", self.put("+4915123456799").message)
        self.assertEqual(self.put("+4916012345678").status, 200)

    def test_by_country(self):
        self.start({"countries": ["DE", "IN"]})
        self.assertEqual(self.put("+4915123456789").status, 200)
        self.assertEqual(self.put("+919876543210").status, 200)
        refused = self.put("+442079460018")
        self.assertEqual((refused.status, refused.message),
                         (400, "Invalid `to` address: No codes are sent to numbers of this country."))
        self.assertEqual(self.put("a@mail.example", provider="console").status, 200)
        otp = self.api.put(new_id(), provider="sms").data
        page = self.api.page(otp["id"], "POST", "/address", to="+442079460018")
        self.assertEqual(page.status, 400)
        self.assertIn("We send no codes to phone numbers of this country.", page.text)
        self.assertEqual(self.scraped("limits_reached_total", limit="countries", outcome="refused"), 2)

    def test_by_country_while_a_worker_is_away(self):
        self.start({"countries": ["DE"]})
        away = merge(self.config, {"webhooks": {"voice": self.sink.section(channel_kind="voice",
                                                                           default_phone_code="49")}})
        self.gateway.reload(away)
        wait_for("the provider", lambda: self.put("+4915123456789", provider="voice").status == 200)
        self.gateway.stop()  # now both are known; after this start only one of them has a worker
        away["workers"] = {"spawn": False, "endpoint": "ipc://%s" % (self.gateway.folder / "workers.sock")}
        self.gateway.write_config(away)
        self.gateway.start()
        with open(self.gateway.folder / "worker.log", "ab") as log:
            worker = subprocess.Popen(
                [program("otpgateway-worker"), "--config=%s" % self.gateway.config_path, "sms"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        wait_for("the sms worker", lambda: self.put("+442079460018").status == 400)
        self.assertEqual(self.put("+4915123456789", provider="voice,sms").status, 200)  # one of them knows
        self.assertEqual(self.put("+442079460018", provider="voice,sms").status, 400)
        self.assertEqual(self.put("+4915123456789", provider="voice").status, 503)
        self.gateway.reload(merge(away, {"limits": {"mode": "monitor"}}))
        self.assertEqual(self.put("+442079460018", provider="voice", wait="0").status, 200)

    def test_by_client(self):
        self.start({"client_sends": ["2/1h"]})
        self.assertEqual([self.put("+4915123456%03d" % i, client_ip="2001:db8:1:2::%x" % i).status
                          for i in range(3)], [200, 200, 429])
        self.assertEqual(self.put("+4915123456700", client_ip="2001:db8:1:3::1").status, 200)
        self.assertEqual(self.put("+4915123456701").status, 200)
        self.assertIn("`client_ip`", self.put("+4915123456702", client_ip="2001:db8::/64").message)

    def test_by_namespace(self):
        self.start({"namespace_sends": ["1/1h"]})
        self.assertEqual(self.put("+4915123456789").status, 200)
        self.assertIn("for this application", self.put("+4915123456780").message)

    def test_monitoring_passes_and_counts(self):
        self.start({"address_sends": ["1/1h"], "countries": ["IN"], "mode": "monitor"})
        for _ in range(3):
            self.assertEqual(self.put("+4915123456789").status, 200)
        self.assertEqual(self.scraped("limits_reached_total", limit="address_sends", outcome="passed"), 2)
        self.assertEqual(self.scraped("limits_reached_total", limit="countries", outcome="passed"), 3)
        self.assertIn("would be refused: limits.address_sends", self.gateway.log())
        self.gateway.reload(merge(self.config, {"limits": {"mode": "enforce", "countries": []}}))
        self.assertEqual(self.put("+4915123456789").status, 429)

    def test_a_message_that_fails_is_logged_with_the_tag_of_its_address(self):
        self.start({})
        self.sink.say(200, {"result": "rejected", "detail": "no such number"})
        self.assertEqual(self.put("+4915123456789").status, 500)
        tag = self.gateway.run_once("--address-tag=+4915123456789")[1].strip()
        self.assertRegex(self.gateway.log(), r"job [0-9a-f]{32} of sms \(address tag %s\) failed: " % tag)
        self.assertNotIn("15123456789", self.gateway.log())

    def test_sent_and_verified_by_country(self):
        self.start({})
        otps = [self.put(to).data for to in ("+4915123456789", "+4915123456780", "+919876543210")]
        self.assertEqual(self.api.put(new_id(), to="a@mail.example").status, 200)
        self.assertEqual(self.api.check(otps[0]["id"], otps[0]["otp"]).status, 200)
        self.assertEqual(self.scraped("codes_sent_total", provider="sms", prefix="+49"), 2)
        self.assertEqual(self.scraped("codes_verified_total", provider="sms", prefix="+49"), 1)
        self.assertEqual(self.scraped("codes_sent_total", provider="sms", prefix="+91"), 1)
        self.assertEqual(self.scraped("codes_verified_total", provider="sms", prefix="+91"), 0)
        self.assertEqual(self.scraped("codes_sent_total", provider="console", prefix="none"), 1)


if __name__ == "__main__":
    unittest.main()
