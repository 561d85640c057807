"""The page that shows a week of commands shows what they print."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.transcript import PAGE, STEP, commands, masked, written

pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> str:
    return written(PAGE.read_text("utf-8"), tmp_path_factory.mktemp("transcript"), warm.parent)


def test_the_page_says_what_its_commands_print(now: str) -> None:
    assert now == PAGE.read_text("utf-8"), "`make transcript` writes it anew"


def test_a_week_has_the_steps_that_it_is_about(now: str) -> None:
    lines = [
        one.line for step in STEP.finditer(now) if step["block"] for one in commands(step["block"])
    ]
    words = {line.split()[1] for line in lines if line.startswith("adserver")}
    assert {"plan", "apply", "rollback", "export", "pause", "resume", "report"} <= words


def test_another_price_would_be_noticed(now: str) -> None:
    assert masked(now.replace("9.50", "9.60")) != masked(now)
    assert masked("applied 3 s ago by nadia@desk") == masked("applied 21 s ago by nadia@desk")
