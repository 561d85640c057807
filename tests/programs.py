"""Programs that some tests need beside Python: a browser, promtool, nginx, a Redis server."""

from __future__ import annotations

import os
import shutil

import pytest


def needs(program: str) -> str:
    """The program's path. Missing, the test fails in CI and is skipped, loudly, elsewhere."""
    if path := shutil.which(program):
        return path
    message = f"{program} IS NOT INSTALLED: what this test is about has not been tested"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
