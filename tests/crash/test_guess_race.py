"""Guesses race the counter.

Goal: never more than max_attempts guesses are evaluated per code and at most one succeeds, however many arrive at
once, over the API and the page, with resends and new codes mixed in; never more than [limits] allow for an address, over
all its ids. Method: 100 ids (1,000 in a long run) times 64 guessers times 20 guesses, limits on; the answers are counted
and compared with the counters at the end. A control that reads and then writes must fail the same counts.
"""

import collections
import json
import random
import unittest
import uuid

from client import Client
from gateway import SECRET, Gateway
from limit_counters import RATES, Expected, Keys, of_guess
from mailbox import MailBox
from pipeline import Pipeline, Request
from report import amount, progress, table
from toy_gateway import ToyGateway

IDS = amount(100, 1000)
ADDRESSES = amount(10, 300)
IDS_OF_AN_ADDRESS = 3
GUESSERS = 64
GUESSES = 20
MAX_ATTEMPTS = 5
GUESSES_MAX, SENDS_MAX = 12, 6  # of an address: fewer than its ids would allow
RIGHT, WRONG = "482913", "000000"

# What the guessers of an id do: the doors they use, and how often a guess is right.
PLANS = [
    {"doors": ("api",), "right": 0.0},
    {"doors": ("api", "page"), "right": 0.0},
    {"doors": ("api",), "right": 1.0},
    {"doors": ("api",), "right": 0.1},
    {"doors": ("page",), "right": 0.1},
    {"doors": ("api", "page"), "right": 0.1},
]


class Race:
    """Runs the guessers of one server and counts what its answers say."""

    def __init__(self, port, provider):
        self.port = port
        self.provider = provider
        self.authorization = Client(port, "app", SECRET).authorization
        self.pipeline = Pipeline(port, GUESSERS)
        self.random = random.Random(7)
        self.guesses = 0
        self.resends = 0

    def close(self):
        self.pipeline.close()

    def call(self, kind, method, path, form=None):
        """One request, alone."""
        result = []
        self.pipeline.run([[Request(kind, method, path, form, self.authorization)]],
                          lambda _, status, body: result.append((status, body)))
        return result[0]

    def put_form(self, to="race@mail.example"):
        return {"provider": self.provider, "to": to, "otp": RIGHT, "max_attempts": MAX_ATTEMPTS, "max_generate": 20}

    def put(self, *to):
        """The id of a new OTP."""
        otp_id = "race-" + uuid.uuid4().hex
        status, body = self.call("put", "PUT", "/api/otp/" + otp_id, self.put_form(*to))
        if status != 200:
            raise AssertionError("PUT: %d %r" % (status, body))
        return otp_id

    def otp(self, otp_id):
        return json.loads(self.call("get", "GET", "/api/otp/" + otp_id)[1])["data"]

    def run_id(self, plan):
        """Counts by outcome for one id, and violations as sentences."""
        otp_id = self.put()
        counts = collections.Counter()

        def answered(kind, status, body):
            counts[self.outcome(kind, status, body)] += 1

        self.pipeline.run([self.requests(otp_id, plan, plan["doors"][guesser % len(plan["doors"])])
                           for guesser in range(GUESSERS)], answered)
        return counts, self.violations(otp_id, plan, counts)

    def run_address(self):
        """The same for one address with several ids, all of whose guesses are wrong."""
        address = uuid.uuid4().hex + "@mail.example"
        ids = [self.put(address) for _ in range(IDS_OF_AN_ADDRESS)]
        counts = collections.Counter()

        def answered(kind, status, body):
            counts[self.outcome(kind, status, body)] += 1

        plan = {"right": 0.0, "puts": False}
        self.pipeline.run([self.requests(ids[guesser % len(ids)], plan, ("api", "page")[guesser % 2])
                           for guesser in range(GUESSERS)], answered)
        return counts, self.violations_of_limits(ids, counts)

    def violations_of_limits(self, ids, counts):
        found = []
        evaluated = counts["api wrong"] + counts["page wrong"]  # and those whose page says that the code is locked now
        if evaluated > GUESSES_MAX:
            found.append("%d guesses were evaluated for an address" % evaluated)
        if any(self.call("api", "POST", "/api/otp/" + otp_id, {"otp": RIGHT})[0] != 429 for otp_id in ids):
            found.append("a right guess was evaluated over the limit")
        attempts = {otp_id: self.otp(otp_id)["attempts"] for otp_id in ids}
        counted = sum(attempts.values()) - len(ids)
        if counted != GUESSES_MAX:
            found.append("the ids of an address counted %d guesses" % counted)
        not_locked = min(ids, key=attempts.get)
        for _ in range(SENDS_MAX):  # as many as the race has left over
            self.call("resend", "POST", "/api/otp/" + not_locked, {"action": "resend", "wait": 20})
        sends = sum(self.otp(otp_id)["generate"] for otp_id in ids)
        if sends != SENDS_MAX:
            found.append("%d codes were sent to an address" % sends)
        return found

    def requests(self, otp_id, plan, door):
        requests = []
        path = ("/api/otp/" if door == "api" else "/otp/app/") + otp_id
        authorization = self.authorization if door == "api" else None
        for _ in range(GUESSES):
            right = self.random.random() < plan["right"]
            requests.append(Request(door, "POST", path, {"action": "check", "otp": RIGHT if right else WRONG},
                                    authorization))
            self.guesses += 1
            if self.random.random() < 0.1:
                requests.append(Request("resend", "POST", path, {"action": "resend"}, authorization))
                self.resends += 1
            elif plan["right"] == 0 and plan.get("puts", True) and self.random.random() < 0.02:  # a new code may not reset the count
                requests.append(Request("put", "PUT", "/api/otp/" + otp_id, self.put_form(), self.authorization))
                self.resends += 1
        return requests

    @staticmethod
    def outcome(kind, status, body):
        if kind in ("put", "resend"):
            if status not in (200, 303, 400, 404, 429):
                raise AssertionError("%s: %d %r" % (kind, status, body))
            return kind
        if status == 200:
            return kind + " success"
        if status == 400 and kind == "page":
            return "page wrong"
        if status == 400 and b"Incorrect OTP" in body:
            return "api wrong"
        if status == 429:
            return "locked"
        if status in (400, 404):
            return "gone"
        raise AssertionError("%s: %d %r" % (kind, status, body))

    def violations(self, otp_id, plan, counts):
        found = []
        wrong = counts["api wrong"] + counts["page wrong"]
        status, body = self.call("get", "GET", "/api/otp/" + otp_id)
        otp = json.loads(body)["data"] if status == 200 else None
        if wrong > MAX_ATTEMPTS:
            found.append("%d wrong guesses were evaluated" % wrong)
        if counts["api success"] > 1:
            found.append("%d checks succeeded" % counts["api success"])
        if plan["doors"] == ("api",) and wrong + counts["api success"] > MAX_ATTEMPTS:
            found.append("%d guesses were evaluated" % (wrong + counts["api success"]))
        if otp and otp["attempts"] > MAX_ATTEMPTS + 1:
            found.append("the counter went to %d" % otp["attempts"])
        if otp and wrong > otp["attempts"] - 1:
            found.append("%d wrong guesses, but the counter says %d" % (wrong, otp["attempts"] - 1))
        # A page shows "verified" to whoever asks once it is closed; what it evaluated, the counter tells.
        if plan["doors"] == ("page",) and otp and otp["closed"] and otp["attempts"] > MAX_ATTEMPTS:
            found.append("a locked code was verified")
        if plan["right"] == 0:
            if otp is None or otp["attempts"] != MAX_ATTEMPTS + 1:
                found.append("not exactly %d guesses were evaluated: %r" % (MAX_ATTEMPTS, otp))
            if self.call("api", "POST", "/api/otp/" + otp_id, {"otp": RIGHT})[0] != 429:
                found.append("a locked code was evaluated")
        if plan["right"] == 1 and counts["api success"] != 1:
            found.append("%d of %d right guesses succeeded" % (counts["api success"], GUESSERS * GUESSES))
        return found


