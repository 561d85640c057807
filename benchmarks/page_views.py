"""Readers of pages for nodes under measure, and what they read: twenty campaigns in three slots."""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journeys.small_blog import campaign, write_blog

SCRIPT = Path(__file__).with_name("page_views.lua")
SLOTS = ("top", "side", "foot")
CAMPAIGNS = 20
FLIGHT = {"first_day": "2026-01-01", "last_day": "2099-12-31"}
GOAL = {"goal": {"impressions": 2_000_000_000}, "pacing": "asap"}
LONGEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Visits:
    """pages: that were answered. accepted: events that were told so; pending: clicks that were not
    waited for."""

    pages: int
    impressions: int
    viewables: int
    clicks: int
    accepted: int
    pending: int
    seconds: float

    @property
    def events(self) -> int:
        return self.impressions + self.viewables + self.clicks


def write_campaigns(folder: Path, *, goals: bool = False) -> Path:
    """Two creatives each. goals: all of one tier, every other one with a goal."""
    texts = [{"id": one, "text": {"headline": f"Headline {one}"}} for one in ("words", "more")]
    terms: dict[str, Any] = {"tier": "standard", "flight": FLIGHT} if goals else {}
    named = {
        f"campaign-{n}": campaign(
            *SLOTS, creatives=texts, **terms, **(GOAL if goals and n % 2 else {})
        )
        for n in range(CAMPAIGNS)
    }
    return write_blog(folder, SLOTS, named)


def visit(address: str, connections: int, pages: int, seed: int = 1) -> Visits:
    """So many pages and all that becomes of them, as quickly as they are answered."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{LONGEST_SECONDS}s", "--timeout", "5s"]
    command += ["-s", str(SCRIPT), f"{address}/", "--", ",".join(SLOTS), str(seed), str(pages)]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {name: int(n) for name, n in re.findall(r"^(\w+) (\d+)$", done.stdout, re.MULTILINE)}
    if done.returncode or found.get("refused", 1) or "requests in" in done.stdout:
        raise SystemExit(f"not all were answered; the numbers mean nothing:\n{done.stdout}")
    visits = Visits(
        pages=found["answered"],
        seconds=time.monotonic() - began,
        **{name: found[name] for name in Visits.__slots__ if name in found},
    )
    if visits.accepted + visits.pending != visits.events:
        raise SystemExit(f"not every event was accepted: {visits}")
    return visits
