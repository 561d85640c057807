"""Problems of the campaign files, as text with the place in the source, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from adserver.core.problems import Problem, Severity


def as_json(problems: Sequence[Problem]) -> dict[str, object]:
    return {"problems": [asdict(problem) for problem in in_order(problems)]}


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(set(problems))


def any_error(problems: Sequence[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def lines(problems: Sequence[Problem], sources: Mapping[str, str]) -> Iterator[str]:
    for problem in in_order(problems):
        place = ":".join(str(p) for p in (problem.file, problem.line, problem.column) if p)
        yield f"{place}: {problem.severity}: {problem.message}"
        yield from snippet(problem, sources.get(problem.file, ""))
        if problem.hint:
            yield f"    hint: {problem.hint}"


def snippet(problem: Problem, source: str) -> Iterator[str]:
    """The line of the source, and a caret under the column."""
    # What editors count as lines; str.splitlines would count more.
    rows = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not source or not 1 <= problem.line <= len(rows):
        return
    row = rows[problem.line - 1]
    before = row[: max(problem.column - 1, 0)]
    indent = "".join("\t" if sign == "\t" else " " for sign in before)
    yield f"    {row}"
    yield f"    {indent}^"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def summary(problems: Sequence[Problem], campaigns: int) -> str:
    read = f"{count(campaigns, 'campaign')} read"
    if not problems:
        return f"no problems; {read}"
    files = len({problem.file for problem in problems})
    return f"{count(len(set(problems)), 'problem')} in {count(files, 'file')}; {read}"
