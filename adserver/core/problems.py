"""A problem: one thing wrong in one place of the campaign files, told to a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps files from being applied; a warning is about what will surprise; a notice
    tells what was understood."""

    ERROR = "error"
    NOTICE = "notice"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong, where, and what to do about it.

    file: as the user gave it, relative to the working directory.
    line, column: from 1; 0 where the problem is the file itself.
    code: a stable word for scripts, such as `unknown_key`.
    """

    file: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str
    hint: str = ""
