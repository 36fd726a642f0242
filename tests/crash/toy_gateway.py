"""A gateway that reads, then writes: the control of the guess race.

It keeps the rules when requests come one after another, and breaks them when they come together, because other
requests run between its look at the counter and its write. A test that passes it proves nothing.
"""

import asyncio
import collections

from toy_http import ToyServer


class ToyGateway:
    def __init__(self, guesses_max=float("inf")):
        """`guesses_max`: wrong ones for an address."""
        self.otps = {}
        self.guesses_max = guesses_max
        self.guesses = collections.Counter()  # by address
        self._server = ToyServer(self._answer)
        self.port = self._server.port
        self.close = self._server.close

    async def _answer(self, method, path, form):
        page = path.startswith("/otp/")
        otp_id = path.split("/")[3]
        otp = self.otps.get(otp_id)
        if method == "PUT":
            if otp is None:
                otp = self.otps[otp_id] = {"attempts": 1, "closed": False}
            elif otp["attempts"] > otp["max_attempts"]:
                return 429, {}
            otp.update(otp=form["otp"], to=form["to"], max_attempts=int(form["max_attempts"]))
            return 200, {"data": otp}
        if otp is None:
            return (404 if page else 400), {"message": "the OTP does not exist"}
        if method == "GET":
            return 200, {"data": {"attempts": otp["attempts"], "closed": otp["closed"], "generate": 1}}
        if form.get("action") == "resend":
            return (303 if page else 200), {}
        seen, seen_of_address = otp["attempts"], self.guesses[otp["to"]]
        if seen > otp["max_attempts"] or seen_of_address >= self.guesses_max:
            return 429, {}
        right = form["otp"] == otp["otp"]
        await asyncio.sleep(0.001)  # the database's answer takes its time
        if not right:
            otp["attempts"], self.guesses[otp["to"]] = seen + 1, seen_of_address + 1
            return 400, {"message": "Incorrect OTP"}
        otp["closed"] = True
        if not page:
            self.otps.pop(otp_id, None)
        return 200, {}
