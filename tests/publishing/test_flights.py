"""Flights: local days and times become the right instants, on the odd days of the year too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adserver.core.catalog import Flight
from adserver.core.problems import Severity
from adserver.publishing.files import parse
from adserver.publishing.findings import Findings
from adserver.publishing.flights import read_flight
from adserver.publishing.schema import Fields


def read(text: str, timezone: str = "Europe/Paris") -> tuple[Flight | None, Findings]:
    findings = Findings("x.yaml")
    node = parse(text + "\nname: x\n", findings)
    assert node is not None
    return read_flight(Fields(node, findings), timezone), findings


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def span(text: str, timezone: str = "Europe/Paris") -> tuple[float | None, float | None]:
    flight, findings = read(text, timezone)
    assert flight is not None, findings.problems
    return flight.since, flight.until


def test_both_days_are_included() -> None:
    since, until = span("flight: {first_day: 2026-11-02, last_day: 2026-11-30}")
    assert since == utc("2026-11-01 23:00")
    assert until == utc("2026-11-30 23:00")


def test_one_day_is_a_flight_of_24_hours() -> None:
    since, until = span("flight: {first_day: 2026-11-02, last_day: 2026-11-02}")
    assert since is not None
    assert until == since + 86_400


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_that_changes_the_clock_is_as_long_as_it_is(day: str, hours: int) -> None:
    since, until = span(f"flight: {{first_day: {day}, last_day: {day}}}")
    assert since is not None
    assert until == since + hours * 3600


def test_a_day_without_midnight_begins_when_it_begins() -> None:
    # Cairo's clock goes from 23:59:59 to 01:00 on 24 April 2026.
    since, _ = span("flight: {first_day: 2026-04-24}", "Africa/Cairo")
    assert since == utc("2026-04-23 22:00")


def test_an_end_may_be_open() -> None:
    assert span("flight: {last_day: 2026-11-30}") == (None, utc("2026-11-30 23:00"))
    assert span('flight: {from: "2026-11-02 09:00"}') == (utc("2026-11-02 08:00"), None)


def test_without_a_flight_both_ends_are_open() -> None:
    assert read("")[0] == Flight(None, None, "Europe/Paris")


def test_times_are_exact_and_need_no_quotes() -> None:
    since, until = span("flight: {from: 2026-11-02 09:00, until: 2026-11-30 18:00}")
    assert since == utc("2026-11-02 08:00")
    assert until == utc("2026-11-30 17:00")


@pytest.mark.parametrize(
    "text",
    [
        "timezone: America/New_York\nflight: {first_day: 2026-11-02}",
        "flight: {first_day: 2026-11-02, timezone: America/New_York}",
    ],
)
def test_a_campaign_and_a_flight_may_have_their_own_zone(text: str) -> None:
    flight, _ = read(text)
    assert flight is not None
    assert flight.timezone == "America/New_York"
    assert flight.since == utc("2026-11-02 05:00")


def test_a_time_in_the_gap_is_refused_and_its_neighbours_named() -> None:
    flight, findings = read('flight: {from: "2026-03-29 02:30"}')
    (problem,) = findings.problems
    assert problem.code == "no_such_time"
    assert problem.hint == "write 01:30 or 03:30"
    assert flight == Flight(None, None, "Europe/Paris")


def test_of_a_time_that_happens_twice_the_first_is_meant() -> None:
    flight, findings = read('flight: {from: "2026-10-25 02:30"}')
    assert flight is not None
    assert flight.since == utc("2026-10-25 00:30")
    assert findings.problems[0].severity is Severity.WARNING


@pytest.mark.parametrize(
    "flight",
    [
        "soon",
        "{}",
        "{first_day: 2026-11-31}",
        "{first_day: 1999-12-31}",
        "{last_day: 2101-01-01}",
        "{first_day: 20261102}",
        "{first_day: [2026-11-02]}",
        '{from: "2026-11-02"}',
        '{from: "2026-11-02 24:00"}',
        '{from: "2026-11-02 09:60"}',
        '{from: "2026-13-02 09:00"}',
        "{from: [1]}",
        '{first_day: 2026-11-02, until: "2026-11-30 18:00"}',
        "{first_day: 2026-11-30, last_day: 2026-11-29}",
        '{from: "2026-11-30 18:00", until: "2026-11-30 18:00"}',
        "{first_day: 2026-11-02, timezone: Mars/Olympus}",
        "{first_day: 2026-11-02, timezone: ../../etc/passwd}",
        "{first_day: 2026-11-02, timezone: Europe}",
        "{first_day: 2026-11-02, timezone: localtime}",
        "{first_day: 2026-11-02, begin: 1}",
    ],
)
def test_a_bad_flight_is_refused_where_it_stands(flight: str) -> None:
    _, findings = read(f"flight: {flight}")
    assert findings.failed
    assert all(problem.line == 1 for problem in findings.problems)
