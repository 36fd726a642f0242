"""What the API's description says of OTPs and limits, as one object that does one thing after the other.

Each method takes a request and returns what the answer must be: a status, and for some the fields that it must show.
The rules are written down anew here, from the description; nothing is taken from the gateway.
"""

import dataclasses

SENDS_MAX, GUESSES_MAX, CLIENT_MAX, POSTS_MAX = 8, 5, 20, 15


@dataclasses.dataclass
class Otp:
    to: str
    code: str  # None: made by the gateway
    max_attempts: int
    max_generate: int
    skip_delete: bool
    client: str
    from_page: bool = False
    attempts: int = 1
    generate: int = 1
    closed: bool = False

    @property
    def locked(self):
        return self.attempts > self.max_attempts

    @property
    def used_up(self):
        return self.generate >= self.max_generate

    def shown(self):
        return {"to": self.to, "attempts": self.attempts, "max_attempts": self.max_attempts,
                "generate": self.generate, "max_generate": self.max_generate, "closed": self.closed}


class Model:
    def __init__(self):
        self.otps = {}
        self.counts = {}

    # Limits ---------------------------------------------------------------------------------------------------

    def count(self, *key):
        self.counts[key] = self.counts.get(key, 0) + 1

    def over(self, limit, *key):
        return self.counts.get(key, 0) >= limit

    @staticmethod
    def address(space, to):
        return space, to.lower()

    def may_send(self, space, to, client):
        """Counts a sending, unless it is over a limit."""
        if self.over(SENDS_MAX, "sends", *self.address(space, to)):
            return False
        if client and self.over(CLIENT_MAX, "client", space, client):
            return False
        self.count("sends", *self.address(space, to))
        if client:
            self.count("client", space, client)
        return True

    def guesses_over(self, space, otp):
        return otp.to and self.over(GUESSES_MAX, "guesses", *self.address(space, otp.to))

    def wrong_guess(self, space, otp):
        otp.attempts += 1
        if otp.to:
            self.count("guesses", *self.address(space, otp.to))

    def unlock(self, space, to):
        keys = [("sends", *self.address(space, to)), ("guesses", *self.address(space, to))]
        return 200, {"cleared": sum(self.counts.pop(key, 0) > 0 for key in keys)}

    # The API --------------------------------------------------------------------------------------------------

    def put(self, space, otp_id, wanted):
        current = self.otps.get((space, otp_id))
        if current and not current.closed:
            if current.locked or current.attempts > wanted.max_attempts or current.used_up:
                return 429, {}
            wanted.attempts, wanted.generate = current.attempts, current.generate + 1
        if wanted.to and not self.may_send(space, wanted.to, wanted.client):
            return 429, {}
        self.otps[space, otp_id] = wanted
        return 200, wanted.shown()

    def get(self, space, otp_id):
        otp = self.otps.get((space, otp_id))
        return (200, otp.shown()) if otp else (400, {})

    def check(self, space, otp_id, code):
        otp = self.otps.get((space, otp_id))
        if not otp:
            return 400, {}
        if otp.locked or self.guesses_over(space, otp):
            return 429, {}
        if code != otp.code:
            self.wrong_guess(space, otp)
            return 400, otp.shown()
        otp.closed = True
        if not otp.skip_delete:
            del self.otps[space, otp_id]
        return 200, otp.shown()

    def resend(self, space, otp_id):
        otp = self.otps.get((space, otp_id))
        if not otp or otp.closed:
            return 400, {}
        if otp.locked:
            return 429, {}
        if not otp.to:
            return 400, {}
        if otp.used_up or not self.may_send(space, otp.to, otp.client):
            return 429, {}
        otp.generate += 1
        return 200, otp.shown()

    def status(self, space, otp_id, delete):
        otp = self.otps.get((space, otp_id))
        if not otp or not otp.closed:
            return 400, otp.shown() if otp else {}
        if delete:
            del self.otps[space, otp_id]
        return 200, otp.shown()

    # The pages ------------------------------------------------------------------------------------------------

    def page(self, space, otp_id):
        otp = self.otps.get((space, otp_id))
        if not otp:
            return 404, {}
        if otp.locked and not otp.closed:
            return 429, {}
        return (200 if otp.closed or otp.to else 303), {}

    def post(self, stranger, answer):
        """A POST of a page: `answer` is what it comes to unless too many have failed."""
        if self.over(POSTS_MAX, "posts", stranger):
            return 429, {}
        status, shown = answer()
        if 400 <= status < 500:
            self.count("posts", stranger)
        return status, shown

    def page_check(self, space, otp_id, code):
        status, shown = self.page(space, otp_id)
        otp = self.otps.get((space, otp_id))
        if status != 200 or otp.closed:
            return status, shown
        if self.guesses_over(space, otp):
            return 429, {}
        if code == otp.code:
            otp.closed = True
            return 200, {}
        self.wrong_guess(space, otp)
        return (429 if otp.locked else 400), {}

    def page_resend(self, space, otp_id):
        status, shown = self.page(space, otp_id)
        otp = self.otps.get((space, otp_id))
        if status != 200 or otp.closed:
            return status, shown
        return (303 if self.resend(space, otp_id)[0] == 200 else 429), {}

    def page_address(self, space, otp_id, to):
        status, shown = self.page(space, otp_id)
        otp = self.otps.get((space, otp_id))
        if status not in (200, 303):
            return status, shown
        if otp.closed:
            return 303, {}
        if otp.to and not otp.from_page:
            return 400, {}
        if otp.to and otp.used_up or not self.may_send(space, to, otp.client):
            return 429, {}
        if otp.to:
            otp.generate += 1
            otp.code = None
        otp.to, otp.from_page = to, True
        return 303, {}
