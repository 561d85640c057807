"""What the contract knows and this version does not do yet: refused, never silently ignored.

The shape is checked all the same, so that a file is right on the day it is honoured.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from adserver.publishing.nodes import Scalar
from adserver.publishing.schema import Fields

SHARE = re.compile(r"(100|[1-9][0-9]?)(\.[0-9]+)?%")
WHOLE = re.compile(r"[1-9][0-9]{0,11}")
UNITS = ("impressions", "clicks")


def refuse_not_honoured(campaign: Fields) -> None:
    for key, check in CHECKS.items():
        if key in campaign:
            check(campaign, key)
            refuse(campaign, key)


def refuse(campaign: Fields, key: str) -> None:
    message = f"this version does not honour `{key}`, and refuses it rather than ignore it"
    place = campaign.node.entries[key][0]
    campaign.findings.error(place, "not_honoured_yet", message, "remove it for now")


def check_goal(campaign: Fields, key: str) -> None:
    goal = campaign.table(key, "{impressions: 120000}")
    if goal is None:
        return
    goal.only((*UNITS, "share"))
    if len(goal.node.entries) != 1:
        campaign.expected(key, "one of impressions, clicks or share")
    for unit in UNITS:
        check_whole(goal, unit)
    check_share(goal, "share")


def check_share(fields: Fields, key: str) -> None:
    check_scalar(fields, key, SHARE, "a share such as 50%")


def check_buffer(fields: Fields, key: str) -> None:
    check_scalar(fields, key, re.compile(r"[0-9]{1,2}(\.[0-9]+)?%"), "a share such as 3%")


def check_whole(fields: Fields, key: str) -> None:
    check_scalar(fields, key, WHOLE, "a whole number above 0")


def check_pacing(fields: Fields, key: str) -> None:
    check_scalar(fields, key, re.compile("even|asap"), "even or asap")


def check_scalar(fields: Fields, key: str, pattern: re.Pattern[str], what: str) -> None:
    node = fields.get(key)
    if not (isinstance(node, Scalar) and pattern.fullmatch(node.text)):
        fields.expected(key, what)


CHECKS: dict[str, Callable[[Fields, str], None]] = {
    "goal": check_goal,
    "buffer": check_buffer,
    "max_per_day": check_whole,
    "max_total": check_whole,
    "pacing": check_pacing,
}
KEYS = tuple(CHECKS)
