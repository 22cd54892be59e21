"""A webhook on loopback that keeps what is posted to it, and can be taken down and brought back."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Webhook:
    """Takes JSON by POST, and remembers every path that is asked for."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.status = 200
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.up()

    def up(self) -> None:
        """Listen, on the same port as before."""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer()

            def do_GET(self) -> None:
                hook.asked.append(self.path)
                self._answer()

            def _answer(self) -> None:
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def down(self) -> None:
        """Listen no more: who connects is refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        """The address as Apprise writes it."""
        return f"json://127.0.0.1:{self.port}/a-secret-token"

    @property
    def texts(self) -> list[str]:
        """The title and the body of each message."""
        return [f"{one['title']}\n{one['message']}" for one in self.posted]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
