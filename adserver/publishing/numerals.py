"""Numbers as spreadsheets write them, in the notation of campaign files.

A sign before three digits may separate thousands or decimals (`1,234`, `1.500`); where nothing
else tells which, nothing is guessed.
"""

from __future__ import annotations

import re

from adserver.publishing.findings import Complaint
from adserver.publishing.nodes import quoted

SIGNS = ".,"
SIGN_NAMES = {".": "point", ",": "comma"}
# Spaces of all widths, and the Swiss mark, between digits.
GAPS = re.compile("(?<=[0-9])[ '’\u00a0\u202f\u2009](?=[0-9])")
GROUPED = re.compile(r"[0-9]{1,3}(?:([.,])[0-9]{3})(?:\1[0-9]{3})*", re.ASCII)
# A price of a thousand, or one with three decimals; `0.125` is none of a thousand.
IN_DOUBT = re.compile(r"(?!0)[0-9]{1,3}[.,][0-9]{3}", re.ASCII)
NUMERIC = re.compile(r"[-+]?[0-9.,]*[0-9][0-9.,]*", re.ASCII)
NO_CENTS = re.compile(r"[.,]0+")
PERCENT = re.compile(r"\s*%$")


def read_whole(text: str) -> str:
    """Without marks between thousands, and without cents that are none."""
    plain = GAPS.sub("", text)
    if GROUPED.fullmatch(plain):
        return re.sub("[.,]", "", plain)
    return re.sub(rf"{NO_CENTS.pattern}$", "", plain)


def read_decimal(text: str, decimal: str) -> str | Complaint:
    """With a decimal point. decimal: the sign that the spreadsheet has for it, for the hint."""
    plain = GAPS.sub("", text)
    if IN_DOUBT.fullmatch(plain) and plain == text:
        return in_doubt(text, decimal)
    sign = decimal_sign(text)
    if sign is None:
        return plain
    (thousands,) = set(SIGNS) - {sign}
    return plain.replace(thousands, "").replace(sign, ".")


def in_doubt(text: str, decimal: str) -> Complaint:
    thousands = re.sub("[.,]", "", text)
    whole, _, decimals = text.replace(",", ".").partition(".")
    shorter = decimals.rstrip("0")
    if shorter == decimals:
        shorter += "0"  # four decimals are no thousands
    few = f"{whole}{decimal}{shorter}" if shorter else whole
    message = f"{quoted(text)} may be more than a thousand, or a few with three decimals"
    return Complaint("ambiguous_number", message, f"write {thousands} or {few}")


def decimal_sign(text: str) -> str | None:
    """The sign that a number has before its decimals, as far as it alone gives it away."""
    plain = GAPS.sub("", PERCENT.sub("", text))
    signs = [sign for sign in plain if sign in SIGNS]
    if not signs or not NUMERIC.fullmatch(plain) or (IN_DOUBT.fullmatch(plain) and plain == text):
        return None
    if len(signs) > 1 and len(set(signs)) == 1:
        # A second of the same sign: both are between thousands.
        return SIGNS.replace(signs[0], "")
    return signs[-1]


def read_percent(text: str) -> str:
    return PERCENT.sub("%", GAPS.sub("", text).replace(",", "."))
