"""Parsers of what strangers send, on texts that nobody would think of: no error but a documented
one. `make soak` tries a thousand times as many. What once failed stays as an @example."""

from __future__ import annotations

import os
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adserver.core.context import Context
from adserver.core.errors import TicketError
from adserver.core.problems import Severity
from adserver.core.ticket import TEXT_LENGTH, Sealer, Ticket
from adserver.publishing.read import read_folder
from adserver.serving.calls import Malformed, read_call, read_json
from adserver.serving.headers import country_said, languages_of, visitor_headers
from adserver.serving.peers import FORWARDED_FOR, address_of, readers_address
from adserver.serving.readings import Reader
from adserver.serving.request import Declared, Pages, page_address, read_query

SOAK = "SOAK" in os.environ
fuzzed = settings(max_examples=50_000 if SOAK else 60)
pytestmark = pytest.mark.timeout(3_600 if SOAK else 120)

PAGES = Pages(
    sites=(("blog", "https://blog.example"),),
    languages=("en", "fr"),
    default_language="fr",
    declared={"section": Declared(frozenset({"tech"}), False), "tags": Declared(frozenset(), True)},
)
KEYS = ("url", "lang", "country", "device", "consent", "capped", "exclude", "slots", "section")
# Pieces that parsers stumble over, and whatever else there is.
PIECES = (
    "%00", "%ff", "%", "%2", "&", "=", ";", ",", "[]", "[a]", "\0", "\r\n", "https://", "//",
    "[::1", "]", ":", "@", "#", "?", "..", "\u202e", "\ufeff", "\u2028", "nan", "inf", "1e999",
    "-", "_",
    "*", "q=", "fr", "<script>", "\x85", "\u0130", "\ufb03", "xn--", "0", "99999999999999999999",
)  # fmt: skip
pieces = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=30).map("".join)
raw = st.one_of(st.binary(max_size=200), pieces.map(lambda text: text.encode("utf-8", "replace")))


# Tickets

SEALER = Sealer([b"a key that these tests alone know of"])
GOOD = SEALER.seal(Ticket(1, 2, 3, 4, 5, 6, 7, 8, 9, 0)).decode()


@fuzzed
@given(text=st.one_of(pieces, st.text(min_size=TEXT_LENGTH, max_size=TEXT_LENGTH)))
@example("é" * TEXT_LENGTH)
@example("A" * TEXT_LENGTH)
@example("\ud800" * TEXT_LENGTH)
@example("=" * TEXT_LENGTH)
def test_a_text_is_a_ticket_of_ours_or_a_ticket_error(text: str) -> None:
    with pytest.raises(TicketError):
        SEALER.unseal(text)


@fuzzed
@given(at=st.integers(0, TEXT_LENGTH - 1), letter=st.characters())
def test_one_letter_of_a_good_ticket_changed_is_a_ticket_error(at: int, letter: str) -> None:
    changed = GOOD[:at] + letter + GOOD[at + 1 :]
    if changed == GOOD:
        assert SEALER.unseal(changed).serial == 2
    else:
        with pytest.raises(TicketError):
            SEALER.unseal(changed)


# Contexts

HEADERS = (
    b"referer", b"user-agent", b"accept-language", b"sec-ch-ua-mobile", b"sec-gpc", b"dnt",
    b"sec-purpose", b":country", b":country-found",
)  # fmt: skip
headers = st.dictionaries(st.sampled_from(HEADERS), raw)
query = st.lists(st.tuples(st.sampled_from(KEYS), raw), max_size=12).map(
    lambda pairs: b"&".join(key.encode() + b"=" + value for key, value in pairs)
)


