"""Questions that are worth asking again: what they ask about changes nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from planfill.adapters.brokers.alpaca.outcomes import read_error
from planfill.adapters.brokers.alpaca.wire import Unreadable
from planfill.domain.errors import BrokerConnectionError, NotAuthorizedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planfill.adapters.brokers.alpaca.transport import Transport

_ATTEMPTS: Final = 3
_WAIT: Final = wait_exponential_jitter(multiplier=0.1, max=2, jitter=0.1)


async def ask(transport: Transport, path: str, **parameters: str) -> Any:
    """
    Ask about the account or the market, up to three times: one answer lost should not stop a plan.

    Raises:
        NotAuthorizedError: The keys are not accepted; asked once.
        BrokerConnectionError: There is no answer.

    """

    async def once() -> Any:
        try:
            return await transport.get(path, **parameters)
        except Exception as e:
            raise read_error(e) from e

    return await AsyncRetrying(
        stop=stop_after_attempt(_ATTEMPTS), wait=_WAIT, retry=retry_if_exception(_may_pass), reraise=True
    )(once)


async def together(*questions: Any) -> None:
    """Ask several things at once; the first failure is raised, by itself."""
    failures: list[BrokerConnectionError] = []

    async def ask(question: Any) -> None:
        try:
            await question()
        except BrokerConnectionError as e:
            failures.append(e)

    async with anyio.create_task_group() as group:
        for question in questions:
            group.start_soon(ask, question)
    if failures:
        raise failures[0]


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Read an answer: one that is not what Alpaca documents is no answer."""
    try:
        yield
    except (Unreadable, ValidationError, KeyError, TypeError, AttributeError) as e:
        msg = f"Alpaca's {what} cannot be read: {e}"
        raise BrokerConnectionError(msg) from e


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, BrokerConnectionError) and not isinstance(error, NotAuthorizedError)
