"""Pages with a key: `view_key = true`.

Goal: without the OTP's key no page route shows, sends or counts anything, and says what it says of an unknown id;
`url` and the message's link carry the key; a namespace without `view_key` goes on as before. Method: one gateway with
both kinds, every page route.
"""

import json
import unittest
import urllib.parse

from gateway import wait_for
from gateway_case import GatewayCase, new_address, new_id, other_code

ROUTES = (("GET", ""), ("POST", ""), ("GET", "/address"), ("POST", "/address"), ("GET", "/status"))


def key_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)).get("key")


class ViewKey(GatewayCase):
    CONFIG = {"auth": {"app": {"view_key": True}}}

    def ask(self, otp_id, method, suffix, key):
        form = {"action": "check", "otp": "000000", "to": new_address()} if method == "POST" else {}
        return self.api.page(otp_id, method, suffix, query={"key": key} if key is not None else None, **form)

    def test_a_wrong_key_is_an_unknown_id(self):
        made = self.created()
        for method, suffix in ROUTES:
            for key in (None, "", "0" * 32, key_of(made["url"])[:-1], key_of(self.created()["url"])):
                with self.subTest((method, suffix, key)):
                    wrong = self.ask(made["id"], method, suffix, key)
                    unknown = self.ask("x" * len(made["id"]), method, suffix, key)
                    self.assertEqual(wrong.status, 400 if suffix == "/status" else 404)
                    self.assertEqual(wrong.status, unknown.status)
                    self.assertEqual(wrong.text.replace(made["id"], "x" * len(made["id"])), unknown.text)
        self.assertEqual(self.api.get(made["id"]).data["attempts"], 1)
        self.assertEqual(self.api.get(made["id"]).data["to"], "")

    def test_the_key_is_in_the_url_and_in_the_message(self):
        made = self.created(to="someone")
        key = key_of(made["url"])
        self.assertRegex(key, "^[0-9a-f]{32}$")
        self.assertEqual(key_of(self.api.get(made["id"]).data["url"]), key)
        sent = wait_for("the message", lambda: [line for line in self.gateway.console_path.read_text().splitlines()
                                                if made["id"] in line])
        self.assertIn("key=" + key, json.dumps(json.loads(sent[0])))

    def test_a_person_with_the_link_goes_all_the_way(self):
        made = self.created()
        key = key_of(made["url"])
        address = self.api.page(made["id"], query={"key": key})
        self.assertEqual(address.status, 303)
        self.assertIn("key=" + key, address.headers["Location"])
        entered = self.api.page(made["id"], "POST", "/address", query={"key": key}, to="someone")
        self.assertIn("key=" + key, entered.headers["Location"])
        page = self.api.page(made["id"], query={"key": key})
        self.assertEqual(page.status, 200)
        self.assertIn('/status?key=' + key, page.text)
        self.assertEqual(self.api.page(made["id"], suffix="/status", query={"key": key}).status, 200)
        self.assertEqual(self.api.page(made["id"], "POST", query={"key": key}, action="check",
                                       otp=other_code(made["otp"])).status, 400)
        done = self.api.page(made["id"], "POST", action="check", otp=made["otp"], key=key)
        self.assertEqual(done.status, 200)
        self.assertTrue(self.api.get(made["id"]).data["closed"])

    def test_a_namespace_without_it(self):
        made = self.created(api=self.other, to="someone")
        self.assertIsNone(key_of(made["url"]))
        self.assertEqual(self.other.page(made["id"]).status, 200)
        self.assertEqual(self.other.page(made["id"], query={"key": "anything"}).status, 200)

    def test_another_namespaces_key_is_none(self):
        otp_id = new_id()
        self.created(otp_id)
        theirs = self.gateway.client("other")
        self.created(otp_id, api=theirs, to="someone")
        self.assertEqual(self.api.page(otp_id, query={"key": "0" * 32}).status, 404)


if __name__ == "__main__":
    unittest.main()
