"""Random lives of OTPs against a model.

Goal: whatever is done through whichever door, in any order, with limits on, the gateway answers as the description says:
no resend, new id or other door gives new guesses, strangers can use up no more than their own tries, and whatever only
looks (GET, HEAD, mail scanners that follow the link in a mail) changes nothing. Method: 10,000 (100,000 in a long run)
random requests one after the other over API and pages, in two namespaces, from several clients; each answer is
compared with otp_model.py's. Controls: models with one rule left out must be found wrong by the same comparison.
"""

import copy
import http.client
import json
import random
import re
import unittest
import urllib.parse

import otp_model
from client import basic
from gateway import OTHER_SECRET, SECRET, Gateway, wait_for
from otp_model import Model, Otp
from report import amount, progress, table

REQUESTS = amount(10_000, 100_000)
CONTROL_REQUESTS = 4_000
TTL_SECONDS = 36_000  # longer than a run: the model knows no time
SECRETS = {"app": SECRET, "other": OTHER_SECRET}
LIMITS = {"address_sends": ["%d/700h" % otp_model.SENDS_MAX], "client_sends": ["%d/700h" % otp_model.CLIENT_MAX],
          "address_guesses": ["1000/1h", "%d/700h" % otp_model.GUESSES_MAX],
          "ip_posts": ["%d/700h" % otp_model.POSTS_MAX], "resend_cooldown": 0}
# Of things to do, how often.
DEEDS = {"put": 10, "replay": 2, "get": 4, "check": 12, "resend": 5, "status": 2, "take": 1, "look": 5, "scan": 3,
         "page_check": 10, "page_resend": 4, "page_address": 5, "unlock": 2, "guessed_id": 3, "wrong_put": 1}


class Doors:
    """HTTP over kept connections, one for each address that somebody asks from."""

    def __init__(self, port):
        self.port = port
        self.connections = {}

    def ask(self, method, path, form=None, source="127.0.0.1", **headers):
        connection = self.connections.get(source)
        if connection is None:
            connection = self.connections[source] = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=40, source_address=(source, 0))
        body = urllib.parse.urlencode(form) if form else None
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()

    def close_but(self, source):
        """Idle connections would be closed by the gateway."""
        for other in [other for other in self.connections if other != source]:
            self.connections.pop(other).close()

    def close(self):
        self.close_but(None)


