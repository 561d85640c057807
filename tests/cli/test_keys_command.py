"""`adserver keys` as a table and as JSON; adding and forgetting, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result

from adserver.cli.failures import told
from adserver.core.errors import UnknownKey
from adserver.core.nodes import KnownKey, NodeState
from adserver.core.ticket import fingerprint
from tests.cli.command import adserver
from tests.factories import NOW
from tests.memory import MemoryStore, store

FIRST, SECOND, THIRD = (
    f"the {which} key of those in these tests" for which in ("1st", "2nd", "3rd")
)
ONE, TWO, THREE = (fingerprint(key.encode()) for key in (FIRST, SECOND, THIRD))


@pytest.fixture
def memory() -> MemoryStore:
    """Two known keys; a node signs with the first, and another did until an hour ago."""
    made = store()
    made.signing.add([KnownKey(ONE, NOW, "ana@desk"), KnownKey(TWO, NOW + 60, "web-1")])
    made.workers = [
        NodeState("web-1/0", 1, since=NOW, seen_at=NOW, signs_with=ONE),
        NodeState("web-2/0", 1, since=NOW, seen_at=NOW - 3_600, signs_with=TWO),
    ]
    return made


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def keys(memory: MemoryStore, state: Path, *words: str, configured: str = "") -> Result:
    env = {
        "ADSERVER_STATE": str(state),
        "ADSERVER_SECRET_KEY": configured,
        "GIT_AUTHOR_NAME": "Nadia",
    }
    return adserver("keys", *words, store=memory, env=env)


def answer(*asked: Any, **configured: str) -> Any:
    result = keys(*asked, "--format", "json", **configured)
    assert result.exit_code == 0, result.stderr
    return orjson.loads(result.stdout)


def test_known_keys_are_listed_with_who_signs_with_them_and_what_this_node_does(
    memory: MemoryStore, state: Path
) -> None:
    shown = keys(memory, state, configured=f"{SECOND},{FIRST}").stdout.splitlines()
    assert shown[0].split() == ["key", "added", "by", "signs", "on", "here"]
    assert shown[1] == (
        f"{ONE}  2026-11-02 09:00 UTC  ana@desk  web-1/0   this node verifies with it"
    )
    assert shown[2] == (f"{TWO}  2026-11-02 09:01 UTC  web-1               this node signs with it")
    assert len(shown) == 3


def test_json_is_as_documented(memory: MemoryStore, state: Path) -> None:
    assert answer(memory, state, configured=f"{FIRST},{THIRD}") == {
        "keys": [
            {
                "fingerprint": ONE,
                "added_at": NOW,
                "added_by": "ana@desk",
                "here": "signs",
                "signs_on": ["web-1/0"],
            },
            {
                "fingerprint": TWO,
                "added_at": NOW + 60,
                "added_by": "web-1",
                "here": None,
                "signs_on": [],
            },
        ],
        "unknown": [THREE],
    }


def test_a_key_of_this_node_that_is_not_known_is_told(memory: MemoryStore, state: Path) -> None:
    last = keys(memory, state, configured=f"{THIRD},{ONE}{TWO}").stdout.splitlines()[-2:]
    assert last[0] == (
        f"{THREE} is not known, and this node signs with it: `adserver keys add` makes it known."
    )
    assert "this node verifies with it" in last[1]


def test_looking_makes_no_key(memory: MemoryStore, state: Path) -> None:
    assert keys(memory, state).exit_code == 0
    assert not state.exists()
    state.mkdir()
    (state / "secret.key").touch(0o600)
    (state / "secret.key").write_text(FIRST)
    assert "this node signs with it" in keys(memory, state).stdout


def test_before_any_node_came_it_says_what_will_be(state: Path) -> None:
    shown = keys(store(), state).stdout
    assert shown == (
        "No signing key is known yet: the first node that starts makes its own known.\n"
    )


def test_adding_makes_all_keys_of_this_node_known(memory: MemoryStore, state: Path) -> None:
    done = keys(memory, state, "add", configured=f"{FIRST},{THIRD}")
    assert (done.exit_code, done.stdout) == (
        0,
        f"{ONE} was known already.\n{THREE} may be used now.\n",
    )
    added = memory.signing.known()[-1]
    assert added.fingerprint == THREE
    assert added.added_by.startswith("Nadia@")
    assert answer(memory, state, "add", configured=THIRD) == {"added": [], "known": [THREE]}


def test_where_no_key_is_set_up_there_is_none_to_add_and_none_is_made(
    memory: MemoryStore, state: Path
) -> None:
    refused = keys(memory, state, "add")
    assert refused.exit_code == 2
    assert "ADSERVER_SECRET_KEY_FILE" in refused.stderr
    assert str(state) in refused.stderr
    assert not state.exists()


def test_a_key_that_no_node_signs_with_is_forgotten(memory: MemoryStore, state: Path) -> None:
    done = keys(memory, state, "forget", TWO)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{TWO} is forgotten")
    assert [key.fingerprint for key in memory.signing.known()] == [ONE]
    memory.signing.add([KnownKey(TWO, NOW, "ana@desk")])
    assert answer(memory, state, "forget", TWO) == {"forgotten": TWO}


def test_a_key_that_a_node_signs_with_is_kept(memory: MemoryStore, state: Path) -> None:
    refused = keys(memory, state, "forget", ONE)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"Error: {ONE} is what web-1/0 signs with; ")
    assert len(memory.signing.known()) == 2


def test_the_only_key_is_kept(memory: MemoryStore, state: Path) -> None:
    memory.signing.forget(ONE)
    refused = keys(memory, state, "forget", TWO)
    assert refused.exit_code == 1
    assert "add the one that takes its place first" in refused.stderr


def test_a_key_that_is_not_known_is_told_with_the_nearest(memory: MemoryStore, state: Path) -> None:
    refused = keys(memory, state, "forget", ONE[:-1])
    assert refused.exit_code == 1
    assert f"there is no known signing key '{ONE[:-1]}'" in refused.stderr
    assert f"Did you mean '{ONE}'?" in refused.stderr
    assert "Did you mean" not in keys(memory, state, "forget", "zzz").stderr


def test_a_refused_node_is_told_what_is_known_and_what_to_do() -> None:
    lines = told(UnknownKey(THREE, [KnownKey(ONE, NOW, "ana@desk")]))
    assert THREE in lines[0]
    assert f"  {ONE}  added 2026-11-02 09:00 UTC by ana@desk" in lines
    assert "adserver keys add" in lines[-1]


def test_no_answer_has_a_key_in_it(memory: MemoryStore, state: Path) -> None:
    for words in ((), ("add",), ("forget", TWO), ("--format", "json")):
        result = keys(memory, state, *words, configured=f"{FIRST},{THIRD}")
        for secret in (FIRST, THIRD):
            assert secret not in result.stdout + result.stderr
