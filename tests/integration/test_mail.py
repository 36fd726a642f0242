"""The mail that arrives.

Goal: a person gets a well-formed mail with the code, in HTML and text, with a link that opens the page with the
code filled in; machines see that it was made by a machine. Method: parse what a real SMTP server received.
"""

import email.utils
import re
import time
import unittest
import urllib.parse

from gateway_case import GatewayCase, new_address, new_id


class Mail(GatewayCase):
    WITH_MAIL = True
    CONFIG = {"providers": {"smtp": {"subject": "{{ .Namespace }}: {{ .Channel }} Überprüfung"}}}

    def mail_of(self, **form):
        address = form.pop("to", None) or new_address()
        otp = self.created(form.pop("otp_id", None), provider="smtp", to=address, **form)
        return otp, self.box.wait_for(address)[0]

    def test_structure(self):
        otp, mail = self.mail_of()
        message = mail.message
        self.assertEqual(message.get_content_type(), "multipart/alternative")
        self.assertEqual([part.get_content_type() for part in message.iter_parts()], ["text/plain", "text/html"])
        for kind in ("text/plain", "text/html"):
            self.assertIn(otp["otp"], mail.part(kind))
        for part in message.iter_parts():
            self.assertEqual(part.get_content_charset(), "utf-8")
        self.assertFalse(message.defects)
        self.assertEqual(mail.sender, "otp@gateway.example")
        self.assertEqual(mail.recipients, [otp["to"]])

    def test_headers(self):
        otp, mail = self.mail_of()
        message = mail.message
        self.assertEqual(message["Subject"], "app: smtp Überprüfung")
        raw_head = mail.content.split(b"\r\n\r\n")[0]
        self.assertTrue(raw_head.isascii(), raw_head)  # RFC 2047
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        self.assertEqual(email.utils.parseaddr(message["From"]), ("OTP verification", "otp@gateway.example"))
        self.assertEqual(email.utils.parseaddr(message["To"])[1], otp["to"])
        self.assertRegex(message["Message-ID"], r"^<[^<>@\s]+@[^<>@\s]+>$")
        sent_at = email.utils.parsedate_to_datetime(message["Date"]).timestamp()
        self.assertLess(abs(sent_at - time.time()), 60)
        for name in ("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"):
            self.assertEqual(len(message.get_all(name)), 1, name)
        self.assertTrue(all(len(line) <= 998 for line in mail.content.split(b"\r\n")))
        self.assertNotIn(b"\n", mail.content.replace(b"\r\n", b""))

    def test_link(self):
        otp, mail = self.mail_of(otp_id="ü x" + new_id(), otp="a&b=<")
        links = re.findall(r"https?://[^\s\"'<>]+", mail.part("text/plain"))
        link = next(link for link in links if "/otp/" in link)
        parts = urllib.parse.urlsplit(link)
        self.assertEqual(parts.scheme + "://" + parts.netloc + parts.path, otp["url"])
        self.assertEqual(urllib.parse.parse_qs(parts.query), {"otp": ["a&b=<"], "action": ["check"]})
        page = self.api.call("GET", parts.path + "?" + parts.query, headers={"Authorization": None})
        self.assertEqual(page.status, 200)
        self.assertIn('value="a&amp;b=&lt;"', page.text)
        self.assertFalse(self.api.get(otp["id"]).data["closed"])  # opening it verifies nothing

    def test_html_is_escaped(self):
        _, mail = self.mail_of(otp="<b>&\"x")
        self.assertNotIn("<b>&", mail.part("text/html"))
        self.assertIn("&lt;b&gt;&amp;", mail.part("text/html"))
        self.assertIn("<b>&\"x", mail.part("text/plain"))

    def test_two_mails_two_message_ids(self):
        self.assertNotEqual(self.mail_of()[1].message["Message-ID"], self.mail_of()[1].message["Message-ID"])

    def test_delivery_ends_as_sent(self):
        otp = self.created(provider="smtp", to=new_address(), wait="10")
        self.assertEqual(otp["delivery"]["state"], "sent")
        self.assertEqual(otp["delivery"]["tries"], 1)
        shown = self.api.get(otp["id"])
        self.assertEqual(shown.data["delivery"]["state"], "sent")
        self.assertNotIn(otp["otp"], shown.data["delivery"]["detail"])
        self.assertNotIn(otp["to"], shown.data["delivery"]["detail"])

    def test_addresses_that_are_none(self):
        for address in ("nobody", "a@", "@b.example", "a b@c.example", "a@b@c.example", "a@b.example\r\nBcc: x@y.z",
                        "<a@b.example>", "a@b.example,c@d.example", "x" * 250 + "@b.example", "a@b..example"):
            with self.subTest(address):
                self.assert_error(self.api.put(new_id(), provider="smtp", to=address), 400, "Invalid `to` address: ")

    def test_addresses_that_are_unusual(self):
        for address in ("first.last+tag@Sub.Mail.Example", "o'brien@mail.example", "x@mail-1.example"):
            with self.subTest(address):
                otp = self.created(provider="smtp", to=address, wait="10")
                self.assertEqual(otp["delivery"]["state"], "sent", otp)
                self.assertEqual(otp["to"], address)


class OwnTemplates(GatewayCase):
    WITH_MAIL = True
    CONFIG = {"providers": {"smtp": {
        "subject": "{{ .OTP }} & {{ .To }} <{{ .ChannelName }}>", "template": "own.tpl"}}}
    FILES = {"own.tpl": "<p>{{ .OTP }}|{{OTP}}|{{ .OTPTTL.Minutes }}|{{ .Namespace }}|{{ .Channel }}|{{ .To }}|"
                        "<a href=\"{{ .OTPURL }}\">ü</a></p>"}

    def test_every_field(self):
        address = new_address()
        otp = self.created(provider="smtp", to=address, otp="12<45", ttl=300)
        mail = self.box.wait_for(address)[0]
        self.assertEqual(mail.message["Subject"], "12<45 & %s <E-mail>" % address)
        html = mail.part("text/html")
        self.assertIn("<p>12&lt;45|12&lt;45|5|app|smtp|%s|" % address, html)
        self.assertIn(otp["url"] + "?otp=12%3C45&amp;action=check", html)


if __name__ == "__main__":
    unittest.main()