class Lives:
    """Does random things to a gateway and to a model."""

    def __init__(self, gateway, model, seed):
        self.doors = Doors(gateway.port)
        self.codes = gateway.console_path
        self.model = model
        self.random = random.Random(seed)
        self.run = "%x" % self.random.getrandbits(48)
        self.names = 0
        self.done = 0
        self.last_put = None
        self.ids = [self.name("id") for _ in range(12)]
        self.addresses = [self.name("u") + "@mail.example" for _ in range(4)]
        self.clients = [self.client() for _ in range(2)]
        self.stranger = "127.0.1.1"

    def name(self, kind):
        self.names += 1
        return "%s-%s-%d" % (kind, self.run, self.names)

    def client(self):
        return "2001:db8:%x:%x::" % (self.random.getrandbits(16), self.random.getrandbits(16))

    def step(self):
        """One thing to do. What the answer was and what it had to be, or None when they are the same."""
        self.done += 1
        self.renew()
        deed = self.random.choices(list(DEEDS), list(DEEDS.values()))[0]
        space, otp_id = self.random.choice(("app", "app", "other")), self.random.choice(self.ids)
        expected, (status, shown) = getattr(self, deed)(space, otp_id)
        if expected[0] == status and all(shown.get(name) == value for name, value in expected[1].items()):
            return None
        return "%d. %s %s/%s: %d %r, but %r was expected" % (self.done, deed, space, otp_id, status, shown, expected)

    def renew(self):
        """Other ids, addresses, clients and strangers come in the place of used ones."""
        for things, new, share in ((self.ids, lambda: self.name("id"), 0.03),
                                   (self.addresses, lambda: self.name("u") + "@mail.example", 0.02),
                                   (self.clients, self.client, 0.02)):
            if self.random.random() < share:
                things[self.random.randrange(len(things))] = new()
        if self.random.random() < 0.06:
            self.stranger = "127.0.%d.%d" % (self.random.randint(1, 250), self.random.randint(1, 250))
            self.doors.close_but("127.0.0.1")

    # Requests -------------------------------------------------------------------------------------------------

    def api(self, space, method, path, form=None, **headers):
        status, body = self.doors.ask(method, path, form, Authorization=basic(space, SECRETS[space]), **headers)
        return status, json.loads(body).get("data") or {}

    def page(self, method, space, otp_id, suffix="", form=None):
        source = self.stranger if method == "POST" else "127.0.0.1"
        status, body = self.doors.ask(method, "/otp/%s/%s%s" % (space, otp_id, suffix), form, source)
        return status, body.decode("utf-8")

    def posted(self, space, otp_id, answer, suffix="", **form):
        expected = self.model.post(self.stranger, answer)
        status, _ = self.page("POST", space, otp_id, suffix, form)
        if status == 303:
            self.wait_until_sent(space, otp_id)
        return expected, (status, {})

    def wait_until_sent(self, space, otp_id):
        """What is under way is not sent again: the model knows no such moment."""
        wait_for("the delivery", lambda: self.api(space, "GET", "/api/otp/" + otp_id)[1].get(
            "delivery", {}).get("state") not in ("queued", "sending"))

    def code(self, space, otp_id):
        """The right one (also where the gateway has made it), or a wrong one."""
        otp = self.model.otps.get((space, otp_id))
        if not otp or self.random.random() < 0.6:
            return "000000"
        if otp.code is None:
            otp.code = self.code_sent_to(space, otp_id)
        return otp.code

    def code_sent_to(self, space, otp_id):
        with open(self.codes, encoding="utf-8") as lines:
            sent = [message["code"] for message in map(json.loads, lines)
                    if (message["namespace"], message["otp_id"]) == (space, otp_id)]
        return sent[-1]

    # Deeds: each returns what was expected, and the status and data of the answer -----------------------------

    def put(self, space, otp_id, key=None):
        address = self.random.choice((*self.addresses, ""))
        wanted = Otp(to=self.random.choice((address, address.upper())), code="%06d" % self.random.randrange(1, 10 ** 6),
                     max_attempts=self.random.randint(1, 6), max_generate=self.random.randint(1, 5),
                     skip_delete=self.random.random() < 0.5, client=self.random.choice((*self.clients, "")))
        form = {"provider": "console", "to": wanted.to, "otp": wanted.code, "max_attempts": wanted.max_attempts,
                "max_generate": wanted.max_generate, "skip_delete": wanted.skip_delete,
                "client_ip": wanted.client and wanted.client + "%x" % self.random.getrandbits(16), "wait": 20,
                "ttl": TTL_SECONDS}
        headers = {"Idempotency-Key": key} if key else {}
        expected = self.model.put(space, otp_id, wanted)
        self.last_put = (space, "PUT", "/api/otp/" + otp_id, form, headers)
        return copy.deepcopy(expected), self.api(*self.last_put[:4], **headers)

    def replay(self, space, otp_id):
        """The same request twice: the second gets the first one's answer and counts nothing."""
        expected, first = self.put(space, otp_id, self.name("key"))
        if first[0] != 200 or expected[0] != 200:
            return expected, first
        return expected, self.api(*self.last_put[:4], **self.last_put[4])

    def wrong_put(self, space, otp_id):
        form = {"provider": "console", "to": self.addresses[0], "ttl": "soon"}
        return (400, {}), self.api(space, "PUT", "/api/otp/" + otp_id, form)

    def get(self, space, otp_id):
        return self.model.get(space, otp_id), self.api(space, "GET", "/api/otp/" + otp_id)

    def check(self, space, otp_id):
        code = self.code(space, otp_id)
        return self.model.check(space, otp_id, code), self.api(space, "POST", "/api/otp/" + otp_id, {"otp": code})

    def resend(self, space, otp_id):
        return (self.model.resend(space, otp_id),
                self.api(space, "POST", "/api/otp/" + otp_id, {"action": "resend", "wait": 20}))

    def status(self, space, otp_id):
        return self.model.status(space, otp_id, False), self.api(space, "POST", "/api/otp/%s/status" % otp_id)

    def take(self, space, otp_id):
        return self.model.status(space, otp_id, True), self.api(space, "DELETE", "/api/otp/%s/status" % otp_id)

    def unlock(self, space, _):
        address = self.random.choice(self.addresses)
        path = "/api/limits?" + urllib.parse.urlencode({"to": address})
        return self.model.unlock(space, address), self.api(space, "DELETE", path)

    def look(self, space, otp_id):
        method = self.random.choice(("GET", "HEAD"))
        return self.model.page(space, otp_id), (self.page(method, space, otp_id)[0], {})

    def scan(self, space, otp_id):
        """A mail scanner follows the link in the mail, with the right code in it."""
        otp = self.model.otps.get((space, otp_id))
        query = "?action=check&otp=%s" % (otp and otp.code or "000000")
        return self.model.page(space, otp_id), (self.page(self.random.choice(("GET", "HEAD")), space, otp_id, query)[0], {})

    def page_check(self, space, otp_id):
        code = self.code(space, otp_id)
        return self.posted(space, otp_id, lambda: self.model.page_check(space, otp_id, code), otp=code)

    def guessed_id(self, space, _):
        otp_id = self.name("guessed")
        return self.posted(space, otp_id, lambda: self.model.page_check(space, otp_id, "000000"), otp="000000")

    def page_resend(self, space, otp_id):
        return self.posted(space, otp_id, lambda: self.model.page_resend(space, otp_id), action="resend")

    def page_address(self, space, otp_id):
        to = self.random.choice(self.addresses)
        shown = re.search(r'name="expected" value="([^"]*)"', self.page("GET", space, otp_id, "/address")[1])
        return self.posted(space, otp_id, lambda: self.model.page_address(space, otp_id, to), "/address", to=to,
                           expected=shown.group(1) if shown else "")

    # The end --------------------------------------------------------------------------------------------------

    def differences(self):
        """All that is there, once more."""
        found = []
        for space, otp_id in self.model.otps:
            expected, (status, shown) = self.get(space, otp_id)
            if status != expected[0] or any(shown[name] != value for name, value in expected[1].items()):
                found.append("%s/%s: %r, but %r was expected" % (space, otp_id, shown, expected))
        return found


