"""An SMTP server that prints each mail as a line of JSON: {"to": [...], "subject": ..., "text": ..., "html": ...}.

Prints its port first. Ends with its standard input."""

import asyncio
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP


class Printer:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        texts = {part: mail.get_body((part,)) for part in ("plain", "html")}
        line = {name: body.get_content() if body else "" for name, body in texts.items()}
        print(json.dumps({"to": envelope.rcpt_tos, "subject": mail["Subject"], **line}), flush=True)
        return "250 OK"


async def main():
    loop = asyncio.get_running_loop()
    # With a host name given, aiosmtpd does not ask the DNS for its own at each connection.
    server = await loop.create_server(lambda: SMTP(Printer(), hostname="localhost", loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
