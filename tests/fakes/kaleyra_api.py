"""Kaleyra's messages API as its documentation describes it (developers.kaleyra.io, "Send OTP SMS" and "Send an
Authentication Template Message"): POST /v1/SID/messages with the header api-key and a form. What it answers to a
request that it does not like has the documented form; the numbers of its codes are this fake's own.

    python3 kaleyra_api.py [--fault KIND]        account: SID HXIN1234567890IN, key kaleyra-key-4b7e
"""

import re

from http_upstream import Answer, Upstream, run

SID = "HXIN1234567890IN"
API_KEY = "kaleyra-key-4b7e"
SMS_FIELDS = {"to", "type", "sender", "body"}
SMS_FIELDS_MORE = {"template_id", "entity_id"}
WHATSAPP_FIELDS = {"to", "type", "channel", "from", "template_name", "verification_code"}


def refusal(status, code, message):
    return Answer(status, {"code": code, "message": message, "data": [], "error": {"error": message}})


class KaleyraApi(Upstream):
    def answer(self, request):
        if request.headers.get("api-key") != API_KEY or not request.path.startswith("/v1/%s/" % SID):
            return refusal(401, "RBC001", "Unauthorized: the API key or the SID is wrong")
        if (request.method, request.target) != ("POST", "/v1/%s/messages" % SID):
            return refusal(404, "RBC004", "No such resource: %s" % request.target)
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return refusal(400, "RBC006", "Unknown content type")
        form = request.form
        wrong = self._what_is_wrong(form)
        if wrong:
            return refusal(400, "RBC114", wrong)
        count = len(self.requests)
        group = "d990a1b2-0000-4000-8000-%012d" % count
        return Answer(202, {
            "id": group, "type": form["type"], "createdDateTime": "2026-11-25 10:00:00+00:00", "totalCount": 1,
            "data": [{"message_id": group + ":1", "recipient": form["to"].lstrip("+")}], "error": {}})

    @staticmethod
    def _what_is_wrong(form):
        fields = set(form)
        if form.get("type") == "OTP":
            if not SMS_FIELDS <= fields or not fields <= SMS_FIELDS | SMS_FIELDS_MORE:
                return "Unexpected fields: %s" % sorted(fields)
        elif form.get("type") == "authenticationtemplate":
            if fields != WHATSAPP_FIELDS:
                return "Unexpected fields: %s" % sorted(fields)
            if form["channel"] != "whatsapp":
                return "Unknown channel"
        else:
            return "Unknown type"
        if not all(form.values()):
            return "An empty field"
        return "" if re.fullmatch(r"\+[1-9][0-9]{6,14}", form["to"]) else "Invalid number: %s" % form["to"]


if __name__ == "__main__":
    run(KaleyraApi)
