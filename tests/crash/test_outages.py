"""Providers that fail in every way, beside one that works.

Goal: every job ends no later than its code, no call begins after that, no guess is charged for an outage, and one
provider's trouble does not slow another's messages. Method: one gateway with a provider for each way to fail
(tests/fakes/flaky_upstream.py) and a good one under a steady load, in rounds: a while alone, a while beside the trouble.
The machine's own noise meets both halves of a round alike, so each round's p99 beside is held against its p99 alone, and
the median of the rounds' ratios counts. Two controls must be found guilty: good and bad messages through one provider,
and a core that is not there when codes expire.
"""

import collections
import json
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
import unittest

from gateway import Gateway, free_port, wait_for
from report import amount, progress, table

FAKES = pathlib.Path(__file__).resolve().parents[1] / "fakes"
ROUNDS = amount(3, 30)
TTL_SECONDS = 6
JOBS_EACH = 5
GOOD_PER_SECOND = 60
ALONE_SECONDS, BESIDE_SECONDS = 3, 4
SLOWER_MAX = 2.0  # times its p99 alone
NOISE_MS = 20  # below this a ratio says nothing on two busy cores
LATE_SECONDS_MAX = 1  # for a call that began in time to reach the upstream, on a busy machine
SWEEP_SECONDS = 3  # after a code's end, for its job's end to be written down
HTTP_WAYS = ("accepted", "slow-retry", "error", "garbage", "hang", "drip", "reset")
SMTP_WAYS = ("busy", "later", "never", "hang", "drip")
# What is no matter of luck: how jobs of that provider end.
ENDS = {"http-accepted": {"sent"}, "smtp-never": {"failed"}, "http-refuse": {"expired"}, "http-tls": {"expired"},
        "smtp-refuse": {"expired"}, "smtp-busy": {"expired"}, "smtp-later": {"expired"},
        "smtp-hang": {"unknown", "expired"}}
STATES = ("none", "queued", "sending", "sent", "failed", "expired", "unknown")


class Upstream:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-B", str(FAKES / "flaky_upstream.py")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ports = json.loads(self.process.stdout.readline())
        self.arrivals = {}  # id -> time of its first request
        self.calls = []  # (time, way, id or "-")
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            at, way, otp_id = line.split()
            self.calls.append((int(at) / 1e9, way.lstrip("/"), otp_id))
            self.arrivals.setdefault(otp_id, int(at) / 1e9)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


def providers(ports):
    """The sections [providers] and [webhooks], with a provider for each way to fail, and one that is "mixed"."""
    http = "http://127.0.0.1:%d/" % ports["http"]
    common = {"enabled": True, "max_conns": 2, "timeout": "2s"}
    webhooks = {"http-" + way: {**common, "url": http + way, "max_address_len": 100} for way in HTTP_WAYS}
    webhooks["http-refuse"] = {**common, "url": "http://127.0.0.1:%d/" % free_port()}
    webhooks["http-tls"] = {**common, "url": "https://127.0.0.1:%d/" % ports["http"]}
    webhooks["good"] = {**common, "max_conns": 4, "url": http + "good", "max_address_len": 100}
    webhooks["mixed"] = {**webhooks["good"], "url": http + "mixed"}
    smtp = {**common, "plugin": "smtp.so", "host": "127.0.0.1", "tls_type": "none", "from_email": "otp@gateway.example"}
    mailers = {"smtp-" + way: {**smtp, "port": ports[way]} for way in SMTP_WAYS}
    mailers["smtp-refuse"] = {**smtp, "port": free_port()}
    return {"providers": mailers, "webhooks": webhooks}


def p99(values):
    return sorted(values)[int(len(values) * 0.99)]


