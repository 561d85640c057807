"""`adserver history`: who, when, why and what, of all generations and of one."""

from __future__ import annotations

import orjson
import pytest

from adserver.core.publication import Content, Entry
from tests.cli.command import adserver
from tests.factories import campaign, catalog
from tests.memory import MemoryStore, store

SHA = "4fd3c0a1b2c3d4e5f60718293a4b5c6d7e8f9012"


@pytest.fixture
def memory() -> MemoryStore:
    made = MemoryStore()
    entries = (
        Entry("ana@desk", "The autumn of the\nroastery", "+ a\n+ b", SHA + "+"),
        Entry("bob@desk", "", "~ a: weight"),
        Entry("ana@desk", "", "~ a: weight", kind="rollback", of=1),
    )
    for number, entry in enumerate(entries):
        made.publish(number, catalog(campaign("a")), Content(), entry)
    return made


def test_the_table_has_the_newest_first(memory: MemoryStore) -> None:
    memory.forget(1)
    lines = adserver("history", store=memory).stdout.splitlines()
    assert lines[0].split() == ["generation", "when", "who", "commit", "message", "changes"]
    assert [line.split()[0] for line in lines[1:]] == ["3", "2", "1"]
    assert "back to generation 1" in lines[1]
    assert lines[1].endswith("live")
    assert "2026-11-02 09:00 UTC" in lines[2]
    assert "bob@desk" in lines[2]
    assert "~1" in lines[2]
    assert "4fd3c0a1b2c3+" in lines[3]
    assert "The autumn of the roastery" in lines[3]
    assert "+2" in lines[3]
    assert lines[3].endswith("content no longer kept")


def test_it_is_as_long_as_asked_for(memory: MemoryStore) -> None:
    lines = adserver("history", "--last", "2", store=memory).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["3", "2"]
    assert adserver("history", "--last", "0", store=memory).exit_code == 2


def test_a_long_message_is_shortened_in_the_table_alone(memory: MemoryStore) -> None:
    memory.publish(3, catalog(), Content(), Entry("ana@desk", "word " * 30))
    assert "word…" in adserver("history", store=memory).stdout
    assert "word " * 29 + "word" in adserver("history", "4", store=memory).stdout


def test_one_generation_is_told_whole(memory: MemoryStore) -> None:
    said = adserver("history", "1", store=memory).stdout
    assert said.splitlines()[0] == "Generation 1"
    assert "who: ana@desk" in said
    assert f"commit: {SHA}+" in said
    assert "how: apply" in said
    assert said.rstrip().endswith("+ a\n+ b")
    assert "how: back to generation 1" in adserver("history", "3", store=memory).stdout


def test_one_that_changed_nothing_says_so() -> None:
    said = adserver("history", "1", store=store(catalog())).stdout
    assert "It changed nothing." in said
    assert "message" not in said


def test_as_json_it_has_everything(memory: MemoryStore) -> None:
    found = orjson.loads(adserver("history", "--format", "json", store=memory).stdout)
    newest, _, oldest = found["generations"]
    assert oldest == {
        "generation": 1,
        "at": "2026-11-02T09:00:00+00:00",
        "author": "ana@desk",
        "message": "The autumn of the\nroastery",
        "commit": SHA + "+",
        "kind": "apply",
        "of": 0,
        "live": False,
        "kept": True,
        "changes": "+2",
        "diff": "+ a\n+ b",
    }
    assert (newest["kind"], newest["of"], newest["live"]) == ("rollback", 1, True)
    one = orjson.loads(adserver("history", "1", "--format", "json", store=memory).stdout)
    assert one == oldest


def test_before_any_apply_it_says_what_to_do() -> None:
    said = adserver("history", store=store())
    assert (said.exit_code, "adserver apply" in said.stdout) == (0, True)
    asked = adserver("history", "--format", "json", store=store())
    assert orjson.loads(asked.stdout) == {"generations": []}


def test_a_generation_that_never_was_is_told_with_the_last(memory: MemoryStore) -> None:
    result = adserver("history", "9", store=memory)
    assert result.exit_code == 1
    assert "there is no generation '9'" in result.stderr
    assert "The last is 3." in result.stderr
