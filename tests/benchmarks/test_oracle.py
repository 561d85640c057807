"""What is refused as a measurement: whatever was answered and is not counted, or the reverse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.oracle import Answered, Counted, differences, read

METRICS = """\
# HELP adserver_decisions_total slots decided
adserver_decisions_total{outcome="fill",slot="post-top"} 90.0
adserver_decisions_total{outcome="house",slot="post-top"} 7.0
adserver_decisions_total{outcome="empty",slot="home-top"} 3.0
adserver_impressions_total{campaign="a",slot="post-top"} 40.0
adserver_impressions_total{campaign="b",slot="post-top"} 2.0
adserver_clicks_total{campaign="a",slot="post-top"} 5.0
adserver_viewable_impressions_total{campaign="a",slot="post-top"} 1.0
adserver_shed_total{what="house"} 6.0
adserver_shed_total{what="beacon"} 1.0
adserver_events_discarded_total{event="click",reason="bot",slot="post-top"} 2.0
adserver_decision_duration_seconds_bucket{le="0.001"} 1e+02
"""
COUNTED = Counted(slots=100, served=97, impressions=42, clicks=5, shed=7, discarded=2)
PAGES = Answered(slots=30, filled=28, impressions=20, clicks=4)
RIGHT = Counted(slots=30, served=28, impressions=20, clicks=4, shed=0, discarded=0)


def found(counted: Counted, answered: Answered = PAGES) -> list[str]:
    return list(differences(answered, counted, connections=2, slots_each=3))


def test_metrics_are_summed_by_what_they_count() -> None:
    assert read(METRICS) == COUNTED


def test_what_grew_is_what_a_run_is_counted_as() -> None:
    assert COUNTED.since(replace(COUNTED, slots=90, shed=0)).slots == 10


def test_what_is_counted_as_answered_is_right() -> None:
    assert found(RIGHT) == []


def test_what_was_on_its_way_at_the_end_may_be_counted() -> None:
    assert found(Counted(36, 34, 22, 6, shed=0, discarded=0)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("slots", value) for value in (29, 37)),
        *(("served", value) for value in (27, 35)),
        *(("impressions", value) for value in (19, 23)),
        *(("clicks", value) for value in (3, 7)),
        ("discarded", 1),
    ],
)
def test_one_too_few_or_too_many_is_wrong(name: str, value: int) -> None:
    assert len(found(replace(RIGHT, **{name: value}))) == 1


def test_ads_are_not_held_to_what_nobody_looked_into() -> None:
    unknown = replace(PAGES, filled=None)
    assert found(replace(RIGHT, served=1), unknown) == []