# Models with a hole that the gateway must not have.

class ResendGivesNewGuesses(Model):
    def resend(self, space, otp_id):
        status, shown = super().resend(space, otp_id)
        if status == 200:
            self.otps[space, otp_id].attempts = 1
        return status, shown


class NewIdGivesNewGuesses(Model):
    def guesses_over(self, space, otp):
        return False


class PagesSendForNothing(Model):
    def page_resend(self, space, otp_id):
        before = dict(self.counts)
        answer = super().page_resend(space, otp_id)
        self.counts = before
        return answer


class StrangersNeverTire(Model):
    def post(self, stranger, answer):
        return answer()


class LinksVerify(Model):
    def page(self, space, otp_id):
        answer = super().page(space, otp_id)
        if answer[0] == 200 and self.otps[space, otp_id].generate == 3:
            self.otps[space, otp_id].closed = True
        return answer


class RightGuessesPassTheLimit(Model):
    def check(self, space, otp_id, code):
        otp = self.otps.get((space, otp_id))
        if otp and code == otp.code and not otp.locked:
            counts, self.counts = self.counts, {}
            answer = super().check(space, otp_id, code)
            self.counts = counts
            return answer
        return super().check(space, otp_id, code)


class AgainstTheModel(unittest.TestCase):
    def live(self, model, requests, seed):
        """The first difference, or None."""
        gateway = Gateway({"limits": LIMITS, "auth": {"other": {"return_otp": True}}})
        self.addCleanup(gateway.close)
        lives = Lives(gateway.start(), model, seed)
        self.addCleanup(lives.doors.close)
        for number in range(requests):
            difference = lives.step()
            if difference:
                return difference
            progress(number + 1, requests, "requests answered as the model has it")
        return next(iter(lives.differences()), None)

    def test_the_gateway_is_the_model(self):
        seed = random.SystemRandom().getrandbits(32)
        model = Model()
        self.assertIsNone(self.live(model, REQUESTS, seed), "seed %d" % seed)
        table("random lives", [("%d requests, seed %d" % (REQUESTS, seed), {
            "faults": REQUESTS, "violations": 0, "OTPs left": len(model.otps), "counters": len(model.counts)})])

    def test_controls_are_found_out(self):
        for control in (ResendGivesNewGuesses, NewIdGivesNewGuesses, PagesSendForNothing, StrangersNeverTire,
                        LinksVerify, RightGuessesPassTheLimit):
            with self.subTest(control.__name__):
                self.assertIsNotNone(self.live(control(), CONTROL_REQUESTS, 7))


if __name__ == "__main__":
    unittest.main()
