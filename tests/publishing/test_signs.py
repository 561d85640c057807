"""What is printed in a line stays in it, and reads as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.publishing.signs import one_line, printable


@given(st.text())
def test_a_line_has_no_end_in_it_and_turns_nowhere(text: str) -> None:
    made = one_line(text)
    assert len(made.splitlines()) <= 1
    assert not set(made) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x1b\ufeff")
    made.encode()
    assert printable(text).count("\n") == text.count("\n")


def test_what_people_write_is_left_alone() -> None:
    for text in ("Brûlerie\u00a0du port", "50\u202f%", "می\u200cخواهم", "👩\u200d🌾", "café"):
        assert one_line(text) == text
    assert one_line("a\n\u202eb\t\x1b[2J") == r"a\n\u202eb\t\x1b[2J"
    assert printable("a\n\tb\r\u2028") == "a\n\tb\\r\\u2028"
