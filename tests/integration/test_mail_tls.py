"""Mail over TLS.

Goal: a mail server whose certificate is not trusted gets no mail, unless the section says that it is not checked; one
that has no TLS 1.2 gets none at all.
Method: SMTP servers with a certificate of their own making, one that begins with TLS and one that goes over to it.
"""

import pathlib
import ssl
import tempfile
import unittest

import certificates
from gateway import Gateway, wait_for
from gateway_case import new_address, new_id
from mailbox import MailBox

UNCHECKED = "tls_skip_verify: the server's certificate is not checked"


class MailTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="otpgw-mail-tls-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.files = certificates.self_signed(cls.folder, "mail")

    def setUp(self):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*self.files)

    def start(self, tls_type, environment=None, **section):
        self.box = MailBox(**{"tls" if tls_type == "TLS" else "starttls": self.tls})
        self.addCleanup(self.box.shut_down)
        self.gateway = Gateway({"providers": {"smtp": {"tls_type": tls_type, **section}}}, smtp_port=self.box.port,
                               environment=environment)
        self.addCleanup(self.gateway.close)
        self.api = self.gateway.start().client()

    def test_a_certificate_that_is_not_trusted_gets_nothing(self):
        for tls_type in ("TLS", "STARTTLS"):
            with self.subTest(tls_type):
                self.start(tls_type)
                otp = self.api.put(new_id(), provider="smtp", to=new_address()).data
                # On a busy machine a try may end before the handshake does.
                wait_for("the reason", lambda: "certificate" in self.api.get(otp["id"]).data["delivery"]["detail"], 30)
                self.assertIn(self.api.get(otp["id"]).data["delivery"]["state"], ("queued", "sending"))
                self.assertEqual(self.box.mail_commands, [])
                self.assertNotIn(UNCHECKED, self.gateway.log())

    def test_unchecked_it_gets_mail_and_the_log_says_so(self):
        for tls_type in ("TLS", "STARTTLS"):
            with self.subTest(tls_type):
                self.start(tls_type, tls_skip_verify=True)
                to = new_address()
                self.assertEqual(self.api.put(new_id(), provider="smtp", to=to).status, 200)
                self.box.wait_for(to)
                self.assertIn(UNCHECKED, self.gateway.log())

    def test_an_old_version_gets_nothing_whatever_the_machine_allows(self):
        (self.folder / "openssl.cnf").write_text(
            "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = lax\n"
            "[lax]\nMinProtocol = TLSv1\nCipherString = ALL@SECLEVEL=0\n", encoding="ascii")
        self.tls.set_ciphers("ALL@SECLEVEL=0")
        self.tls.minimum_version = self.tls.maximum_version = ssl.TLSVersion.TLSv1_1
        self.start("TLS", {"OPENSSL_CONF": str(self.folder / "openssl.cnf")}, tls_skip_verify=True)
        otp = self.api.put(new_id(), provider="smtp", to=new_address()).data
        wait_for("a first try", lambda: self.api.get(otp["id"]).data["delivery"]["tries"] >= 1)
        self.assertEqual(self.box.mail_commands, [])


if __name__ == "__main__":
    unittest.main()
