"""What a generation took to prepare is not kept when it is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adserver.serving import giving_back
from adserver.serving.giving_back import asked_of, give_back

needs_glibc = pytest.mark.skipif(giving_back.TRIM is None, reason="not glibc")
# Below what is given back by itself, and more than Python keeps for small things.
BLOCK_BYTES = 20_000
BLOCKS = 3_000
KEPT_OF = 100


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


def freed_by(give: Callable[[], object]) -> int:
    """Bytes that the system has back, of blocks that are free among some that are not."""
    blocks = [bytearray(BLOCK_BYTES) for _ in range(BLOCKS)]
    kept = blocks[::KEPT_OF]
    blocks.clear()
    before = resident_bytes()
    give()
    freed = before - resident_bytes()
    assert len(kept) == BLOCKS // KEPT_OF
    return freed


@needs_glibc
def test_holes_among_what_stays_are_given_back() -> None:
    assert freed_by(give_back) > BLOCKS * BLOCK_BYTES / 2


@needs_glibc
def test_control_by_themselves_they_are_kept() -> None:
    assert freed_by(lambda: None) < BLOCKS * BLOCK_BYTES / 10


def test_where_the_library_cannot_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_of(object()) is None
    monkeypatch.setattr(giving_back, "TRIM", None)
    assert not give_back()
