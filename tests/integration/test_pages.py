"""The web pages at HTTP level, without a browser.

Goal: looking changes nothing, a person's POST verifies, every case has its status and its plain words, and the
headers keep strangers out. Method: requests as a browser without JavaScript sends them, with a real mail box.
"""

import json
import re
import time
import unittest
import urllib.parse

from gateway import wait_for
from gateway_case import GatewayCase, new_address, new_id, other_code


class PageCase(GatewayCase):
    WITH_MAIL = True

    def assert_page(self, answer, status, *words):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        for word in words:
            self.assertIn(word.lower(), answer.text.lower())
        self.assert_headers(answer)

    def assert_headers(self, answer):
        headers = answer.headers
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertEqual(headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        policy = dict((directive.strip().split(" ", 1) + [""])[:2]
                      for directive in headers["Content-Security-Policy"].split(";") if directive.strip())
        self.assertIn("frame-ancestors", policy)
        self.assertEqual(policy["default-src"], "'none'")
        self.assertNotIn("unsafe-inline", headers["Content-Security-Policy"])
        self.assertIsNone(headers["Set-Cookie"])

    def guess(self, otp, code, **options):
        return self.api.page(otp["id"], "POST", action="check", otp=code, **options)


class CodePage(PageCase):
    def test_looking_changes_nothing(self):
        otp = self.created(to="someone@mail.example", skip_delete="true")
        before = self.api.get(otp["id"]).data
        for query in (None, {"otp": otp["otp"], "action": "check"}, {"action": "resend"}, {"view": "popup"},
                      {"otp": other_code(otp["otp"]), "action": "check"}):
            for method in ("GET", "HEAD"):
                self.assertEqual(self.api.page(otp["id"], method, query=query).status, 200)
        after = self.api.get(otp["id"]).data
        for name in ("attempts", "generate", "closed", "to"):
            self.assertEqual(after[name], before[name])

    def test_it_says_what_a_person_needs(self):
        otp = self.created(to="someone@mail.example", max_attempts=4, ttl=200)
        page = self.api.page(otp["id"])
        self.assert_page(page, 200, "attempt 1 of 4", "<form", 'name="otp"', "again")
        self.assertNotIn(otp["otp"], page.text)
        self.assertNotIn("someone@mail.example", page.text)  # a stranger with the link learns no address
        for source in re.findall(r'(?:src|href|action)="([^"]*)"', page.text):
            self.assertTrue(source.startswith("/") or source.startswith(self.gateway.url)
                            or source.startswith("data:") or source == "", source)

    def test_right(self):
        otp = self.created(to="someone")
        self.assert_page(self.guess(otp, otp["otp"]), 200, "verified")
        self.assert_page(self.api.page(otp["id"]), 200, "verified")
        self.assertTrue(self.assert_success(self.api.status(otp["id"]))["closed"])

    def test_check_is_the_default_action(self):
        otp = self.created(to="someone")
        self.assert_page(self.api.page(otp["id"], "POST", otp=otp["otp"]), 200, "verified")

    def test_wrong(self):
        otp = self.created(to="someone", max_attempts=2)
        self.assert_page(self.guess(otp, other_code(otp["otp"])), 400, "wrong", "attempt 2 of 2", "<form")
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 2)
        self.assert_page(self.guess(otp, other_code(otp["otp"])), 429, "too many attempts")
        answer = self.guess(otp, otp["otp"])
        self.assert_page(answer, 429, "too many attempts")
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assert_page(self.api.page(otp["id"]), 429, "too many attempts")

    def test_page_and_api_share_the_count(self):
        otp = self.created(to="someone", max_attempts=3)
        self.guess(otp, other_code(otp["otp"]))
        self.api.check(otp["id"], other_code(otp["otp"]))
        self.guess(otp, other_code(otp["otp"]))
        self.assertEqual(self.api.check(otp["id"], otp["otp"]).status, 429)

    def test_empty(self):
        otp = self.created(to="someone")
        for code in ("", "  "):
            self.assert_page(self.guess(otp, code), 400, "<form")
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 1)

    def test_once_closed_nothing_is_evaluated(self):
        otp = self.created(to="someone", skip_delete="true")
        self.guess(otp, otp["otp"])
        for _ in range(3):
            self.assert_page(self.guess(otp, other_code(otp["otp"])), 200, "verified")
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 1)

    def test_a_page_success_never_deletes_but_an_api_check_does(self):
        otp = self.created(to="someone")
        self.guess(otp, otp["otp"])
        self.assert_success(self.api.status(otp["id"]))
        self.assert_success(self.api.check(otp["id"], otp["otp"]))
        self.assert_error(self.api.status(otp["id"]), 400, "the OTP does not exist")

    def test_expired_and_unknown_are_the_same(self):
        otp = self.created(to="someone", ttl=1)
        time.sleep(1.1)
        self.assert_page(self.api.page(otp["id"]), 404, "session expired")
        self.assert_page(self.guess(otp, otp["otp"]), 404, "session expired")
        self.assert_page(self.api.page(new_id()), 404, "session expired")
        answer = self.api.call("GET", "/otp/nobody/" + otp["id"], headers={"Authorization": None})
        self.assert_page(answer, 404, "session expired")

    def test_bad_requests(self):
        otp = self.created(to="someone")
        self.assert_page(self.api.page(otp["id"], "POST", action="delete"), 400)
        answer = self.api.call("POST", "/otp/app/" + otp["id"], form=[("otp", "1"), ("otp", "2")])
        self.assert_page(answer, 400)
        self.assertEqual(self.api.get(otp["id"]).data["attempts"], 1)

    def test_cross_site_posts_are_refused(self):
        otp = self.created(to="someone")
        for suffix in ("", "/address"):
            answer = self.api.page(otp["id"], "POST", suffix, headers={"Sec-Fetch-Site": "cross-site"},
                                   action="check", otp=otp["otp"])
            self.assert_page(answer, 403)
        self.assertFalse(self.api.get(otp["id"]).data["closed"])
        self.assert_page(self.guess(otp, otp["otp"], headers={"Sec-Fetch-Site": "same-origin"}), 200, "verified")

    def test_texts_are_escaped(self):
        evil = "<script>alert(1)</script>\"'&"
        otp = self.created("\"><b>" + new_id(), to=evil, channel_description=evil)
        page = self.api.page(otp["id"], query={"otp": evil, "view": evil, "lang": evil, "key": evil})
        self.assert_page(page, 200)
        self.assertNotIn("<script>alert", page.text)
        self.assertNotIn("\"><b>", page.text)
        self.assertIn("&lt;script&gt;", page.text)

    def test_the_link_fills_the_code_in(self):
        otp = self.created(to="someone")
        page = self.api.page(otp["id"], query={"otp": otp["otp"], "action": "check"})
        self.assertIn('value="%s"' % otp["otp"], page.text)

    def test_forms_keep_view_lang_and_key_but_not_the_code(self):
        otp = self.created(to="someone")
        page = self.api.page(otp["id"], query={"view": "popup", "lang": "de", "key": "k1", "otp": "123456",
                                               "action": "check"})
        actions = [action.replace("&amp;", "&").replace("&#61;", "=")
                   for action in re.findall(r'<form[^>]*action="([^"]*)"', page.text)]
        self.assertTrue(actions)
        for action in actions:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(action).query)
            self.assertEqual(query, {"view": ["popup"], "lang": ["de"], "key": ["k1"]})
            self.assertEqual(urllib.parse.urlsplit(action).path, "/otp/app/" + otp["id"])

    def test_resend(self):
        address = new_address()
        otp = self.created(provider="smtp", to=address, wait="10", max_generate=2)
        answer = self.api.page(otp["id"], "POST", action="resend")
        self.assertEqual(answer.status, 303, answer)
        self.assertEqual(urllib.parse.urlsplit(answer.headers["Location"]).path, "/otp/app/" + otp["id"])
        for mail in self.box.wait_for(address, 2):
            self.assertIn(otp["otp"], mail.part("text/plain"))
        wait_for("sent", lambda: self.api.get(otp["id"]).data["delivery"]["state"] == "sent")
        self.assert_page(self.api.page(otp["id"], "POST", action="resend"), 429)
        self.assertEqual(self.api.get(otp["id"]).data["generate"], 2)

    def test_who_may_frame_it(self):
        otp = self.created(to="someone")
        self.assertIn("http://localhost:*", self.api.page(otp["id"]).headers["Content-Security-Policy"])
        other = self.created(api=self.other, to="someone")
        policy = self.other.page(other["id"]).headers["Content-Security-Policy"]
        self.assertIn("https://other.example", policy)
        self.assertNotIn("localhost:*", policy)


