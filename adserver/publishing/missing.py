"""What a row of a spreadsheet lacks, in terms of its columns; files would have a mapping there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from adserver.core.problems import Problem
from adserver.publishing.columns import Column
from adserver.publishing.spreadsheet import letter

MISSING = re.compile(r"`([\w.-]+)` is missing")
OF_A_CREATIVE = re.compile(r"creatives\.[^.]+\.(?:text\.)?")
# Of keys that have several columns, the ones that make them.
COLUMNS = {
    "goal": ("goal.share",),
    "creatives": ("creative.headline", "creative.images", "creative.html"),
}
OF_CODES = {"standard_without_goal": ("goal.impressions", "goal.clicks")}


def hint_of(problem: Problem, columns: Iterable[Column]) -> str:
    """The problem's own hint, where nothing is missing."""
    keys: tuple[str, ...] = OF_CODES.get(problem.code, ())
    if problem.code == "missing_key" and (match := MISSING.search(problem.message)):
        key = OF_A_CREATIVE.sub("creative.", match[1])
        keys = COLUMNS.get(key, (key,))
    if not keys:
        return problem.hint
    for column in columns:
        if column.key in keys:
            return f"fill in column {letter(column.number)} `{column.key}`"
    which = " or ".join(f"`{key}`" for key in keys)
    return f"add a column {which}"
