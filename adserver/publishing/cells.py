"""What stands in a cell, in the notation of campaign files.

Spreadsheets write numbers, days and flags as the country does; where that can be read in two
ways, nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from adserver.publishing.columns import Column
from adserver.publishing.drafts import PLAIN, Value
from adserver.publishing.findings import Complaint
from adserver.publishing.nodes import quoted
from adserver.publishing.numerals import read_decimal, read_percent, read_whole

DayOrder = Literal["dmy", "mdy"]

DAY_KEYS = frozenset({"flight.first_day", "flight.last_day", "flight.from", "flight.until"})
FLAG_KEYS = frozenset({"utm", "roadblock", "creative.utm"})
PERCENT_KEYS = frozenset({"goal.share", "buffer"})
WORD_KEYS = frozenset({"tier", "state", "pacing", "frequency.per"})
DECIMAL_KEYS = frozenset({"price.cpm", "price.cpc", "price.flat", "weight", "creative.weight"})
WHOLE_KEYS = PLAIN - DECIMAL_KEYS - FLAG_KEYS
FLAGS = {
    "true": "true", "vrai": "true", "wahr": "true",
    "false": "false", "faux": "false", "falsch": "false",
}  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@")
FAILED = re.compile(r"#(REF!|N/A|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|NOM\?|VALEUR!|NOMBRE!)")
SLASHED = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T](\d{1,2}):(\d{2})(?::\d{2})?)?", re.ASCII
)
SHORT_YEAR = re.compile(r"(\d{1,2}([/.-])\d{1,2}\2)(\d{2})", re.ASCII)
ISO = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::\d{2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Habits:
    """How this spreadsheet writes. days: the order of a day's parts, None where nobody knows;
    decimal: the sign before decimals, a point or a comma."""

    days: DayOrder | None
    decimal: str


def read_cell(column: Column, text: str, habits: Habits) -> Value | Complaint:
    """text: not empty."""
    if complaint := refuse_formula(text):
        return complaint
    # A spreadsheet's own sign for "this is text", which our own exports write as well.
    if text.startswith("'") and text[1:2] in FORMULA_STARTS:
        text = text[1:]
    if column.is_list:
        return tuple(part.strip() for part in re.split(r"[;\n]", text) if part.strip())
    return read_single(column.key, text, habits)


def read_single(key: str, text: str, habits: Habits) -> str | Complaint:
    if key in DAY_KEYS:
        return read_day(text, key, habits.days)
    if key in DECIMAL_KEYS:
        return read_decimal(text, habits.decimal)
    for keys, read in UNMISTAKABLE:
        if key in keys:
            return read(text)
    return text


def refuse_formula(text: str) -> Complaint | None:
    if text.startswith("="):
        message = f"a formula stands here, not what it comes to: {quoted(text)}"
        return Complaint("formula_cell", message, "export the values of the spreadsheet")
    if FAILED.fullmatch(text):
        message = f"the spreadsheet could not reckon this cell: {quoted(text)}"
        return Complaint("formula_cell", message, "correct its formula")
    return None


def read_day(text: str, key: str, order: DayOrder | None) -> str | Complaint:
    """A day, or a day and a time for `from` and `until`, as files write them; what is neither is
    left as it is, for the reader of files to say."""
    timed = key in ("flight.from", "flight.until")
    if match := ISO.fullmatch(text):
        return written(match[1], match[2], timed)
    if match := SHORT_YEAR.fullmatch(text):
        message = f"{quoted(text)} has a year of two digits"
        return Complaint("ambiguous_day", message, f"write {match[1]}20{match[3]}, if so")
    match = SLASHED.fullmatch(text)
    if match is None:
        return text
    first, second = int(match[1]), int(match[3])
    known = order_in(text) or order
    if known is None and first != second:
        message = f"{quoted(text)} may be {first:02}/{second:02} or {second:02}/{first:02}"
        hint = f"say `--dates dmy` or `--dates mdy`, or write {match[4]}-{second:02}-{first:02}"
        return Complaint("ambiguous_day", message, hint)
    day, month = (second, first) if known == "mdy" else (first, second)
    clock = f"{int(match[5]):02}:{match[6]}" if match[5] else ""
    return written(f"{match[4]}-{month:02}-{day:02}", clock, timed)


def written(day: str, clock: str, timed: bool) -> str:
    """Spreadsheets give days a midnight that nobody has written, and midnights none."""
    if timed:
        return f"{day} {clock or '00:00'}"
    return f"{day} {clock}" if clock and clock != "00:00" else day


def read_flag(text: str) -> str:
    return FLAGS.get(text.casefold(), text)


def read_size(text: str) -> str:
    return re.sub(r"\s*[x×]\s*", "x", text)


UNMISTAKABLE: tuple[tuple[frozenset[str], Callable[[str], str]], ...] = (
    (FLAG_KEYS, read_flag),
    (WHOLE_KEYS, read_whole),
    (PERCENT_KEYS, read_percent),
    (WORD_KEYS, str.lower),
    (frozenset({"creative.size"}), read_size),
)


def order_in(text: str) -> DayOrder | None:
    """The order that a day alone gives away. With points, it is always the day first."""
    match = SLASHED.fullmatch(text)
    if match is None:
        return None
    if match[2] == "." or int(match[1]) > 12:
        return "dmy"
    return "mdy" if int(match[3]) > 12 else None


def order_of(texts: Iterable[str]) -> DayOrder | None:
    """The order of all days of a spreadsheet, None where they say nothing or both."""
    orders = {order for order in map(order_in, texts) if order}
    return orders.pop() if len(orders) == 1 else None
