"""What all tests share: hypothesis without a clock, as machines that run tests are busy, and
coroutines on the event loop that serves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("adserver", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("adserver")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}
