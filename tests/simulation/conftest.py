"""Hundreds of simulated days, whose lines the tests of each part have been through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tracing import not_measured


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    with not_measured():
        yield
