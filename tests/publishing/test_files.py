"""Strict YAML: what a scalar is, where it stands, and what is too much."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.publishing.files import MAX_BYTES, MAX_DEPTH, MAX_NODES, decode, load, parse
from adserver.publishing.findings import Findings
from adserver.publishing.nodes import Kind, ListNode, MapNode, Scalar, describe, quoted


def read(text: str) -> tuple[MapNode | None, Findings]:
    findings = Findings("x.yaml")
    return parse(text, findings), findings


def scalar(text: str) -> Scalar:
    node, findings = read(f"key: {text}\n")
    assert node is not None, findings.problems
    value = node.entries["key"][1]
    assert isinstance(value, Scalar)
    return value


def first_code(findings: Findings) -> str:
    return findings.problems[0].code


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("no", Kind.TEXT),
        ("on", Kind.TEXT),
        ("yes", Kind.TEXT),
        ("NO", Kind.TEXT),
        ("12:30", Kind.TEXT),
        ("2026-11-02", Kind.TEXT),
        ("1_000", Kind.TEXT),
        ("0x1F", Kind.TEXT),
        (".inf", Kind.TEXT),
        (".nan", Kind.TEXT),
        ("970x250", Kind.TEXT),
        ("3%", Kind.TEXT),
        ('"12"', Kind.TEXT),
        ("'true'", Kind.TEXT),
        ("|\n  true", Kind.TEXT),
        ("12", Kind.NUMBER),
        ("-0.5", Kind.NUMBER),
        ("+1e3", Kind.NUMBER),
        (".5", Kind.NUMBER),
        ("0042", Kind.NUMBER),
        ("true", Kind.FLAG),
        ("False", Kind.FLAG),
        ("", Kind.NOTHING),
        ("~", Kind.NOTHING),
        ("null", Kind.NOTHING),
    ],
)
def test_a_scalar_is_what_it_looks_like(written: str, kind: Kind) -> None:
    assert scalar(written).kind is kind


def test_a_number_keeps_the_way_it_is_written() -> None:
    assert scalar("0042").text == "0042"


def test_nodes_know_their_line_and_column() -> None:
    node, _ = read("été: 1\nb:\n  - x\n  - {c: 'é', d: 2}\n")
    assert node is not None
    key, value = node.entries["été"]
    assert (key.line, key.column, value.line, value.column) == (1, 1, 1, 6)
    items = node.entries["b"][1]
    assert isinstance(items, ListNode)
    inner = items.items[1]
    assert isinstance(inner, MapNode)
    assert (inner.line, inner.column) == (4, 5)
    assert (inner.entries["d"][1].line, inner.entries["d"][1].column) == (4, 17)


def test_windows_line_ends_change_no_place() -> None:
    node, _ = read("a: 1\r\nb: 2\r\n")
    assert node is not None
    assert node.entries["b"][0].line == 2


def test_64_levels_are_read_and_65_are_not() -> None:
    inner = MAX_DEPTH - 1
    node, findings = read(f"a: {'[' * inner}{']' * inner}\n")
    assert node is not None
    assert not findings.problems
    node, findings = read(f"a: {'[' * (inner + 1)}{']' * (inner + 1)}\n")
    assert node is None
    assert first_code(findings) == "too_deep"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_a_tower_of_brackets_is_refused_at_once(opening: str) -> None:
    begun = time.perf_counter()
    _, findings = read(opening * 200_000)
    assert findings.problems
    assert time.perf_counter() - begun < 5


def test_10_000_values_are_read_and_one_more_is_not() -> None:
    # The mapping, its key and the list are values too.
    node, _ = read(f"a: [{'b,' * (MAX_NODES - 3)}]\n")
    assert node is not None
    node, findings = read(f"a: [{'b,' * (MAX_NODES - 2)}]\n")
    assert node is None
    assert first_code(findings) == "too_many_values"


def test_a_file_of_more_than_1_mib_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\n" + b"#" * (MAX_BYTES - 5))
    findings = Findings("x.yaml")
    assert load(path, findings)[1] is not None
    path.write_bytes(b"a: 1\n" + b"#" * (MAX_BYTES - 4))
    assert load(path, findings) == ("", None)
    assert first_code(findings) == "file_too_large"


def test_a_missing_file_and_a_folder_are_problems(tmp_path: Path) -> None:
    findings = Findings("x.yaml")
    assert load(tmp_path / "x.yaml", findings) == ("", None)
    assert load(tmp_path, findings) == ("", None)
    assert [p.code for p in findings.problems] == ["missing_file", "unreadable_file"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    findings = Findings("x.yaml")
    assert load(tmp_path / "x.yaml", findings) == ("", None)
    assert first_code(findings) == "unreadable_file"


@pytest.mark.parametrize("codec", ["utf-16", "utf-32", "utf-16-le", "utf-8-sig", "latin-1"])
def test_only_plain_utf8_is_read(codec: str) -> None:
    findings = Findings("x.yaml")
    assert decode("clé: café\n".encode(codec), findings) is None
    assert findings.failed


def test_two_problems_of_one_file_are_both_told() -> None:
    _, findings = read("a: &x 1\nb: *x\na: !t 2\n<<: {c: 1}\n")
    assert [p.code for p in findings.problems] == [
        "yaml_anchor",
        "yaml_alias",
        "yaml_tag",
        "duplicate_key",
        "yaml_merge",
    ]


def test_keys_compare_as_they_are_written() -> None:
    node, findings = read("1: a\n'1': b\nno: c\n")
    assert node is not None
    assert first_code(findings) == "duplicate_key"
    assert list(node.entries) == ["1", "no"]


def test_an_alias_at_the_top_is_told_once() -> None:
    node, findings = read("*x\n")
    assert node is None
    assert [p.code for p in findings.problems] == ["yaml_alias"]


@pytest.mark.parametrize("key", ["? [a]", "? {a: b}", "? ", "~"])
def test_a_key_is_a_word(key: str) -> None:
    _, findings = read(f"{key}\n: 1\n" if key.startswith("?") else f"{key}: 1\n")
    assert first_code(findings) == "bad_key"


@given(st.text(st.characters(codec="utf-8")))
def test_no_text_raises(text: str) -> None:
    findings = Findings("x.yaml")
    decoded = decode(text.encode(), findings)
    if decoded is not None:
        parse(decoded, findings)


@given(st.binary())
def test_no_bytes_raise(data: bytes) -> None:
    decode(data, Findings("x.yaml"))


@given(st.text("ab:-[]{}&*!|>'\"%@`,?# \n\t~<"))
def test_no_punctuation_raises_and_nothing_is_refused_without_a_place(text: str) -> None:
    node, findings = read(text)
    assert node is not None or findings.failed
    assert all(p.line >= 1 and p.column >= 1 and p.message for p in findings.problems)


def test_nodes_are_described_in_words() -> None:
    assert describe(ListNode(1, 1, [])) == "an empty list"
    assert describe(MapNode(1, 1, {})) == "an empty mapping"
    assert describe(Scalar(1, 1, "", Kind.NOTHING)) == "nothing"
    assert quoted("a\tb" + "c" * 100) == "`a\\tb" + "c" * 56 + "…`"
