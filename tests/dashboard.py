"""The Grafana dashboard as data: its panels, and their expressions as Prometheus takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DASHBOARD = Path(__file__).parents[1] / "config" / "grafana" / "dashboards" / "adserver.json"
EVERYTHING = ".*"


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return found


def panels() -> list[dict[str, Any]]:
    """Those that show something: not the headlines."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def dashboard_expressions(
    rate_interval: str = "1m", time_range: str = "1h"
) -> Iterator[tuple[str, str]]:
    """(panel's title, expression) with Grafana's variables replaced, all slots and campaigns.

    The intervals are PromQL durations; a test after a short run wants short ones.
    """
    values = {
        "$__rate_interval": rate_interval,
        "$__range": time_range,
        "$slot": EVERYTHING,
        "$campaign": EVERYTHING,
    }
    for panel in panels():
        for target in panel["targets"]:
            yield (
                panel["title"],
                re.sub(r"\$\w+", lambda variable: values[variable[0]], target["expr"]),
            )
