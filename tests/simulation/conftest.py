"""Hundreds of simulated days, whose lines the tests of each part have been through: what these ran
is not measured, as that takes three times as long as running it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def not_measured() -> Iterator[None]:
    measures = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(measures)
