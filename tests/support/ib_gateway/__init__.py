"""A TWS or IB Gateway on this machine: over the simulated exchange, close enough for ib_async."""

from ib_gateway.faults import Fault
from ib_gateway.gateway import IbGateway
from ib_gateway.market import Market

__all__ = ["Fault", "IbGateway", "Market"]