class AddressPage(PageCase):
    def page_otp(self, **form):
        return self.created(provider="smtp", **form)

    def send(self, otp, address, token=""):
        return self.api.page(otp["id"], "POST", "/address", to=address, expected=token)

    def assert_redirect(self, answer, path):
        self.assertEqual(answer.status, 303, answer)
        self.assertEqual(urllib.parse.urlsplit(answer.headers["Location"]).path, path)

    def test_from_no_address_to_verified(self):
        otp = self.page_otp(otp="482913")
        self.assert_redirect(self.api.page(otp["id"]), "/otp/app/%s/address" % otp["id"])
        self.assert_page(self.api.page(otp["id"], suffix="/address"), 200, "<form", 'name="to"')
        address = new_address()
        self.assert_redirect(self.send(otp, address), "/otp/app/" + otp["id"])
        mail = self.box.wait_for(address)[0]
        code = re.search(r"\b([0-9]{6})\b", mail.part("text/plain")).group(1)
        self.assert_page(self.api.page(otp["id"]), 200, "attempt 1 of 5")
        self.assert_page(self.guess(otp, code), 200, "verified")
        verified = self.assert_success(self.api.status(otp["id"]))
        self.assertEqual((verified["to"], verified["closed"]), (address, True))

    def test_bad_addresses(self):
        otp = self.page_otp()
        for address in ("", "  ", "nobody", "a b@c.example"):
            with self.subTest(address):
                self.assert_page(self.send(otp, address), 400, "<form")
        self.assertEqual(self.api.get(otp["id"]).data["to"], "")

    def test_one_that_the_application_gave_stays(self):
        otp = self.page_otp(to=new_address())
        answer = self.send(otp, new_address())
        self.assertIn(answer.status, (303, 400))
        self.assertEqual(self.api.get(otp["id"]).data["to"], otp["to"])
        self.assertEqual(self.api.page(otp["id"], suffix="/address").status, 303)

    def test_one_that_the_page_collected_may_be_changed_with_a_new_code(self):
        otp = self.page_otp()
        first, second = new_address(), new_address()
        self.send(otp, first)
        first_mail = self.box.wait_for(first)[0]
        self.guess(otp, "wrong")
        self.assert_page(self.api.page(otp["id"], suffix="/address"), 200, 'name="to"')
        self.assert_redirect(self.send(otp, second, self.api.address_token(otp["id"])), "/otp/app/" + otp["id"])
        second_mail = self.box.wait_for(second)[0]
        codes = [re.search(r"\b([0-9]{6})\b", mail.part("text/plain")).group(1)
                 for mail in (first_mail, second_mail)]
        found = self.api.get(otp["id"]).data
        self.assertEqual((found["to"], found["generate"], found["attempts"]), (second, 2, 2))
        if codes[0] != codes[1]:
            self.assert_page(self.guess(otp, codes[0]), 400)
        self.assert_page(self.guess(otp, codes[1]), 200, "verified")

    def test_the_write_is_conditional_on_the_address_that_was_shown(self):
        otp = self.page_otp()
        first, second, third = new_address(), new_address(), new_address()
        self.send(otp, first)
        self.box.wait_for(first)
        token = self.api.address_token(otp["id"])
        self.send(otp, second, token)
        answer = self.send(otp, third, token)
        self.assertEqual(answer.status, 400, answer)
        self.assertEqual(self.api.get(otp["id"]).data["to"], second)

    def test_the_page_tells_it_to_nobody(self):
        otp = self.page_otp()
        address = new_address()
        self.send(otp, address)
        self.assertNotIn(address, self.api.page(otp["id"], suffix="/address").text)

    def test_closed_stays_closed(self):
        otp = self.page_otp(otp="482913")
        first = new_address()
        self.send(otp, first)
        code = re.search(r"\b([0-9]{6})\b", self.box.wait_for(first)[0].part("text/plain")).group(1)
        token = self.api.address_token(otp["id"])
        self.guess(otp, code)
        self.assert_redirect(self.send(otp, new_address(), token), "/otp/app/" + otp["id"])
        self.assertEqual(self.assert_success(self.api.status(otp["id"]))["to"], first)

    def test_max_generate_counts_here_too(self):
        otp = self.page_otp(max_generate=2)
        addresses = [new_address() for _ in range(3)]
        self.send(otp, addresses[0])
        self.send(otp, addresses[1], self.api.address_token(otp["id"]))
        answer = self.send(otp, addresses[2], self.api.address_token(otp["id"]))
        self.assertEqual(answer.status, 429, answer)
        self.assertEqual(self.api.get(otp["id"]).data["to"], addresses[1])


