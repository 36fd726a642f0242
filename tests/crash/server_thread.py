"""An asyncio server on a thread of its own."""

import asyncio
import threading


class ServerThread:
    """Runs `await serve(reader, writer)` for each connection to a free port (or to `port`) of 127.0.0.1."""

    def __init__(self, serve, port=0):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(serve, "127.0.0.1", port), self.loop).result(10)
        self.port = server.sockets[0].getsockname()[1]

    def close(self):
        async def end():
            own = asyncio.current_task()
            tasks = [task for task in asyncio.all_tasks() if task is not own]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
