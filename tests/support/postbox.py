"""A mail server on loopback that keeps what is sent to it."""

from __future__ import annotations

import html
import re
import socket
from email import message_from_bytes, policy
from typing import Any, NamedTuple, Self

from aiosmtpd.controller import Controller


class Mail(NamedTuple):
    """One mail: its subject, and what stands in it as HTML."""

    subject: str
    markup: str

    @property
    def plain(self) -> str:
        """The same as a message in plain text says it: a row of a table a line, its cells side by side."""

        def row(found: re.Match[str]) -> str:
            cells = re.findall(r"<td>(.*?)</td>", found[1])
            return f"  {' | '.join(filter(None, cells))}\n" if cells else ""

        text = re.sub(r"<tr>(.*?)</tr>", row, self.markup)
        text = re.sub(r"</(h3|p)>", "\n", text).replace("<h3>", "\n")
        return html.unescape(re.sub(r"<[^>]*>", "", text)).strip("\n")


class Postbox:
    """Takes mails over SMTP, and refuses none."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._server = Controller(self, hostname="127.0.0.1", port=self.port)

    @property
    def url(self) -> str:
        """The address as Apprise writes it."""
        return f"mailto://127.0.0.1:{self.port}?from=planfill@example.org&to=me@example.org&mode=insecure"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        markup = mail.get_body(("html",))
        if markup is None:
            return "550 there is no HTML in it"
        self.mails.append(Mail(str(mail["Subject"]), markup.get_content()))
        return "250 OK"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
