"""What is written as YAML is read back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.publishing.files import parse
from adserver.publishing.findings import Findings
from adserver.publishing.nodes import Kind, ListNode, MapNode, Scalar
from adserver.publishing.signs import NOT_OF_A_FILE
from adserver.publishing.yaml_text import flow_list, scalar

# Letters of all kinds, and what means something to YAML more often than chance would have it.
SIGNS = st.sampled_from([*":#-?,[]{}&*!|>'\"%@`\\ \t\n/.~=", "null", "true", "8.50", "é", "…"])
TEXTS = st.lists(SIGNS | st.characters(exclude_categories=["Cs"]), max_size=30).map("".join)
ALLOWED = TEXTS.filter(lambda text: not NOT_OF_A_FILE.search(text.replace("\r", "")))


def read(text: str) -> MapNode:
    findings = Findings("x.yaml")
    node = parse(text, findings)
    assert findings.problems == []
    assert isinstance(node, MapNode)
    return node


@given(ALLOWED)
def test_a_text_is_read_back_as_the_same_text(text: str) -> None:
    _, value = read(f"key: {scalar(text)} # remark\n").entries["key"]
    assert isinstance(value, Scalar)
    assert (value.text, value.kind) == (text, Kind.TEXT)


@given(st.lists(ALLOWED, min_size=1, max_size=5))
def test_so_is_a_list_of_texts(texts: list[str]) -> None:
    _, value = read(f"key: {flow_list(texts)}\n").entries["key"]
    assert isinstance(value, ListNode)
    assert [(item.text, item.kind) for item in value.items] == [(t, Kind.TEXT) for t in texts]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Brûlerie du Port", "Brûlerie du Port"),
        ("https://shop.example/?a=%%slot%%", '"https://shop.example/?a=%%slot%%"'),
        ("https://shop.example/x", "https://shop.example/x"),
        ("2026-11-02", "2026-11-02"),
        ("post-top", "post-top"),
        ("post-*", '"post-*"'),
        ("true", '"true"'),
        ("8.50", '"8.50"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
    ],
)
def test_quotes_are_there_where_they_are_needed(text: str, written: str) -> None:
    assert scalar(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [("8.50", "8.50"), ("-1", "-1"), ("true", "true"), ("1e3", "1e3"), ("x", "x"), ("", '""')],
)
def test_what_may_be_a_number_or_a_flag_stays_one(text: str, written: str) -> None:
    assert scalar(text, is_text=False) == written
