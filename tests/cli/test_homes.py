"""A command imports what it needs: `serve` is ready sooner without all the others."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Of those who read files, of the blog, and of the store's wheel, which has a client of its own.
NOT_SERVING = {"adserver.publishing.read", "adserver.cli.report", "adserver.demo.blog", "valkey"}
PROGRAM = """
import sys
from adserver.cli import cli
cli.get_command(None, "serve")
import adserver.wiring.{module}
print(*sys.modules)
"""


def imported(module: str) -> set[str]:
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(said.stdout.split())


@pytest.mark.parametrize(("module", "there"), [("run", False), ("demo", True)])
def test_serving_imports_nothing_of_what_only_others_need(module: str, there: bool):
    found = imported(module)
    assert "adserver.wiring.node" in found
    assert ("adserver.publishing.read" in found) is there
    assert ("adserver.demo.blog" in found) is there
    if not there:
        assert not NOT_SERVING & found
