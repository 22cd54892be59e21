"""An Alpaca on this machine: over the simulated exchange, close enough for the real SDK."""

from alpaca_server.faults import Fault
from alpaca_server.market import Market
from alpaca_server.server import KEY, SECRET, AlpacaServer

__all__ = ["KEY", "SECRET", "AlpacaServer", "Fault", "Market"]
