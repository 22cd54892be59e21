"""Questions that are worth asking again: what they ask about changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from planfill.adapters.brokers.alpaca.outcomes import read_error
from planfill.domain.errors import BrokerConnectionError, NotAuthorizedError

if TYPE_CHECKING:
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


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, BrokerConnectionError) and not isinstance(error, NotAuthorizedError)