@fuzzed
@given(text=st.one_of(raw, query), with_headers=headers)
@example(b"url=https://[::1", {})
@example(b"url=https://h:99999999999", {})
@example(b"url=http://\xe2\x84\x80.example", {})
@example(b"lang=%ED%A0%80", {b"accept-language": b";q=nan,;q=-1"})
def test_whatever_a_page_says_is_a_context(text: bytes, with_headers: dict[bytes, bytes]) -> None:
    scope = {"query_string": text, "headers": list(with_headers.items())}
    made = Reader(PAGES, {}).read(scope)
    assert isinstance(made.context, Context)
    assert made.context.language in PAGES.languages
    assert made.context.site in ("", "blog")
    for values in read_query(text)[0].values():
        assert all(value.isprintable() for value in values)


@fuzzed
@given(text=pieces)
@example("http://[")
@example("http://a:b")
@example("https://\u2100.example")
def test_an_address_of_a_page_is_one_or_nothing(text: str) -> None:
    for url in (text, f"https://{text}", f"https://blog.example/{text}"):
        made = page_address(url)
        assert made == "" or made.startswith(("http://", "https://"))
        assert "?" not in made


@fuzzed
@given(text=raw)
@example(b"fr;q=nan")
@example(b"fr;q=1e999")
@example(b"fr;q=" + b"9" * 5_000)
@example(b"fr;q=1_0")
def test_whatever_is_accepted_is_a_list_of_languages(text: bytes) -> None:
    assert all(isinstance(one, str) for one in languages_of(text))


# Addresses

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
hops = st.lists(
    st.one_of(st.ip_addresses().map(str), pieces, st.sampled_from(["10.0.0.1", "::ffff:10.0.0.1"])),
    max_size=20,
).map(lambda parts: ", ".join(parts).encode("utf-8", "replace"))


@fuzzed
@given(told=st.lists(st.one_of(hops, raw), max_size=4))
@example([b"[::1]:80]:80"])
@example([b"fe80::1%eth0"])
@example([b"10.0.0.1," * 1_000])
@example([b"\xd9\xa1.2.3.4"])
def test_whatever_is_forwarded_an_address_is_one_that_is_not_trusted(told: list[bytes]) -> None:
    scope = {"client": ("10.0.0.1", 1), "headers": [(FORWARDED_FOR, one) for one in told]}
    found = readers_address(scope, TRUSTED)
    assert found is None or isinstance(found, IPv4Address | IPv6Address)
    assert found is None or not any(found in network for network in TRUSTED)


@fuzzed
@given(text=pieces)
def test_a_text_is_an_address_or_none(text: str) -> None:
    found = address_of(text)
    assert found is None or isinstance(found, IPv4Address | IPv6Address)


# Bodies

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), pieces),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(
            st.one_of(st.sampled_from([*KEYS, "slot", "ip", "user_agent"]), pieces), inner
        ),
    ),
    max_leaves=12,
)
calls = st.fixed_dictionaries(
    {},
    optional={
        "slots": st.one_of(
            json_values,
            st.lists(
                st.one_of(
                    pieces,
                    st.fixed_dictionaries({"slot": pieces}, optional={"context": json_values}),
                ),
                max_size=4,
            ),
        ),
        "context": json_values,
        "visitor": json_values,
    },
)


@fuzzed
@given(call=calls, trusted=st.booleans())
@example({"slots": ["a"], "context": {"url": float("inf")}}, False)
@example({"slots": ["a"], "visitor": {"user_agent": "\ud800", "ip": "\ud800"}}, True)
@example({"slots": ["a"], "visitor": {"capped": {"a": 1}}}, True)
def test_whatever_a_call_says_it_is_read_or_malformed(call: dict[str, Any], trusted: bool) -> None:
    try:
        made = read_call(call, {b"user-agent": b"a"}, PAGES, trusted, lambda _: "fr")
    except Malformed as refused:
        orjson.dumps({"error": refused.error, "hint": refused.hint})
    else:
        assert made.asked
        assert all(isinstance(context, Context) for _, context in made.asked)


