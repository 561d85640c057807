"""Links: what is let through, in which form, and what is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.publishing.findings import Complaint
from adserver.publishing.links import (
    MAX_LINK,
    Address,
    read_address,
    read_host,
    read_link,
    slug,
    with_query,
)


def link(text: str) -> str:
    address = read_link(text)
    assert isinstance(address, Address), address
    return str(address)


@pytest.mark.parametrize(
    "text",
    [
        "https://brulerie.example/automne",
        "http://brulerie.example",
        "https://brulerie.example:8443/a/b;c?x=1&y=%20#top",
        "https://localhost:8080/",
        "https://192.0.2.7/",
        "https://[2001:db8::1]:8080/x",
        "https://x.example/?c=%%campaign%%#%%random%%",
        "https://xn--brlerie-g2a.example/",
    ],
)
def test_a_good_link_is_kept_as_it_is(text: str) -> None:
    assert link(text) == text


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("HTTPS://Brulerie.EXAMPLE/Été", "https://brulerie.example/%C3%89t%C3%A9"),
        ("https://brûlerie.example/", "https://xn--brlerie-g2a.example/"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ('https://x.example/"<>', "https://x.example/%22%3C%3E"),
        ("https://x.example:0443/", "https://x.example:443/"),
        ("https://x.example/100%", "https://x.example/100%"),
    ],
)
def test_a_link_comes_back_as_it_is_sent(text: str, sent: str) -> None:
    assert link(text) == sent


@pytest.mark.parametrize(
    "text",
    [
        "",
        " https://x.example/",
        "https://x.example/\n",
        "https://x.example/a b",
        "https://x.example/\u00a0",
        "https://x.example/\u3000",
        "java\tscript:alert(1)",
        "https://x.example/\x00",
        "https://x.example/\x7f",
        "https://x.example/\u202e",
        "https:\\\\x.example",
        "https://x.example\\@evil.example/",
        "//x.example/",
        "/path",
        "x.example",
        "https:x.example",
        "https:/x.example",
        "https://",
        "https:///path",
        "https://?q",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://x.example/",
        "mailto:a@x.example",
        "https://user@x.example/",
        "https://user:pw@x.example/",
        "https://@x.example/",
        "https://x.example:/",
        "https://x.example:0/",
        "https://x.example:65536/",
        "https://x.example:http/",
        "https://x.example:٣/",
        "https://-x.example/",
        "https://x_y.example/",
        "https://x..example/",
        "https://.example/",
        "https://%78.example/",
        "https://x.example%2fevil/",
        "https://[::1/",
        "https://[::g]/",
        "https://[::1]x/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://256.1.1.1/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 130}example/",
        "https://xn--a\u0300.example/",
        "https://xn--zzzzzzzz.example/",
        "https://\u2024.example/",
        "https://%%slot%%.example/",
        "https://x.example:%%random%%/",
        "%%click%%",
        "https://x.example/?%%page%%",
        "https://x.example/?%%unknown%%",
        "https://x.example/" + "a" * MAX_LINK,
    ],
)
def test_a_bad_link_is_refused(text: str) -> None:
    complaint = read_link(text)
    assert isinstance(complaint, Complaint)
    assert complaint.message


def test_a_link_may_have_exactly_the_greatest_length() -> None:
    start = "https://x.example/"
    assert link(start + "a" * (MAX_LINK - len(start)))
    assert isinstance(read_link(start + "a" * (MAX_LINK - len(start) + 1)), Complaint)


def test_an_address_of_another_scheme_is_refused_where_only_https_will_do() -> None:
    complaint = read_link("http://x.example/", schemes=("https",))
    assert isinstance(complaint, Complaint)
    assert complaint.hint == "write https://x.example/"


def test_a_macro_that_links_do_not_know_brings_the_nearest_that_they_do() -> None:
    complaint = read_link("https://x.example/?%%slots%%")
    assert isinstance(complaint, Complaint)
    assert complaint.hint == "did you mean `%%slot%%`?"


@given(st.text())
def test_every_text_is_a_link_or_a_complaint(text: str) -> None:
    answer = read_link(text)
    if isinstance(answer, Address):
        assert_plain(str(answer))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.sampled_from("/?#"))
def test_nothing_behind_the_host_moves_the_host(text: str, mark: str) -> None:
    answer = read_address(f"https://x.example{mark}{text}")
    if isinstance(answer, Address):
        assert_plain(str(answer))
        assert urlsplit(str(answer)).hostname == "x.example"


def assert_plain(text: str) -> None:
    """What a Location header may hold, read back by another parser."""
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set(' "<>\\^`{|}')
    parts = urlsplit(text)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.username is None


def test_hosts_are_read_in_ascii() -> None:
    assert read_host("Été.example") == "xn--t-9fab.example"
    assert read_host("x.example.") == "x.example."
    assert read_host("") is None


UTM = {"utm_source": "le-comptoir", "utm_medium": "display"}


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://x.example", "https://x.example?utm_source=le-comptoir&utm_medium=display"),
        (
            "https://x.example/a?b=%%slot%%#top",
            "https://x.example/a?b=%%slot%%&utm_source=le-comptoir&utm_medium=display#top",
        ),
        ("https://x.example/?", "https://x.example/?utm_source=le-comptoir&utm_medium=display"),
        ("https://x.example/?a&", "https://x.example/?a&utm_source=le-comptoir&utm_medium=display"),
        (
            "https://x.example/?utm_source=mine",
            "https://x.example/?utm_source=mine&utm_medium=display",
        ),
        (
            "https://x.example/?utm_source=&utm_medium=m",
            "https://x.example/?utm_source=&utm_medium=m",
        ),
    ],
)
def test_parameters_are_added_behind_those_that_are_there(text: str, sent: str) -> None:
    address = read_link(text)
    assert isinstance(address, Address)
    assert str(with_query(address, UTM)) == sent


def test_a_slug_is_plain() -> None:
    assert slug("Le Comptoir") == "le-comptoir"
    assert slug("  L’Été à Brest! ") == "lete-a-brest"
    assert slug("新聞") == ""
