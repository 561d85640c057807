"""What the contract knows and this version does not do yet: refused, never silently ignored.

The shape is checked all the same, so that a file is right on the day it is honoured.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from adserver.publishing.nodes import Scalar
from adserver.publishing.schema import Fields

WHOLE = re.compile(r"[1-9][0-9]{0,11}")


def refuse_not_honoured(campaign: Fields) -> None:
    for key, check in CHECKS.items():
        if key in campaign:
            check(campaign, key)
            refuse(campaign, key)


def refuse(fields: Fields, key: str) -> None:
    name = f"{fields.where}{key}"
    message = f"this version does not honour `{name}`, and refuses it rather than ignore it"
    place = fields.node.entries[key][0]
    fields.findings.error(place, "not_honoured_yet", message, "remove it for now")


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
    "buffer": check_buffer,
    "max_per_day": check_whole,
    "max_total": check_whole,
    "pacing": check_pacing,
}
KEYS = tuple(CHECKS)