@fuzzed
@given(body=st.one_of(raw, json_values.map(lambda value: repr(value).encode("utf-8", "replace"))))
async def test_whatever_a_body_is_it_is_an_object_or_malformed(body: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        made = await read_json(receive)
    except Malformed as refused:
        orjson.dumps({"error": refused.error, "hint": refused.hint})
    else:
        assert isinstance(made, dict)


@fuzzed
@given(visitor=st.dictionaries(st.sampled_from(["ip", "user_agent", "capped", "x"]), json_values))
def test_whatever_is_said_of_a_visitor_is_headers(visitor: dict[str, Any]) -> None:
    made = visitor_headers(visitor, {}, lambda _: "fr")
    assert all(isinstance(value, bytes) for value in made.values())
    assert country_said(made) in ("", "fr")


# Files

YAML = (
    "a: 1\n", "- b\n", "? c\n", ": d\n", "&x ", "*x ", "<<: *x\n", "!!binary ",
    "!!python/object:os.system ", "|\n  text\n", ">-\n", "{", "}", "[", "]", "'",
    '"', "\\", "\t", "  ", "---\n", "...\n",
    "%YAML 9.9\n",
    "# c\n", "0x1F", "1e999", ".inf", ".nan", "2026-99-99", "12:60", "yes", "~", "tier: house\n",
    "slots: [a]\n", "creatives: [{id: a, text: {headline: x}}]\n", "link: https://a.example\n",
    "advertiser: A\n", "flight: {first_day: 2026-01-01}\n", "goal: {impressions: 1}\n",
)  # fmt: skip
yaml_texts = st.lists(st.one_of(st.sampled_from(YAML), pieces), max_size=25).map("".join)
FILES = ("site.yaml", "slots.yaml", "campaigns/a.yaml")
GOOD_FILES = dict(
    zip(
        FILES,
        (
            "name: N\nsites: {b: https://b.example}\ntimezone: Europe/Paris\ncurrency: EUR\n"
            "language: fr\nlabel: {fr: P}\nbreakpoint: 1000px\n",
            "a: {title: A, sizes: {desktop: 728x90, mobile: 320x100}, on_empty: house}\n",
            "advertiser: A\ntier: house\nslots: [a]\nlink: https://a.example/\n"
            "creatives: [{id: c, text: {headline: H}}]\n",
        ),
        strict=True,
    )
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fuzzed")
    (made / "campaigns").mkdir()
    return made


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def test_files_that_are_good_are_read_so_that_others_can_fail(folder: Path) -> None:
    write(folder, {name: text.encode() for name, text in GOOD_FILES.items()})
    assert read_folder(folder).problems == ()


@fuzzed
@given(
    name=st.sampled_from(FILES),
    text=st.one_of(yaml_texts.map(lambda text: text.encode("utf-8", "replace")), raw),
    whole=st.booleans(),
)
@example("campaigns/a.yaml", b"a: &a [*a]", True)
@example("campaigns/a.yaml", b"[" * 5_000, True)
@example("campaigns/a.yaml", b"{a: " * 5_000, True)
@example("site.yaml", b"a: &a {b: 1}\n<<: *a\n", True)
@example("slots.yaml", b"&a [&b [&c [x, x], *c, *c], *b, *b]", True)
@example("slots.yaml", b"!!python/object/apply:os.system [id]", True)
@example("slots.yaml", b"? [a, b]\n: c\n? {d: e}\n: f\n", True)
def test_whatever_a_file_says_it_is_read_or_told(
    folder: Path, name: str, text: bytes, whole: bool
) -> None:
    """whole: nothing else is in the file; otherwise it stands behind what is good."""
    good = {one: written.encode() for one, written in GOOD_FILES.items()}
    write(folder, {**good, name: text if whole else good[name] + text})
    made = read_folder(folder)
    for problem in made.problems:
        assert problem.message
        assert problem.severity in set(Severity)
    assert made.catalog is not None or made.problems
