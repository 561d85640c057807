"""docs/metrics.md has a line for every metric and every reason, and says what is true of them."""

from __future__ import annotations

import re
from pathlib import Path

from adserver.core.reasons import Discard, Reason
from adserver.metrics.declared import METRICS, PREFIX, Type

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
LINE = re.compile(rf"^\| `{PREFIX}(\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
SHOWN_AS = {Type.COUNTER: "counter", Type.HISTOGRAM: "histogram"}


def test_the_page_has_a_line_for_every_metric_and_for_no_other() -> None:
    assert sorted(name for name, _, _ in LINE.findall(PAGE)) == sorted(METRICS)


def test_types_and_labels_on_the_page_are_the_metrics_own() -> None:
    for name, shown, labels in LINE.findall(PAGE):
        declared = METRICS[name]
        assert shown == SHOWN_AS.get(declared.type, "gauge"), name
        assert tuple(re.findall(r"`(\w+)`", labels)) == declared.labels, name


def test_the_page_names_every_reason_those_of_empty_slots_in_order() -> None:
    empty, discarded = PAGE.split("## Reasons")[1].split("**Discarded events**")
    losers = [r for r in Reason if r not in {Reason.WON, Reason.OUTRANKED, Reason.LOST_DRAW}]
    assert re.findall(r"`([a-z_]+)`", empty.split(": ", 1)[1]) == losers
    lines = "".join(re.findall(r"^\| (`.*?) \|", discarded, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", lines)) == set(Discard)
