"""Problems as GitHub's workflow commands: each becomes an annotation beside its line of a review.

The format is GitHub's "Workflow commands for GitHub Actions", `::error file=…::message`; what
would end a property or the line is escaped as its runner unescapes it. GitHub shows ten
annotations of each severity for a step; the log has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adserver.core.problems import Problem
from adserver.publishing.docs_sections import docs_of

IN_MESSAGES = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
IN_PROPERTIES = (*IN_MESSAGES, (":", "%3A"), (",", "%2C"))


def annotate(problems: Sequence[Problem]) -> Iterator[str]:
    """One line for each problem, in the order given."""
    for problem in problems:
        places = {
            "file": problem.file,
            "line": problem.line or "",
            "col": problem.column or "",
            "title": problem.code.replace("_", " "),
        }
        properties = ",".join(
            f"{key}={escaped(str(value), IN_PROPERTIES)}" for key, value in places.items() if value
        )
        hint = (f"hint: {problem.hint}",) if problem.hint else ()
        text = "\n".join((problem.message, *hint, f"docs: {docs_of(problem)}"))
        yield f"::{problem.severity} {properties}::{escaped(text, IN_MESSAGES)}"


def escaped(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    for sign, code in pairs:
        text = text.replace(sign, code)
    return text
