"""The APIs of three SMS companies as their documentation describes them, with their ways of refusing: Twilio's Messages
resource, MSG91's flow API and Vonage's SMS API. Each checks requests for what the documentation asks for.

    python3 sms_companies.py [--fault KIND]        plays Twilio
"""

import base64
import re

from http_upstream import Answer, Upstream, run

TWILIO_SID = "AC00000000000000000000000000000000"
TWILIO_TOKEN = "your-auth-token"
MSG91_KEY = "your-auth-key"
VONAGE_KEY, VONAGE_SECRET = "abcd1234", "your-api-secret"
FORM = "application/x-www-form-urlencoded"


def basic(user, password):
    return "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()


class Twilio(Upstream):
    """https://www.twilio.com/docs/messaging/api/message-resource"""

    def answer(self, request):
        if request.headers.get("authorization") != basic(TWILIO_SID, TWILIO_TOKEN):
            return self.refusal(401, 20003, "Authenticate")
        if (request.method, request.target) != ("POST", "/2010-04-01/Accounts/%s/Messages.json" % TWILIO_SID):
            return self.refusal(404, 20404, "The requested resource %s was not found" % request.target)
        if request.headers.get("content-type") != FORM:
            return self.refusal(400, 21604, "A 'To' phone number is required.")
        form = request.form
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", form.get("To", "")):
            return self.refusal(400, 21211, "Invalid 'To' Phone Number: %s" % form.get("To"))
        if not form.get("From"):
            return self.refusal(400, 21603, "A 'From' phone number is required.")
        if not 1 <= len(form.get("Body", "")) <= 1600:
            return self.refusal(400, 21602, "Message body is required.")
        if not 1 <= int(form.get("ValidityPeriod", "36000")) <= 36000:
            return self.refusal(400, 30100, "Invalid validity period")
        return Answer(201, {
            "account_sid": TWILIO_SID, "api_version": "2010-04-01", "body": form["Body"], "direction": "outbound-api",
            "error_code": None, "error_message": None, "from": form["From"], "num_segments": "1", "price": None,
            "sid": "SM%032x" % len(self.requests), "status": "queued", "to": form["To"]})

    @staticmethod
    def refusal(status, code, message):
        return Answer(status, {"code": code, "message": message, "status": status,
                               "more_info": "https://www.twilio.com/docs/errors/%d" % code})


class Msg91(Upstream):
    """https://docs.msg91.com/sms/send-sms"""

    def answer(self, request):
        if request.headers.get("authkey") != MSG91_KEY:
            return self.refusal("Authentication failure", 401)
        if (request.method, request.target) != ("POST", "/api/v5/flow"):
            return self.refusal("Not found", 404)
        if request.headers.get("content-type") != "application/json":
            return self.refusal("Content type not supported", 400)
        body = request.json
        if not body.get("template_id"):
            return self.refusal("template id missing")
        for recipient in body["recipients"]:
            if not re.fullmatch(r"[1-9][0-9]{6,14}", recipient.get("mobiles", "")):
                return self.refusal("Invalid mobile number %s" % recipient.get("mobiles"))
        return Answer(200, {"message": "3763646c305837353039%04d" % len(self.requests), "type": "success"})

    @staticmethod
    def refusal(message, status=200):
        return Answer(status, {"message": message, "type": "error"})


class Vonage(Upstream):
    """https://developer.vonage.com/en/api/sms"""

    def answer(self, request):
        if (request.method, request.target) != ("POST", "/sms/json") or request.headers.get("content-type") != FORM:
            return Answer(404, "Not found")
        form = request.form
        missing = [name for name in ("api_key", "api_secret", "from", "to", "text") if not form.get(name)]
        if missing:
            return self.refusal("2", "Missing %s param" % missing[0])
        if (form["api_key"], form["api_secret"]) != (VONAGE_KEY, VONAGE_SECRET):
            return self.refusal("4", "Bad Credentials")
        if not re.fullmatch(r"[1-9][0-9]{6,14}", form["to"]):
            return self.refusal("3", "to address is not numeric: %s" % form["to"])
        return Answer(200, {"message-count": "1", "messages": [{
            "to": form["to"], "message-id": "0C%014d" % len(self.requests), "status": "0",
            "remaining-balance": "15.53590000", "message-price": "0.03330000", "network": "23410"}]})

    @staticmethod
    def refusal(status, text):
        return Answer(200, {"message-count": "1", "messages": [{"status": status, "error-text": text}]})


if __name__ == "__main__":
    run(Twilio)
