"""A spreadsheet of campaigns becomes their files, or problems with row and column.

Cells are only put into the files' notation here; whether they can be used is for the reader of
campaign files to say, and what it says of a line is led back to the cell that the line came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from adserver.core.problems import Problem, Severity
from adserver.publishing import missing, names
from adserver.publishing.cells import (
    DAY_KEYS,
    DECIMAL_KEYS,
    PERCENT_KEYS,
    DayOrder,
    Habits,
    order_of,
    read_cell,
)
from adserver.publishing.columns import NAME, Column, known_columns, read_columns
from adserver.publishing.drafts import Draft, Given, draft
from adserver.publishing.findings import WHOLE_FILE, Complaint, Findings, Place
from adserver.publishing.folder import CAMPAIGNS, ENDINGS
from adserver.publishing.nodes import quoted
from adserver.publishing.numerals import SIGN_NAMES, decimal_sign
from adserver.publishing.read import Reading, read_folder
from adserver.publishing.schema import name_hint
from adserver.publishing.spreadsheet import Row, Table, letter, read_table

# The first key that a message names: "`creatives.card.alt`: expected …", "`slots` is missing".
SUBJECT = re.compile(r"`(?:an item of )?([\w.\[\]-]+)`|an item of ([\w.-]+)")
OF_A_CREATIVE = re.compile(r"creatives(?:\.[A-Za-z0-9][\w-]*|\[\d+\])\.(?:text\.)?")
# Whose place in the file is that of the mapping that lacks something.
OF_NO_LINE = frozenset({"missing_key", "one_kind", "slot_without_creative"})


@dataclass(slots=True)
class Booked:
    """A campaign of the spreadsheet. rows: the first says all, each has a creative."""

    name: str
    rows: list[Row]
    values: list[Given] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Imported:
    """drafts: by their paths in the folder; whole also where there are problems."""

    drafts: Mapping[str, Draft]
    problems: tuple[Problem, ...]
    rows: int = 0

    @property
    def failed(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self.problems)


@dataclass(slots=True)
class Import:
    """One run over one spreadsheet. file: as the user gave it."""

    folder: Path
    file: str
    findings: Findings = field(init=False)
    columns: list[Column] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.findings = Findings(self.file)

    def complain(self, row: Row, column: Column, what: Complaint) -> None:
        message = f"column {letter(column.number)} `{column.key}`: {what.message}"
        place = Place(row.number, column.number)
        self.findings.refuse(place, replace(what, message=message))

    def cells(self, row: Row) -> Iterator[tuple[Column, str]]:
        """The cells of a row that have something in them."""
        for column in self.columns:
            text = row.cells[column.number - 1] if column.number <= len(row.cells) else ""
            if text:
                yield column, text


def import_csv(
    folder: Path,
    file: str,
    data: bytes,
    days: DayOrder | None = None,
    now: float | None = None,
) -> Imported:
    """Every problem of all rows in one run.

    days: the order of a day's parts, None to find out. now: UTC seconds, as for `read_folder`.
    """
    before = read_folder(folder, now=now)
    known = known_columns(before.partial.site if before.partial else None)
    folded = {key.casefold() for key in known}
    run = Import(folder, file)
    table = read_table(data, lambda text: text.strip().casefold() in folded, run.findings)
    if table is None:
        return Imported({}, tuple(run.findings.problems))
    run.columns = read_columns(table.headings, known, run.findings)
    refuse_cells_without_heading(run, table)
    campaigns = booked(run, table, habits_of(run, table, days))
    drafts = {path_of(folder, one.name): draft(one.values) for one in campaigns}
    texts = {path: one.text for path, one in drafts.items()}
    after = read_folder(folder, texts, now=now)
    told = problems_of_drafts(run, zip(campaigns, drafts.items(), strict=True), before, after)
    problems = sorted({*run.findings.problems, *told})
    return Imported(drafts, tuple(problems), len(table.rows))


def path_of(folder: Path, name: str) -> str:
    """The campaign's file in the folder: the one that there is, whichever ending it has."""
    paths = [f"{CAMPAIGNS}/{name}{ending}" for ending in ENDINGS]
    return next((path for path in paths if (folder / path).exists()), paths[0])


def habits_of(run: Import, table: Table, days: DayOrder | None) -> Habits:
    texts = (t for row in table.rows for column, t in run.cells(row) if column.key in DAY_KEYS)
    usual = "," if table.delimiter == ";" else "."
    return Habits(days or order_of(texts), decimal=decimal_of(run, table) or usual)


def decimal_of(run: Import, table: Table) -> str | None:
    """The sign that the spreadsheet has before decimals; a second one is refused, as each makes
    the other's numbers doubtful."""
    first: tuple[str, str] | None = None
    for row in table.rows:
        for column, text in run.cells(row):
            sign = decimal_sign(text) if column.key in DECIMAL_KEYS | PERCENT_KEYS else None
            if sign is None:
                continue
            if first is None:
                first = sign, f"{quoted(text)} in {letter(column.number)}{row.number}"
            elif sign != first[0]:
                ours, theirs = SIGN_NAMES[sign], SIGN_NAMES[first[0]]
                message = f"{quoted(text)} has a decimal {ours}, and {first[1]} a decimal {theirs}"
                hint = "write all numbers of the file in one way"
                run.complain(row, column, Complaint("mixed_decimals", message, hint))
                return first[0]
    return first[0] if first else None


def refuse_cells_without_heading(run: Import, table: Table) -> None:
    headings = table.headings.cells
    for row in table.rows:
        for number, text in enumerate(row.cells, start=1):
            if text and not (number <= len(headings) and headings[number - 1]):
                message = f"column {letter(number)} has no heading, and here stands {quoted(text)}"
                run.findings.error(Place(row.number, number), "no_heading", message)


