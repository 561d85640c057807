"""Problems of the campaign files: as text with the place in the source, as JSON, for GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from adserver.cli.annotations import annotate
from adserver.cli.excerpt import UNSHOWABLE, excerpt, rows_of
from adserver.core.problems import Problem, Severity
from adserver.publishing.docs_sections import docs_of
from adserver.publishing.signs import one_line

# Of a file with a mistake in each row; nobody reads the rest before correcting the first.
MOST_SHOWN = 100


def as_json(problems: Sequence[Problem]) -> dict[str, object]:
    return {
        "problems": [asdict(problem) | {"docs": docs_of(problem)} for problem in in_order(problems)]
    }


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(set(problems))


def any_error(problems: Sequence[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def told(
    problems: Sequence[Problem], sources: Mapping[str, str], form: str = "text"
) -> Iterator[str]:
    """The lines in which problems are told: for people, or as `--format github`."""
    if form == "github":
        yield from annotate(in_order(problems))
    else:
        yield from lines(problems, sources)


def lines(problems: Sequence[Problem], sources: Mapping[str, str]) -> Iterator[str]:
    yield from map(unobeyed, written(problems, sources))


def written(problems: Sequence[Problem], sources: Mapping[str, str]) -> Iterator[str]:
    rows = {file: rows_of(sources.get(file, "")) for file in {one.file for one in problems}}
    for problem in in_order(problems):
        place = ":".join(str(p) for p in (problem.file, problem.line, problem.column) if p)
        yield f"{place}: {problem.severity}: {one_line(problem.message)}"
        yield from excerpt(rows[problem.file], problem.line, problem.column)
        if problem.hint:
            yield f"    hint: {one_line(problem.hint)}"
        yield f"    docs: {docs_of(problem)}"


def unobeyed(line: str) -> str:
    """A line without what GitHub's runner obeys wherever it stands: `##[error]`, the older form of
    `::error::`."""
    return line.replace("##[", f"##{UNSHOWABLE}")


def shortened(
    problems: Sequence[Problem], sources: Mapping[str, str], form: str = "text"
) -> Iterator[str]:
    """As `told`, for people the first ones only, and what the others are about."""
    every = in_order(problems)
    most = len(every) if form == "github" else MOST_SHOWN
    yield from told(every[:most], sources, form)
    if rest := every[most:]:
        codes = Counter(problem.code for problem in rest).most_common()
        about = ", ".join(f"{number:,} {code.replace('_', ' ')}" for code, number in codes)
        yield f"… and {len(rest):,} more: {about}. `--format json` has all."


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def summary(problems: Sequence[Problem], number: int, what: str = "campaign") -> str:
    """What a command that reads files says in the end; a notice is no problem. number: of what
    was read."""
    read = f"{count(number, what)} read"
    found = {problem for problem in problems if problem.severity is not Severity.NOTICE}
    if not found:
        return f"no problems; {read}"
    files = len({problem.file for problem in found})
    return f"{count(len(found), 'problem')} in {count(files, 'file')}; {read}"
