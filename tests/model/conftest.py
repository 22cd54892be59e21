"""What the tests of the model share."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "model",
    deadline=None,
    max_examples=150,
    stateful_step_count=40,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def _untraced() -> Iterator[None]:
    """Count no lines: that takes longer than the walk itself, and other tests cover the same lines."""
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)