def booked(run: Import, table: Table, habits: Habits) -> list[Booked]:
    """The campaigns: rows of one name are creatives of one campaign."""
    by_name: dict[str, Booked] = {}
    for row in table.rows:
        cells = {column.key: text for column, text in run.cells(row)}
        name = cells.get(NAME, "")
        values = read_row(run, row, habits)
        if name in by_name:
            add_creative(run, by_name[name], row, values)
            continue
        if not name:
            said = {one.key: one.value for one in values}
            day = str(said.get("flight.first_day", said.get("flight.from", "")))[:10]
            name = names.campaign_name(cells.get("advertiser", ""), day, by_name)
        elif not names.is_name(name):
            refuse_name(run, row, name)
        by_name[name] = Booked(name, [row], with_id(values, 0, ()))
    return list(by_name.values())


def refuse_name(run: Import, row: Row, name: str) -> None:
    column = next(column for column in run.columns if column.key == NAME)
    what = Complaint(
        "bad_name", f"{quoted(name)} cannot be the name of a campaign", name_hint(name)
    )
    run.complain(row, column, what)


def read_row(run: Import, row: Row, habits: Habits) -> list[Given]:
    values = []
    for column, text in run.cells(row):
        if column.key == NAME:
            continue
        value = read_cell(column, text, habits)
        if isinstance(value, Complaint):
            run.complain(row, column, value)
            value = text  # what is read of it leads to this cell, which is refused already
        values.append(Given(column.key, value, f"{row.number}:{column.number}"))
    return any_of(values)


def any_of(values: list[Given]) -> list[Given]:
    """`targeting.tags` beside `targeting.tags.none` is `targeting.tags.any`."""
    keys = {one.key for one in values}
    parents = {key.rpartition(".")[0] for key in keys if key.count(".") == 2}
    return [replace(one, key=f"{one.key}.any") if one.key in parents else one for one in values]


def with_id(values: list[Given], number: int, taken: Iterable[str]) -> list[Given]:
    """The values as those of the campaign's creative of that number, which has an id."""
    made = [replace(one, creative=number) for one in values]
    of_creative = [one for one in made if one.key.startswith("creative.")]
    keys = {one.key for one in of_creative}
    if of_creative and "creative.id" not in keys:
        identity = names.creative_id(keys, set(taken))
        made.append(replace(of_creative[0], key="creative.id", value=identity))
    return made


def add_creative(run: Import, campaign: Booked, row: Row, values: list[Given]) -> None:
    """A further row of a campaign: its creative; what else it says has to be the same."""
    before = {one.key: one.value for one in campaign.values if one.creative == 0}
    for one in values:
        if one.key.startswith("creative.") or before.get(one.key) == one.value:
            continue
        column = next(c for c in run.columns if one.origin.endswith(f":{c.number}"))
        message = f"this is not what row {campaign.rows[0].number} says of {quoted(campaign.name)}"
        hint = "leave it empty in rows that add a creative, or give the campaign another name"
        run.complain(row, column, Complaint("two_campaigns", message, hint))
    taken = [str(one.value) for one in campaign.values if one.key == "creative.id"]
    of_creative = [one for one in values if one.key.startswith("creative.")]
    campaign.values += with_id(of_creative, len(campaign.rows), taken)
    campaign.rows.append(row)


def problems_of_drafts(
    run: Import,
    written: Iterable[tuple[Booked, tuple[str, Draft]]],
    before: Reading,
    after: Reading,
) -> Iterator[Problem]:
    """What the reader of files says because of the import, at the cells; not of cells that are
    refused already. before, after: the folder without the drafts, and with them."""
    by_file = {str(run.folder / path): (campaign, one) for campaign, (path, one) in written}
    refused = {(one.line, one.column) for one in run.findings.problems}
    known = set(before.problems)
    for problem in after.problems:
        if problem.file in by_file:
            told = at_cell(run, problem, *by_file[problem.file])
            if (told.line, told.column) not in refused:
                yield told
        elif problem not in known or stands_in_the_way(problem, before):
            # A name that is taken, say; or nothing can be read against the folder as it is.
            yield problem


def stands_in_the_way(problem: Problem, folder: Reading) -> bool:
    """Whether nothing can be imported because of a problem of the folder itself."""
    return folder.partial is None and problem.severity is Severity.ERROR


def at_cell(run: Import, problem: Problem, campaign: Booked, written: Draft) -> Problem:
    column = column_of(run, problem)
    row = campaign.rows[0].number
    if origin := written.origins.get(problem.line):
        row, from_line = map(int, origin.split(":"))
        if column is None and problem.code not in OF_NO_LINE:
            column = next(one for one in run.columns if one.number == from_line)
    where = f"column {letter(column.number)} `{column.key}`: " if column else ""
    message = problem.message
    if column and message.startswith(f"`{column.key}`: "):
        message = message.removeprefix(f"`{column.key}`: ")
    number = column.number if column else WHOLE_FILE.column
    told = replace(problem, file=run.file, line=row, column=number, message=f"{where}{message}")
    return replace(told, hint=missing.hint_of(problem, run.columns))


def column_of(run: Import, problem: Problem) -> Column | None:
    """The column of the key that a message is about, where there is one."""
    match = SUBJECT.search(problem.message)
    key = OF_A_CREATIVE.sub("creative.", match[1] or match[2]) if match else ""
    if problem.line == WHOLE_FILE.line:
        key = NAME
    return next((one for one in run.columns if one.key == key), None)
