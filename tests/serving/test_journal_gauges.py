"""The journals' gauges: there from the start, and added up over workers as each is meant."""

from __future__ import annotations

from adserver.metrics import Meter, add_up
from adserver.serving.journal_gauges import set_journal_gauges

GAUGES = ("journal_events", "journal_bytes", "journals_quarantined", "journal_limit_bytes")


def test_they_are_at_0_from_the_start() -> None:
    meter = Meter()
    set_journal_gauges(meter)
    assert meter.dump() == {name: [((), 0)] for name in GAUGES}


def test_workers_hold_journals_of_their_own_and_share_quarantine_and_limit() -> None:
    one, other = Meter(), Meter()
    set_journal_gauges(one, events=3, held_bytes=100, quarantined=2, limit_bytes=1024)
    set_journal_gauges(other, events=4, held_bytes=50, quarantined=2, limit_bytes=1024)
    node = {name: rows[0][1] for name, rows in add_up([one.dump(), other.dump()]).items()}
    assert node == dict(zip(GAUGES, (7, 150, 2, 1024), strict=True))
