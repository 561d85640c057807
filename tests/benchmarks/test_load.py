"""What wrk's last line says."""

from __future__ import annotations

import pytest

from benchmarks.load import NotMeasured, read

LINE = (
    '{"requests": 50000.000000, "seconds": 2.000000, "p50": 900.000000, "p99": 3000.000000, '
    '"p999": 7000.000000, "longest": 9000.000000, "refused": 1.000000, "broken": 2.000000, '
    '"asked": 50032.000000, "lines_there": 140000.000000, "decisions": 0.000000, '
    '"filled": 0.000000, "beacons": 0.000000, "clicks": 0.000000}'
)


def test_the_last_line_is_what_was_measured() -> None:
    load = read(f"Running 2s test @ http://127.0.0.1:1/\n  1 threads\n{LINE}\n")
    assert (load.requests, load.per_second) == (50_000, 25_000.0)
    assert (load.p50, load.p99, load.p999) == (900.0, 3_000.0, 7_000.0)


def test_refused_and_broken_requests_are_failed_ones() -> None:
    assert read(LINE).failed == 3


@pytest.mark.parametrize(
    ("said", "complaint"), [("", "unable to connect"), ("Running 2s test", ""), (LINE, "lua: 1")]
)
def test_what_wrk_complains_of_is_not_measured(said: str, complaint: str) -> None:
    with pytest.raises(NotMeasured, match=complaint or said):
        read(said, complaint)
