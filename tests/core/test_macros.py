"""Macros, and the proof that no value of a visitor's gets out of its place."""

from __future__ import annotations

import contextlib
import json
import re
import time
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core import escaping
from adserver.core.html_places import Where, place_in_attribute
from adserver.core.macros import (
    LINK_MACROS,
    MACROS,
    NO_PEERS,
    WRITERS,
    compile_html,
    fill_link,
    find_macros,
)

CLICK = "https://ads.example/c/0aB-_9"
PAGE = "https://blog.example/a?b=1&c=<d>"
VALUES = {
    "click": CLICK,
    "campaign": "automne",
    "creative": "riche",
    "slot": "post-top",
    "random": "42",
    "page": PAGE,
}
# What breaks out of something somewhere, thrown at every place as well as what hypothesis finds.
ATTACKS = (
    '"><script>alert(1)</script>',
    "'-alert(1)-'",
    "</script><script>alert(1)//",
    "</style><script>alert(1)</script>",
    "--><img src=x onerror=alert(1)>",
    "`${alert(1)}`",
    "\\';alert(1)//",
    "\u2028alert(1)\u2029",
    " onload=alert(1) x=",
    "%22%3E%3Cscript%3E",
    "&quot;><b>",
    "\r\n<b>\x00\x0b\x0c",
    "*/alert(1)/*",
    "]]><b>",
    "\ud800",
)
hostile = st.one_of(st.sampled_from(ATTACKS), st.text(), st.text("\"'<>&\\/-=` \n\t;:%{}()*!"))

EVERYWHERE = """<!doctype html>
<html><head><title>%%page%%</title><style>a { color: red; content: "%%page%%" }</style></head>
<body onload="go('%%page%%')" class=%%page%% data-page="%%page%%" style="x: url(%%page%%)">
<!-- %%page%% --><p title='%%page%%'>%%page%% %%REFERRER_URL_ESC%%</p>
<a href="%%page%%">1</a><a href=%%page%%>2</a><a href="/x?p=%%page%%&q=1">3</a>
<a href="javascript:go('%%page%%')">4</a><img src="data:text/html,%%page%%" srcset="%%page%% 2x">
<iframe srcdoc="%%page%%"></iframe><textarea>%%page%%</textarea><b %%page%%></b><%%page%%>
<script>var page = "%%page%%", other = '%%REFERRER_URL_UNESC%%', third = `%%page%%`;</script>
<svg><a xlink:href="%%page%%"></a></svg><noscript>%%page%%</noscript></body></html>
"""
TEMPLATE = compile_html(EVERYWHERE)


