"""Upstreams that fail in every way that upstreams do: HTTP on one port, by path, and SMTP on a port for each way.

    flaky_upstream.py        prints one line of JSON with the ports and serves until its standard input ends

HTTP paths: /good /accepted /slow-retry /error /garbage /hang /drip /reset, and /mixed, which hangs for ids that end in
"-bad" and is good for others. SMTP: busy (421), later (451), never (550),
hang (after DATA), drip (a byte a second). Each HTTP request and each SMTP connection is one line on standard output:
nanoseconds since 1970, the path or smtp-WAY, and the OTP's id (HTTP) or "-".
"""

import asyncio
import json
import socket
import struct
import sys
import time

FOREVER = 3600


async def drip(writer, data):
    for byte in data:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


def reset(writer):
    """Closes with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def answer(status, headers=b"", body=b"{}"):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), headers, body)


def note(where, otp_id="-"):
    print(time.time_ns(), where, otp_id, flush=True)


async def http(reader, writer):
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        body = await reader.readexactly(int(fields.get(b"Content-Length", 0)))
        path = head.split(b" ")[1].decode("ascii")
        otp_id = json.loads(body)["otp"]["id"]
        note(path, otp_id)
        if path == "/mixed":
            path = "/hang" if otp_id.endswith("-bad") else "/good"
        if path == "/good":
            writer.write(answer(b"200 OK"))
        elif path == "/accepted":
            writer.write(answer(b"202 Accepted"))
        elif path == "/slow-retry":
            writer.write(answer(b"429 Busy", b"Retry-After: 2\r\n"))
        elif path == "/error":
            writer.write(answer(b"500 Oops"))
        elif path == "/garbage":
            writer.write(b"\x00\xff" * 500 + b"\r\n\r\n")
            return
        elif path == "/hang":
            await asyncio.sleep(FOREVER)
        elif path == "/drip":
            await drip(writer, answer(b"200 OK"))
        elif path == "/reset":
            reset(writer)
            return
        await writer.drain()


def smtp(way):
    async def serve(reader, writer):
        def say(text):
            writer.write(text.encode("ascii") + b"\r\n")

        note("smtp-" + way)
        if way == "drip":
            await drip(writer, b"220 flaky ESMTP\r\n")
        say("421 try later" if way == "busy" else "220 flaky ESMTP")
        if way == "busy":
            return
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"RCPT" and way in ("later", "never"):
                say("451 try later" if way == "later" else "550 no such mailbox")
            elif word == b"DATA":
                say("354 go on")
                await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(FOREVER)
            elif word == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")
            await writer.drain()

    return serve


def closing(serve):
    async def whole(reader, writer):
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    return whole


async def main():
    ways = {"http": http, **{way: smtp(way) for way in ("busy", "later", "never", "hang", "drip")}}
    servers = {name: await asyncio.start_server(closing(serve), "127.0.0.1", 0, backlog=1000)
               for name, serve in ways.items()}
    print(json.dumps({name: server.sockets[0].getsockname()[1] for name, server in servers.items()}), flush=True)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)  # the end of the input is all that ever comes
    await ended.wait()


asyncio.run(main())