class LanguageAndWayBack(PageCase):
    def test_the_applications_wish_comes_before_the_browsers(self):
        otp = self.created(locale="hi-IN", to=new_address(), provider="smtp")
        for query, header, language in ((None, "ar", "hi"), ({"lang": "ar"}, "en", "ar"), ({"lang": "xx"}, "ar", "hi")):
            with self.subTest(query):
                page = self.api.call("GET", "/otp/app/" + otp["id"], query=query,
                                     headers={"Accept-Language": header})
                self.assertIn('<html lang="%s"' % language, page.text)
        self.created(otp["id"], to=new_address(), provider="smtp")
        page = self.api.call("GET", "/otp/app/" + otp["id"], headers={"Accept-Language": "ar;q=0.2, fr"})
        self.assertIn('<html lang="ar" dir="rtl">', page.text)

    def test_pages_lead_back(self):
        back = "http://localhost:3000/sign-in?x=1&y=2"
        otp = self.created(return_url=back, max_attempts=1, ttl=2, to=new_address(), provider="smtp")
        link = 'href="%s"' % back.replace("&", "&amp;")
        self.assertIn(link, self.api.page(otp["id"]).text)
        self.assertIn(link, self.guess(otp, "wrong").text)
        self.assertNotIn(back, json.dumps(self.api.get(otp["id"]).data))


