"""From records to what a shard is sent."""

from __future__ import annotations

from adserver.core.batch import Mark
from adserver.core.hour import Hour
from adserver.core.parts import part_of
from adserver.core.record import Content

HOUR = Hour("one", 0, 3_600)


def test_an_hour_and_a_tally_of_another_shard_are_nothing_to_it() -> None:
    mark = Mark(1, 2)
    assert part_of(Content.HOUR, b"", mark, HOUR, 7, 0, 1) is None
    assert part_of(Content.TALLIES, b"r:0:1:1 1\n", mark, HOUR, 7, 6, 16) is None
    assert part_of(Content.TALLIES, b"r:0:1:1 1\n", mark, HOUR, 7, 7, 16) is not None
