"""A webhook's upstream that keeps what it is posted and answers what it is told to.

sink = WebhookSink(); sink.say(503) from now on; sink.say(200, {"result": "broken"}); sink.say(200, delay_seconds=3).
sink.close() takes it away, sink.open() brings it back on the same port.
"""

import http.server
import json
import threading
import time


class Post:
    def __init__(self, headers, body):
        self.headers = headers
        self.otp = json.loads(body)["otp"]
        self.job = headers["Idempotency-Key"]
        self.arrived = time.time()


class WebhookSink:
    def __init__(self):
        self.port = 0
        self.open_calls = 0
        self.most_open_calls = 0  # at once, since the last say()
        self._posts = []
        self._lock = threading.Lock()
        self._server = None
        self.say(200)
        self.open()

    def say(self, status, body=None, delay_seconds=0.0):
        with self._lock:
            self._answer = (status, json.dumps(body).encode("ascii") if body else b"", delay_seconds)
            self.most_open_calls = self.open_calls

    def section(self, **more):
        """Of [webhooks.NAME]."""
        return {"enabled": True, "url": "http://127.0.0.1:%d/" % self.port, "timeout": "5s", **more}

    def posts(self, otp_id=None):
        with self._lock:
            return [post for post in self._posts if otp_id in (None, post.otp["id"])]

    def open(self):
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with sink._lock:
                    sink._posts.append(Post(self.headers, body))
                    status, answer, delay_seconds = sink._answer
                    sink.open_calls += 1
                    sink.most_open_calls = max(sink.most_open_calls, sink.open_calls)
                time.sleep(delay_seconds)
                with sink._lock:
                    sink.open_calls -= 1
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a peer that has gone: killed by the test

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
