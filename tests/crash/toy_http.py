"""The HTTP of the toys that serve as controls: requests in, JSON out."""

import asyncio
import json
import urllib.parse

from server_thread import ServerThread


class ToyServer(ServerThread):
    """Serves `await answer(method, path, form)`, which returns (status, object)."""

    def __init__(self, answer, port=0):
        self._answer = answer
        super().__init__(self._serve, port)

    async def _serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
                length = 0
                for line in head.split("\r\n"):
                    if line.lower().startswith("content-length:"):
                        length = int(line.split(":")[1])
                body = (await reader.readexactly(length)).decode("ascii")
                method, path, _ = head.split("\r\n")[0].split(" ")
                status, answer = await self._answer(method, path, dict(urllib.parse.parse_qsl(body)))
                text = json.dumps(answer, separators=(",", ":")).encode("ascii")
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        writer.close()