class Rounds:
    """Rounds of a steady load through `good`, with and without jobs of the `bad` providers beside it."""

    def __init__(self, gateway, upstream, good, bad):
        self.gateway = gateway
        self.upstream = upstream
        self.good = good
        self.bad = bad
        self.asked_at = {}  # id -> time, of the failing providers' jobs
        self.expires_at = {}  # id -> at the latest
        self.ends = collections.defaultdict(collections.Counter)  # provider -> state -> jobs
        self.charged = 0
        self.ratios = []
        client = gateway.client()
        for provider in (*bad, good):  # with no address: nothing is sent, but the worker must be there
            wait_for("the worker of " + provider, lambda p=provider: client.put(None, provider=p).status == 200, 30)

    def run(self, number):
        name = "%s-%d" % (self.good, number)
        alone = self.good_load(name + "-alone", ALONE_SECONDS)
        client = self.gateway.client()
        ids = []
        for job in range(JOBS_EACH):
            for provider in self.bad:
                otp_id = "%s-%d-%d-bad" % (provider, number, job)
                self.asked_at[otp_id] = time.time()
                answer = client.put(otp_id, provider=provider, to="a@b.example", ttl=TTL_SECONDS)
                if answer.status != 200:
                    raise AssertionError("%s: %r" % (otp_id, answer))
                self.expires_at[otp_id] = time.time() + TTL_SECONDS
                ids.append(otp_id)
        beside = self.good_load(name + "-beside", BESIDE_SECONDS)
        for otp_id in ids:
            answer = client.get(otp_id)  # one that has expired meanwhile has no attempts to look at
            self.charged += answer.status == 200 and answer.data["attempts"] != 1
        self.ratios.append((p99(alone), p99(beside)))
        time.sleep(max(0.0, self.expires_at[ids[-1]] + SWEEP_SECONDS - time.time()))
        self.count_ends(self.asked_at[ids[0]])

    def good_load(self, name, seconds):
        """Milliseconds from PUT to arrival at the good upstream, of a steady load."""
        client = self.gateway.client()
        asked = {}
        began = time.monotonic()
        number = 0
        while time.monotonic() - began < seconds:
            time.sleep(max(0.0, began + number / GOOD_PER_SECOND - time.monotonic()))
            otp_id = "%s-%05d" % (name, number)
            asked[otp_id] = time.time()
            answer = client.put(otp_id, provider=self.good, to="a@b.example")
            if answer.status != 200:
                raise AssertionError("%s: %r" % (otp_id, answer))
            number += 1
        wait_for("all arrivals", lambda: asked.keys() <= self.upstream.arrivals.keys(), 60)
        return [(self.upstream.arrivals[otp_id] - at) * 1e3 for otp_id, at in asked.items()]

    def count_ends(self, since):
        """How the failing providers' jobs of codes that ended between then and now stand in the database."""
        with sqlite3.connect("file:%s?mode=ro" % self.gateway.database, uri=True) as database:
            for provider, state in database.execute(
                    "SELECT provider, state FROM job WHERE provider != ? AND expires_at BETWEEN ? AND ?",
                    (self.good, since * 1000, (time.time() - 1) * 1000)):
                self.ends[provider][STATES[state]] += 1
        database.close()

    def late(self, provider):
        """Calls of that provider that began after their code's end (SMTP's: after the end of all before them)."""
        way = provider.removeprefix("http-")
        late = []
        for at, called, otp_id in self.upstream.calls:
            if called != way:
                continue
            end = self.expires_at.get(otp_id) or max(
                (end for own, end in self.expires_at.items()
                 if own.startswith(provider) and self.asked_at[own] <= at), default=at)
            if at > end + LATE_SECONDS_MAX:
                late.append((otp_id, at - end))
        return late

    def slower(self):
        """How many times its p99 alone the good provider's p99 beside the trouble is: the median of the rounds."""
        return statistics.median(max(beside, NOISE_MS) / max(alone, NOISE_MS) for alone, beside in self.ratios)

    def report(self, title):
        table(title, [(provider, {
            "faults": sum(states.values()), "acknowledged": JOBS_EACH * len(self.ratios),
            "lost": unfinished(states), "late": len(self.late(provider)),
            "ends": " ".join("%s %d" % item for item in sorted(states.items()))})
            for provider, states in sorted(self.ends.items())])
        print("  good provider, p99 alone -> beside: %s ms; median of the ratios %.1f; guesses charged %d" % (
            ", ".join("%.0f -> %.0f" % pair for pair in self.ratios), self.slower(), self.charged), flush=True)


def unfinished(states):
    return states["queued"] + states["sending"]


class Outages(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        self.config = providers(self.upstream.ports)
        self.gateway = Gateway(config=self.config)
        self.addCleanup(self.gateway.close)
        self.gateway.start()

    def test_every_job_ends_in_time_and_nobody_else_notices(self):
        bad = sorted(set(self.config["providers"]) | set(self.config["webhooks"]) - {"good", "mixed"})
        rounds = Rounds(self.gateway, self.upstream, "good", bad)
        for number in range(ROUNDS):
            rounds.run(number)
            progress(number + 1, ROUNDS, "rounds of outages")
        rounds.report("outage")
        for provider in bad:
            states = rounds.ends[provider]
            self.assertEqual(states.total(), ROUNDS * JOBS_EACH, provider)
            self.assertEqual(unfinished(states), 0, "%s has jobs beyond their codes' end" % provider)
            self.assertLessEqual(states.keys(), ENDS.get(provider, set(STATES)), provider)
        self.assertEqual({provider: rounds.late(provider) for provider in bad}, {provider: [] for provider in bad})
        self.assertEqual(rounds.charged, 0, "an outage was charged as a guess")
        self.assertLessEqual(rounds.slower(), SLOWER_MAX)

    def test_the_control_that_shares_a_provider_with_the_trouble_is_slow(self):
        rounds = Rounds(self.gateway, self.upstream, "mixed", ["mixed"])
        rounds.run(0)
        rounds.report("control")
        self.assertGreater(rounds.slower(), SLOWER_MAX)

    def test_the_control_whose_core_is_away_leaves_jobs_without_an_end(self):
        rounds = Rounds(self.gateway, self.upstream, "good", ["http-error"])
        asked_at = time.time()
        self.gateway.client().put("left-behind-bad", provider="http-error", to="a@b.example", ttl=1)
        self.gateway.kill()
        time.sleep(1 + SWEEP_SECONDS)
        rounds.count_ends(asked_at)
        self.assertGreater(unfinished(rounds.ends["http-error"]), 0)


if __name__ == "__main__":
    unittest.main()
