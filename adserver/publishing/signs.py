"""Characters that are seen in the line where they stand, and those that pretend or hide.

A line end in a name makes a line of its own wherever the name is shown; what turns the direction
of writing shows other words than there are (Boucher and Anderson, Trojan Source, 2021).
"""

from __future__ import annotations

import re

# Of a class of regular expressions: all but controls, the line separators that editors do not show
# as line ends, what turns the direction of writing, halves of characters, and marks of byte order.
SHOWN = (
    "\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
)
NOT_OF_A_LINE = re.compile(f"[^{SHOWN}]")
NOT_OF_LINES = re.compile(f"[^\n{SHOWN}]")
NOT_OF_A_FILE = re.compile(f"[^\t\n\r{SHOWN}]")
NOT_OF_OUTPUT = re.compile(f"[^\t\n{SHOWN}]")


def one_line(text: str) -> str:
    """With escapes for what would end the line, or show other words."""
    return NOT_OF_A_LINE.sub(escape, text)


def printable(text: str) -> str:
    """The same of a text that may have several lines."""
    return NOT_OF_OUTPUT.sub(escape, text)


def escape(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]