class Branding(PageCase):
    def test_the_namespaces_look_and_own_files_by_reload(self):
        gateway = self.gateway
        otp = self.created(to=new_address(), provider="smtp")
        self.assertEqual(self.api.call("GET", "/otp/app/theme").status, 404)
        pages = gateway.folder / "pages"
        (pages / "locales").mkdir(parents=True)
        (pages / "static").mkdir()
        (pages / "locales" / "en.toml").write_text('code_title = "The magic number"\n')
        (pages / "static" / "style.css").write_text("body {}\n")
        look = {"name": "Corner Shop", "logo_url": "https://cdn.example/l.svg", "accent": "#0A7CFF"}
        gateway.reload({"auth": {"app": look}, "web": {"templates_dir": str(pages)}})
        page = self.api.page(otp["id"])
        self.assert_page(page, 200, "The magic number</h1>", "Corner Shop", "https://cdn.example/l.svg")
        self.assertIn("img-src 'self' https://cdn.example;", page.headers["Content-Security-Policy"])
        self.assertIn("<style>body {}</style><style>:root{--accent:#0a7cff;", page.text)
        self.assertEqual(self.api.call("GET", "/static/style.css").text, "body {}\n")
        self.assertEqual(self.api.call("GET", "/static/page.js").status, 200)
        # Templates may link the style sheets, as they had to once.
        (pages / "open.html").write_text('<link href="{{base}}/static/style.css">{{#themed}}<link href="{{theme}}">{{/themed}}')
        gateway.reload()
        page = self.api.page(otp["id"])
        self.assertNotIn("<style", page.text)
        self.assertIn("style-src 'self' ", page.headers["Content-Security-Policy"])
        theme = self.api.call("GET", re.search(r'href="(/otp/app/theme[^"]*)"', page.text).group(1))
        self.assertEqual((theme.status, theme.headers["Content-Type"]), (200, "text/css; charset=utf-8"))
        self.assertIn("--accent:#0a7cff;", theme.text)

    def test_a_bad_file_is_named_and_the_former_pages_go_on(self):
        gateway = self.gateway
        pages = gateway.folder / "bad-pages"
        pages.mkdir()
        (pages / "code.html").write_text("<h1>\n{{user}}</h1>")
        gateway.write_config({"web": {"templates_dir": str(pages)}})
        code, output = gateway.run_once("--check-config")
        self.assertNotEqual(code, 0, output)
        self.assertIn("code.html:2: {{user}}", output)


class StatusOfThePage(PageCase):
    def status_of(self, otp_id):
        return self.api.page(otp_id, suffix="/status")

    def test_open_then_closed(self):
        otp = self.created(provider="smtp", to=new_address(), wait="10")
        answer = self.status_of(otp["id"])
        self.assertEqual(self.assert_success(answer), {"closed": False, "delivery": {"state": "sent"}})
        self.guess(otp, otp["otp"])
        self.assertTrue(self.assert_success(self.status_of(otp["id"]))["closed"])

    def test_expired(self):
        answer = self.status_of(new_id())
        self.assert_error(answer, 400)
        self.assertEqual(answer.message, "Session expired.")


if __name__ == "__main__":
    unittest.main()
