"""A gateway that reads, then writes: the control of the guess race.

It keeps the rules when requests come one after another, and breaks them when they come together, because other
requests run between its look at the counter and its write. A test that passes it proves nothing.
"""

import asyncio
import json
import threading
import urllib.parse


class ToyGateway:
    def __init__(self):
        self.otps = {}
        self.port = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop).result(10)
        self.port = server.sockets[0].getsockname()[1]

    def close(self):
        async def end():
            own = asyncio.current_task()
            tasks = [task for task in asyncio.all_tasks() if task is not own]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

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
                text = json.dumps(answer).encode("ascii")
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        writer.close()

    async def _answer(self, method, path, form):
        page = path.startswith("/otp/")
        otp_id = path.split("/")[3]
        otp = self.otps.get(otp_id)
        if method == "PUT":
            if otp is None:
                otp = self.otps[otp_id] = {"attempts": 1, "closed": False}
            elif otp["attempts"] > otp["max_attempts"]:
                return 429, {}
            otp.update(otp=form["otp"], max_attempts=int(form["max_attempts"]))
            return 200, {"data": otp}
        if otp is None:
            return (404 if page else 400), {"message": "the OTP does not exist"}
        if method == "GET":
            return 200, {"data": {"attempts": otp["attempts"], "closed": otp["closed"]}}
        if form.get("action") == "resend":
            return (303 if page else 200), {}
        seen = otp["attempts"]
        if seen > otp["max_attempts"]:
            return 429, {}
        right = form["otp"] == otp["otp"]
        await asyncio.sleep(0.001)  # the database's answer takes its time
        if not right:
            otp["attempts"] = seen + 1
            return 400, {"message": "Incorrect OTP"}
        otp["closed"] = True
        if not page:
            self.otps.pop(otp_id, None)
        return 200, {}
