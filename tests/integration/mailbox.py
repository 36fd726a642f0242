"""A real SMTP server (aiosmtpd) that keeps the mails it gets and answers with scripted faults.

Faults are per stage ("MAIL", "RCPT", "DATA"): box.fault("RCPT", "451 later", times=2) answers the next two RCPT
commands so; times=None means for ever, until box.heal(). box.close() takes the server away, box.open() brings it
back on the same port.
"""

import asyncio
import email
import email.policy
import threading
import time

from aiosmtpd.smtp import SMTP


class Mail:
    def __init__(self, sender, recipients, content, arrived):
        self.sender = sender
        self.recipients = recipients
        self.content = content
        self.arrived = arrived  # time.time()
        self.message = email.message_from_bytes(content, policy=email.policy.default)

    def part(self, content_type):
        """The decoded text of the first part of that type, or None."""
        for part in self.message.walk():
            if part.get_content_type() == content_type:
                return part.get_content()
        return None


class _Handler:
    def __init__(self, box):
        self.box = box

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.box.mail_commands.append(time.time())
        fault = await self.box.answer_of("MAIL")
        if fault:
            return fault
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        fault = await self.box.answer_of("RCPT")
        if fault:
            return fault
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        fault = await self.box.answer_of("DATA")
        if fault:
            return fault
        self.box.keep(Mail(envelope.mail_from, envelope.rcpt_tos, envelope.content, time.time()))
        return "250 Message accepted"


class MailBox:
    """`tls`: an ssl.SSLContext for connections that begin with TLS; `starttls`: one for those that go over to it, which
    they must before a mail."""

    def __init__(self, tls=None, starttls=None):
        self._tls = tls
        self._starttls = starttls
        self.port = None
        self.mail_commands = []  # when each MAIL command came: one per try
        self._mails = []
        self._faults = {}
        self._changed = threading.Condition()
        self._server = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.open()

    def open(self):
        def connection():
            # The SMTPUTF8 switch lets addresses outside ASCII through.
            return SMTP(_Handler(self), hostname="mailbox.example", enable_SMTPUTF8=True, loop=self._loop,
                        tls_context=self._starttls, require_starttls=self._starttls is not None)

        async def listen():
            return await self._loop.create_server(connection, "127.0.0.1", self.port or 0, ssl=self._tls)

        self._server = asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self):
        """Takes the server away. Connections that are open stay: a client that reuses one would still be served."""
        async def end():
            self._server.close()
            await self._server.wait_closed()

        if self._server:
            asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
            self._server = None

    def shut_down(self):
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # Faults -------------------------------------------------------------------------------------------------

    def fault(self, stage, answer, times=None, delay_seconds=0.0):
        """`answer` "" means: only the delay."""
        self._faults[stage] = [answer, times, delay_seconds]

    def heal(self):
        self._faults.clear()

    def is_used_up(self, stage):
        """Whether a fault that was to come `times` times has come (or begun to) that often."""
        return self._faults[stage][1] == 0

    async def answer_of(self, stage):
        fault = self._faults.get(stage)
        if not fault or fault[1] == 0:
            return None
        if fault[1] is not None:
            fault[1] -= 1
        if fault[2]:
            await asyncio.sleep(fault[2])
        return fault[0] or None

    # Mails --------------------------------------------------------------------------------------------------

    def keep(self, mail):
        with self._changed:
            self._mails.append(mail)
            self._changed.notify_all()

    def mails_to(self, address):
        with self._changed:
            return [mail for mail in self._mails if address in mail.recipients]

    def wait_for(self, address, count=1, seconds=15.0):
        """The mails to that address, as soon as there are `count` of them."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [mail for mail in self._mails if address in mail.recipients]
                if len(found) >= count:
                    return found
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    if time.monotonic() >= end:
                        raise AssertionError("%d of %d mails to %s came within %.0f s"
                                             % (len(found), count, address, seconds))
