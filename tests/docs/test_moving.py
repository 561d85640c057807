"""The command of operating.md that looks for journals left behind finds these, and no others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from adserver.serving.journal_files import QUARANTINE
from adserver.serving.journals import OWNER, SHIPPED
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "operating.md").read_text("utf-8")


def command() -> str:
    [found] = [line.strip() for line in PAGE.splitlines() if line.strip().startswith("find ")]
    return found


def left_behind(state: Path) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", command()],
        env={**os.environ, "ADSERVER_STATE": str(state)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def journal(folder: Path, *files: str) -> Path:
    folder.mkdir(parents=True)
    for name in (OWNER, *files):
        (folder / name).touch()
    return folder


def test_a_journal_that_was_not_shipped_to_its_end_is_printed(tmp_path: Path) -> None:
    store = tmp_path / "journal" / "one-store"
    journal(store / "00000007-00000001", SHIPPED)
    (store / QUARANTINE / "00000009-00000001").mkdir(parents=True)
    assert left_behind(tmp_path) == []
    left = journal(store / "00000008-00000001", "001.log")
    assert left_behind(tmp_path) == [str(left)]
