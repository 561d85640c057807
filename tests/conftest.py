"""What all tests share: hypothesis without a clock, as machines that run tests are busy,
coroutines on the event loop that serves, and a command that is quick to start."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.warm import warm_command

settings.register_profile("adserver", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("adserver")


# Folders and files whose tests are few and long, as they start servers or run weeks.
LONG = ("faults", "simulation", "prometheus", "journeys", "cli", "docs")
LONG_FILES = ("test_cost_of_a_request.py", "test_export.py", "test_never_shown.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, then files with many, so that at the end no process works while the
    others have nothing."""
    many = Counter(item.path for item in items)
    items.sort(key=lambda item: (not is_long(item.path), -many[item.path]))


def is_long(path: Path) -> bool:
    return path.name in LONG_FILES or path.relative_to(Path(__file__).parent).parts[0] in LONG


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The program `adserver`, for tests that run it many times. tests/warm.py says how."""
    with warm_command(tmp_path_factory.mktemp("warm")) as program:
        yield program


@pytest.fixture(scope="module")
def unmeasured() -> Iterator[None]:
    """What a module's servers and commands run is not measured: that makes each of them three
    times as slow to start, and others go through the same lines."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module", autouse=True)
def thawed() -> Iterator[None]:
    """What a worker serves is frozen, and never looked through for garbage. In a process that has
    been a worker a thousand times, all of them would stay: a gigabyte and a half."""
    yield
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