class Skeleton(HTMLParser):
    """The tags, attribute names and comments of a document, without any value."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.bones: list[object] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.bones.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.bones.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.bones.append(("comment", data))


@given(hostile)
def test_no_page_changes_the_structure_of_a_document(page: str) -> None:
    harmless = TEMPLATE.render(VALUES | {"page": "https://blog.example/"})
    attacked = TEMPLATE.render(VALUES | {"page": f"https://{page}"})
    assert Skeleton(attacked).bones == Skeleton(harmless).bones


@given(hostile)
def test_no_value_ends_the_place_it_stands_in(value: str) -> None:
    for where, write in WRITERS.items():
        written = write(value)
        assert not re.search("[<>\"'`]", written), where
        if where is not Where.TEXT:
            assert not re.search(r"\s", written), where


@given(hostile)
def test_a_script_reads_the_value_back_and_nothing_else(value: str) -> None:
    written = escaping.escape_script(value)
    assert re.fullmatch(r"(?:[A-Za-z0-9._:/-]|\\u[0-9A-F]{4})*", written)
    assert json.loads(f'"{written}"') == value


@given(hostile)
def test_a_script_survives_the_decoding_of_an_address(value: str) -> None:
    written = escaping.escape_script(value)
    assert unquote(written) == written


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"])))
def test_text_and_attributes_read_back_what_was_written(value: str) -> None:
    assert unescape(escaping.escape_text(value)) == value
    assert unescape(escaping.escape_attribute(value)) == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_percent_encoding_reads_back(value: str) -> None:
    assert unquote(escaping.percent_encode(value)) == value


@pytest.mark.parametrize("page", ["javascript:alert(1)", "data:text/html,x", "//evil", "", "x y"])
def test_a_page_that_is_no_web_address_is_left_out(page: str) -> None:
    template = compile_html('<a href="%%page%%">%%page%%</a>')
    assert template.render({"page": page}) == f'{NO_PEERS}<base target="_blank"><a href=""></a>'


def rendered(source: str, **values: str) -> str:
    document = compile_html(source).render(VALUES | values)
    return document.replace('<base target="_blank">', "").replace(NO_PEERS, "")


def test_a_click_at_the_start_of_an_address_stays_an_address() -> None:
    assert rendered('<a href="%%click%%">') == f'<a href="{CLICK}">'
    assert rendered("<a href=%%click%%>") == f"<a href={CLICK}>"


def test_a_root_relative_click_stays_one() -> None:
    assert rendered('<a href="%%click%%">', click="/c/0aB") == '<a href="/c/0aB">'


def test_a_click_inside_an_address_is_percent_encoded_once() -> None:
    encoded = "https%3A%2F%2Fads.example%2Fc%2F0aB-_9"
    for name in ("click", "CLICK_URL_UNESC", "CLICK_URL_ESC"):
        source = f'<a href="https://x.example/?next=%%{name}%%">'
        assert rendered(source) == f'<a href="https://x.example/?next={encoded}">'


def test_a_spelling_that_asks_for_two_encodings_gets_two() -> None:
    source = '<a href="https://x.example/?next=%%CLICK_URL_ESC_ESC%%">'
    assert "https%253A%252F%252Fads.example" in rendered(source)


def test_an_escaped_spelling_in_text_is_percent_encoded() -> None:
    assert rendered("<p>%%CLICK_URL_ESC%%</p>").startswith("<p>https%3A%2F%2Fads.example")


def test_a_click_in_a_script_reads_as_it_is_written() -> None:
    source = '<script>var clickTag = "%%click%%";</script>'
    assert rendered(source) == f'<script>var clickTag = "{CLICK}";</script>'


def test_what_google_creatives_write_behind_the_click_becomes_a_parameter() -> None:
    source = '<a href="%%CLICK_URL_UNESC%%https://shop.example/">'
    assert rendered(source) == f'<a href="{CLICK}?adurl=https://shop.example/">'


def test_googles_click_alone_is_the_click() -> None:
    assert rendered('<a href="%%CLICK_URL_UNESC%%">') == f'<a href="{CLICK}">'
    with_destination = rendered('<a href="%%CLICK_URL_UNESC%%%%DEST_URL%%">')
    assert with_destination == f'<a href="{CLICK}?adurl=">'


def test_googles_click_in_a_script_expects_a_destination() -> None:
    source = '<script>go("%%CLICK_URL_UNESC%%" + there)</script>'
    assert f'go("{CLICK}\\u003Fadurl\\u003D" + there)' in rendered(source)


def test_googles_spellings_say_the_same() -> None:
    assert rendered("<p>%%ADUNIT%% %%CACHEBUSTER%% %%DEST_URL%%</p>") == "<p>post-top 42 </p>"


def test_values_in_text_are_escaped() -> None:
    expected = "<p>https://blog.example/a?b=1&#38;c=&#60;d&#62;</p>"
    assert rendered("<p>%%page%%</p>") == expected


def test_comments_lose_their_macros() -> None:
    assert rendered("<!-- %%page%% %%click%% -->") == "<!--   -->"


def test_an_unknown_macro_and_a_missing_value_are_empty() -> None:
    assert compile_html("a%%nothing%%b%%slot%%c").render({}).endswith("abc")


def test_a_document_without_macros_is_itself() -> None:
    assert rendered("<p>100 % sure, 50%% off</p>") == "<p>100 % sure, 50%% off</p>"


def test_a_document_that_holds_the_mark_is_left_alone() -> None:
    assert rendered("zq0m0z %%slot%% ZQ1M0Z") == "zq0m0z post-top ZQ1M0Z"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<head><p>", "^<head>*<p>"),
        ("<!doctype html><html>\n<head lang=fr>\n", "<!doctype html>^<html>\n<head lang=fr>*\n"),
        ("<!DOCTYPE html>\n<p>", "<!DOCTYPE html>^*\n<p>"),
        ("<script>x</script><head>", "^<script>x</script><head>*"),
        ("<p>%%slot%%</p>", "^*<p>post-top</p>"),
        ("<!-- <head> --><p>", "^*<!-- <head> --><p>"),
        ("<script>'<head>'</script>", "^*<script>'<head>'</script>"),
        ("<header>", "^*<header>"),
        ("<p><!doctype html>", "^*<p><!doctype html>"),
        ("", "^*"),
    ],
)  # fmt: skip
def test_links_open_a_new_window_and_a_lock_comes_first(source: str, expected: str) -> None:
    document = compile_html(source).render(VALUES)
    whole = expected.replace("*", '<base target="_blank">').replace("^", NO_PEERS)
    assert document == whole


@pytest.mark.parametrize(
    ("attribute", "before", "where"),
    [
        ("href", "", Where.ADDRESS),
        ("href", " \n", Where.ADDRESS),
        ("href", "https://x/", Where.IN_ADDRESS),
        ("href", "mailto:", Where.IN_ADDRESS),
        ("href", "JavaScript:", Where.FORBIDDEN),
        ("href", "java\nscript:", Where.FORBIDDEN),
        ("href", "\x01javascript:", Where.FORBIDDEN),
        ("src", "data:text/html,", Where.FORBIDDEN),
        ("srcdoc", "", Where.FORBIDDEN),
        ("onclick", "", Where.HANDLER),
        ("style", "", Where.STYLE),
        ("title", "", Where.ATTRIBUTE),
    ],
)
def test_a_place_in_an_attribute(attribute: str, before: str, where: Where) -> None:
    assert place_in_attribute(attribute, before) is where


def test_what_html_parser_gives_up_on_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="unknown status keyword"):
        compile_html("<![unheard[ x ]]>")


@pytest.mark.parametrize("end", ["<a href='x", "<!-- %%slot%%", "</p", "<![CDATA[x"])
def test_a_tag_that_never_ends_is_a_value_error(end: str) -> None:
    with pytest.raises(ValueError, match="begins in line 2 and never ends"):
        compile_html(f"<p>\n{end}")


@pytest.mark.parametrize("end", ["a < b", "&amp", "<script>x < y", "<style>p"])
def test_other_loose_ends_are_read_as_browsers_read_them(end: str) -> None:
    assert rendered(f"<p>{end}") == f"<p>{end}"


@pytest.mark.parametrize("unit", ["<a ", "<!--", "<a href='", "</", "<![", "<a x=y", "<script>"])
def test_half_a_megabyte_of_beginnings_takes_no_time(unit: str) -> None:
    begun = time.perf_counter()
    with contextlib.suppress(ValueError):
        compile_html((unit * 500_000)[:500_000])
    assert time.perf_counter() - begun < 20


def test_holes_know_where_they_were_written() -> None:
    (hole,) = compile_html("<p>été %%slot%%</p>").holes
    assert hole.offset == 7
    assert hole.where is Where.TEXT


def test_find_macros_finds_known_and_unknown_ones() -> None:
    found = list(find_macros("https://x/?a=%%slot%%&b=%%PATTERN:key%%&c=%20%25"))
    assert found == [(13, "slot"), (24, "PATTERN:key")]


def test_links_know_our_words_only() -> None:
    assert LINK_MACROS == ("campaign", "creative", "slot", "random", "CACHEBUSTER", "ADUNIT")
    assert set(LINK_MACROS) < set(MACROS)


def test_a_link_is_filled_with_encoded_values() -> None:
    link = "https://x.example/?c=%%campaign%%&s=%%ADUNIT%%&n=%%random%%#%%creative%%"
    filled = fill_link(link, VALUES | {"campaign": "a&b=c/é"})
    assert filled == "https://x.example/?c=a%26b%3Dc%2F%C3%A9&s=post-top&n=42#riche"


def test_a_link_without_macros_is_itself() -> None:
    assert fill_link("https://x.example/%20", VALUES) == "https://x.example/%20"


def test_a_link_gets_nothing_of_what_it_does_not_know() -> None:
    assert fill_link("https://x.example/?%%page%%%%nothing%%%%slot%%", {"page": "p"}) == (
        "https://x.example/?"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_value_leaves_its_place_in_a_link(value: str) -> None:
    filled = fill_link("https://x.example/?s=%%slot%%&end", {"slot": value})
    assert re.fullmatch(r"https://x\.example/\?s=[A-Za-z0-9_.~%-]*&end", filled)
