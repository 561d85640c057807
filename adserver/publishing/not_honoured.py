"""What the contract knows and this version does not do yet: refused, never silently ignored.

It is read all the same, so that a file is right on the day it is honoured.
"""

from __future__ import annotations

from adserver.publishing.nodes import MapNode
from adserver.publishing.schema import Fields

KEYS = ("buffer", "max_per_day", "max_total", "pacing")
UNITS = ("impressions", "clicks")


def refuse_not_honoured(campaign: Fields) -> None:
    for key in KEYS:
        if key in campaign:
            refuse(campaign, key)
    goal = campaign.get("goal")
    if isinstance(goal, MapNode):
        fields = Fields(goal, campaign.findings, f"{campaign.where}goal.")
        for unit in UNITS:
            if unit in fields:
                refuse(fields, unit)


def refuse(fields: Fields, key: str) -> None:
    name = f"{fields.where}{key}"
    message = f"this version does not honour `{name}`, and refuses it rather than ignore it"
    place = fields.node.entries[key][0]
    fields.findings.error(place, "not_honoured_yet", message, "remove it for now")
