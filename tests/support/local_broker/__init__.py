"""What brokers on this machine have in common: a thread that serves, what goes wrong, the hours."""

from local_broker.by_hand import until_ctrl_c
from local_broker.faults import GoingWrong
from local_broker.hours import Sessions
from local_broker.server import LocalBroker

__all__ = ["GoingWrong", "LocalBroker", "Sessions", "until_ctrl_c"]
