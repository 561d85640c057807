"""A draft says what it was given, each value in a line that leads back to it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adserver.publishing.campaign_file import KEYS
from adserver.publishing.drafts import HEADER, ORDER, Given, draft
from adserver.publishing.files import parse
from adserver.publishing.findings import Findings
from adserver.publishing.nodes import ListNode, MapNode, Node, Scalar
from adserver.publishing.signs import NOT_OF_A_FILE

TEXTS = st.text(min_size=1, max_size=20).filter(lambda text: not NOT_OF_A_FILE.search(text))
SINGLE = ("advertiser", "tier", "flight.first_day", "flight.last_day", "goal.share", "link")
LISTS = ("slots", "targeting.tags", "targeting.device.none", "targeting.device.any")
OF_CREATIVES = ("creative.id", "creative.headline", "creative.cta", "creative.alt")


def read(text: str) -> Any:
    findings = Findings("x.yaml")
    node = parse(text, findings)
    assert findings.problems == []
    assert node is not None
    return plain(node)


def plain(node: Node) -> Any:
    match node:
        case Scalar():
            return node.text
        case ListNode():
            return [plain(item) for item in node.items]
        case MapNode():
            return {key: plain(value) for key, (_, value) in node.entries.items()}


def meant(values: list[Given]) -> dict[str, Any]:
    """The same tree, made the straight way."""
    tree: dict[str, Any] = {}
    creatives: dict[int, dict[str, Any]] = {}
    for one in values:
        value = one.value if isinstance(one.value, str) else list(one.value)
        *path, last = one.key.split(".")
        at = tree
        if path == ["creative"]:
            at = creatives.setdefault(one.creative, {})
            path = ["text"] if last in ("headline", "cta") else []
        for word in path:
            at = at.setdefault(word, {})
        at[last] = value
    return tree | ({"creatives": list(creatives.values())} if creatives else {})


@st.composite
def values(draw: st.DrawFn) -> list[Given]:
    found = [Given(key, draw(TEXTS), key) for key in draw(st.sets(st.sampled_from(SINGLE)))]
    lists = st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
    found += [Given(key, draw(lists), key) for key in draw(st.sets(st.sampled_from(LISTS)))]
    for number in range(draw(st.integers(0, 3))):
        keys = draw(st.sets(st.sampled_from(OF_CREATIVES), min_size=1))
        found += [Given(key, draw(TEXTS), f"{key}/{number}", number) for key in sorted(keys)]
    return found


@given(values().filter(bool))
def test_what_is_given_is_read_back(given_values: list[Given]) -> None:
    assert read(draft(given_values).text) == meant(given_values)


@given(values().filter(bool))
def test_every_line_leads_to_a_value_that_stands_in_it(given_values: list[Given]) -> None:
    made = draft(given_values)
    lines = made.text.split("\n")
    assert lines[0] == HEADER
    assert sorted(made.origins) == list(range(2, len(lines)))
    by_origin = {one.origin: one for one in given_values}
    for number, origin in made.origins.items():
        last = by_origin[origin].key.rpartition(".")[2]
        if lines[number - 1].strip().removeprefix("- ").startswith(f"{last}:"):
            value = read(lines[number - 1].strip().removeprefix("- "))[last]
            wanted = by_origin[origin].value
            assert value == (wanted if isinstance(wanted, str) else list(wanted))
    assert {*made.origins.values()} == {*by_origin}


def test_keys_stand_as_a_person_would_write_them() -> None:
    made = draft([Given(key, "x", key) for key in ("link", "creative.id", "tier", "else", "price")])
    keys = [line.partition(":")[0] for line in made.text.splitlines()[1:]]
    assert keys == ["tier", "price", "link", "else", "creatives", "  - id"]


def test_every_key_of_a_campaign_has_its_place() -> None:
    assert set(KEYS) <= set(ORDER)


def test_comments_stand_behind_values_and_before_all() -> None:
    made = draft([Given("tier", "house", "t")], {"tier": "who comes first"}, ("Look.",))
    assert made.text.splitlines() == [HEADER, "# Look.", "tier: house # who comes first"]
    assert made.origins == {3: "t"}
