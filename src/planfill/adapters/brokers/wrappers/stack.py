"""What every order passes on its way to a broker, outside in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.adapters.brokers.wrappers.gate import Gate
from planfill.adapters.brokers.wrappers.rate_limit import RateLimit
from planfill.adapters.brokers.wrappers.retry import Retry

if TYPE_CHECKING:
    from planfill.application.ports.broker import Broker
    from planfill.application.ports.clock import Clock
    from planfill.application.run import Sending


def stack(broker: Broker, sending: Sending, clock: Clock) -> Broker:
    """Put the wrappers around a broker; the gate is the last before each send and each resend."""
    gate = Gate(broker, sending)
    paced = gate if sending.limiter is None else RateLimit(gate, sending, sending.limiter)
    return Retry(paced, sending, clock)
