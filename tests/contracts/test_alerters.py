"""Every alerter keeps the contract; those over Apprise at real receivers on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from webhook import Webhook

from planfill.adapters.alerts.apprise import AppriseAlerter
from planfill.adapters.alerts.heartbeat import UrlHeartbeat
from planfill.adapters.alerts.log import LogAlerter
from planfill.application.ports.alerter import Alerter
from planfill.domain.errors import AlertNotDelivered
from planfill.testing.alerter import AlerterContract, a_message
from planfill.testing.clock import VirtualClock


def an_alerter(url: str) -> AppriseAlerter:
    return AppriseAlerter("phone", SecretStr(url), VirtualClock())


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as hook:
        yield hook


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def mail_to(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=planfill@example.org&to=me@example.org&mode=insecure"


class Mails:
    """Keeps the mails that arrive."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        plain = mail.get_body(("plain",))
        assert plain is not None
        self.texts.append(f"{mail['Subject']}\n{plain.get_content()}")
        return "250 OK"


class TestWebhook(AlerterContract):
    @pytest.fixture
    def alerter(self, webhook: Webhook) -> Alerter:
        return an_alerter(webhook.url)

    @pytest.fixture
    def arrived(self, webhook: Webhook) -> Callable[[], Sequence[str]]:
        return lambda: webhook.texts

    @pytest.fixture
    def dead(self, webhook: Webhook) -> Alerter:
        webhook.down()
        return an_alerter(webhook.url)


class TestMail(AlerterContract):
    @pytest.fixture
    def mails(self) -> Mails:
        return Mails()

    @pytest.fixture
    def server(self, mails: Mails) -> Iterator[Controller]:
        controller = Controller(mails, hostname="127.0.0.1", port=free_port())
        controller.start()
        try:
            yield controller
        finally:
            controller.stop()

    @pytest.fixture
    def alerter(self, server: Controller) -> Alerter:
        return an_alerter(mail_to(server.port))

    @pytest.fixture
    def arrived(self, mails: Mails) -> Callable[[], Sequence[str]]:
        return lambda: mails.texts

    @pytest.fixture
    def dead(self) -> Alerter:
        return an_alerter(mail_to(free_port()))


class TestLog(AlerterContract):
    @pytest.fixture
    def said(self) -> list[str]:
        return []

    @pytest.fixture
    def alerter(self, said: list[str]) -> Alerter:
        return LogAlerter(lambda level, text: said.append(f"{level} {text}"))

    @pytest.fixture
    def arrived(self, said: list[str]) -> Callable[[], Sequence[str]]:
        return lambda: said

    @pytest.fixture
    def dead(self) -> Alerter:
        def say(_level: str, _text: str) -> None:
            raise OSError("no space left on device")

        return LogAlerter(say)


async def test_what_goes_wrong_is_said_without_the_address(webhook: Webhook) -> None:
    webhook.status = 403
    with pytest.raises(AlertNotDelivered, match=r"'phone' has not taken it: .*403") as e:
        await an_alerter(webhook.url).send(a_message())
    assert "a-secret-token" not in str(e.value)
    assert len(webhook.posted) == 2  # it was tried once more


async def test_an_address_that_is_none_names_the_variable() -> None:
    with pytest.raises(AlertNotDelivered, match="PLANFILL_ALERTS__TARGETS__PHONE__URL"):
        await an_alerter("nonsense").send(a_message())


async def test_without_apprise_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(AlertNotDelivered, match=r"pip install 'planfill\[alerts\]'"):
        await an_alerter("json://127.0.0.1").send(a_message())


async def test_a_heartbeat_asks_for_what_the_service_expects(webhook: Webhook) -> None:
    heart = UrlHeartbeat(SecretStr(f"http://127.0.0.1:{webhook.port}/a-secret-token/"))
    for beat in ("start", "success", "fail"):
        await heart.beat(beat)
    assert webhook.asked == ["/a-secret-token/start", "/a-secret-token", "/a-secret-token/fail"]


async def test_a_heartbeat_that_nobody_hears_says_so_without_the_address(webhook: Webhook) -> None:
    heart = UrlHeartbeat(SecretStr(f"http://127.0.0.1:{webhook.port}/a-secret-token"))
    webhook.status = 500
    with pytest.raises(AlertNotDelivered, match=r"'start' was not taken: 500$"):
        await heart.beat("start")
    webhook.down()
    with pytest.raises(AlertNotDelivered, match=r"'fail' was not taken: URLError$"):
        await heart.beat("fail")
