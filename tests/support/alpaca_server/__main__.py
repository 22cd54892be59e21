"""``python -m alpaca_server --prices FILE``: an Alpaca to try the adapter by hand, until Ctrl-C."""

from __future__ import annotations

from local_broker import until_ctrl_c

from alpaca_server import AlpacaServer, Market

if __name__ == "__main__":
    until_ctrl_c(__doc__, lambda settings, port: AlpacaServer(Market(settings), port=port))
