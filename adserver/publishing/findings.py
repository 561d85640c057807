"""Findings: the problems of one file, collected while reading goes on.

Reading never stops at the first problem; a reader notes it here and returns None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from adserver.core.problems import Problem, Severity


class Placed(Protocol):
    """Anything with a place in a file."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place that is no node; line 0 is the file itself."""

    line: int = 0
    column: int = 0


WHOLE_FILE = Place()


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a value, before anybody knows where it stands."""

    code: str
    message: str
    hint: str = ""


@dataclass(slots=True)
class Findings:
    file: str
    problems: list[Problem] = field(default_factory=list)

    def error(self, at: Placed, code: str, message: str, hint: str = "") -> None:
        self._note(at, Severity.ERROR, Complaint(code, message, hint))

    def warning(self, at: Placed, code: str, message: str, hint: str = "") -> None:
        self._note(at, Severity.WARNING, Complaint(code, message, hint))

    def notice(self, at: Placed, code: str, message: str, hint: str = "") -> None:
        self._note(at, Severity.NOTICE, Complaint(code, message, hint))

    def refuse(self, at: Placed, complaint: Complaint) -> None:
        self._note(at, Severity.ERROR, complaint)

    def _note(self, at: Placed, severity: Severity, what: Complaint) -> None:
        self.problems.append(
            Problem(self.file, at.line, at.column, severity, what.code, what.message, what.hint)
        )

    @property
    def failed(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self.problems)
