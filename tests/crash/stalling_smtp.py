"""An SMTP server that stops at a chosen point of a conversation, says so, and waits to be let go.

The points, in the order in which a mail passes them:
  connect  accepted, before the greeting        rcpt  RCPT came, before its answer
  mail     MAIL came, before its answer         data  half of the mail has come
  dot      the mail is accepted, before its 250 after  right after the 250
"""

import asyncio
import re
import threading
import time

from server_thread import ServerThread

POINTS = ("connect", "mail", "rcpt", "data", "dot", "after")


class Accepted:
    def __init__(self, recipient, content):
        self.recipient = recipient
        self.at = time.time()
        self.message_id = re.search(rb"(?im)^message-id:\s*(\S+)", content).group(1).decode("ascii")
        self.content = content


class StallingSmtp:
    def __init__(self):
        self.accepted = []
        self.commands = []  # (recipient, time) of each RCPT: a call that has gone this far
        self._stall_at = None
        self._reached = threading.Event()
        self._lock = threading.Lock()
        self._writers = set()
        self._go_on = asyncio.Event()
        self._server = ServerThread(self._serve)
        self.port = self._server.port
        self.close = self._server.close

    def stall_at(self, point):
        """From now on conversations stop there. "connect" hangs up on kept connections, so that new ones come."""
        self._reached.clear()
        if point == "connect":
            self._server.loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._writers])
        self._server.loop.call_soon_threadsafe(self._go_on.clear)
        self._stall_at = point

    def wait_reached(self, seconds):
        return self._reached.wait(seconds)

    def let_go(self):
        self._stall_at = None
        self._server.loop.call_soon_threadsafe(self._go_on.set)

    def mails_to(self, recipient):
        with self._lock:
            return [mail for mail in self.accepted if mail.recipient == recipient]

    async def _pass(self, point):
        if self._stall_at == point:
            self._reached.set()
            await self._go_on.wait()

    async def _serve(self, reader, writer):
        async def say(text):
            writer.write(text)
            await writer.drain()

        recipient = None
        self._writers.add(writer)
        try:
            await self._pass("connect")
            await say(b"220 stalling.example ESMTP\r\n")
            while True:
                line = await reader.readuntil(b"\r\n")
                verb = line[:4].upper()
                if verb == b"QUIT":
                    await say(b"221 bye\r\n")
                    break
                if verb == b"MAIL":
                    await self._pass("mail")
                elif verb == b"RCPT":
                    recipient = line.split(b"<")[1].split(b">")[0].decode("ascii")
                    with self._lock:
                        self.commands.append((recipient, time.time()))
                    await self._pass("rcpt")
                elif verb == b"DATA":
                    await say(b"354 go on\r\n")
                    start = await reader.read(100)
                    await self._pass("data")
                    content = start if start.endswith(b"\r\n.\r\n") else start + await reader.readuntil(b"\r\n.\r\n")
                    with self._lock:
                        self.accepted.append(Accepted(recipient, content))
                    await self._pass("dot")
                    await say(b"250 accepted\r\n")
                    if self._stall_at == "after":
                        self._reached.set()  # nothing to hold back: the answer is out
                    continue
                await say(b"250 OK\r\n")
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        self._writers.discard(writer)
        writer.close()
