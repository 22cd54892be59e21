"""``python -m ib_gateway --prices FILE``: a TWS gateway to try the adapter by hand, until Ctrl-C."""

from __future__ import annotations

from local_broker import until_ctrl_c

from ib_gateway import IbGateway, Market

if __name__ == "__main__":
    until_ctrl_c(__doc__, lambda settings, port: IbGateway(Market(settings), port=port))
