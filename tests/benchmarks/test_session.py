"""Short runs on real servers: what is counted passes, and a server that counts nothing does not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import session
from benchmarks.oracle import Miscounted, commanded, reported
from benchmarks.rows import ROWS
from benchmarks.session import Session
from tests.programs import needs

BY_NAME = {row.name: row for row in ROWS}
CONNECTIONS = 4


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, unmeasured: None) -> Iterator[Session]:
    needs("wrk")
    rows = [BY_NAME[name] for name in ("U", "M", "R-M")]
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("bench") / "session"
        yield session.start(stack, folder, rows, 1, patience_seconds=3.0)


def test_page_views_are_counted_as_answered(one: Session) -> None:
    found = one.measure(BY_NAME["M"], CONNECTIONS, 1)
    load = found.load
    assert load.beacons >= load.decisions > 0
    assert load.clicks > 0
    assert load.requests == load.decisions + load.beacons + load.clicks
    assert found.server > 0
    said = commanded(one.servers["always"])
    assert said == reported(one.servers["always"])
    assert said.impressions >= load.beacons


def test_the_reference_is_asked_for_the_same(one: Session) -> None:
    load = one.measure(BY_NAME["R-M"], CONNECTIONS, 1).load
    assert load.beacons == pytest.approx(3 * load.decisions, rel=0.1)


def test_control_a_server_that_counts_nothing_is_not_measured(one: Session) -> None:
    one.fresh_tickets(1)
    with pytest.raises(Miscounted, match="impressions were answered, 0 are counted"):
        one.measure(replace(BY_NAME["U"], event="impressions"), CONNECTIONS, 1)
