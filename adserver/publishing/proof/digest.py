"""The digest of a campaign's figures, and the command that obtains it again.

It is made of what `adserver report --format json` answers, one table behind the other, as
`python3 -m json.tool` writes it in one line: so that nobody needs to believe this module.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from shlex import quote
from typing import Any
from zoneinfo import ZoneInfo

from adserver.core.flights import zone
from adserver.publishing import moments
from adserver.publishing.proof.evidence import TABLES, Delivery, Evidence
from adserver.publishing.report import By
from adserver.publishing.report_json import as_json


def figures(delivery: Delivery) -> Mapping[By, dict[str, Any]]:
    """By table, as `adserver report --format json` answers."""
    return {by: as_json(delivery.reports[by]) for by in TABLES}


def digest(delivery: Delivery) -> str:
    """SHA-256, in hexadecimal."""
    lines = "".join(f"{canonical(table)}\n" for table in figures(delivery).values())
    return hashlib.sha256(lines.encode()).hexdigest()


def canonical(table: Mapping[str, Any]) -> str:
    """As `json.tool --sort-keys --compact --no-ensure-ascii` writes it."""
    return json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def check_command(evidence: Evidence, delivery: Delivery) -> str:
    """Shell lines that print the digest, wherever `adserver` reaches the same store."""
    options = [f"--campaign {quote(delivery.name)}"]
    tz = zone(evidence.catalog.site.timezone)
    for option, at in (("since", evidence.wish.since), ("until", delivery.finality.closes)):
        if at is not None:
            options.append(f"--{option} {written(at, tz)}")
    return (
        f"for by in {' '.join(TABLES)}; do\n"
        f"  adserver report --by $by {' '.join(options)} --format json |\n"
        "    python3 -m json.tool --sort-keys --compact --no-ensure-ascii\n"
        "done | sha256sum"
    )


def written(at: float, tz: ZoneInfo) -> str:
    """As `--since` and `--until` read it."""
    wall = moments.local(at, tz)
    if moments.midnight(wall.date(), tz) == at:
        return wall.date().isoformat()
    return wall.isoformat()
