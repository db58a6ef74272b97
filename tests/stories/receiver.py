"""What a service was told, by its own account."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Ledger:
    """The receiver's own account of what it took; with another status than 200 it takes nothing."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.status = 200
        self.refused = 0
        ledger = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = ledger.status
                if status == 200:
                    ledger.bodies.append(f"{body['title']}\n{body['message']}")
                else:
                    ledger.refused += 1
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that was killed is part of the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def found(self, pattern: str) -> set[str]:
        return {one for body in list(self.bodies) for one in re.findall(pattern, body)}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
