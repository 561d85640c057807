"""A spreadsheet's CSV, whoever has written it: bytes become rows of cells, or problems.

Commas, semicolons (Excel where the comma is the decimal sign) and tabs; UTF-8 with or without a
mark, UTF-16 with one (Excel's "Unicode text"), Windows-1252. Rows and columns are numbered as a
spreadsheet shows them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from adserver.publishing.findings import WHOLE_FILE, Findings, Place
from adserver.publishing.nodes import quoted

MAX_BYTES = 16 * 1024 * 1024
MAX_ROWS = 5_000
MAX_COLUMNS = 200
DELIMITERS = ",;\t"
# Excel's own first line, which it does not show: which sign separates.
SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
# What é, à, â and ô of a Mac's older files (Mac Roman) become in Windows-1252, within a word.
LIKE_MAC_ROMAN = re.compile(r"\b\w*(?:[a-z]Ž|[a-z][ˆ‰™][a-z])\w*")
SAVE_AS = "save it as CSV UTF-8"


@dataclass(frozen=True, slots=True)
class Row:
    """number: from 1, as the spreadsheet shows it. cells: trimmed."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    headings: Row
    rows: tuple[Row, ...]
    delimiter: str


def read_table(data: bytes, is_heading: Callable[[str], bool], findings: Findings) -> Table | None:
    """is_heading: tells the words of the first row, by which the delimiter is found."""
    text = decode(data, findings)
    if text is None:
        return None
    marked = SEPARATOR.match(text)
    text = text[marked.end() :] if marked else text
    delimiter = marked[1] if marked else best_delimiter(text, is_heading)
    rows = list(read_rows(text, delimiter, findings))
    filled = [row for row in rows if any(row.cells)]
    if findings.failed:
        return None
    if not filled:
        findings.error(WHOLE_FILE, "empty_file", "the file is empty", "`--template` prints one")
        return None
    return Table(filled[0], tuple(filled[1:]), delimiter)


def decode(data: bytes, findings: Findings) -> str | None:
    if len(data) > MAX_BYTES:
        mebibytes = MAX_BYTES // (1024 * 1024)
        findings.error(WHOLE_FILE, "file_too_large", f"the file is larger than {mebibytes} MiB")
        return None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "cp1252" and (odd := LIKE_MAC_ROMAN.search(text)):
            message = f"the file was read as Windows-1252, and has words such as {quoted(odd[0])}"
            findings.warning(WHOLE_FILE, "doubtful_encoding", message, SAVE_AS)
        return text
    message = "the file is neither UTF-8 nor Windows-1252"
    findings.error(WHOLE_FILE, "not_utf8", message, SAVE_AS)
    return None


def best_delimiter(text: str, is_heading: Callable[[str], bool]) -> str:
    """The one by which most headings are known; of equals, the one that finds most cells."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    def found(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=delimiter), [])
        return sum(is_heading(cell) for cell in cells), len(cells)

    return max(DELIMITERS, key=found)


def read_rows(text: str, delimiter: str, findings: Findings) -> Iterator[Row]:
    """Every row, the empty ones too; stops where one cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = filled = 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            message = f"the row cannot be read: {error}"
            findings.error(Place(number), "not_csv", message, "look for a quote that is not closed")
            return
        if cells is None:
            return
        if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
            message = f"the row has more than {MAX_COLUMNS} cells"
            findings.error(Place(number), "too_many_columns", message)
            return
        filled += any(cells)
        if filled > MAX_ROWS + 1:
            message = f"there are more than {MAX_ROWS:,} rows"
            findings.error(Place(number), "too_many_rows", message, "import it in parts")
            return
        yield Row(number, tuple(cell.strip() for cell in cells[:MAX_COLUMNS]))


def letter(column: int) -> str:
    """A column's name in a spreadsheet: 1 is A, 27 is AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
