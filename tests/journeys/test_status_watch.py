"""`adserver status --watch` on a terminal, as somebody leaves it open on a Friday night."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.stores import Debian, debian
from tests.journeys.small_blog import campaign, write_blog
from tests.servers import own_environment, run_command
from tests.terminal import on_terminal

NARROW = (80, 24)
OTHER_SCREEN, FIRST_SCREEN, CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
COLOURED = re.compile(r"\x1b\[(?:\d;)?3\dm")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Debian]:
    with debian(tmp_path / "redis", durable=False) as store:
        yield store


@pytest.fixture
def env(tmp_path: Path, store: Debian) -> dict[str, str]:
    config = write_blog(tmp_path / "config", ["top"], {"coffee": campaign("top")})
    env = own_environment(config, tmp_path, {"ADSERVER_REDIS": store.url, "TERM": "xterm"})
    adserver(tmp_path, env, "apply", "--yes")
    return env


def adserver(folder: Path, env: dict[str, str], *words: str) -> None:
    done = run_command(folder, env, *words)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_follows_what_happens_and_ends_with_ctrl_c(
    tmp_path: Path, env: dict[str, str], store: Debian
) -> None:
    with on_terminal(tmp_path, "status", "--watch", "1", env=env, size=NARROW) as terminal:
        terminal.shows("no impression yet")
        adserver(tmp_path, env, "pause", "coffee", "-m", "complaint")
        seen = terminal.shows("\x1b[1;31mPaused: coffee, by ")
        store.kill()
        seen = terminal.shows("The store does not answer", seen)
        terminal.shows("Paused: coffee", seen)
        store.back()
        adserver(tmp_path, env, "resume", "coffee")
        terminal.shows("no impression yet", seen)
        terminal.type("\x03")
        assert terminal.ended() == 0
    assert terminal.raw.count(OTHER_SCREEN) == terminal.raw.count(FIRST_SCREEN) == 1
    assert terminal.raw.rindex(CURSOR) > terminal.raw.index(OTHER_SCREEN)
    assert "Traceback" not in terminal.said
    assert "Aborted" not in terminal.said


def test_without_colours_where_nobody_wants_them(tmp_path: Path, env: dict[str, str]) -> None:
    adserver(tmp_path, env, "pause", "coffee")
    plain = env | {"NO_COLOR": "1"}
    for words, keys in ((["status", "--watch"], "\x03"), (["status"], "")):
        with on_terminal(tmp_path, *words, env=plain, size=NARROW) as terminal:
            terminal.shows("No node is running")
            terminal.type(keys)
            assert terminal.ended() == 0
        assert "Paused: coffee, by " in terminal.said
        assert not COLOURED.search(terminal.raw)
    with on_terminal(tmp_path, "status", env=env, size=NARROW) as terminal:
        assert terminal.ended() == 0
    assert COLOURED.search(terminal.raw)
    assert FIRST_SCREEN not in terminal.raw
