"""Events and the rows that they are counted in."""

from __future__ import annotations

from adserver.core.events import KIND_OF, METRIC_OF, Kind, Metric


def test_each_kind_has_its_own_word_bit_and_metric() -> None:
    assert [kind.word for kind in Kind] == ["impression", "viewable", "click"]
    assert sorted(Kind) == [0, 1, 2]
    assert {METRIC_OF[kind] for kind in Kind} == {
        Metric.IMPRESSION,
        Metric.VIEWABLE,
        Metric.CLICK,
    }


def test_a_metric_is_one_letter_and_no_two_share_it() -> None:
    letters = [metric.value for metric in Metric]
    assert all(len(letter) == 1 for letter in letters)
    assert len(set(letters)) == len(letters)


def test_a_metric_of_events_names_its_kind_and_no_other_does() -> None:
    assert {metric: METRIC_OF[kind] for metric, kind in KIND_OF.items()} == {
        metric: metric for metric in (Metric.IMPRESSION, Metric.VIEWABLE, Metric.CLICK)
    }
