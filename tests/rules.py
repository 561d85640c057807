"""Prometheus's rules as data, and their unit tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "config" / "prometheus"
RULE_FILES = (FOLDER / "recording.yml", FOLDER / "alerts.yml")
UNIT_TESTS = sorted((ROOT / "tests" / "prometheus").glob("*.yml"))


def rules() -> list[dict[str, Any]]:
    """Those that record, then the alerts."""
    groups = [group for path in RULE_FILES for group in read(path)["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


@cache
def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found
