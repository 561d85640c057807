"""What is said of a store that comes and goes: once, now and then, and when it is back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from adserver.core.errors import StoreUnavailable
from adserver.metrics.meter import Meter
from adserver.serving import store_watch as module
from adserver.serving.store_watch import REMIND_SECONDS, StoreWatch

AWAY = StoreUnavailable("away")


class Clock:
    now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_a_store_that_is_away_is_told_once_and_then_once_a_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = StoreWatch(meter := Meter())
    for _ in range(20):
        watch.failed("count", AWAY, "count")
        watch.failed("follow", AWAY, "follow")
        clock.now += REMIND_SECONDS / 15
    assert capsys.readouterr().out.count("store_unavailable") == 2
    assert meter.counts["store_errors_total"]["other",] == 40
    assert meter.gauges["store_up"][()] == 0


def test_it_is_back_when_everything_is_answered_again(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = StoreWatch(meter := Meter())
    watch.failed("count", AWAY, "count")
    clock.now += 5
    watch.failed("follow", AWAY, "follow")
    watch.answered("follow")
    assert meter.gauges["store_up"][()] == 0, "it answers, and takes nothing: it may be full"
    clock.now += 7
    watch.answered("count")
    assert meter.gauges["store_up"][()] == 1
    said = capsys.readouterr().out
    assert said.count("store_is_back") == 1
    assert "after_seconds=12" in said
    watch.answered("count")
    assert "store_is_back" not in capsys.readouterr().out
