"""What is read of a request: whatever is sent, the answer is a context."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import ContextKey, Device
from adserver.core.context import Context
from adserver.serving.headers import MAX_URL_CHARACTERS, visitor_headers
from adserver.serving.readings import MAX_READINGS, Reader, Reading
from adserver.serving.request import (
    MAX_CAPPED,
    MAX_PARAMETERS,
    MAX_QUERY_BYTES,
    MAX_VALUE_CHARACTERS,
    MAX_VALUES,
    Pages,
    page_address,
)
from tests.factories import catalog, site

SITES = {"blog": "https://blog.example/", "revue": "https://blog.example/revue"}
KEYS = (ContextKey("section", one_of=("tech", "café")), ContextKey("tags", many=True))
PAGES = Pages.of(catalog(site=site(sites=SITES, context=KEYS)))


def context(query: bytes | str = b"", **headers: str) -> Context:
    return reading(query, **headers).context


def reading(query: bytes | str = b"", **headers: str):
    raw = query.encode() if isinstance(query, str) else query
    sent = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return Reader(PAGES, {}).read({"query_string": raw, "headers": sent})


def said(made: Reading) -> tuple[object, ...]:
    return made.context, made.ignored, made.slots, made.site, made.flags, made.counts


def test_nothing_sent_is_a_context_of_defaults() -> None:
    assert reading().context == Context(language="fr")
    assert (reading().ignored, reading().slots) == ((), ())


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://blog.example", "blog"),
        ("https://blog.example/2026/a", "blog"),
        ("https://BLOG.example:443/a?q#f", "blog"),
        ("https://blog.example/revue", "revue"),
        ("https://blog.example/revue/1", "revue"),
        ("https://blog.example/revues", "blog"),
        ("http://blog.example/", ""),
        ("https://blog.example.evil/", ""),
        ("https://blog.example@evil/", ""),
        ("https://blog.example:8443/", ""),
        ("", ""),
    ],
)
def test_a_page_belongs_to_the_site_whose_address_begins_its_own(url: str, name: str) -> None:
    assert context(f"url={quote(url, safe='')}").site == name
    assert context(referer=url).site == name


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://Blog.Example/A?b#c", "https://blog.example/A"),
        ("http://h:80/x", "http://h/x"),
        ("http://h:8080/x", "http://h:8080/x"),
        ("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]/x"),
        ("https://u:p@h/x", "https://h/x"),
        ("https://Bücher.example./x", "https://xn--bcher-kva.example/x"),
        ("https://h\u2024.example/x", ""),
        ("javascript:alert(1)", ""),
        ("//h/x", ""),
        ("/x", ""),
        ("https://h:99999/x", ""),
        ("https://h:x/", ""),
        ("https://[::1", ""),
        ("https://", "https://"),
    ],
)
def test_a_page_is_its_scheme_host_and_path(url: str, address: str) -> None:
    assert page_address(url) == address


def test_a_page_that_names_itself_is_believed_before_the_referer() -> None:
    asked = context("url=https://blog.example/revue/1", referer="https://blog.example/other")
    assert asked.url == "https://blog.example/revue/1"


@pytest.mark.parametrize("none", ["", "junk", "data:text/html,x", "/relative"])
def test_what_is_no_address_of_a_page_is_as_if_none_had_been_given(none: str) -> None:
    asked = context(f"url={none}", referer="https://blog.example/other")
    assert asked.url == "https://blog.example/other"


def test_a_comma_in_a_page_address_stays() -> None:
    assert context("url=https://blog.example/a,b").url == "https://blog.example/a,b"


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("lang=en", "en"),
        ("lang=EN", "en"),
        ("lang=en-GB", "en"),
        ("lang=de", "fr"),
        ("lang=eng", "fr"),
        ("lang=", "fr"),
        ("lang=de&lang=en", "fr"),
    ],
)
def test_the_words_are_in_the_language_of_the_page(query: str, language: str) -> None:
    assert context(query).language == language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en", "en"),
        ("en-GB,fr;q=0.9", "en"),
        ("de,en;q=0.8,fr;q=0.9", "fr"),
        ("de;q=0.9, en;q=0.5", "en"),
        ("en;q=0", "fr"),
        ("en;q=x,de", "fr"),
        ("en;q=nan", "fr"),
        ("*", "fr"),
        ("de," * 20 + "en", "fr"),
        (";;,,;q=", "fr"),
    ],
)
def test_a_page_that_does_not_say_is_read_in_the_browsers_language(
    accepted: str, language: str
) -> None:
    assert context(accept_language=accepted).language == language
    assert context("lang=en", accept_language="fr").language == "en"


@pytest.mark.parametrize(
    ("query", "headers", "device"),
    [
        ("", {}, "desktop"),
        ("device=mobile", {"sec_ch_ua_mobile": "?0"}, "mobile"),
        ("device=fridge", {"sec_ch_ua_mobile": "?1"}, "mobile"),
        ("", {"sec_ch_ua_mobile": "?1", "user_agent": "Desktop"}, "mobile"),
        ("", {"sec_ch_ua_mobile": "?0", "user_agent": "x Mobile"}, "desktop"),
        ("", {"user_agent": "Mozilla/5.0 (iPhone) Mobile/15E148"}, "mobile"),
        ("", {"user_agent": "x" * 600 + "Mobi"}, "desktop"),
    ],
)
def test_a_device_is_said_hinted_or_guessed_in_this_order(
    query: str, headers: dict[str, str], device: str
) -> None:
    assert context(query, **headers).device is Device(device)


def test_consent_is_given_by_one_sign_and_taken_back_by_the_browsers() -> None:
    assert context("consent=1").consent
    assert not context("consent=true").consent
    assert not context("consent=1", sec_gpc="1").consent
    assert not context("consent=1", dnt="1").consent
    assert context("consent=1", dnt="0").consent


def test_a_prefetch_says_so() -> None:
    assert context(sec_purpose="prefetch").prefetch
    assert context(sec_purpose="prefetch;prerender").prefetch
    assert not context(sec_purpose="").prefetch


def test_lists_repeat_or_use_commas() -> None:
    assert context("exclude=a,b&exclude=c&exclude=,").excluded == {"a", "b", "c"}


def test_a_page_says_which_campaigns_its_browser_has_seen_to_their_cap() -> None:
    assert context("capped=a,b&capped=c").capped == {"a", "b", "c"}


def test_no_more_names_are_read_of_capped_than_the_limit() -> None:
    names = [f"c{n}" for n in range(MAX_CAPPED + 1)]
    assert reading(f"capped={','.join(names[:-1])}").ignored == ()
    cut = reading(f"capped={','.join(names)}")
    assert (cut.context.capped, cut.ignored) == (frozenset(names[:-1]), ("too_many_capped",))


@pytest.mark.parametrize("signal", ["sec_gpc", "dnt"])
def test_what_a_browser_has_seen_is_not_used_against_its_privacy_signal(signal: str) -> None:
    objecting = reading("capped=a,b", **{signal: "1"})
    assert (objecting.context.capped, objecting.ignored) == (frozenset(), ("privacy_signal",))
    assert objecting.context.private
    assert reading(**{signal: "1"}).ignored == ()
    assert not context("capped=a", **{signal: "0"}).private


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ("section=tech&tags=anything", ()),
        ("section=TECH", ()),
        ("section=caf%C3%A9", ()),
        ("section=cafe%CC%81", ()),
        ("section=sport", ("undeclared_value",)),
        ("zodiac=lion", ("undeclared_key",)),
        ("slots[]=a&slots[0]=b&__proto__=1", ("undeclared_key",) * 3),
        (f"lang={'x' * (MAX_VALUE_CHARACTERS + 1)}", ("unusable_value",)),
        (f"url=https://h/{'x' * MAX_URL_CHARACTERS}", ("unusable_value",)),
        ("lang=a%00b&device=%0d%0aSet-Cookie:x", ("unusable_value",) * 2),
        ("country=FRA", ("unusable_value",)),
        ("section=tech,caf%C3%A9", ("unusable_value",)),
        ("&".join(f"tags={n}" for n in range(MAX_PARAMETERS)), ()),
        ("&".join(f"tags={n}" for n in range(MAX_PARAMETERS + 1)), ("too_many",)),
        ("x" * (MAX_QUERY_BYTES + 1), ("too_long",)),
        ("&&&;;==&=&%&%zz", ("undeclared_key",) * 4),
    ],
)
def test_what_cannot_be_used_is_ignored_and_counted(query: str, ignored: tuple[str, ...]) -> None:
    assert reading(query).ignored == ignored


@pytest.mark.parametrize(
    ("query", "facts"),
    [
        ("", {}),
        ("section=TECH&tags=b,A&tags=a", {"section": ("tech",), "tags": ("a", "b")}),
        ("section=sport&tags=", {}),
        ("section=tech,caf%C3%A9", {"section": ("tech",)}),
        ("country=FR", {"country": ("fr",)}),
        ("country=FRA", {}),
        ("country=%C3%A9%C3%A9", {}),
        ("lang=fr-CA", {"lang": ("*", "fr", "fr-ca")}),
        ("lang=fr_CA", {}),
        ("lang=en&lang=de", {"lang": ("*", "en")}),
        ("unknown=x&consent=1&device=mobile", {}),
    ],
)
def test_facts_are_what_targeting_may_ask_for(
    query: str, facts: dict[str, tuple[str, ...]]
) -> None:
    assert dict(context(query).facts) == facts


def test_the_readers_language_stands_in_for_the_pages() -> None:
    assert context(accept_language="de;q=0.5,en-GB").facts == (("lang", ("*", "en", "en-gb")),)
    assert context("lang=fr", accept_language="en").facts == (("lang", ("*", "fr")),)
    assert context(accept_language="*").facts == ()


def test_values_of_a_key_are_bounded() -> None:
    found = reading(f"tags={','.join(str(n) for n in range(MAX_VALUES + 1))}")
    assert len(dict(found.context.facts)["tags"]) == MAX_VALUES
    assert found.ignored == ("too_many",)


def test_what_is_too_long_or_too_much_takes_nothing_with_it_but_itself() -> None:
    asked = context(f"lang=en&device=mobile&tags={'x' * 2_000}")
    assert (asked.language, asked.device) == ("en", Device.MOBILE)


def test_bytes_that_are_no_text_are_a_context() -> None:
    assert context(b"lang=\xff\xfe&url=\x80&%ff=%fe").language == "fr"


def test_a_long_referer_is_not_read() -> None:
    assert context(referer=f"https://blog.example/{'x' * MAX_URL_CHARACTERS}").url == ""


WORDS = ["url", "lang", "device", "exclude", "capped", "section", "tags", "slots"]
WORDS += ["[]", "=", "&", ",", "%"]
QUERIES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(WORDS) | st.text(max_size=5)).map("".join).map(str.encode),
)
HEADERS = st.dictionaries(
    st.sampled_from([b"referer", b"user-agent", b"accept-language", b"dnt", b"sec-purpose"]),
    st.binary(max_size=60) | st.binary(max_size=40).map(b"https://".__add__),
)


@given(QUERIES, HEADERS)
def test_any_bytes_are_a_context(query: bytes, headers: dict[bytes, bytes]) -> None:
    scope = {"query_string": query, "headers": list(headers.items())}
    found = Reader(PAGES, {}).read(scope)
    assert found.context.language in {"fr", "en"}
    assert found.context.site in {"", *SITES}
    assert "?" not in found.context.url
    assert set(found.ignored) <= {
        "undeclared_key",
        "undeclared_value",
        "unusable_value",
        "too_many",
        "too_many_capped",
        "too_long",
        "privacy_signal",
    }


@given(QUERIES, HEADERS, QUERIES, HEADERS)
def test_a_reader_remembers_what_it_would_read_again(
    query: bytes, headers: dict[bytes, bytes], other: bytes, others: dict[bytes, bytes]
) -> None:
    reader = Reader(PAGES, {})
    for _ in range(2):
        for raw, lines in ((query, headers), (other, others)):
            scope = {"query_string": raw, "headers": list(lines.items())}
            assert said(reader.read(scope)) == said(Reader(PAGES, {}).read(scope))


def test_what_a_reader_remembers_is_bounded() -> None:
    reader = Reader(PAGES, {})
    first = reader.read({"query_string": b"tags=0", "headers": []})
    assert reader.read({"query_string": b"tags=0", "headers": []}) is first
    for n in range(MAX_READINGS):
        reader.read({"query_string": b"tags=x%d" % n, "headers": []})
    assert reader.read({"query_string": b"tags=0", "headers": []}) is not first
    long = {"query_string": b"tags=" + b"x" * 2_000, "headers": []}
    assert reader.read(long) is not reader.read(long)


def test_a_trusted_server_speaks_for_its_visitors_browser() -> None:
    own = {b"user-agent": b"python", b"sec-ch-ua-mobile": b"?0"}
    assert visitor_headers({"user_agent": "é Mobile"}, own) == {b"user-agent": "é Mobile".encode()}
    assert visitor_headers({"user_agent": 3}, own) == own
    assert visitor_headers({"ip": "1.2.3.4"}, own) == own
    lone = visitor_headers({"user_agent": "\ud800"}, own)
    assert lone[b"user-agent"] == b"?"
