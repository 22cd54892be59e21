"""How the property tests of the domain run."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "domain",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("domain")
