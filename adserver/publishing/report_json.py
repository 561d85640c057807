"""A report as JSON: what `adserver report --format json` prints and a proof's digest is made of.

Dry runs are printed, but not of one campaign, and they are in no proof: they are the publisher's
own matter, and change nothing.
"""

from __future__ import annotations

from typing import Any

from adserver.publishing.report import Report, Sums

COUNTS = ("served", "gross", "impressions", "viewable", "clicks", "unmatched")
FIGURES = (*COUNTS, "ctr", "revenue", "ecpm")


def figures(sums: Sums) -> dict[str, Any]:
    """ctr: None without impressions. revenue, ecpm: decimals as text, in the site's currency."""
    return {
        **{name: getattr(sums, name) for name in COUNTS},
        "ctr": sums.ctr,
        "revenue": str(sums.revenue),
        "ecpm": None if sums.ecpm is None else str(sums.ecpm),
        "unmatched_viewable": sums.unmatched_viewable,
    }


def as_json(made: Report) -> dict[str, Any]:
    return {
        "rows": [
            dict(zip(made.by.headings, label, strict=True)) | figures(sums)
            for label, sums in made.lines.items()
        ],
        "total": figures(made.total),
        "discarded": {
            "impression": dict(made.discarded_impressions.most_common()),
            "click": dict(made.discarded_clicks.most_common()),
        },
    }


def with_dry_run(made: Report) -> dict[str, Any]:
    return as_json(made) | {
        "dry_run": {
            "impression": dict(made.would_discard_impressions.most_common()),
            "click": dict(made.would_discard_clicks.most_common()),
        }
    }
