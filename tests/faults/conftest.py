"""Faults go through the lines of the quiet tests: what they ran is not measured."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def nothing_measured(unmeasured: None) -> None:
    """Of all modules here."""
