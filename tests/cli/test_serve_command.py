"""`adserver serve` says what is unwise before it serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver import logs
from tests.cli.command import adserver

ADDRESS = "redis://:zqcanary@127.0.0.1:1"
# So that it ends before it asks for its store.
ENDS = ("--public-url", "nonsense")


@pytest.fixture(autouse=True)
def no_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are for the whole process, which has other tests to run."""
    monkeypatch.setattr(logs, "set_up", lambda _: None)


def said(tmp_path: Path, *words: str, **env: str) -> str:
    result = adserver("serve", *ENDS, "--state", tmp_path, *words, env=env)
    assert result.exit_code == 2
    assert "zqcanary" not in result.output
    return result.stderr


def test_a_password_in_the_list_of_processes_is_warned_of(tmp_path: Path) -> None:
    assert "everybody on this machine can read the password" in said(tmp_path, "--redis", ADDRESS)


def test_one_in_the_environment_is_not(tmp_path: Path) -> None:
    assert "password" not in said(tmp_path, ADSERVER_REDIS=ADDRESS)
    assert "password" not in said(tmp_path, "--redis", "redis://127.0.0.1:1")
