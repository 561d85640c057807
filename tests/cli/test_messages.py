"""`-m` is one line, whichever command has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.core.publication import Content, Entry
from tests.cli.command import adserver, write_folder
from tests.factories import campaign, catalog
from tests.memory import MemoryStore, store

COMMANDS = ("apply --yes", "rollback --yes", "pause brulerie", "resume brulerie")


@pytest.fixture
def memory() -> MemoryStore:
    made = store(catalog(campaign("brulerie")))
    made.publish(1, catalog(campaign("brulerie", weight=2.0)), Content(), Entry("ana"))
    return made


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("one\ntwo", "character 4 is U+000A (a line break)"),
        ("\x1b[2Jgone", "character 1 is U+001B (an escape)"),
        ("a\tb", "character 2 is U+0009 (a tab)"),
        ("bell\x07", "character 5 is U+0007 (a control character)"),
        ("a\u202eb", "character 2 is U+202E (right-to-left override)"),
        ("a\u2028b", "character 2 is U+2028 (line separator)"),
        ("not UTF-8: \udcff", "character 12 is U+DCFF"),
    ],
)
def test_a_message_that_is_not_one_line_is_refused(
    memory: MemoryStore, tmp_path: Path, command: str, message: str, told: str
) -> None:
    words = (*command.split(), "-m", message, "--config", write_folder(tmp_path))
    result = adserver(*words, store=memory)
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert (len(memory.made), memory.pauses.done) == (2, [])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("Café: 9,50\u00a0€\n\nand why\n".encode(), "Café: 9,50\u00a0€"),
        (b"a\tb\n", "a b"),
        (b"\xef\xbb\xbfFrom an editor\n", "From an editor"),
        (b"a\xef\xbb\xbfb \xe2\x80\xaec\x1b[2J", "a\\ufeffb \\u202ec\\x1b[2J"),
        (b"not UTF-8: \xff", "not UTF-8: \ufffd"),
        (b"--yes", "--yes"),
        (b"-\n", ""),
        (b"", ""),
    ],
)
def test_from_the_standard_input_a_line_is_taken_with_escapes(
    memory: MemoryStore, said: bytes, message: str
) -> None:
    result = adserver("rollback", "--yes", "-m", "-", store=memory, stdin=said)
    assert result.exit_code == 0, result.output
    assert memory.made[-1][1].message == message


def test_what_is_written_in_french_or_with_signs_of_joined_pictures_is_one_line(
    memory: MemoryStore,
) -> None:
    message = "Erreur\u00a0: \u202f9,50\u00a0€ \U0001f469\u200d\U0001f4bb"
    result = adserver("rollback", "--yes", "-m", message, store=memory)
    assert result.exit_code == 0, result.output
    assert memory.made[-1][1].message == message


def test_an_author_is_one_line(memory: MemoryStore) -> None:
    adserver("rollback", "--yes", store=memory, env={"GIT_AUTHOR_NAME": "A\nna\x1b[2J"})
    assert memory.made[-1][1].author.startswith("A\ufffdna\ufffd[2J@")
