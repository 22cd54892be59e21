"""Every listener keeps the contract."""

from __future__ import annotations

import pytest
from loguru import logger

from planfill.adapters.logs.event_log import EventLog
from planfill.testing.listener import EventListenerContract


class TestEventLog(EventListenerContract):
    @pytest.fixture
    def listener(self) -> EventLog:
        return EventLog(lambda: logger)
