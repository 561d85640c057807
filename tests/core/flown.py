"""Campaigns of every flight, state and daypart, and moments around changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Flight, Hours, State
from tests.factories import ZONE, campaign


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def flight(since: float | None = None, until: float | None = None, zone: str = ZONE) -> Flight:
    return Flight(since, until, zone)


def at_hours(*hours: Hours, zone: str = ZONE, **changes: object) -> Campaign:
    return campaign(hours=hours, **{"flight": flight(zone=zone), **changes})


MINUTES = st.integers(0, 1440)
DAYPARTS = st.builds(
    lambda days, edges: Hours(tuple(sorted(days)), min(edges), max(edges)),
    st.sets(st.integers(0, 6), min_size=1),
    st.tuples(MINUTES, MINUTES).filter(lambda edges: edges[0] != edges[1]),
)
ZONES = st.sampled_from(
    ["Europe/Paris", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe", "UTC"]
)


def moments(since: str, until: str) -> st.SearchStrategy[float]:
    return st.integers(int(utc(since)), int(utc(until))).map(float)


# A year, and again the days around the changes of the clock in Paris.
MOMENTS = st.one_of(
    moments("2026-11-02", "2027-11-02"),
    moments("2026-03-28 12:00", "2026-03-30 12:00"),
    moments("2026-10-24 12:00", "2026-10-26 12:00"),
)
EDGES = st.one_of(st.none(), MOMENTS)


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    hours = draw(st.lists(DAYPARTS, max_size=3))
    flown = flight(draw(EDGES), draw(EDGES), draw(ZONES))
    return at_hours(*hours, flight=flown, state=draw(st.sampled_from([State.READY] * 4 + [*State])))
