"""An apply that finds nothing to do writes down which commit is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.core.publication import Published
from adserver.publishing.bundle import About, gather, pack, spooled
from tests.cli.command import CAMPAIGN, adserver, write_folder
from tests.memory import MemoryStore

FIRST, SECOND = "4fd3" * 10, "9c1e" * 10


def apply(folder: Path, commit: str, memory: MemoryStore, *words: str) -> Published:
    """As from a laptop whose folder is at that commit; what is live then."""
    with spooled() as into:
        pack(gather(folder), About(commit=commit), into)
        bundle = into.read()
    done = adserver("apply", "--stdin", "--yes", *words, store=memory, stdin=bundle)
    assert done.exit_code == 0, done.output
    return memory.made[-1][1]


def test_what_was_gone_back_to_gets_the_commit_that_it_is(tmp_path: Path) -> None:
    memory, folder = MemoryStore(), write_folder(tmp_path)
    apply(folder, FIRST, memory)
    apply(write_folder(tmp_path, brulerie=CAMPAIGN + "weight: 2\n"), FIRST, memory)
    assert adserver("rollback", "--yes", "--config", folder, store=memory).exit_code == 0
    assert memory.made[-1][1].commit == ""
    live = apply(write_folder(tmp_path), SECOND, memory, "--prune")
    assert (live.number, live.kind, live.commit) == (3, "rollback", SECOND)


@pytest.mark.parametrize(
    ("commit", "words"), [(SECOND + "+", []), ("", []), (SECOND, ["brulerie"])]
)
def test_what_is_not_all_of_a_commit_is_not_noted(
    tmp_path: Path, commit: str, words: list[str]
) -> None:
    memory, folder = MemoryStore(), write_folder(tmp_path)
    apply(folder, FIRST, memory)
    assert apply(folder, commit, memory, *words).commit == FIRST


def test_what_is_not_all_that_is_live_is_not_noted(tmp_path: Path) -> None:
    memory = MemoryStore()
    apply(write_folder(tmp_path / "two", brulerie=CAMPAIGN, tea=CAMPAIGN), FIRST, memory)
    folder = write_folder(tmp_path / "one", brulerie=CAMPAIGN)
    assert apply(folder, SECOND, memory).commit == FIRST
