"""What a node has counted: its `/metrics`, read as Prometheus reads them, and the report."""

from __future__ import annotations

import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.servers import Running

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series(exposition: str) -> Series:
    """(full name, labels) → value."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def total(ads: Running, name: str, **labels: str) -> int:
    """The sum of a metric's series with these labels; `name` without `adserver_`."""
    wanted = labels.items()
    return int(
        sum(
            value
            for (full, given), value in series(ads.metrics()).items()
            if full == f"adserver_{name}" and wanted <= given
        )
    )


def report(ads: Running, *arguments: str) -> dict[str, Any]:
    done = ads.cli("report", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