def race(title, port, provider, rounds, run_one):
    """Rounds of run_one(race, number): (counts of all by outcome, violations)."""
    run = Race(port, provider)
    totals, violations = collections.Counter(), []
    try:
        for number in range(rounds):
            counts, found = run_one(run, number)
            totals += counts
            violations += found
            progress(number + 1, rounds, "rounds raced, %d violations so far" % len(violations))
    finally:
        run.close()
    table(title, [("%d rounds" % rounds, {
        "faults": run.guesses + run.resends, "guesses": run.guesses, "resends": run.resends,
        "evaluated wrong": totals["api wrong"] + totals["page wrong"], "successes": totals["api success"],
        "locked": totals["locked"], "violations": len(violations)})])
    return totals, violations


def one_id(run, number):
    return run.run_id(PLANS[number % len(PLANS)])


def one_address(run, _):
    return run.run_address()


class GuessRace(unittest.TestCase):
    def gateway(self, limits):
        box = MailBox()
        self.addCleanup(box.shut_down)
        gateway = Gateway({"limits": limits}, smtp_port=box.port)
        self.addCleanup(gateway.close)
        return gateway.start()

    def test_the_gateway_keeps_the_count(self):
        gateway = self.gateway(RATES)
        totals, violations = race("guesses race", gateway.port, "smtp", IDS, one_id)
        self.assertEqual(violations, [])
        expected = Expected()
        expected.add(*of_guess("race@mail.example") * (totals["api wrong"] + totals["page wrong"]))
        keys = Keys(gateway.main_key())
        gateway.stop()
        self.assertEqual(expected.lower_in(gateway.database, keys), [])

    def test_the_gateway_keeps_the_limits(self):
        gateway = self.gateway({"address_guesses": ["%d/1h" % GUESSES_MAX], "address_sends": ["%d/1h" % SENDS_MAX]})
        self.assertEqual(race("limits race", gateway.port, "smtp", ADDRESSES, one_address)[1], [])

    def test_a_control_that_reads_then_writes_fails(self):
        toy = ToyGateway()
        self.addCleanup(toy.close)
        _, violations = race("control", toy.port, "smtp", len(PLANS), one_id)
        self.assertTrue(any("wrong guesses were evaluated" in text for text in violations), violations)
        self.assertTrue(any("checks succeeded" in text for text in violations), violations)

    def test_a_control_that_reads_then_writes_fails_the_limits(self):
        toy = ToyGateway(guesses_max=GUESSES_MAX)
        self.addCleanup(toy.close)
        _, violations = race("control of limits", toy.port, "smtp", 1, one_address)
        self.assertTrue(any("evaluated for an address" in text for text in violations), violations)


if __name__ == "__main__":
    unittest.main()
